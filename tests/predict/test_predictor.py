"""One bundle at work: the same answers as torch, as paper, as one by one."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from medlens.bundle import Bundle, load_bundle
from medlens.core import (
    BundleError,
    Image,
    Prediction,
    PrepError,
    ReadError,
    RecipeError,
)
from medlens.metrics import OperatingPoint, image_statistics
from medlens.predict import Failed, Predictor
from medlens.predict import predictor as predictor_module
from medlens.predict.predictor import BATCH
from medlens.prep import build_pipeline
from medlens.recipe import Step
from tests.tiny import (
    BIAS,
    CELL,
    GAIN,
    SIDE,
    as_image,
    blob_image,
    bundle_of,
    plain_graph,
    tiny_settings,
)

RESIZE = Step("resize", {"height": SIDE, "width": SIDE, "mode": "stretch"})


def flat(value: int, case: str = "case 1") -> Image:
    return as_image(np.full((40, 30), value, dtype=np.uint8), case)


def answers(found: list[Prediction | Failed]) -> list[Prediction]:
    assert all(isinstance(item, Prediction) for item in found)
    return found  # type: ignore[return-value]


def many(
    predictor: Predictor, open_one: Callable[[int], Image], count: int, **more: Any
) -> list[Prediction | Failed]:
    keys = [f"case {i}" for i in range(count)]
    return list(predictor.predict_many(count, open_one, keys, **more))


@pytest.mark.parametrize("value", [0, 51, 255])
def test_a_flat_image_gets_the_answer_worked_out_on_paper(value: int) -> None:
    """Brightness b = value / 255 everywhere: logits ∓10·b - 2, softmax, no gate."""
    found = Predictor(bundle_of(plain_graph())).predict(flat(value))
    b = value / 255
    logits = np.array([-GAIN * b + BIAS, GAIN * b + BIAS])
    np.testing.assert_allclose(found.logits, logits, atol=1e-5)
    p = 1 / (1 + np.exp(-2 * GAIN * b))
    np.testing.assert_allclose(found.probabilities, [1 - p, p], atol=1e-6)
    assert found.labels == ("normal", "blob")
    assert found.decision == ("blob",)  # 0.5 reaches the threshold of 0.5
    assert found.prediction_set == (("normal", "blob") if value == 0 else ("blob",))
    assert found.evidence is not None
    assert found.evidence.shape == (2, 40, 30)
    np.testing.assert_allclose(found.evidence[1], GAIN * b, atol=1e-5)
    np.testing.assert_allclose(found.embedding, [b, b * b], atol=1e-6)
    assert found.out_of_distribution.threshold == float("inf")
    assert not found.out_of_distribution.flag


def test_answers_equal_torch_on_the_same_prepared_image(tiny_bundle: Path) -> None:
    import torch

    from medlens.nets import build_net

    net = build_net(tiny_settings(), labels=2, seed=0).eval()
    bundle = load_bundle(tiny_bundle)
    predictor, pipeline = Predictor(bundle), build_pipeline(bundle.steps)
    with torch.inference_mode():
        net.head.weight.mul_(50)
        for seed in range(4):
            image = as_image(blob_image(seed))
            prepared = pipeline(image).array[:, 0][None]
            wanted = net(torch.from_numpy(prepared))[0].numpy()
            found = predictor.predict(image)
            np.testing.assert_allclose(found.logits, wanted, rtol=1e-4, atol=1e-4)
            np.testing.assert_allclose(
                found.probabilities, np.exp(wanted) / np.exp(wanted).sum(), atol=1e-4
            )


def test_the_gate_judges_the_prepared_image(tiny_bundle: Path) -> None:
    bundle = load_bundle(tiny_bundle)
    assert bundle.outlier is not None
    predictor = Predictor(bundle)
    image = as_image(blob_image(3))
    found = predictor.predict(image)
    statistics = image_statistics(predictor.prepare(image).array)
    wanted = float(bundle.outlier.score(found.embedding, statistics))
    gate = found.out_of_distribution
    assert gate.score == pytest.approx(wanted, rel=1e-6)
    assert gate.threshold == bundle.outlier.threshold
    assert gate.flag == (gate.score > gate.threshold)
    stripes = np.tile(np.array([0, 255], dtype=np.uint8), (64, 32))
    assert predictor.predict(as_image(stripes)).out_of_distribution.flag


@pytest.mark.parametrize("with_evidence", [False, True])
def test_a_batch_answers_as_its_cases_one_by_one(
    tiny_bundle: Path, with_evidence: bool
) -> None:
    predictor = Predictor(load_bundle(tiny_bundle))
    count = 2 * BATCH + 3

    def open_one(index: int) -> Image:
        shape = (40 + index, 50)
        return as_image(blob_image(index, shape=shape), f"case {index}")

    found = answers(many(predictor, open_one, count, with_evidence=with_evidence))
    assert [a.case for a in found] == [f"case {i}" for i in range(count)]
    for index, answer in enumerate(found):
        alone = predictor.predict(open_one(index), with_evidence=with_evidence)
        np.testing.assert_allclose(answer.logits, alone.logits, rtol=1e-4, atol=1e-4)
        assert answer.decision == alone.decision
        assert answer.prediction_set == alone.prediction_set
        if with_evidence:
            assert answer.evidence is not None
            assert alone.evidence is not None
            assert answer.evidence.shape == (2, 40 + index, 50)
            np.testing.assert_allclose(answer.evidence, alone.evidence, atol=2e-3)
        else:
            assert answer.evidence is None


@pytest.mark.parametrize("threads", [1, 4])
def test_cases_that_fail_are_listed_and_the_rest_go_on(threads: int) -> None:
    steps = (Step("display"), RESIZE)  # colour images keep three channels
    predictor = Predictor(bundle_of(plain_graph(), steps=steps))

    def open_one(index: int) -> Image:
        if index % 5 == 1:
            raise ReadError(f"case {index}: is damaged")
        if index % 5 == 3:
            return as_image(np.zeros((3, 20, 20), dtype=np.uint8), f"case {index}")
        return flat(index, f"case {index}")

    found = many(predictor, open_one, 40, threads=threads)
    assert len(found) == 40
    for index, item in enumerate(found):
        assert item.case == f"case {index}"
        if index % 5 == 1:
            assert item == Failed(f"case {index}", f"case {index}: is damaged")
        elif index % 5 == 3:
            assert isinstance(item, Failed)
            assert (
                "preparation gives (3, 1, 32, 32), bundle 'tiny' takes (1,"
                in item.reason
            )
        else:
            assert isinstance(item, Prediction)


HOSTILE: list[tuple[Exception, str]] = [
    (MemoryError(), "there is not enough memory; free some, or scale the image down"),
    (OSError(5, "Input/output error", "/home/jane/x"), "Input/output error; check"),
    (cv2.error("/home/jane/x.cpp: failed"), "error; the file may be damaged"),
    (RecursionError("Jane Doe"), "RecursionError; the file may be damaged"),
]


@pytest.mark.parametrize(("error", "said"), HOSTILE)
def test_whatever_one_file_raises_is_one_failed_row(
    error: Exception, said: str
) -> None:
    def open_one(index: int) -> Image:
        if index == 1:
            raise error
        return flat(index, f"case {index}")

    found = many(Predictor(bundle_of(plain_graph())), open_one, 3)
    assert [type(item) for item in found] == [Prediction, Failed, Prediction]
    assert isinstance(found[1], Failed)
    wanted = f"case 1: cannot be read or prepared: {said}"
    assert found[1].reason.startswith(wanted)
    assert "jane" not in found[1].reason.lower()


def test_an_answer_that_cannot_be_finished_is_one_failed_row(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def place(_values: Any, _prepared: Image, source: Image) -> Any:
        if source.case == "case 1":
            raise PrepError("case 1: does not lie in the plane")
        if source.case == "case 2":
            raise MemoryError
        return np.zeros((2, 40, 30), dtype=np.float32)

    monkeypatch.setattr(predictor_module, "place_on_source", place)
    predictor = Predictor(bundle_of(plain_graph()))
    found = many(predictor, lambda i: flat(i, f"case {i}"), 4, with_evidence=True)
    assert [type(f) for f in found] == [Prediction, Failed, Failed, Prediction]
    with pytest.raises(PrepError, match="does not lie in the plane"):
        predictor.predict(flat(0, "case 1"))


def test_sources_do_not_stay_in_memory_while_their_evidence_is_awaited() -> None:
    """32 sources of 8 MB are read ahead; the pixels of four or so may be there."""
    predictor = Predictor(bundle_of(plain_graph()))

    def open_one(index: int) -> Image:
        return as_image(np.full((2000, 4000), index, dtype=np.uint8), f"case {index}")

    keys = [f"case {i}" for i in range(2 * BATCH)]
    most = 2 * BATCH * 8e6 / 2
    tracemalloc.start()
    stream = predictor.predict_many(len(keys), open_one, keys, with_evidence=True)
    try:
        next(stream)
        held, _ = tracemalloc.get_traced_memory()
        # Two threads may still prepare an image each; what stays does so for good.
        until = time.monotonic() + 20
        while held >= most and time.monotonic() < until:
            time.sleep(0.05)
            held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        stream.close()  # type: ignore[attr-defined]
    assert held < most


def test_nothing_and_nothing_but_failures() -> None:
    predictor = Predictor(bundle_of(plain_graph()))

    def fail(index: int) -> Image:
        raise ReadError(f"case {index}: no")

    assert many(predictor, fail, 0) == []
    assert [type(item) for item in many(predictor, fail, 20)] == [Failed] * 20


def test_an_answer_that_is_not_finite_is_no_answer() -> None:
    predictor = Predictor(bundle_of(plain_graph((-3e38, 3e38))))

    def open_one(index: int) -> Image:
        return flat(255 * (index % 2), f"case {index}")

    # 3e38 × 16 cells is too much for float32 where the image is bright
    found = many(predictor, open_one, 4)
    assert [type(item) for item in found] == [Prediction, Failed] * 2
    assert isinstance(found[1], Failed)
    wanted = "case 1: bundle 'tiny' answers with a logit that is not finite"
    assert found[1].reason.startswith(wanted)
    with pytest.raises(BundleError, match="answers with a logit that is not finite"):
        predictor.predict(flat(255))


def test_several_labels_are_decided_one_by_one() -> None:
    """Brightness 0.2: logits 0, -1, 2 → sigmoids .5, .27, .88."""
    bundle = bundle_of(
        plain_graph((10.0, 5.0, 20.0)),
        labels=("a", "b", "c"),
        kind="multilabel",
        thresholds=(0.6, 0.2, 0.5),
    )
    predictor = Predictor(bundle)
    found = predictor.predict(flat(51))
    np.testing.assert_allclose(
        found.probabilities, 1 / (1 + np.exp([0, 1, -2])), atol=1e-4
    )
    assert found.decision == ("b", "c")
    assert found.predicted == "b|c"
    none = predictor.predict(flat(0))  # all logits -2: .12
    assert none.decision == ()
    assert none.predicted == ""
    assert none.prediction_set == ("a", "b", "c")  # .12 reaches .1


def test_one_of_three_labels_is_the_most_probable() -> None:
    bundle = bundle_of(
        plain_graph((1.0, 9.0, 3.0)), labels=("a", "b", "c"), kind="multiclass"
    )
    found = Predictor(bundle).predict(flat(200))
    assert found.decision == ("b",)
    assert found.predicted == "b"
    assert found.probabilities.sum() == pytest.approx(1)


@pytest.mark.parametrize(("threshold", "decision"), [(0.9, "normal"), (0.7, "blob")])
def test_the_operating_point_decides_and_the_prediction_stays(
    threshold: float, decision: str
) -> None:
    """Brightness 0.0706: blob with softmax(±0.706) = .804."""
    point = OperatingPoint("blob", threshold, "sensitivity>=0.95", chosen=True)
    other = OperatingPoint("blob", 0.01, "youden")
    bundle = replace(bundle_of(plain_graph()), operating_points=(other, point))
    found = Predictor(bundle).predict(flat(18))
    assert found.probabilities[1] == pytest.approx(0.804, abs=1e-3)
    assert found.decision == (decision,)
    assert found.predicted == "blob"


WAYS: dict[str, tuple[Step, ...]] = {
    "stretched": (Step("display"), Step("to_grey"), RESIZE),
    "fitted": (
        Step("display"),
        Step("to_grey"),
        Step("resize", {"height": SIDE, "width": SIDE, "mode": "fit"}),
    ),
    "cropped": (
        Step("display"),
        Step("to_grey"),
        Step("crop", {"top": 20, "bottom": 10, "left": 30, "right": 6}),
        RESIZE,
    ),
    "cropped to the middle": (
        Step("display"),
        Step("to_grey"),
        Step("crop_center", {"height": 80, "width": 80}),
        RESIZE,
    ),
}


@pytest.mark.parametrize("way", sorted(WAYS))
@pytest.mark.parametrize("centre", [(40, 50), (60, 70), (80, 90)])
def test_evidence_lies_where_the_blob_is(way: str, centre: tuple[int, int]) -> None:
    """On the source, whatever preparation did, to within one cell of the network."""
    source = blob_image(0, shape=(120, 140), centre=centre)
    predictor = Predictor(bundle_of(plain_graph(), steps=WAYS[way]))
    found = predictor.predict(as_image(source)).evidence
    assert found is not None
    assert found.shape == (2, 120, 140)
    seen = np.argwhere(found[1] > 0.98 * found[1].max()).mean(axis=0)
    cell = CELL * 140 / SIDE  # source pixels, at most
    assert np.abs(seen - centre).max() <= cell
    np.testing.assert_allclose(found[0], -found[1], atol=1e-6)
    if way == "cropped":  # nothing was seen there
        outside = np.ones((120, 140), dtype=bool)
        outside[20:110, 30:134] = False
        assert (found[1][outside] == 0).all()
        assert (found[1][~outside] > 0).all()


def test_large_sources_are_read_a_batch_ahead_and_no_more() -> None:
    opened: list[int] = []

    def open_one(index: int) -> Image:
        opened.append(index)
        return flat(index, f"case {index}")

    keys = [f"case {i}" for i in range(200)]
    stream = Predictor(bundle_of(plain_graph())).predict_many(200, open_one, keys)
    next(stream)
    assert len(opened) <= 2 * BATCH
    stream.close()  # type: ignore[attr-defined]
    assert len(opened) <= 2 * BATCH


def test_progress_counts_failures_too() -> None:
    told: list[tuple[int, int]] = []

    def open_one(index: int) -> Image:
        if index == 3:
            raise ReadError("case 3: no")
        return flat(index)

    many(
        Predictor(bundle_of(plain_graph())),
        open_one,
        20,
        progress=lambda *a: told.append(a),
    )
    assert told == [(BATCH, 20), (20, 20)]


def test_a_bundle_with_unknown_steps_is_refused() -> None:
    with pytest.raises(RecipeError, match="'sharpen_magically' is unknown"):
        Predictor(bundle_of(plain_graph(), steps=(Step("sharpen_magically"),)))


def test_bundles_without_gate_and_sets_still_answer() -> None:
    bundle: Bundle = replace(
        bundle_of(plain_graph()), conformal=None, outlier=None, operating_points=()
    )
    found = Predictor(bundle).predict(flat(255))
    assert found.prediction_set == ()
    assert found.decision == ("blob",)
