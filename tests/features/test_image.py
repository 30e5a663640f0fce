"""A whole row of features."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from medlens.core import Geometry, Image, PrepError, Provenance, UsageError
from medlens.features import FEATURES, measure, measure_image, measure_many

RNG = np.random.default_rng(4)


def textured(shape: tuple[int, ...] = (60, 48)) -> np.ndarray:
    import cv2

    noise = np.random.default_rng(1).normal(size=shape[-2:])
    return cv2.GaussianBlur(noise, (0, 0), 1.5) * 100 + 50


def test_names_are_stable_and_in_order():
    assert list(measure(textured())) == list(FEATURES)


@given(
    hnp.arrays(
        st.sampled_from([np.uint8, np.int16, np.float32, np.bool_]),
        st.tuples(st.integers(1, 12), st.integers(1, 12)),
        elements={"allow_nan": False, "allow_infinity": False},
    )
)
@settings(max_examples=60, deadline=None)
def test_any_small_image_gives_finite_values(array):
    if array.dtype.kind == "f":
        array = np.clip(array, -1e29, 1e29)
    row = measure(array)
    assert list(row) == list(FEATURES)
    assert np.isfinite(list(row.values())).all()


@pytest.mark.parametrize("value", [0, 0.1, -5, 1e30])
def test_constant_image(value):
    row = measure(np.full((20, 30), value))
    assert np.isfinite(list(row.values())).all()
    assert row["stat_variance"] == row["edge_scharr_mean"] == row["glcm_contrast"] == 0
    assert row["shape_area_share"] == 1


def test_turning_by_a_right_angle():
    image = textured()
    before, after = measure(image), measure(np.rot90(image).copy())
    turning = ("hog_", "gabor_", "wavelet_", "shape_bounding", "edge_orientation_")
    for name, value in before.items():
        if name.startswith(turning) and name != "edge_orientation_entropy":
            continue
        tolerance = 0.02 if "canny" in name else 1e-8
        assert after[name] == pytest.approx(value, rel=1e-7, abs=tolerance), name


def test_brightness_leaves_texture_alone():
    image = RNG.integers(0, 255, size=(40, 40))
    before, after = measure(image), measure(image.astype(float) * 4 + 1000)
    for name in before:
        if name.startswith(("glcm", "glrlm", "lbp", "ih_", "shape", "hog", "wavelet")):
            assert after[name] == pytest.approx(before[name], abs=1e-9), name


def test_types_of_the_same_numbers_agree():
    image = RNG.integers(0, 255, size=(30, 30)).astype(np.uint8)
    expected = measure(image)
    for dtype in (np.uint16, np.int32, np.float32, np.float64):
        assert measure(image.astype(dtype)) == expected
    assert measure(image[None]) == expected
    assert measure(np.asfortranarray(image)) == expected


def test_rgb_of_equal_channels_is_the_grey_image():
    image = RNG.integers(1, 255, size=(30, 30)).astype(float)
    grey, coloured = measure(image), measure(np.stack([image] * 3))
    for name in FEATURES:
        assert coloured[name] == pytest.approx(grey[name], rel=1e-6, abs=1e-6), name


def test_spacing_changes_lengths_only():
    image = textured()
    here, there = measure(image), measure(image, spacing=(0.5, 0.5))
    assert there["shape_area"] == pytest.approx(here["shape_area"] / 4)
    assert there["shape_perimeter"] == pytest.approx(here["shape_perimeter"] / 2)
    same = [name for name in FEATURES if not name.startswith("shape_")]
    assert all(here[name] == there[name] for name in same)


def test_mask_measures_the_masked_part():
    image = textured()
    mask = np.zeros(image.shape, dtype=np.uint8)
    mask[10:30, 8:40] = 255
    row = measure(image, mask=mask)
    alone = measure(image[10:30, 8:40], mask=np.ones((20, 32)))
    assert row["shape_area"] == 20 * 32
    for name in FEATURES:
        if name.startswith(("stat", "ih", "ivh", "gl", "ng", "colour", "hog")):
            assert row[name] == pytest.approx(alone[name], rel=1e-9, abs=1e-9), name


def image_of(array, *, calibrated=True) -> Image:
    geometry = Geometry.from_parts(spacing=(3.0, 0.5, 0.25), is_calibrated=calibrated)
    return Image(array, geometry, provenance=Provenance(case="a/b.dcm"))


def test_image_brings_its_spacing():
    array = textured()
    volume = array[None, None]
    row = measure_image(image_of(volume))
    assert row == measure(array, spacing=(0.5, 0.25))
    assert measure_image(image_of(volume, calibrated=False)) == measure(array)


def test_volume_is_refused():
    volume = image_of(np.zeros((1, 4, 8, 8)))
    with pytest.raises(PrepError, match=r"a/b.dcm: image has 4 slices; measure takes"):
        measure_image(volume)
    with pytest.raises(PrepError, match=r"image has 4 slices"):
        list(measure_many([("a/b.dcm", volume)]))


def test_many_streams_and_goes_on_after_a_failure():
    def images():
        yield "good", textured()
        yield "bad", np.full((4, 4), np.nan)
        yield "also good", image_of(textured()[None, None])

    failed = []
    rows = list(measure_many(images(), on_failure=lambda case, _: failed.append(case)))
    assert [case for case, _ in rows] == ["good", "also good"]
    assert failed == ["bad"]
    assert rows[0][1] == measure(textured())
    with pytest.raises(PrepError, match="bad: 16 of 16 pixels are NaN"):
        list(measure_many(images()))


def test_many_makes_large_images_smaller_and_keeps_lengths():
    rows, columns = np.mgrid[0:300, 0:200]
    image = (np.hypot(rows - 150, columns - 100) < 60).astype(np.float32)
    [(_, row)] = measure_many([("a", image)], max_side=150)
    assert row["shape_perimeter"] == pytest.approx(2 * np.pi * 60, rel=0.03)
    assert row["shape_thickness_maximum"] == pytest.approx(30, abs=1.5)
    calibrated = image_of(image[None, None])
    [(_, row)] = measure_many([("a", calibrated)], max_side=150)
    assert row["shape_area"] == pytest.approx(np.pi * 3600 * 0.125, rel=0.02)


@pytest.mark.parametrize(
    "array", [np.zeros((9, 600, 600)), np.zeros((600, 600), object), np.zeros(600)]
)
def test_many_refuses_what_is_no_image(array):
    with pytest.raises(PrepError, match=r"^a: "):
        list(measure_many([("a", array)]))


def test_extremes_of_floating_point_stay_finite():
    image = np.zeros((40, 40))
    image[::2] = 5e-324
    image[3, 3], image[7, 7] = 1e30, -1e30
    for array in (image, image[:2], np.clip(image, -1, 1) * 5e-324):
        assert np.isfinite(list(measure(array).values())).all()


def test_max_side_out_of_range():
    with pytest.raises(UsageError, match="max_side is 3; wanted 16 or more"):
        list(measure_many([("a", textured())], max_side=3))


def test_real_radiographs(shared_data: Path):
    import cv2

    folder = shared_data / "xray_pneumonia"
    if not folder.is_dir():
        pytest.skip("xray_pneumonia not found under the folder of real images")
    with (folder / "labels.csv").open(encoding="utf-8", newline="") as file:
        names = [row["image"] for row in csv.DictReader(file)][::200]
    for name in names:
        row = measure(cv2.imread(str(folder / name), cv2.IMREAD_GRAYSCALE))
        values = np.array(list(row.values()))
        assert np.isfinite(values).all()
        assert 0 < row["edge_canny_density"] < 0.5
        assert 0.1 < row["shape_area_share"] < 0.9
