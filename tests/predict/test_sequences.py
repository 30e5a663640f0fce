"""Series from image to answer: a network of torch, and one known by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from medlens.bundle import Bundle
from medlens.core import BundleError, Image, ResourceError
from medlens.metrics import Calibration, ConformalSets, OperatingPoint
from medlens.predict import (
    MaskPredictor,
    Predictor,
    SequencePredictor,
    measure_net_mb,
    predictor_of,
)
from medlens.predict.graph import Graph, open_graph
from medlens.predict.series_graph import SERIES_EVIDENCE, WholeGraph
from medlens.recipe import Step
from tests.predict.volume_kit import DISPLAY, grey_graph, mask_bundle, volume_image
from tests.tiny import CELL, SIDE, bundle_of, plain_graph

TORCH_SIDE = 16


@pytest.fixture(scope="module")
def lstm(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, bytes]:
    """The network in torch and its graph."""
    torch = pytest.importorskip("torch")
    from medlens.nets import ExportedSequence
    from tests.nets.onnx_graphs import Graph
    from tests.nets.test_sequence import sequence, slices

    net = sequence()
    with torch.no_grad():  # gates that are not thrown about by each neighbour
        net.attention.score.weight.mul_(0.3)
        net.context.weight.mul_(0.3)
    whole = ExportedSequence(net).eval()
    path = tmp_path_factory.mktemp("lstm") / "model.onnx"
    Graph(
        whole,
        path,
        (slices(2, 3, 1, TORCH_SIDE, TORCH_SIDE), torch.tensor([3, 2])),
        inputs=whole.inputs,
        outputs=whole.outputs,
        axes=whole.axes,
    )
    return whole, path.read_bytes()


def lstm_bundle(model: bytes, **changes: Any) -> Bundle:
    plain = bundle_of(model, labels=("a", "b", "c"), kind="multiclass", steps=DISPLAY)
    fields = {
        "form": "sequence",
        "reader": "lstm",
        "depth": 8,
        "height": TORCH_SIDE,
        "width": TORCH_SIDE,
    }
    return replace(plain, **{**fields, **changes})


def series(count: int, side: int = TORCH_SIDE, seed: int = 0) -> Image:
    rng = np.random.default_rng(seed)
    return volume_image(rng.integers(0, 255, (count, side, side)).astype(np.uint8))


def test_the_answer_is_that_of_torch(lstm: tuple[Any, bytes]) -> None:
    import torch

    whole, model = lstm
    image = series(7)
    answer = SequencePredictor(lstm_bundle(model), threads=1).answer(image)
    x = torch.from_numpy(image.array[0].astype(np.float32) / 255)[None, :, None]
    with torch.inference_mode():
        wanted = dict(zip(whole.outputs, whole(x, torch.tensor([7])), strict=True))
    for name in ("slice_logits", "series_logits", "attention", "share", "evidence"):
        np.testing.assert_allclose(
            getattr(answer.raw, name), wanted[name][0].numpy(), atol=1e-4
        )
    found = answer.prediction
    assert found.series.case == "case 1"
    assert found.attention.sum() == pytest.approx(1, abs=1e-5)
    decided = found.series.labels.index(found.series.decision[0])
    assert found.key_slice == int(wanted["share"][0, :, decided].argmax())
    assert found.evidence is not None
    assert found.evidence.shape == (3, TORCH_SIDE, TORCH_SIDE)
    # the mean of a map is the part of the slice's logit that its picture brings
    part = wanted["evidence"][0, found.key_slice].mean(dim=(1, 2)).numpy()
    np.testing.assert_allclose(found.evidence.mean(axis=(1, 2)), part, atol=0.3)
    assert found.slices == ()


def test_slices_hear_their_neighbours_and_the_series_does_not(
    lstm: tuple[Any, bytes],
) -> None:
    bundle, image = lstm_bundle(lstm[1]), series(5)
    plain = SequencePredictor(bundle, threads=1).answer(image).raw
    heard = SequencePredictor(replace(bundle, neighbours=0.25), threads=1)
    found = heard.answer(image).raw
    z = plain.slice_logits
    np.testing.assert_allclose(
        found.slice_logits[2], z[1] / 4 + z[2] / 2 + z[3] / 4, atol=1e-5
    )
    np.testing.assert_allclose(
        found.slice_logits[0], 3 * z[0] / 4 + z[1] / 4, atol=1e-5
    )
    # a map is what its own picture brings to the slice's logit
    own = np.array([0.75, 0.5, 0.5, 0.5, 0.75])[:, None, None, None]
    np.testing.assert_allclose(found.evidence, plain.evidence * own, atol=1e-6)
    assert found.evidence.dtype == plain.evidence.dtype
    for name in ("series_logits", "attention", "share", "embedding"):
        np.testing.assert_array_equal(getattr(found, name), getattr(plain, name))


def test_maps_of_a_head_of_the_series_stay_as_its_answer_does(
    lstm: tuple[Any, bytes],
) -> None:
    """They are no part of the slices' logits, whose neighbours are heard."""
    bundle = lstm_bundle(lstm[1])
    plain = SequencePredictor(bundle, threads=1)
    heard = SequencePredictor(replace(bundle, neighbours=0.25), threads=1)
    for predictor in (plain, heard):
        graph = WithSeriesHead(open_graph(bundle, engine="onnxruntime", threads=1))
        predictor._graph = WholeGraph(bundle, graph)
    one, other = (predictor.answer(series(5)).raw for predictor in (plain, heard))
    assert np.abs(one.slice_logits - other.slice_logits).max() > 1e-3
    np.testing.assert_array_equal(one.evidence, other.evidence)


