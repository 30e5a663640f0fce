"""Classifiers of whole volumes: shapes, evidence on the source, the gate's figures."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from medlens.bundle import Bundle
from medlens.core import BundleError
from medlens.metrics import image_statistics
from medlens.predict import Predictor, case_statistics
from medlens.predict.on_source import place_volume
from medlens.recipe import Step
from tests.predict.volume_kit import DISPLAY, grey_graph, mask_bundle, volume_image

MODEL = grey_graph(3, with_evidence=True)


def bundle(**changes: Any) -> Bundle:
    """A classifier of 4 × 8 × 6 voxels."""
    return replace(mask_bundle(MODEL, (4, 8, 6)), **{"form": "volume", **changes})


def test_a_volume_has_one_answer_and_evidence_on_its_grid() -> None:
    array = np.zeros((4, 8, 6), np.uint8)
    array[1:, 2:, 3:] = 255
    answer = Predictor(bundle(), threads=1).predict(volume_image(array))
    share = (array > 0).mean()
    assert answer.logits == pytest.approx([10 - 40 * share, 0, 40 * share - 30])
    assert answer.evidence is not None
    assert answer.evidence.shape == (3, 4, 8, 6)
    np.testing.assert_allclose(answer.evidence[2], array / 255 * 40.0 - 30, atol=1e-4)
    assert answer.embedding == pytest.approx([share])
    bare = Predictor(bundle(), threads=1).predict(
        volume_image(array), with_evidence=False
    )
    assert bare.evidence is None


def test_evidence_of_a_huge_source_is_kept_on_a_coarser_grid(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("medlens.predict.predictor.LARGE_EVIDENCE", 4 * 3 * 192 - 1)
    array = np.random.default_rng(3).integers(0, 256, (4, 8, 6)).astype(np.uint8)
    predictor = Predictor(bundle(), threads=1)
    coarse = predictor.predict(volume_image(array)).evidence
    assert coarse is not None
    assert coarse.shape == (3, 4, 4, 3)
    # The middle of a cell lies between four pixels, each with a value of its own.
    blocks = array.reshape(4, 4, 2, 3, 2).mean(axis=(2, 4))
    np.testing.assert_allclose(coarse[2], blocks / 255 * 40.0 - 30, atol=1e-3)
    whole = predictor.predict(volume_image(array), with_evidence=True).evidence
    assert whole is not None
    assert whole.shape == (3, 4, 8, 6)
    none = predictor.predict(volume_image(array), with_evidence=False)
    assert none.evidence is None


def test_evidence_that_fits_nowhere_is_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("medlens.predict.predictor.LARGE_EVIDENCE", 4 * 3 * 4 - 1)
    image = volume_image(np.zeros((4, 8, 6), np.uint8))
    assert Predictor(bundle(), threads=1).predict(image).evidence is None


def test_many_volumes_are_answered_in_order() -> None:
    images = [volume_image(np.full((4, 8, 6), v, np.uint8)) for v in (0, 255, 51)]
    predictor = Predictor(bundle(), threads=1)
    answers = predictor.predict_many(3, images.__getitem__, ["a", "b", "c"])
    found = [answer.embedding[0] for answer in answers]  # type: ignore[union-attr]
    assert found == pytest.approx([0, 1, 0.2])


def test_a_depth_that_does_not_fit_is_told() -> None:
    wanted = r"preparation gives \(1, 3, 8, 6\), bundle 'tiny' takes \(1, 4, 8, 6\)"
    with pytest.raises(BundleError, match=wanted):
        Predictor(bundle(), threads=1).predict(
            volume_image(np.zeros((3, 8, 6), np.uint8))
        )
    with pytest.raises(BundleError, match="is of form 'segment'; use predictor_of"):
        Predictor(bundle(form="segment"))


def test_a_graph_of_images_cannot_answer_volumes() -> None:
    with pytest.raises(BundleError, match="the graph cannot be run"):
        Predictor(bundle(model=grey_graph(2, with_evidence=True)), threads=1).predict(
            volume_image(np.zeros((4, 8, 6), np.uint8))
        )


def test_cells_lie_where_they_looked() -> None:
    """A linear field over cells comes out as that field on the source: index
    arithmetic on paper for a crop, a halving and cells of two voxels."""
    source = volume_image(np.zeros((6, 24, 20), np.uint8))
    steps = (
        *DISPLAY,
        Step("crop", {"top": 4, "bottom": 4, "left": 2, "right": 2}),
        Step("resize", {"height": 8, "width": 8, "mode": "stretch"}),
    )
    predictor = Predictor(bundle(steps=steps, depth=6, width=8), threads=1)
    prepared = predictor.prepare(source)
    z, y, x = np.mgrid[:3, :4, :4].astype(np.float32)
    placed = place_volume(np.stack([z, y, x]), prepared, source)
    d, h, w = np.mgrid[:6, :24, :20]
    cells = (d + 0.5) / 2 - 0.5, (h - 4 + 0.5) / 4 - 0.5, (w - 2 + 0.5) / 4 - 0.5
    inside = (h >= 4) & (h < 20) & (w >= 2) & (w < 18)
    for layer, cell, last in zip(placed, cells, (2, 3, 3), strict=True):
        wanted = np.where(inside, np.clip(cell, 0, last), 0)
        np.testing.assert_allclose(layer, wanted, atol=1e-4)


def test_statistics_of_a_volume_are_the_mean_over_slices() -> None:
    array = np.random.default_rng(0).random((2, 5, 16, 16), dtype=np.float32)
    wanted = np.mean([image_statistics(array[:, d]) for d in range(5)], axis=0)
    np.testing.assert_allclose(case_statistics(array), wanted, rtol=1e-6)
    np.testing.assert_array_equal(
        case_statistics(array[:, :1]), image_statistics(array[:, 0])
    )
    many = np.repeat(array[:, :1], 100, axis=1)
    np.testing.assert_allclose(
        case_statistics(many), image_statistics(array[:, 0]), rtol=1e-5
    )
