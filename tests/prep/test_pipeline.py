"""A list of named steps: checked when built, the same wherever it runs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medlens.core import Array, Geometry, Image, PrepError, RecipeError, Voi
from medlens.prep import build_pipeline
from medlens.recipe.settings import Step

from .phantoms import disc, image_of

DEFAULT = [
    Step("crop_border"),
    Step("to_grey"),
    Step("clahe", {"clip": 3.0}),
    Step("resize", {"height": 32, "width": 48, "mode": "fit"}),
]


def radiograph() -> Image:
    """A 16-bit image with 12 bits used, and a window."""
    return image_of(
        np.rint(disc(80) * 4000).astype(np.uint16),
        bits_stored=12,
        voi=Voi(center=2000, width=4000),
        geometry=Geometry.from_parts(spacing=(1, 0.2, 0.2)),
    )


def test_prepared_images_are_what_a_network_takes() -> None:
    prepared = build_pipeline(DEFAULT)(radiograph())
    assert prepared.array.shape == (1, 1, 32, 48)
    assert prepared.array.dtype == np.float32
    assert prepared.array.flags.c_contiguous
    assert prepared.stage == "windowed"
    assert 0 <= prepared.array.min() < prepared.array.max() <= 1


def test_the_same_steps_give_the_same_bits() -> None:
    first = build_pipeline(DEFAULT)
    # the written-out steps, as they stand in a bundle, rebuild the pipeline
    second = build_pipeline(first.steps)
    assert second.steps == first.steps
    a, b = first(radiograph()), second(radiograph())
    np.testing.assert_array_equal(a.array, b.array)
    np.testing.assert_array_equal(a.geometry.affine, b.geometry.affine)


def test_display_comes_first_where_no_step_maps_onto_0_to_1() -> None:
    assert [step.name for step in build_pipeline([]).steps] == ["display"]
    names = [step.name for step in build_pipeline(DEFAULT).steps]
    assert names == ["display", "crop_border", "to_grey", "clahe", "resize"]
    filled = build_pipeline([Step("fill_invalid"), Step("resize")])
    assert [step.name for step in filled.steps][:2] == ["fill_invalid", "display"]
    own = build_pipeline([Step("median"), Step("percentile")])
    assert [step.name for step in own.steps] == ["median", "percentile"]


@pytest.mark.parametrize(
    ("steps", "words"),
    [
        ([Step("claeh")], r"prep\.steps\[0\]\.name 'claeh' is unknown; nearest: clahe"),
        (
            [Step("display"), Step("gaussian", {"sigm": 2.0})],
            r"recipe\.toml: prep\.steps\[1\]\.sigm is unknown; nearest: sigma",
        ),
        ([Step("resize", {"height": 0})], r"height is 0; wanted an integer in 1\.\."),
        (
            [Step("display"), Step("window", {"preset": "lung"})],
            r"prep\.steps\[1\]: 'window' needs stored .* 'display' has mapped",
        ),
        (
            [Step("invert"), Step("display")],
            r"prep\.steps\[0\]: 'invert' needs values in 0\.\.1; put 'display'",
        ),
        ([Step("median"), Step("fill_invalid")], "'fill_invalid' must be the first"),
        ([Step("median")] * 65, "has 65 steps; wanted at most 64"),
    ],
)
def test_wrong_recipes_fail_when_built(steps: list[Step], words: str) -> None:
    with pytest.raises(RecipeError, match=words):
        build_pipeline(steps)


@pytest.mark.parametrize("shape", [(1, 1, 1, 1), (1, 1, 1, 50), (1, 0, 4, 4)])
def test_images_too_small_are_refused(shape: tuple[int, ...]) -> None:
    image = image_of(np.zeros(shape, np.uint8))
    with pytest.raises(PrepError, match=r"case 1: image is .* wanted at least 2×2"):
        build_pipeline([])(image)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_invalid_pixels_are_refused_or_filled(bad: float) -> None:
    values = disc(16).copy()
    values[3, 4] = bad
    values[0, 0] = np.inf
    image = image_of(values, stage="rescaled")
    with pytest.raises(PrepError, match=r"case 1: 2 of 256 pixels are NaN or infinite"):
        build_pipeline([])(image)
    filled = build_pipeline([Step("fill_invalid", {"value": 0.0})])(image)
    assert filled.array[0, 0, 3, 4] == 0


def test_an_image_without_a_finite_pixel_is_refused() -> None:
    image = image_of(np.full((4, 4), np.nan, np.float32))
    with pytest.raises(PrepError, match="case 1: no pixel is finite"):
        build_pipeline([Step("fill_invalid")])(image)


@pytest.mark.parametrize(
    ("name", "channels"), [("to_hsv", 1), ("to_lab", 1), ("stains", 2), ("to_grey", 2)]
)
def test_wrong_channels_are_named(name: str, channels: int) -> None:
    image = image_of(np.stack([np.rint(disc(8) * 255).astype(np.uint8)] * channels))
    words = f"case 1: step '{name}' needs 3 channels .RGB., found {channels}"
    with pytest.raises(PrepError, match=words):
        build_pipeline([Step(name)])(image)


def test_a_channel_that_is_not_there_is_named() -> None:
    with pytest.raises(PrepError, match=r"wants channel 2, the image has 1"):
        build_pipeline([Step("select_channel", {"index": 2})])(radiograph())


def test_dab_by_macenko_is_refused() -> None:
    rgb = image_of(np.stack([np.rint(disc(8) * 255).astype(np.uint8)] * 3))
    step = Step("stains", {"method": "macenko", "keep": ["dab"]})
    with pytest.raises(PrepError, match="macenko finds hematoxylin and eosin only"):
        build_pipeline([step])(rgb)


def test_pixels_that_are_no_numbers_are_refused() -> None:
    image = image_of(np.zeros((4, 4), np.complex64))
    with pytest.raises(PrepError, match="pixels are of type complex64"):
        build_pipeline([])(image)


def test_failures_inside_a_step_name_the_case() -> None:
    pipeline = build_pipeline([Step("median")])

    def fail(image: Image) -> Image:  # noqa: ARG001
        raise ValueError("inner detail")

    broken = replace(pipeline, functions=(pipeline.functions[0], fail))
    with pytest.raises(PrepError, match="case 1: step 'median' failed on 1×1×80×80"):
        broken(radiograph())


@given(
    st.sampled_from(
        ["uint8", "uint16", "int16", "int32", "float32", "float64", "bool", ">u2"]
    ),
    st.integers(2, 40),
    st.integers(2, 40),
    st.sampled_from([1, 3]),
    st.integers(0, 1000),
)
@settings(max_examples=60, deadline=None)
def test_any_image_comes_out_right_or_with_a_reason(
    dtype: str, h: int, w: int, channels: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    values: Array = rng.integers(0, 2 if seed % 3 else 200, (channels, 1, h, w))
    image = image_of(values.astype(dtype), bits_stored=16)
    prepared = build_pipeline(DEFAULT)(image)
    assert prepared.array.shape == (1, 1, 32, 48)
    assert np.isfinite(prepared.array).all()


def test_a_volume_is_prepared_slice_by_slice() -> None:
    steps = [Step("fixed_range", {"high": 1.0}), *DEFAULT[2:]]
    slices = np.stack([disc(64), disc(64)[:, ::-1] ** 2])
    volume = build_pipeline(steps)(image_of(slices[None], stage="rescaled"))
    assert volume.array.shape == (1, 2, 32, 48)
    for k in range(2):
        alone = build_pipeline(steps)(image_of(slices[k], stage="rescaled"))
        np.testing.assert_array_equal(volume.array[:, k : k + 1], alone.array)