class WithSeriesHead:
    """A graph that calls its maps those of a head of the series."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self.precision, self.inputs = graph.precision, graph.inputs
        self.outputs = (*graph.outputs, SERIES_EVIDENCE)

    def run(self, names: Any, feeds: Any) -> Any:
        own = ["evidence" if name == SERIES_EVIDENCE else name for name in names]
        return self._graph.run(own, feeds)


def test_a_long_series_is_answered_in_windows(lstm: tuple[Any, bytes]) -> None:
    """A reader that knows its neighbours makes windows differ a little, not more."""
    bundle = lstm_bundle(lstm[1], net_mb=480.0)  # 60 MB a slice: 30 at once
    whole = SequencePredictor(replace(bundle, net_mb=1.0), threads=1)
    parted = SequencePredictor(bundle, threads=1)
    calls: list[int] = []
    plain = parted._graph.answer

    def counted(slices: Any) -> Any:
        calls.append(len(slices))
        return plain(slices)

    parted._graph.answer = counted  # type: ignore[method-assign]
    image = series(60)
    one, other = whole.answer(image), parted.answer(image)
    assert calls == [30, 30, 30]
    assert other.raw.attention.sum() == pytest.approx(1, abs=1e-6)
    assert np.abs(one.raw.attention - other.raw.attention).sum() < 0.2
    np.testing.assert_allclose(one.raw.slice_logits, other.raw.slice_logits, atol=0.4)
    np.testing.assert_allclose(one.raw.series_logits, other.raw.series_logits, atol=0.1)


def test_a_series_that_cannot_fit_is_refused(lstm: tuple[Any, bytes]) -> None:
    bundle = lstm_bundle(lstm[1], net_mb=8000.0)  # 1000 MB a slice
    wanted = r"case 1: 30 slices need about \d+ MB even 16 at a time, and 2000 MB may"
    with pytest.raises(ResourceError, match=wanted):
        SequencePredictor(bundle, threads=1).predict(series(30))
    few = SequencePredictor(bundle, threads=1, memory_mb=3000)
    assert few.bundle is bundle
    assert len(few.predict(series(2)).attention) == 2


def test_slices_and_series_have_their_own_constants(lstm: tuple[Any, bytes]) -> None:
    bundle = lstm_bundle(
        lstm[1],
        slice_labels=True,
        calibration=Calibration([2.0] * 3, [0.0] * 3, "multiclass"),
        series_calibration=Calibration([1.0] * 3, [9.0, 0.0, 0.0], "multiclass"),
        conformal=ConformalSets(np.full(3, 0.01), coverage=0.9),
    )
    found = SequencePredictor(bundle, threads=1).answer(series(5))
    assert [s.case for s in found.prediction.slices] == [
        f"case 1#slice:{t}" for t in range(5)
    ]
    for t, one in enumerate(found.prediction.slices):
        powers = np.exp(2 * found.raw.slice_logits[t])
        assert one.probabilities == pytest.approx(powers / powers.sum(), rel=1e-5)
        assert one.prediction_set
    assert found.prediction.series.decision == ("a",)  # by its bias of 9
    assert found.prediction.series.prediction_set == ()


def plain_bundle(**changes: Any) -> Bundle:
    fields = {
        "form": "sequence",
        "reader": "none",
        "slice_labels": True,
        "steps": DISPLAY,
        "series_points": (OperatingPoint("blob", 0.9, "youden", chosen=True),),
    }
    return replace(bundle_of(plain_graph()), **{**fields, **changes})


def test_without_a_reader_slices_are_judged_alone() -> None:
    """Margins of the plain graph are 20 times the brightness: 0, 0, 20·0.6."""
    array = np.zeros((40, SIDE, SIDE), np.uint8)
    array[21] = 153
    found = SequencePredictor(plain_bundle(), threads=1).answer(volume_image(array))
    margin = found.raw.series_logits[1] - found.raw.series_logits[0]
    assert margin == pytest.approx(np.log((39 + np.exp(12)) / 40), rel=1e-4)
    assert found.prediction.key_slice == 21
    assert found.prediction.series.decision == ("blob",)
    assert [s.decision for s in found.prediction.slices].count(("blob",)) == 40
    assert found.prediction.evidence is not None
    assert found.prediction.evidence.shape == (2, SIDE, SIDE)
    assert found.raw.evidence.shape == (40, 2, SIDE // CELL, SIDE // CELL)


def test_all_slices_have_their_evidence_as_fine_as_memory_allows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    array = np.zeros((40, SIDE, SIDE), np.uint8)
    array[21] = 153
    image = volume_image(array)
    found = SequencePredictor(plain_bundle(), threads=1).predict(image)
    fine, key = found.slice_evidence, found.evidence
    assert fine is not None
    assert key is not None
    assert fine.shape == (2, 40, SIDE, SIDE)
    np.testing.assert_array_equal(fine[:, 21], key)
    # One scale for all: the bright slice alone speaks for the finding.
    assert fine[1, 21].max() > fine[1, 20].max() == fine[1, 0].max()
    size = 4 * 2 * 40
    monkeypatch.setattr("medlens.predict.sequences.LARGE_EVIDENCE", size * 16 * 16)
    coarse = SequencePredictor(plain_bundle(), threads=1).predict(image)
    assert coarse.slice_evidence is not None
    side = coarse.slice_evidence.shape[-1]
    assert coarse.slice_evidence.shape == (2, 40, side, side)
    assert side < SIDE
    assert side <= 16
    assert coarse.slice_evidence[1].max(axis=(1, 2)).argmax() == 21
    assert coarse.evidence is not None
    assert coarse.evidence.shape == (2, SIDE, SIDE)
    none = SequencePredictor(plain_bundle(), threads=1, memory_mb=150)
    alone = none.predict(image)
    assert alone.slice_evidence is None
    assert alone.evidence is not None


def test_the_predictor_follows_the_form() -> None:
    assert isinstance(predictor_of(bundle_of(plain_graph())), Predictor)
    assert isinstance(predictor_of(plain_bundle()), SequencePredictor)
    masks = mask_bundle(grey_graph(3), (4, 8, 8))
    assert isinstance(predictor_of(masks), MaskPredictor)


def test_bundles_and_series_that_do_not_fit(lstm: tuple[Any, bytes]) -> None:
    with pytest.raises(BundleError, match="is of form 'image'; wanted 'sequence'"):
        SequencePredictor(bundle_of(plain_graph()))
    with pytest.raises(BundleError, match="the graph has the inputs image and lacks"):
        SequencePredictor(plain_bundle(reader="lstm"))
    two = lstm_bundle(lstm[1], labels=("a", "b"), conformal=None)
    two = replace(two, calibration=Calibration.identity(2, kind="multiclass"))
    with pytest.raises(BundleError, match=r"gave slice_logits of shape \(1, 3, 3\)"):
        SequencePredictor(two, threads=1).predict(series(3))
    small = (*DISPLAY, Step("resize", {"height": 8, "width": 8}))
    with pytest.raises(BundleError, match=r"gives \(1, 3, 8, 8\), bundle 'tiny' takes"):
        SequencePredictor(lstm_bundle(lstm[1], steps=small)).predict(series(3))


def test_memory_of_a_network_is_measured() -> None:
    """Three maps of 10^6 and of 4 · 10^6 places: 12 and 48 MB are the least."""
    graph = grey_graph(2, with_embedding=False)
    small = measure_net_mb(graph, (1, 1, 1000, 1000))
    large = measure_net_mb(graph, (1, 1, 1000, 4000))
    assert small is not None
    assert large is not None
    assert small >= 12
    assert large - small >= 36
    assert large < 1000
    assert measure_net_mb(b"no graph", (1, 1, 8, 8)) is None
