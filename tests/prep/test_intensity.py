"""Stored and rescaled values onto 0..1."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medlens.core import PrepError, Voi
from medlens.prep.intensity import (
    WINDOW_PRESETS,
    display,
    invert,
    multi_window,
    percentile,
    percentiles,
    unit,
    window,
)
from medlens.prep.pipeline import build_pipeline
from medlens.recipe.settings import Step

from .phantoms import image_of, windowed

RAMP = np.arange(4096, dtype=np.uint16).reshape(64, 64)


def test_display_obeys_the_files_window() -> None:
    image = image_of(RAMP, voi=Voi(center=2048, width=4096), bits_stored=12)
    shown = display(image)
    np.testing.assert_allclose(shown.array[0, 0], RAMP / 4095, atol=1e-6)
    assert (shown.stage, shown.voi, shown.array.dtype) == ("windowed", None, np.float32)


def test_display_of_8_bits_is_the_valid_range() -> None:
    image = image_of(np.array([[3, 130], [77, 255]], dtype=np.uint8))
    np.testing.assert_allclose(
        display(image).array[0, 0], np.array([[3, 130], [77, 255]]) / 255, atol=1e-7
    )


def test_display_of_8_bits_is_the_valid_range_after_a_resize_too() -> None:
    grey = np.linspace(90, 110, 256).reshape(16, 16).astype(np.uint8)
    image = image_of(grey, valid_min=0.0, valid_max=255.0)
    half = {"height": 8, "width": 8}
    late = build_pipeline([Step("resize", half), Step("display")])(image)
    early = build_pipeline([Step("display"), Step("resize", half)])(image)
    np.testing.assert_allclose(late.array, early.array, atol=1e-6)


def test_display_of_deep_images_uses_percentiles() -> None:
    hot = RAMP.copy()
    hot[0, :5] = 65535  # a handful of hot pixels must not darken the image
    shown = display(image_of(hot), low=0.5, high=99.5).array[0, 0]
    low, high = np.percentile(hot, [0.5, 99.5])
    wanted = np.clip((hot - low) / (high - low), 0, 1)
    np.testing.assert_allclose(shown, wanted, atol=1e-3)


def test_display_leaves_windowed_values_alone() -> None:
    image = windowed(np.linspace(0, 1, 16).reshape(4, 4))
    np.testing.assert_array_equal(display(image).array, image.array)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int16])
def test_percentiles_of_integers_are_the_sorted_values(dtype: type) -> None:
    info = np.iinfo(dtype)
    rng = np.random.default_rng(2)
    values = rng.integers(info.min, info.max, 10001).astype(dtype)
    # with 10,001 values percentile p has rank p·100.01, inverted-CDF definition
    wanted = np.percentile(values, [0.5, 50, 99.5], method="inverted_cdf")
    assert percentiles(values, (0.5, 50, 99.5)) == wanted.tolist()


def test_percentiles_of_a_huge_float_image_use_a_sample() -> None:
    values = np.linspace(0, 1, 3 << 20, dtype=np.float32)
    np.testing.assert_allclose(percentiles(values, (10, 90)), [0.1, 0.9], atol=1e-5)


def test_constant_images_become_black() -> None:
    flat = image_of(np.full((8, 8), 700, np.uint16))
    assert percentile(flat).array.max() == 0
    assert display(flat).array.max() == 0


def test_unit_of_signed_values_without_a_range() -> None:
    image = image_of(np.array([[-1000, 0], [500, 3000]], np.int16), stage="rescaled")
    np.testing.assert_allclose(unit(image).array.reshape(-1), [0, 0.25, 0.375, 1])


def test_unit_of_signed_8_bit_values_uses_the_valid_range() -> None:
    image = image_of(
        np.array([[0, 50], [100, 20]], np.int16),
        bits_stored=7,
        valid_min=0.0,
        valid_max=200.0,
    )
    np.testing.assert_allclose(unit(image).array.reshape(-1), [0, 0.25, 0.5, 0.1])


def test_named_window_by_hand() -> None:
    # brain: 40 ± 40 HU
    image = image_of(np.array([[0, 40], [60, 80]], np.int16), stage="rescaled")
    np.testing.assert_allclose(
        window(image, preset="brain").array.reshape(-1), [0, 0.5, 0.75, 1], atol=1e-7
    )


def test_multi_window_is_its_windows_stacked() -> None:
    values = np.linspace(-1000, 2000, 4900).reshape(70, 70).astype(np.int16)
    image = image_of(values, stage="rescaled")
    names = ["brain", "lung", "bone"]
    stacked = multi_window(image, presets=names)
    assert stacked.array.shape == (3, 1, 70, 70)
    for channel, name in zip(stacked.array, names, strict=True):
        np.testing.assert_array_equal(channel, window(image, preset=name).array[0])


def test_every_preset_has_a_positive_width() -> None:
    assert all(width > 0 for _, width in WINDOW_PRESETS.values())


def test_a_window_needs_a_width() -> None:
    with pytest.raises(PrepError, match=r"case 1: step 'window' has width 0; give"):
        window(image_of(RAMP))


def test_ct_presets_are_refused_on_8_bit_pictures() -> None:
    with pytest.raises(PrepError, match=r"'brain' is in Hounsfield units.*8-bit"):
        window(image_of(np.zeros((4, 4), np.uint8)), preset="brain")


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        ({"valid_min": 0.0, "valid_max": 65535.0}, "stored values of 16 bits that are"),
        ({"stage": "rescaled", "modality": "MR"}, "values of modality MR"),
    ],
)
def test_ct_presets_are_refused_where_no_value_is_in_hu(
    fields: dict[str, Any], found: str
) -> None:
    image = image_of(RAMP, **fields)
    with pytest.raises(PrepError, match=f"'brain' is in Hounsfield units.*{found}"):
        window(image, preset="brain")


def test_ct_presets_take_rescaled_ct_and_signed_stacks() -> None:
    values = RAMP.astype(np.int16) - 1024
    for fields in ({"stage": "rescaled", "modality": "CT"}, {"valid_min": -32768.0}):
        shown = window(image_of(values, **fields), preset="mediastinum").array
        assert (shown.min(), shown.max()) == (0, 1)


def test_multi_window_needs_grey() -> None:
    with pytest.raises(
        PrepError, match=r"needs 1 channel, found 3; put step 'to_grey'"
    ):
        multi_window(image_of(np.zeros((3, 4, 4), np.int16), stage="rescaled"))


def test_inverting_twice_is_the_same() -> None:
    image = windowed(np.linspace(0, 1, 25).reshape(5, 5))
    np.testing.assert_allclose(invert(invert(image)).array, image.array, atol=1e-7)


@given(st.lists(st.integers(0, 65535), min_size=4, max_size=64), st.data())
@settings(max_examples=40, deadline=None)
def test_intensity_steps_keep_the_order_of_values(
    values: list[int], data: st.DataObject
) -> None:
    row = np.array(sorted(values), dtype=np.uint16)[None].repeat(2, axis=0)
    step = data.draw(st.sampled_from([display, unit, percentile]))
    shown = step(image_of(row)).array[0, 0, 0]
    assert (np.diff(shown) >= 0).all()
    assert shown.min() >= 0
    assert shown.max() <= 1
