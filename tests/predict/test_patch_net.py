"""ONNX graphs as networks of a sliding window."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from medlens.core import BundleError
from medlens.predict import PatchNet, Sliding, predict_volume


def graph(axes: int, *, output: str = "logits", sides: Sequence[object] = ()) -> bytes:
    """Logits (x, 1 − x) of one channel, by a 1×1 convolution over 2 or 3 axes."""
    pytest.importorskip("onnx")
    from onnx import TensorProto, checker, helper, numpy_helper

    places = list(sides) or [f"n{i}" for i in range(axes)]
    weight = np.array([1, -1], np.float32).reshape(2, 1, *[1] * axes)
    model = helper.make_model(
        helper.make_graph(
            [helper.make_node("Conv", ["image", "weight", "bias"], [output])],
            "patches",
            [
                helper.make_tensor_value_info(
                    "image", TensorProto.FLOAT, ["b", 1, *places]
                )
            ],
            [
                helper.make_tensor_value_info(
                    output, TensorProto.FLOAT, ["b", 2, *places]
                )
            ],
            [
                numpy_helper.from_array(weight, "weight"),
                numpy_helper.from_array(np.array([0, 1], np.float32), "bias"),
            ],
        ),
        opset_imports=[helper.make_opsetid("", 17)],
        ir_version=8,
    )
    checker.check_model(model)
    data: bytes = model.SerializeToString()
    return data


@pytest.mark.parametrize(("axes", "patch"), [(3, (4, 6, 5)), (2, (1, 6, 5))])
def test_a_graph_answers_a_volume(axes: int, patch: tuple[int, int, int]) -> None:
    volume = np.random.default_rng(0).random((1, 9, 10, 11), dtype=np.float32)
    net = PatchNet(graph(axes), name="t", threads=1)
    found = predict_volume(
        volume, net, labels=2, settings=Sliding(patch=patch, batch=3)
    )
    np.testing.assert_array_equal(found, volume[0] < 0.5)


def test_graphs_that_cannot_serve() -> None:
    with pytest.raises(BundleError, match="bundle 't': the graph cannot be loaded"):
        PatchNet(b"no graph", name="t")
    with pytest.raises(BundleError, match="the outputs scores; wanted one input and"):
        PatchNet(graph(3, output="scores"), name="t")


def test_patches_that_do_not_fit() -> None:
    flat = PatchNet(graph(2), name="t", threads=1)
    with pytest.raises(BundleError, match="takes images and got patches of 4 slices"):
        flat(np.zeros((1, 1, 4, 4, 4), np.float32))
    fixed = PatchNet(graph(3, sides=[4, 4, 4]), name="t", threads=1)
    with pytest.raises(
        BundleError, match=r"cannot run on patches of shape \(1, 1, 4, 4"
    ):
        fixed(np.zeros((1, 1, 4, 4, 5), np.float32))
