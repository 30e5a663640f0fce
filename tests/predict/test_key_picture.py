"""The key image: which slice, how large, and what is laid over it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from medlens.core.diagnosis import Assessment, Evidence, Finding, Place
from medlens.predict.diagnose import algorithm_of
from medlens.predict.key_picture import LARGEST_SIDE, paint_key
from tests.predict.diagnose_kit import label_bundle, refs
from tests.predict.volume_kit import volume_image
from tests.tiny import as_image

FOUND = Finding("1", "lesion", None, True, place=Place(slice_index=2))


def said(*findings: Finding, images: int) -> Assessment:
    bundle = label_bundle(("normal", "lesion"))
    return Assessment(
        algorithm_of(bundle), "assessed", "refer", refs(images), findings=findings
    )


def steps(depth: int, side: int = 600) -> np.ndarray:
    """Slices of 0, 40, 80, …: the brightness tells which one is shown."""
    return np.repeat(np.arange(depth, dtype=np.uint8) * 40, side * side).reshape(
        depth, side, side
    )


def test_the_slice_of_the_first_finding_is_shown() -> None:
    image = volume_image(steps(5))
    shown = paint_key(image, said(FOUND, images=5), Evidence())
    assert shown.ref == refs(5)[2]
    assert shown.pixels.shape == (600, 600, 3)
    assert (shown.pixels == 80).all()


def test_without_a_finding_the_middle_slice_is_shown() -> None:
    image = volume_image(steps(4))
    absent = replace(FOUND, is_present=False)
    shown = paint_key(image, said(absent, images=1), Evidence())
    assert shown.ref == refs(1)[0]
    assert (shown.pixels == 80).all()
    nobody = replace(said(images=1), images=())
    assert paint_key(image, nobody, Evidence()).ref is None


def test_evidence_is_laid_over_in_red_not_blue() -> None:
    image = volume_image(steps(5))
    maps = np.zeros((1, 600, 600), np.float32)
    maps[0, 100:200, 300:400] = 1.0
    evidence = Evidence(maps={"1": maps}, first_slice=2)
    pixels = paint_key(image, said(FOUND, images=5), evidence).pixels
    assert (pixels[300:, :200] == 80).all()
    red, _, blue = pixels[150, 350].astype(int)
    assert red > 80  # the strongest colour of the map is a light yellow
    assert red > blue
    elsewhere = Evidence(maps={"1": maps}, first_slice=4)
    plain = paint_key(image, said(FOUND, images=5), elsewhere).pixels
    assert (plain == 80).all()


def test_masks_are_outlined() -> None:
    image = volume_image(steps(5))
    mask = np.zeros((5, 600, 600), np.uint8)
    mask[2, 100:200, 300:400] = 1
    evidence = Evidence(mask=mask, labels=("background", "lesion"))
    pixels = paint_key(image, said(FOUND, images=5), evidence).pixels
    coloured = np.argwhere(np.ptp(pixels.astype(int), axis=2) > 20)
    assert coloured.min(axis=0).tolist() == [100, 300]
    assert coloured.max(axis=0).tolist() == [199, 399]


@pytest.mark.parametrize("shape", [(3000, 1500), (1500, 3000)])
def test_large_images_are_averaged_down(shape: tuple[int, int]) -> None:
    image = as_image(np.full(shape, 100, np.uint8))
    flat = replace(FOUND, place=Place())
    maps = np.zeros((1, *shape), np.float32)
    maps[0, :10, :10] = 1.0
    shown = paint_key(image, said(flat, images=1), Evidence(maps={"1": maps}))
    assert max(shown.pixels.shape) == LARGEST_SIDE
    assert shown.pixels.shape[0] / shown.pixels.shape[1] == shape[0] / shape[1]
    assert (shown.pixels[-1, -1] == 100).all()


def test_of_interpolated_slices_the_largest_of_the_mask_is_shown() -> None:
    """Four slices of two files: slice 3 lies by the second."""
    image = volume_image(steps(4))
    mask = np.zeros((4, 600, 600), np.uint8)
    mask[1, :2], mask[3, :9] = 1, 1
    found = Finding("1", "lesion", None, True)
    evidence = Evidence(mask=mask, labels=("background", "lesion"))
    shown = paint_key(image, said(found, images=2), evidence)
    assert shown.ref == refs(2)[1]
    assert shown.evidence_of == ""
    assert (shown.pixels[300:] == 120).all()


def test_the_picture_names_whose_evidence_it_shows() -> None:
    image = volume_image(steps(5))
    maps = {"1": np.ones((1, 600, 600), np.float32)}
    shown = paint_key(image, said(FOUND, images=5), Evidence(maps=maps, first_slice=2))
    assert shown.evidence_of == "lesion"
    assert paint_key(image, said(FOUND, images=5), Evidence()).evidence_of == ""
