"""Engines: what they refuse, and that they agree."""

from __future__ import annotations

import builtins
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from medlens.bundle import Bundle, Proof, load_bundle
from medlens.core import BundleError, MissingExtraError
from medlens.predict import Predictor
from medlens.predict.session import check_offered, open_session
from tests.tiny import SIDE, as_image, blob_image, bundle_of, plain_graph


def images(count: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    return np.random.default_rng(0).random((count, 1, SIDE, SIDE), dtype=np.float32)


def changed(**renamed: str) -> bytes:
    """The plain graph with other names for its inputs or outputs."""
    import onnx

    model = onnx.load_from_string(plain_graph())
    for part in (*model.graph.input, *model.graph.output):
        part.name = renamed.get(part.name, part.name)
    for node in model.graph.node:
        for names in (node.input, node.output):
            for i, name in enumerate(names):
                names[i] = renamed.get(name, name)
    data: bytes = model.SerializeToString()
    return data


def two_inputs() -> bytes:
    import onnx
    from onnx import helper

    model = onnx.load_from_string(plain_graph())
    model.graph.input.append(helper.make_tensor_value_info("age", 1, ["b", 1]))
    data: bytes = model.SerializeToString()
    return data


def only_evidence_of_three() -> bytes:
    return plain_graph((1.0, 2.0, 3.0))


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (b"", r"bundle 'tiny': the graph cannot be loaded \(.*\); export it again"),
        (b"no graph at all", "the graph cannot be loaded"),
        (plain_graph()[:-40], "the graph cannot be loaded"),
        (changed(logits="scores"), "has 1 inputs and lacks the outputs logits; wanted"),
        (changed(embedding="e", evidence="f"), "lacks the outputs evidence, embedding"),
        (two_inputs(), "has 2 inputs and lacks the outputs none; wanted one input"),
    ],
)
def test_graphs_that_cannot_serve(model: bytes, message: str) -> None:
    with pytest.raises(BundleError, match=message):
        open_session(bundle_of(model))


def test_a_graph_for_other_labels_is_told_with_its_shapes() -> None:
    session = open_session(bundle_of(only_evidence_of_three()))
    wanted = (
        r"4 images gave logits \(4, 3\), .*; wanted \(4, 2\), \(4, 2, rows, columns\)"
    )
    with pytest.raises(BundleError, match=wanted):
        session.run(images(4))


def test_a_graph_for_other_images_fails_as_a_bundle_error() -> None:
    session = open_session(bundle_of(plain_graph()))
    with pytest.raises(BundleError, match="bundle 'tiny': the graph cannot be run"):
        session.run(np.zeros((1, 3, SIDE, SIDE), dtype=np.float32))


def test_the_input_may_have_any_name() -> None:
    one = open_session(bundle_of(plain_graph())).run(images(2))
    two = open_session(bundle_of(changed(image="x"))).run(images(2))
    for a, b in zip(one, two, strict=True):
        assert np.array_equal(a, b)


@pytest.mark.parametrize(
    ("proof", "message"),
    [
        (
            None,
            "engine 'int8' was not tried when the bundle was made; use --engine onnx",
        ),
        (
            Proof(-0.01, "int8"),
            r"changed the validation AUROC by -0.0100 and is not off",
        ),
        (Proof(float("nan"), "int8"), "is not offered"),
    ],
)
def test_engines_without_a_proof_are_not_used(
    proof: Proof | None, message: str
) -> None:
    engines = {} if proof is None else {"int8": proof}
    bundle = replace(bundle_of(plain_graph()), engines=engines, int8=b"x")
    with pytest.raises(BundleError, match=message):
        Predictor(bundle, engine="int8")


def test_a_proof_without_its_graph_is_told() -> None:
    bundle = replace(bundle_of(plain_graph()), engines={"int8": Proof(0.0, "int8")})
    with pytest.raises(BundleError, match="has no 8-bit copy of its graph; train with"):
        Predictor(bundle, engine="int8")


def test_the_reference_engine_needs_no_proof() -> None:
    check_offered(bundle_of(plain_graph()), "onnxruntime")


def test_without_openvino_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def refuse(name: str, *args: Any, **more: Any) -> Any:
        if name.split(".")[0] == "openvino":
            raise ImportError(name)
        return real(name, *args, **more)

    monkeypatch.setattr(builtins, "__import__", refuse)
    wanted = r"engine 'openvino': needs packages .*pip install 'medlens\[openvino\]'"
    with pytest.raises(MissingExtraError, match=wanted):
        open_session(bundle_of(plain_graph()), engine="openvino")


def decided(bundle: Bundle, engine: Any) -> tuple[list[tuple[str, ...]], Any]:
    predictor = Predictor(bundle, engine=engine)
    found = [
        predictor.predict(as_image(blob_image(i, has_blob=i > 5))) for i in range(12)
    ]
    return [a.decision for a in found], np.stack([a.probabilities for a in found])


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_openvino_decides_as_onnx_runtime_does(
    tiny_bundle: Path, precision: str
) -> None:
    pytest.importorskip("openvino")
    proof = {"openvino": Proof(0.0, precision)}
    for bundle in (load_bundle(tiny_bundle), bundle_of(plain_graph())):
        bundle = replace(bundle, engines=proof)
        ours, p = decided(bundle, "onnxruntime")
        theirs, q = decided(bundle, "openvino")
        clear = np.abs(p[:, 1] - 0.5) > 0.05
        assert [x for x, c in zip(ours, clear, strict=True) if c] == [
            x for x, c in zip(theirs, clear, strict=True) if c
        ]
        np.testing.assert_allclose(p, q, atol=1e-4 if precision == "fp32" else 0.05)


def test_openvino_refuses_what_is_no_graph() -> None:
    pytest.importorskip("openvino")
    with pytest.raises(BundleError, match="the graph cannot be loaded"):
        open_session(bundle_of(b"no graph at all"), engine="openvino")
