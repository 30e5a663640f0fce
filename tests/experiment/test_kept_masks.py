"""A case is answered once; clean-up and measures follow the bundle at hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import medlens
from medlens.core import Array, Geometry, Image, Provenance
from medlens.experiment.kept_masks import ENDING, KeptMasks
from medlens.experiment.prove_masks import overlap
from medlens.predict import MaskPredictor
from medlens.recipe import Step
from tests.predict.volume_kit import grey_graph, mask_bundle

BYTES = (Step("window", {"center": 127.5, "width": 255.0}),)
BUNDLE = mask_bundle(grey_graph(3), (4, 8, 8), steps=BYTES)


def image(case: str = "case 1", *, seed: int = 0) -> Image:
    """A large and a small grey box, and noise that the seed draws."""
    array = np.random.default_rng(seed).integers(0, 30, (9, 20, 24)).astype(np.uint8)
    array[2:6, 3:9, 3:9] = 120
    array[7, 15:17, 15:17] = 120
    return Image(array[None], Geometry(np.eye(4)), provenance=Provenance(case))


def mask_of(predictor: MaskPredictor, one: Image, kept: KeptMasks) -> Array:
    return np.array(kept.answer(predictor, one).prediction.mask)


def test_the_second_answer_is_the_first_without_the_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    predictor, kept = MaskPredictor(BUNDLE), KeptMasks(tmp_path / "answers")
    plain = predictor.answer(image())
    first = kept.answer(predictor, image())
    monkeypatch.setattr(predictor, "answer_raw", None)
    second = kept.answer(predictor, image())
    for found in (first, second):
        np.testing.assert_array_equal(found.prediction.mask, plain.prediction.mask)
        assert found.prediction.regions == plain.prediction.regions
        np.testing.assert_array_equal(found.embedding, plain.embedding)
        np.testing.assert_array_equal(found.statistics, plain.statistics)
        gate = found.prediction.out_of_distribution
        assert gate == plain.prediction.out_of_distribution


def test_clean_up_is_the_bundles_and_never_kept(tmp_path: Path) -> None:
    kept = KeptMasks(tmp_path)
    cleaning = MaskPredictor(replace(BUNDLE, keep_largest=("grey",)))
    plain = MaskPredictor(BUNDLE)
    cleaned, whole = (mask_of(p, image(), kept) for p in (cleaning, plain))
    assert (whole == 1).sum() == 4 * 6 * 6 + 4
    assert (cleaned == 1).sum() == 4 * 6 * 6
    again = mask_of(cleaning, image(), kept)
    np.testing.assert_array_equal(again, cleaned)
    assert len(list(tmp_path.iterdir())) == 1


def test_another_graph_case_or_grid_is_answered_anew(tmp_path: Path) -> None:
    kept = KeptMasks(tmp_path)
    mask_of(MaskPredictor(BUNDLE), image(), kept)
    other = mask_bundle(grey_graph(3, with_embedding=False), (4, 8, 8), steps=BYTES)
    assert kept.answer(MaskPredictor(other), image()).embedding is None
    dark = (Step("window", {"center": 1000.0, "width": 10.0}),)
    shown = MaskPredictor(replace(BUNDLE, steps=dark))
    assert not mask_of(shown, image(), kept).any()
    mask_of(MaskPredictor(BUNDLE), image("case 2"), kept)
    assert len(list(tmp_path.iterdir())) == 4
    smaller = image().with_array(image().array[:, :6])
    assert mask_of(MaskPredictor(BUNDLE), smaller, kept).shape == (6, 20, 24)


def test_another_version_answers_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, predictor = KeptMasks(tmp_path), MaskPredictor(BUNDLE)
    mask_of(predictor, image(), kept)
    monkeypatch.setattr(medlens, "__version__", "another")
    mask_of(predictor, image(), kept)
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("harm", ["short", "noise", "line", "empty"])
def test_a_damaged_file_is_answered_anew(tmp_path: Path, harm: str) -> None:
    predictor, kept = MaskPredictor(BUNDLE), KeptMasks(tmp_path)
    wanted = mask_of(predictor, image(), kept)
    (path,) = tmp_path.glob(f"*{ENDING}")
    whole = path.read_bytes()
    middle = len(whole) // 2
    flipped = bytes([whole[middle] ^ 255])
    changed = {
        "short": whole[:-9],
        "noise": whole[:middle] + flipped + whole[middle + 1 :],
        "line": b"no gzip at all",
        "empty": b"",
    }
    path.write_bytes(changed[harm])
    np.testing.assert_array_equal(mask_of(predictor, image(), kept), wanted)
    assert path.read_bytes() != changed[harm]  # whole again


def test_a_folder_that_cannot_be_written_costs_time_only(tmp_path: Path) -> None:
    (tmp_path / "answers").write_bytes(b"")  # a file in the folder's place
    kept = KeptMasks(tmp_path / "answers")
    predictor = MaskPredictor(BUNDLE)
    wanted = predictor.predict(image()).mask
    np.testing.assert_array_equal(mask_of(predictor, image(), kept), wanted)


def test_overlap_is_dice_slice_by_slice() -> None:
    wanted = np.zeros((3, 4, 4), np.uint8)
    wanted[0, 0], wanted[2, 1] = 1, 1  # 8 voxels
    found = np.zeros_like(wanted)
    found[0, 0, :2], found[1] = 2, 2  # 18 voxels, 2 of them shared
    assert overlap(wanted, found, label=1, as_label=2) == 2 * 2 / (8 + 18)
    assert overlap(wanted, found, label=1) == 0.0
    assert overlap(wanted, found, label=3) is None
