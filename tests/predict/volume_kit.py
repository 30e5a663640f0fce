"""Graphs, bundles and volumes whose answers are known by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from medlens.bundle import Bundle
from medlens.core import Array, Geometry, Image, Provenance
from medlens.metrics import Calibration
from medlens.recipe import Step
from tests.tiny import bundle_of

LABELS = ("background", "grey", "white")
DISPLAY = (Step("display"),)


def grey_graph(
    axes: int,
    *,
    channels: int = 1,
    used: int = 0,
    with_embedding: bool = True,
    with_evidence: bool = False,
) -> bytes:
    """Logits of background, grey and white from one channel x of 0..1.

    They are 40·(0.25 − x), 0 and 40·(x − 0.75): below 0.25 the background is the most
    probable label, above 0.75 white. The embedding is the mean of x. With evidence the
    graph is a classifier: evidence is the three maps, logits are their means.

    Args:
        axes: 2 or 3.
        channels: of the input.
        used: the channel that x is.
        with_embedding, with_evidence: outputs beside the logits.
    """
    from onnx import TensorProto, helper, numpy_helper

    weight = np.zeros((3, channels, *[1] * axes), np.float32)
    weight[:, used] = np.array([-40, 0, 40], np.float32).reshape(3, *[1] * axes)
    pick = np.zeros((1, channels, *[1] * axes), np.float32)
    pick[0, used] = 1
    constants = {
        "weight": weight,
        "bias": np.array([10, 0, -30], np.float32),
        "pick": pick,
        "places": np.arange(2, 2 + axes, dtype=np.int64),
    }
    maps = "evidence" if with_evidence else "logits"
    nodes = [helper.make_node("Conv", ["image", "weight", "bias"], [maps])]
    outputs = [maps]
    if with_evidence:
        means = ["evidence", "places"]
        nodes.append(helper.make_node("ReduceMean", means, ["logits"], keepdims=0))
        outputs.append("logits")
    if with_embedding:
        nodes.append(helper.make_node("Conv", ["image", "pick"], ["x"]))
        means = ["x", "places"]
        nodes.append(helper.make_node("ReduceMean", means, ["embedding"], keepdims=0))
        outputs.append("embedding")
    sides = [f"n{i}" for i in range(axes)]
    inputs = helper.make_tensor_value_info(
        "image", TensorProto.FLOAT, ["b", channels, *sides]
    )
    graph = helper.make_graph(
        nodes,
        "grey",
        [inputs],
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, None) for n in outputs],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])
    model.ir_version = 9
    data: bytes = model.SerializeToString()
    return data


def mask_bundle(model: bytes, patch: tuple[int, int, int], **changes: Any) -> Bundle:
    """Bundle of form "segment" for 8-bit images."""
    plain = bundle_of(model, labels=LABELS, kind="multiclass", steps=DISPLAY)
    depth, height, width = patch
    fields = {
        "form": "segment",
        "calibration": Calibration.identity(3, kind="multiclass"),
        "conformal": None,
        "depth": depth,
        "height": height,
        "width": width,
    }
    return replace(plain, **{**fields, **changes})


def volume_image(
    array: Array,
    *,
    spacing: tuple[float, float, float] | None = (2.0, 0.5, 0.5),
    origin: tuple[float, float, float] = (-10.0, 20.0, 30.0),
    case: str = "case 1",
) -> Image:
    """An 8-bit Image of (D, H, W) or (C, D, H, W)."""
    array = array[None] if array.ndim == 3 else array
    geometry = (
        Geometry.uncalibrated()
        if spacing is None
        else Geometry.from_parts(spacing=spacing, origin=origin)
    )
    return Image(
        array,
        geometry,
        valid_min=0,
        valid_max=255,
        provenance=Provenance(case=case),
    )


def two_boxes(shape: tuple[int, int, int] = (12, 20, 24)) -> Array:
    """uint8 of a grey box of 4 × 6 × 8, a white one of 2 × 3 × 5 and a white voxel."""
    array = np.zeros(shape, np.uint8)
    array[2:6, 4:10, 5:13] = 128
    array[7:9, 12:15, 14:19] = 255
    array[11, 0, 0] = 255
    return array


def labels_of(array: Array) -> Array:
    """What the graph makes of 8-bit values."""
    return np.select([array < 64, array < 192], [0, 1], 2).astype(np.uint8)
