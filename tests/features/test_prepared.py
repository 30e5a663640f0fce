"""The chain from a scan to features: grid, rounding, re-segmentation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medlens.core import (
    Geometry,
    Image,
    PrepError,
    Provenance,
    ResourceError,
    UsageError,
)
from medlens.features import (
    VOLUME_FEATURES,
    VolumeSettings,
    measure_region,
    measure_volume,
    measure_volume_image,
)
from medlens.features.resample import MAX_OUTPUT, resample_region

SPACING = (3.0, 1.0, 1.5)


def ramp(shape, spacing) -> np.ndarray:
    """A value that is linear in mm: both kernels must keep it."""
    d, h, w = np.meshgrid(
        *(np.arange(n) * mm for n, mm in zip(shape, spacing, strict=True)),
        indexing="ij",
    )
    return 2 * d - 3 * h + 0.5 * w + 7


def box_mask(shape=(12, 30, 24)) -> np.ndarray:
    mask = np.zeros(shape, dtype=np.uint8)
    mask[4:9, 9:21, 7:17] = 1
    return mask


@pytest.mark.parametrize("kernel", ["linear", "cubic"])
@pytest.mark.parametrize("to_mm", [0.8, 2.0])
def test_a_ramp_stays_a_ramp(kernel, to_mm):
    mask = np.zeros((40, 90, 70))
    mask[18:23, 40:52, 30:42] = 1
    values, inside = resample_region(
        ramp(mask.shape, SPACING),
        mask,
        spacing=SPACING,
        to_mm=to_mm,
        kernel=kernel,
        case="x",
    )
    for axis, slope in enumerate((2, -3, 0.5)):
        # Planes far from the array's end, where values are held.
        steps = np.diff(values, axis=axis)
        middle = tuple(slice(n // 3, 2 * n // 3) for n in steps.shape)
        assert steps[middle] == pytest.approx(slope * to_mm, rel=1e-4)
    volume = inside.sum() * to_mm**3
    assert volume == pytest.approx(mask.sum() * np.prod(SPACING), rel=0.2)


@pytest.mark.parametrize("to_mm", [1.0, 2.0])
def test_the_grid_is_centred_as_in_the_manual(to_mm):
    """Against the whole grid of IBSI section 2.4, voxel by voxel."""
    from scipy.ndimage import map_coordinates

    array = np.random.default_rng(3).normal(size=(12, 30, 24))
    mask = box_mask()
    shape = [
        int(np.ceil(n * mm / to_mm)) for n, mm in zip(mask.shape, SPACING, strict=True)
    ]
    places = [
        ((np.arange(new) - (new - 1) / 2) * to_mm / mm + (old - 1) / 2)
        for new, old, mm in zip(shape, mask.shape, SPACING, strict=True)
    ]
    grid = np.stack(np.meshgrid(*places, indexing="ij"))
    whole = map_coordinates(array, grid, order=1, mode="nearest")
    kept = (
        map_coordinates(mask.astype(float), grid, order=1, mode="nearest") >= 0.5 - 1e-6
    )
    values, inside = resample_region(
        array, mask, spacing=SPACING, to_mm=to_mm, kernel="linear", case="x"
    )
    assert values[inside] == pytest.approx(whole[kept], abs=1e-9)


def test_cropping_does_not_change_a_spline():
    array = np.random.default_rng(3).normal(size=(60, 60, 60))
    mask = np.zeros(array.shape)
    mask[28:33, 27:34, 28:33] = 1
    options = {"spacing": (1.0,) * 3, "to_mm": 0.75, "kernel": "cubic", "case": "x"}
    here, inside = resample_region(array, mask, **options)
    # Padding by 3 mm a side moves the new grid by four whole voxels of 0.75 mm.
    there, same = resample_region(np.pad(array, 3), np.pad(mask, 3), **options)
    assert there[same] == pytest.approx(here[inside], abs=1e-6)


def test_settings_that_change_nothing():
    array, mask = ramp((12, 30, 24), SPACING), box_mask()
    assert measure_region(array, mask=mask, spacing=SPACING) == measure_volume(
        array, mask=mask, spacing=SPACING
    )


def test_range_and_outliers_leave_the_shape_alone():
    array, mask = ramp((12, 30, 24), SPACING), box_mask()
    array[5, 10, 10] = 900.0
    plain = measure_region(array, mask=mask, spacing=SPACING)
    limited = measure_region(
        array,
        mask=mask,
        spacing=SPACING,
        settings=VolumeSettings(intensity_range=(-30.0, 20.0)),
    )
    trimmed = measure_region(
        array, mask=mask, spacing=SPACING, settings=VolumeSettings(outlier_sigma=3.0)
    )
    assert plain["stat_maximum"] == 900 > trimmed["stat_maximum"]
    assert limited["stat_minimum"] >= -30
    assert limited["stat_maximum"] <= 20
    assert plain["morph_volume"] == limited["morph_volume"] == trimmed["morph_volume"]


def test_outliers_of_a_constant_region():
    array, mask = np.full((12, 30, 24), 0.1), box_mask()
    row = measure_region(
        array, mask=mask, spacing=SPACING, settings=VolumeSettings(outlier_sigma=1.0)
    )
    assert row["stat_mean"] == pytest.approx(0.1)


@settings(max_examples=10, deadline=None)
@given(shift=st.integers(-500, 500), factor=st.floats(0.5, 20))
def test_texture_of_fixed_bin_number_ignores_unit(shift, factor):
    array = np.random.default_rng(1).integers(0, 99, size=(12, 30, 24)).astype(float)
    chosen = VolumeSettings(voxel_mm=2.5)
    options = {"mask": box_mask(), "spacing": SPACING, "settings": chosen}
    here = measure_region(array, **options)
    there = measure_region(array * factor + shift, **options)
    # A value that lies on the edge of two levels may fall to either.
    for name in ("glcm_correlation", "ih_entropy", "glrlm_run_percentage"):
        assert there[name] == pytest.approx(here[name], rel=0.02), name


def test_an_image_brings_its_spacing():
    array, mask = ramp((12, 30, 24), SPACING) + 0.3, box_mask()
    image = Image(
        array[None],
        Geometry.from_parts(spacing=SPACING),
        modality="CT",
        provenance=Provenance(case="lung"),
    )
    row = measure_volume_image(image, mask)
    assert list(row) == list(VOLUME_FEATURES)
    assert row["stat_minimum"] == np.rint(array[mask > 0].min())
    assert row["morph_volume_counted"] == pytest.approx(mask.sum() * 4.5)


def test_images_that_have_no_volume_features():
    provenance = Provenance(case="lung")
    film = Image(np.zeros((1, 2, 3, 4)), Geometry.uncalibrated(), provenance=provenance)
    with pytest.raises(PrepError, match="lung: the image has no physical spacing"):
        measure_volume_image(film, np.ones((2, 3, 4)))
    colour = Image(
        np.zeros((3, 2, 3, 4)),
        Geometry.from_parts(spacing=(1, 1, 1)),
        provenance=provenance,
    )
    with pytest.raises(PrepError, match="lung: image has 3 channels"):
        measure_volume_image(colour, np.ones((2, 3, 4)))


def test_what_cannot_be_measured():
    array, mask = ramp((12, 30, 24), SPACING), box_mask()
    speck = np.zeros(mask.shape)
    speck[5, 5, 5] = 1

    def measure(values=array, region=mask, **chosen):
        measure_region(
            values,
            mask=region,
            spacing=SPACING,
            settings=VolumeSettings(**chosen),
            case="lung",
        )

    with pytest.raises(PrepError, match="vanishes in voxels of 30 mm"):
        measure(region=speck, voxel_mm=30.0)
    with pytest.raises(PrepError, match="no voxel of the region lies in the intensity"):
        measure(intensity_range=(5000.0, 6000.0))
    with pytest.raises(PrepError, match=r"lung: array has shape \(4, 4\)"):
        measure(values=np.zeros((4, 4)))
    with pytest.raises(PrepError, match="lung: mask has shape"):
        measure(region=mask[1:])
    with pytest.raises(PrepError, match="lung: mask is empty"):
        measure(region=mask * 0)
    holed = array.copy()
    holed[5, 8, 8] = np.nan
    with pytest.raises(PrepError, match=r"lung: 1 of .* voxels in and around"):
        measure(values=holed, voxel_mm=2.0)
    with pytest.raises(ResourceError, match=rf"at most {MAX_OUTPUT} are measured"):
        measure(voxel_mm=0.02)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"voxel_mm": 0.0}, r"voxel_mm is 0\.0; wanted a number above 0"),
        ({"bin_width": float("nan")}, "bin_width is nan"),
        ({"ivh_width": -1.0}, r"ivh_width is -1\.0"),
        ({"kernel": "sinc"}, "kernel is 'sinc'; wanted linear or cubic"),
        ({"intensity_range": (5.0, 5.0)}, "wanted two numbers, the lower first"),
    ],
)
def test_settings_out_of_range(wrong, message):
    with pytest.raises(UsageError, match=message):
        VolumeSettings(**wrong)


def test_calibrated_volume_histogram_by_hand():
    # Ten voxels of 0 HU, ten of 10, twenty of 30; bins of 10 from -5.
    values = np.repeat([0.0, 10.0, 30.0], [10, 10, 20]).reshape(4, 2, 5)
    row = measure_volume(
        values, mask=np.ones(values.shape), spacing=(1, 1, 1), ivh_width=10.0
    )
    # At least 10 % of the range 0..30 (bins 0..3): bin 10 and above, 30 of 40.
    assert row["ivh_volume_at_10"] == 0.75
    assert row["ivh_volume_at_90"] == 0.5
    # No bin is reached by at most 10 %: the highest stands for it.
    assert row["ivh_intensity_at_10"] == 30
    assert row["ivh_intensity_at_90"] == 10
    assert row["ivh_intensity_difference"] == 20
    with pytest.raises(UsageError, match="choose another ivh_width"):
        measure_volume(
            values, mask=np.ones(values.shape), spacing=(1, 1, 1), ivh_width=1e-7
        )
