"""Masks of a segmenting bundle, against answers worked out on paper."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest

from medlens.core import BundleError, PrepError, ResourceError, is_mapped
from medlens.metrics import fit_outlier_gate
from medlens.predict import MaskPredictor, mapped, masks
from medlens.predict.masks import sliding_of
from medlens.recipe import Step
from medlens.recipe.settings import SlidingSettings
from tests.predict.volume_kit import (
    DISPLAY,
    grey_graph,
    labels_of,
    mask_bundle,
    two_boxes,
    volume_image,
)

SOLID = grey_graph(3)
FLAT = grey_graph(2)


def predictor(**changes: object) -> MaskPredictor:
    return MaskPredictor(mask_bundle(SOLID, (4, 8, 8), **changes), threads=1)


def test_a_volume_is_labelled_and_measured() -> None:
    array = two_boxes()
    found = predictor().predict(volume_image(array))
    np.testing.assert_array_equal(found.mask, labels_of(array))
    assert found.labels == ("background", "grey", "white")
    grey, white = found.regions
    assert (grey.label, grey.voxels, grey.parts) == ("grey", 192, 1)
    assert grey.volume_ml == pytest.approx(192 * 0.5 / 1000)  # voxels of 2 × 0.5 × 0.5
    # Axes end half a voxel out: 8 voxels wide and 5 apart, or 7 apart and 6 high.
    assert grey.longest_diameter_mm == pytest.approx(0.5 * np.hypot(8, 5))
    # index (3.5, 6.5, 8.5) from (−10, 20, 30) mm
    assert grey.centre_mm == pytest.approx((-10 + 4.25, 20 + 3.25, 30 + 7.0))
    assert (white.voxels, white.parts) == (31, 2)
    assert white.longest_diameter_mm == pytest.approx(0.5 * np.hypot(5, 2))


def test_validation_may_have_chosen_the_largest_part() -> None:
    array = two_boxes()
    (grey, white) = (
        predictor(keep_largest=("white",)).predict(volume_image(array)).regions
    )
    assert (grey.voxels, white.voxels, white.parts) == (192, 30, 1)


def test_a_volume_smaller_than_the_patch_is_padded() -> None:
    array = two_boxes()[2:4, 4:9, 5:11]
    found = predictor().predict(volume_image(array))
    np.testing.assert_array_equal(found.mask, labels_of(array))


@pytest.mark.parametrize("model", [SOLID, FLAT])
def test_an_image_is_a_volume_of_one_slice(model: bytes) -> None:
    array = two_boxes()[3:4]
    bundle = mask_bundle(model, (1, 8, 8))
    found = MaskPredictor(bundle, threads=1).predict(volume_image(array, spacing=None))
    np.testing.assert_array_equal(found.mask, labels_of(array))
    (grey, _) = found.regions
    assert (grey.voxels, grey.parts, grey.volume_ml) == (48, 1, None)
    assert grey.longest_diameter_mm is None
    assert grey.centre_mm is None


@pytest.mark.parametrize("away", [-2, -1, 0, 1, 2])
def test_neighbouring_slices_are_channels(away: int) -> None:
    """A network that only looks at the slice `away` moves the mask by it; at the ends
    the end slice stands in for those beyond."""
    array = np.random.default_rng(0).integers(0, 255, (7, 9, 10)).astype(np.uint8)
    model = grey_graph(2, channels=5, used=2 + away)
    bundle = mask_bundle(model, (1, 8, 8), context=2)
    found = MaskPredictor(bundle, threads=1).predict(volume_image(array))
    at = np.clip(np.arange(7) + away, 0, 6)
    np.testing.assert_array_equal(found.mask, labels_of(array[at]))


def test_channels_of_neighbours_stand_together() -> None:
    """Channel c of slice k is channel c · 3 + 1 + k: here blue (2) of the next one."""
    array = np.random.default_rng(0).integers(0, 255, (3, 5, 8, 8)).astype(np.uint8)
    model = grey_graph(2, channels=9, used=2 * 3 + 1 + 1)
    bundle = mask_bundle(model, (1, 8, 8), context=1, channels=3)
    found = MaskPredictor(bundle, threads=1).predict(volume_image(array))
    np.testing.assert_array_equal(found.mask, labels_of(array[2, [1, 2, 3, 4, 4]]))


def test_masks_lie_on_the_source() -> None:
    """Cropped and shrunk to half by preparation: outside the crop is background."""
    array = np.zeros((3, 40, 40), np.uint8)
    array[:, 8:24, 12:32] = 255
    steps = (
        *DISPLAY,
        Step("crop", {"top": 4, "bottom": 4, "left": 4, "right": 4}),
        Step("resize", {"height": 16, "width": 16, "filter": "area"}),
    )
    bundle = mask_bundle(FLAT, (1, 8, 8), steps=steps)
    found = MaskPredictor(bundle, threads=1).predict(volume_image(array))
    assert found.mask.shape == array.shape
    np.testing.assert_array_equal(found.mask > 0, array > 0)
    everywhere = MaskPredictor(bundle, threads=1).predict(volume_image(array | 255))
    wanted = np.zeros((40, 40), bool)
    wanted[4:36, 4:36] = True
    np.testing.assert_array_equal(everywhere.mask[1] > 0, wanted)


def test_arrays_of_the_caller_are_filled() -> None:
    array = two_boxes()
    out = np.full(array.shape, 9, np.uint8)
    chances = np.zeros((3, *array.shape), np.float16)
    steps: list[tuple[int, int]] = []
    found = predictor().predict(
        volume_image(array),
        out=out,
        probabilities=chances,
        progress=lambda done, total: steps.append((done, total)),
    )
    assert found.mask is out
    np.testing.assert_allclose(chances.sum(axis=0), 1, atol=2e-3)
    np.testing.assert_array_equal(chances.argmax(axis=0), out)
    assert steps[-1][0] == steps[-1][1] == len(steps)


def test_the_gate_looks_at_the_mean_of_all_patches() -> None:
    array = np.zeros((4, 8, 16), np.uint8)
    array[:, :, 8:] = 255
    answer = predictor(sliding=SlidingSettings(overlap=0)).answer(volume_image(array))
    assert answer.embedding == pytest.approx([0.5])  # of patches of 0 and of 1
    assert answer.statistics.shape == (14,)
    rng = np.random.default_rng(0)
    gate = fit_outlier_gate(
        rng.normal(0.1, 0.01, (40, 1)),
        rng.normal(size=(40, 14)),
        validation_embeddings=rng.normal(0.1, 0.01, (20, 1)),
        validation_statistics=rng.normal(size=(20, 14)),
    )
    judged = predictor(outlier=gate).predict(volume_image(array)).out_of_distribution
    assert judged.score == pytest.approx(
        float(gate.score(answer.embedding, answer.statistics))
    )
    assert judged.flag
    bare = mask_bundle(grey_graph(3, with_embedding=False), (4, 8, 8), outlier=gate)
    calm = MaskPredictor(bare, threads=1).predict(volume_image(array))
    assert calm.out_of_distribution.threshold == float("inf")


def test_what_cannot_fit_is_told_before_any_work() -> None:
    sliding = SlidingSettings(memory_mb=200)
    large = np.broadcast_to(np.uint8(0), (800, 512, 512))
    started = time.perf_counter()
    wanted = r"case 1: a volume of 800×512×512 voxels .* needs about \d+ MB and 200 MB"
    with pytest.raises(ResourceError, match=wanted):
        predictor(sliding=sliding).predict(volume_image(large))
    assert time.perf_counter() - started < 5


def test_settings_come_from_the_bundle() -> None:
    sliding = SlidingSettings(
        overlap=0.25, batch=2, mirror=(0, 2), precision="float16", memory_mb=900
    )
    bundle = mask_bundle(SOLID, (4, 8, 8), sliding=sliding, net_mb=10.0)
    found = sliding_of(bundle)
    assert (found.patch, found.overlap, found.batch) == ((4, 8, 8), 0.25, 2)
    assert (found.mirror, found.precision) == ((0, 2), "float16")
    assert (found.memory_mb, found.net_mb) == (900, 20.0)
    assert sliding_of(replace(bundle, depth=1)).mirror == (2,)
    assert sliding_of(bundle, memory_mb=50).memory_mb == 50


def test_other_bundles_and_images_are_refused() -> None:
    with pytest.raises(BundleError, match="is of form 'image'; wanted 'segment'"):
        MaskPredictor(mask_bundle(SOLID, (1, 8, 8), form="image"))
    colour = np.zeros((3, 2, 8, 8), np.uint8)
    with pytest.raises(
        BundleError, match="preparation gives 3 channels, bundle 'tiny'"
    ):
        predictor().predict(volume_image(colour))
    with pytest.raises(PrepError, match="case 1: image is 1×8 pixels"):
        predictor().predict(volume_image(np.zeros((2, 1, 8), np.uint8)))


@pytest.mark.parametrize("context", [0, 1])
def test_large_arrays_lie_in_files_and_say_the_same(
    monkeypatch: pytest.MonkeyPatch, context: int
) -> None:
    rng = np.random.default_rng(0)
    image = volume_image(rng.integers(0, 255, (40, 30, 30)).astype(np.uint8))
    model = grey_graph(2, channels=2 * context + 1, used=context)
    bundle = mask_bundle(model, (1, 16, 16), context=context, keep_largest=("white",))
    plain = MaskPredictor(bundle, threads=1).predict(image)
    assert not is_mapped(plain.mask)
    for room in (mapped, masks):
        monkeypatch.setattr(room, "LARGE_BYTES", 1000)
    predictor = MaskPredictor(bundle, threads=1)
    assert is_mapped(predictor.prepare(image).array)
    assert predictor.prepare(image).array.dtype == np.float16
    found = predictor.predict(image)
    assert is_mapped(found.mask)
    np.testing.assert_array_equal(found.mask, plain.mask)
    assert found.regions == plain.regions


def test_a_full_disk_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mapped, "LARGE_BYTES", 0)
    wanted = r"\d+ MB of temporary files are needed \(.*\); free disk space, or set TMP"
    with pytest.raises(ResourceError, match=wanted):
        mapped.allocate((1 << 30, 1 << 20), np.uint8)  # 10^15 bytes
