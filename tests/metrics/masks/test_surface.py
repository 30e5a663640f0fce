"""Surface distances against brute force, MONAI and geometry."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medlens.core import PrepError, UsageError
from medlens.metrics.masks import SurfaceScores, compare_surfaces
from medlens.metrics.masks.elements import element_sizes, find_codes
from tests.metrics.masks.phantoms import (
    blobs,
    ellipsoid,
    slow_border,
    slow_distances,
)

SPACINGS = [(1.0, 1.0, 1.0), (3.0, 0.7, 0.7), (0.8, 2.5, 0.8), (2.0, 1.5, 0.6)]


@pytest.mark.parametrize("spacing", SPACINGS)
@pytest.mark.parametrize("seed", [1, 2])
def test_distances_by_brute_force(spacing, seed):
    first = blobs((7, 12, 11), seed=seed, share=0.15)
    second = blobs((7, 12, 11), seed=seed + 10, share=0.1)
    borders = slow_border(first), slow_border(second)
    there = slow_distances(*borders, spacing)
    back = slow_distances(*borders[::-1], spacing)
    found = compare_surfaces(first, second, spacing=spacing)
    hd95 = max(np.percentile(there, 95), np.percentile(back, 95))
    assert found.hd95_mm == pytest.approx(hd95, rel=1e-5)
    mean = (there.mean() + back.mean()) / 2
    assert found.mean_distance_mm == pytest.approx(mean, rel=1e-5)


@pytest.mark.parametrize("spacing", [(1.0, 1.0), (2.0, 0.5)])
def test_plane_by_brute_force(spacing):
    first, second = blobs((30, 25), seed=3), blobs((30, 25), seed=4, share=0.1)
    borders = slow_border(first), slow_border(second)
    there = slow_distances(*borders, spacing)
    back = slow_distances(*borders[::-1], spacing)
    found = compare_surfaces(first, second, spacing=spacing)
    hd95 = max(np.percentile(there, 95), np.percentile(back, 95))
    assert found.hd95_mm == pytest.approx(hd95, rel=1e-5)
    same = compare_surfaces(first[None], second[None], spacing=(5.0, *spacing))
    assert same == found


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("spacing", [*SPACINGS, (1.0, 1.0), (0.5, 1.5)])
@pytest.mark.parametrize("tolerance", [0.5, 1.0, 2.1])
def test_same_as_monai(spacing, tolerance):
    torch = pytest.importorskip("torch")
    metrics = pytest.importorskip("monai.metrics")
    shape = (9, 22, 24)[-len(spacing) :]
    first = blobs(shape, seed=5, share=0.2)
    second = first ^ blobs(shape, seed=6, share=0.05)
    batch = [
        torch.from_numpy(m[None, None].astype(np.float32)) for m in (second, first)
    ]
    found = compare_surfaces(first, second, spacing=spacing, tolerance_mm=tolerance)
    options = {"include_background": True, "spacing": list(spacing)}
    hd95 = metrics.compute_hausdorff_distance(*batch, percentile=95, **options)
    assert found.hd95_mm == pytest.approx(float(hd95), rel=1e-4)
    ways = [
        float(metrics.compute_average_surface_distance(*pair, **options))
        for pair in (batch, batch[::-1])
    ]
    assert found.mean_distance_mm == pytest.approx(sum(ways) / 2, rel=1e-4)
    overlap = metrics.compute_surface_dice(
        *batch, class_thresholds=[tolerance], use_subvoxels=True, **options
    )
    assert found.surface_dice == pytest.approx(float(overlap), abs=2e-3)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("label", [1, 2])
def test_real_hippocampi_same_as_monai(shared_data, label):
    torch = pytest.importorskip("torch")
    metrics = pytest.importorskip("monai.metrics")
    from scipy.ndimage import binary_dilation

    from medlens.read import open_image

    path = next((shared_data / "mri_hippocampus" / "labels").glob("*.nii.gz"))
    image = open_image(path)
    reference = image.array[0] == label
    answer = np.roll(binary_dilation(reference), 1, axis=1)
    found = compare_surfaces(reference, answer, spacing=image.geometry.spacing)
    batch = [
        torch.from_numpy(m[None, None].astype(np.float32)) for m in (answer, reference)
    ]
    options = {"include_background": True, "spacing": list(image.geometry.spacing)}
    hd95 = metrics.compute_hausdorff_distance(*batch, percentile=95, **options)
    assert found.hd95_mm == pytest.approx(float(hd95), rel=1e-4)
    overlap = metrics.compute_surface_dice(
        *batch, class_thresholds=[2.0], use_subvoxels=True, **options
    )
    assert found.surface_dice == pytest.approx(float(overlap), abs=1e-3)


def test_shifted_boxes_by_hand():
    # Two 4 x 4 x 4 cubes, 1 voxel of 2 mm apart along D.
    first = np.zeros((8, 8, 8), dtype=np.uint8)
    first[1:5, 2:6, 2:6] = 1
    second = np.roll(first, 1, axis=0)
    found = compare_surfaces(first, second, spacing=(2.0, 1.0, 1.0))
    # Only one end face of 16 voxels lies 2 mm off; its rim and middle alike.
    n_border = 4**3 - 2**3
    # Voxels of the top face are 2 mm from the other cube, those of the bottom
    # face are rim of its next layer (0 mm) or, 4 of them, 1 mm from that rim.
    mean = (16 * 2.0 + 0 * 12 + 4 * 1.0) / n_border
    borders = slow_border(first), slow_border(second)
    assert slow_distances(*borders, (2.0, 1.0, 1.0)).mean() == pytest.approx(mean)
    assert found.mean_distance_mm == pytest.approx(mean)
    assert found.hd95_mm == pytest.approx(2.0)


@pytest.mark.parametrize("gap", [2.0, 4.0])
def test_concentric_balls(gap):
    inner = ellipsoid((51, 51, 51), (25, 25, 25), (16.0,) * 3)
    outer = ellipsoid((51, 51, 51), (25, 25, 25), (16.0 + gap,) * 3)
    wide = compare_surfaces(inner, outer, spacing=(1, 1, 1), tolerance_mm=gap + 0.8)
    close = compare_surfaces(inner, outer, spacing=(1, 1, 1), tolerance_mm=gap - 1.5)
    assert wide.mean_distance_mm == pytest.approx(gap, abs=0.25)
    assert wide.hd95_mm == pytest.approx(gap, abs=0.7)
    assert wide.surface_dice == pytest.approx(1, abs=1e-3)
    assert close.surface_dice < 0.05


def test_tolerance_counts_distances_that_equal_it():
    first = np.zeros((3, 12, 12), dtype=bool)
    first[:, 2:8, 2:8] = True
    second = np.roll(first, 3, axis=2)
    spacing = (1.0, 0.1, 0.1)
    near = compare_surfaces(first, second, spacing=spacing, tolerance_mm=0.3)
    short = compare_surfaces(first, second, spacing=spacing, tolerance_mm=0.299)
    assert near.surface_dice == pytest.approx(1)
    assert short.surface_dice < 1


@pytest.mark.parametrize("spacing", SPACINGS)
def test_elements_add_up_to_the_mesh(spacing):
    from skimage.measure import marching_cubes, mesh_surface_area

    mask = blobs((8, 9, 10), seed=7)
    points, faces, _, _ = marching_cubes(
        np.pad(mask, 1).astype(np.float32), 0.5, spacing=spacing
    )
    sizes = element_sizes(spacing, (0, 1, 2))
    total = sizes[find_codes(mask, (0, 1, 2))].sum()
    assert total == pytest.approx(mesh_surface_area(points, faces), rel=1e-3)


def test_outline_of_a_rectangle():
    # 4 rows of 2 mm and 6 columns of 0.5 mm; the four corners are cut.
    mask = np.ones((1, 4, 6), dtype=bool)
    sizes = element_sizes((1.0, 2.0, 0.5), (1, 2))
    total = sizes[find_codes(mask, (1, 2))].sum()
    assert total == pytest.approx(2 * 3 * 2.0 + 2 * 5 * 0.5 + 4 * np.hypot(2, 0.5) / 2)


def test_empty_masks():
    nothing, something = np.zeros((3, 4, 5), bool), np.ones((3, 4, 5), bool)
    args = {"spacing": (1.0, 1.0, 1.0)}
    none = SurfaceScores(None, None, None)
    missed = SurfaceScores(0.0, None, None)
    assert compare_surfaces(nothing, nothing, **args) == none
    assert compare_surfaces(something, nothing, **args) == missed
    assert compare_surfaces(nothing, something, **args) == missed
    assert compare_surfaces(something, something, **args) == SurfaceScores(1.0, 0, 0)


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    order=st.permutations([0, 1, 2]),
    flips=st.tuples(*[st.booleans()] * 3),
    scale=st.floats(0.1, 10),
)
def test_laws_of_geometry(seed, order, flips, scale):
    """Swapping, turning, mirroring, padding and scaling change what they must."""
    spacing = (2.0, 1.0, 0.5)
    first, second = blobs((6, 7, 8), seed=seed), blobs((6, 7, 8), seed=seed + 1)
    here = compare_surfaces(first, second, spacing=spacing, tolerance_mm=1.0)
    axes = [axis for axis, flip in enumerate(flips) if flip]
    moved = [
        np.pad(np.flip(mask, axes).transpose(order), 2) for mask in (second, first)
    ]
    there = compare_surfaces(
        *moved,
        spacing=tuple(spacing[axis] * scale for axis in order),
        tolerance_mm=scale,
    )
    assert there.hd95_mm == pytest.approx(here.hd95_mm * scale, rel=1e-4)
    assert there.mean_distance_mm == pytest.approx(
        here.mean_distance_mm * scale, rel=1e-4
    )
    # The pieces of surface in ambiguous blocks depend on the order of the axes.
    assert there.surface_dice == pytest.approx(here.surface_dice, abs=0.01)


def test_wrong_use():
    mask = np.ones((2, 3, 4), dtype=bool)
    with pytest.raises(UsageError, match="wanted 3 numbers above 0"):
        compare_surfaces(mask, mask, spacing=(1.0, 1.0))
    with pytest.raises(UsageError, match=r"tolerance_mm is -1\.0"):
        compare_surfaces(mask, mask, spacing=(1, 1, 1), tolerance_mm=-1.0)
    with pytest.raises(PrepError, match=r"head: reference has shape \(2, 3, 4\)"):
        compare_surfaces(mask, mask[:1], spacing=(1, 1, 1), case="head")
    with pytest.raises(PrepError, match="answer has values of type float64"):
        compare_surfaces(mask, mask.astype(float), spacing=(1, 1, 1))
    with pytest.raises(PrepError, match=r"reference has shape \(4,\)"):
        compare_surfaces(mask[0, 0], mask[0, 0], spacing=(1,))
