"""The exported graph says what the network says."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from medlens.core import TrainError
from medlens.nets import Classifier, Exported, build_net
from medlens.train import export, export_onnx
from tests.tiny import SIDE, tiny_settings

ROOT = Path(__file__).resolve().parents[2]


def tiny_net() -> Classifier:
    """The network inside the session's `tiny_bundle`."""
    net = build_net(tiny_settings(), labels=2, seed=0).eval()
    with torch.no_grad():
        net.head.weight.mul_(50)
    return net


def images(count: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    return np.random.default_rng(1).random((count, 1, SIDE, SIDE), dtype=np.float32)


@pytest.mark.parametrize("count", [1, 2, 7])
def test_every_output_equals_torch_for_any_batch(tiny_bundle: Path, count: int) -> None:
    session = onnxruntime.InferenceSession(str(tiny_bundle / "model.onnx"))
    found = session.run(["logits", "evidence", "embedding"], {"image": images(count)})
    with torch.inference_mode():
        wanted = Exported(tiny_net()).eval()(torch.from_numpy(images(count)))
    for one, other in zip(found, wanted, strict=True):
        scale = max(1.0, float(other.abs().max()))
        assert np.abs(one - other.numpy()).max() <= 1e-4 * scale


def test_the_graph_tells_nothing_of_this_machine(tiny_bundle: Path) -> None:
    data = (tiny_bundle / "model.onnx").read_bytes()
    for place in (ROOT, Path(sys.prefix), Path.home()):
        assert f"{place}/".encode() not in data
    model = onnx.load_from_string(data)
    onnx.checker.check_model(model)
    assert not any(node.metadata_props for node in model.graph.node)


def write_instead(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    """Let the exporter write this graph, whatever it is given."""
    monkeypatch.setattr(export, "_write", lambda _, path, *__: path.write_bytes(data))


def test_the_difference_is_told(
    tiny_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_instead(monkeypatch, (tiny_bundle / "model.onnx").read_bytes())
    worst = export_onnx(tiny_net(), tmp_path / "m.onnx", examples=images(4))
    assert 0 <= worst <= 1e-4


@pytest.mark.parametrize("factor", [1.01, float("nan")])
def test_a_graph_that_answers_otherwise_is_refused(
    tiny_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, factor: float
) -> None:
    model = onnx.load(str(tiny_bundle / "model.onnx"))
    weight = next(t for t in model.graph.initializer if len(t.dims) == 4)
    values = onnx.numpy_helper.to_array(weight) * np.float32(factor)
    weight.CopyFrom(onnx.numpy_helper.from_array(values, weight.name))
    write_instead(monkeypatch, model.SerializeToString())
    wanted = (
        r"the ONNX graph differs from the trained network by .* \(wanted at most 0.0"
    )
    with pytest.raises(TrainError, match=wanted):
        export_onnx(tiny_net(), tmp_path / "m.onnx", examples=images(4))
    assert list(tmp_path.iterdir()) == []
