"""Small bundles: one made by the whole export, one whose answers are known by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from medlens.bundle import Bundle, write_bundle
from medlens.core import Array, Geometry, Image, Provenance
from medlens.metrics import (
    Calibration,
    ConformalSets,
    OperatingPoint,
    OutlierGate,
    fit_outlier_gate,
    image_statistics,
)
from medlens.recipe import NetSettings, Step
from medlens.recipe.settings import Kind

SIDE = 32
STEPS = (
    Step("display"),
    Step("to_grey"),
    Step("resize", {"height": SIDE, "width": SIDE, "mode": "stretch"}),
)
CARD = "# Tiny\n\nA bundle made by the tests.\n"
LABELS = ("normal", "blob")
CELL = 8  # pixels that one cell of the plain graph's evidence sees
GAIN, BIAS = 10.0, -2.0


def blob_image(
    seed: int,
    *,
    has_blob: bool = True,
    shape: tuple[int, int] = (48, 40),
    centre: tuple[int, int] = (12, 30),
) -> Array:
    """(H, W) uint8 of dark noise, with a bright spot of radius 5 at `centre`."""
    rng = np.random.default_rng(seed)
    array = rng.integers(20, 60, shape, dtype=np.uint8)
    if has_blob:
        y, x = np.mgrid[: shape[0], : shape[1]]
        array[(y - centre[0]) ** 2 + (x - centre[1]) ** 2 <= 25] = 250
    return array


def as_image(array: Array, case: str = "case 1") -> Image:
    """An 8-bit grey (H, W) or colour (3, H, W) Image."""
    array = array[None] if array.ndim == 2 else array
    return Image(
        array[:, None],
        Geometry.uncalibrated(),
        valid_min=0,
        valid_max=255,
        provenance=Provenance(case=case),
    )


def tiny_settings() -> NetSettings:
    """The smallest network that `medlens.nets` has, on 32 px."""
    return NetSettings(
        name="residual18_half",
        pretrained="",
        channels=1,
        height=SIDE,
        width=SIDE,
        dropout=0.0,
    )


def make_tiny_bundle(folder: Path, *, seed: int = 0) -> Path:
    """Bundle of an untrained network, exported by torch (about 5 s).

    Args:
        folder: of the bundle; `model.onnx` is written beside it first.
        seed: of its weights.
    """
    import torch

    from medlens.nets import build_net
    from medlens.train import export_onnx

    net = build_net(tiny_settings(), labels=2, seed=seed).eval()
    with torch.no_grad():  # answers that differ from image to image
        net.head.weight.mul_(50)
    examples = np.random.default_rng(seed).random((4, 1, SIDE, SIDE), dtype=np.float32)
    folder.parent.mkdir(parents=True, exist_ok=True)
    graph = folder.with_name(folder.name + ".onnx")
    export_onnx(net, graph, examples=examples)
    with torch.inference_mode():
        prepared = np.stack([_prepared(i) for i in range(24)])
        embedding = net.features(torch.from_numpy(prepared)).mean(dim=(2, 3)).numpy()
    statistics = np.stack([image_statistics(image) for image in prepared])
    gate = fit_outlier_gate(
        embedding[:12],
        statistics[:12],
        validation_embeddings=embedding[12:],
        validation_statistics=statistics[12:],
    )
    bundle = bundle_of(graph.read_bytes(), outlier=gate)
    write_bundle(folder, bundle, card=CARD)
    return folder


def _prepared(seed: int) -> Array:
    from medlens.prep import build_pipeline

    image = as_image(blob_image(seed, has_blob=bool(seed % 2)))
    prepared: Array = build_pipeline(STEPS)(image).array[:, 0]
    return prepared


def bundle_of(
    model: bytes,
    *,
    labels: tuple[str, ...] = LABELS,
    kind: Kind = "binary",
    steps: tuple[Step, ...] = STEPS,
    thresholds: tuple[float, ...] | None = None,
    outlier: OutlierGate | None = None,
    name: str = "tiny",
) -> Bundle:
    """Bundle of a graph with plain constants.

    Args:
        model: bytes of an ONNX graph on (B, 1, 32, 32).
        labels, kind: of the task; the last label is positive where binary.
        steps: of preparation.
        thresholds: one for each label of a multi-label task, else one.
        outlier: gate, or none.
        name: of the bundle.
    """
    chosen = labels if kind == "multilabel" else labels[-1:]
    values = thresholds or (0.5,) * len(chosen)
    points = tuple(
        OperatingPoint(label, value, "youden", chosen=True)
        for label, value in zip(chosen, values, strict=True)
    )
    return Bundle(
        name=name,
        kind=kind,
        labels=labels,
        positive=labels[-1] if kind == "binary" else "",
        channels=1,
        height=SIDE,
        width=SIDE,
        steps=steps,
        calibration=Calibration.identity(len(labels), kind=kind),
        operating_points=points if kind != "multiclass" else (),
        conformal=ConformalSets(np.full(len(labels), 0.1), coverage=0.9),
        outlier=outlier,
        intended_use="Tests.",
        metrics={"auroc": {"value": 0.5, "low": 0.4, "high": 0.6}},
        training={"seed": 0},
        model=model,
    )


def plain_graph(gains: tuple[float, ...] = (-GAIN, GAIN), bias: float = BIAS) -> bytes:
    """ONNX graph of a network that can be worked out on paper.

    Evidence of label k is gains[k] × mean brightness of each 8 × 8 cell; its
    logit is the mean of its evidence plus `bias`; the embedding is the mean
    brightness and its square.
    """
    from onnx import TensorProto, helper, numpy_helper

    weight = np.array(gains, dtype=np.float32).reshape(-1, 1, 1, 1)
    constants = {
        "weight": weight,
        "bias": np.full((1, len(gains)), bias, dtype=np.float32),
        "places": np.array([2, 3], dtype=np.int64),
    }
    nodes = [
        helper.make_node(
            "AveragePool",
            ["image"],
            ["cells"],
            kernel_shape=[CELL] * 2,
            strides=[CELL] * 2,
        ),
        helper.make_node("Conv", ["cells", "weight"], ["evidence"]),
        helper.make_node("ReduceMean", ["evidence", "places"], ["mean"], keepdims=0),
        helper.make_node("Add", ["mean", "bias"], ["logits"]),
        helper.make_node("ReduceMean", ["cells", "places"], ["level"], keepdims=0),
        helper.make_node("Mul", ["level", "level"], ["square"]),
        helper.make_node("Concat", ["level", "square"], ["embedding"], axis=1),
    ]
    graph = helper.make_graph(
        nodes,
        "plain",
        [
            helper.make_tensor_value_info(
                "image", TensorProto.FLOAT, ["b", 1, SIDE, SIDE]
            )
        ],
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, None)
            for name in ("logits", "evidence", "embedding")
        ],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])
    model.ir_version = 9
    data: bytes = model.SerializeToString()
    return data
