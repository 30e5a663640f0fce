"""Every network for series and volumes as an ONNX graph: equal to torch in 1e-4."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from medlens.nets import (
    READERS,
    Exported,
    ExportedReading,
    ExportedSequence,
    ExportedSlices,
    build_unet,
    build_volume_net,
    plan_topology,
)
from tests.nets.onnx_graphs import Graph
from tests.nets.test_sequence import sequence, slices

TOLERANCE = 1e-4
LENGTHS = torch.tensor([3, 2])


def graph_of(module: object, path: Path, *examples: Tensor) -> Graph:
    assert isinstance(module, ExportedSequence | ExportedReading | ExportedSlices)
    return Graph(
        module.eval(),
        path / "model.onnx",
        examples,
        inputs=module.inputs,
        outputs=module.outputs,
        axes=module.axes,
    )


@pytest.mark.parametrize(
    ("reader", "own"), [*((name, None) for name in sorted(READERS)), ("gru", 2)]
)
def test_one_graph_takes_any_number_of_series_and_slices(
    tmp_path: Path, reader: str, own: int | None
) -> None:
    net = sequence(reader, own)
    graph = graph_of(ExportedSequence(net), tmp_path, slices(2, 3, 1, 16, 16), LENGTHS)
    for batch, steps in [(2, 3), (1, 1), (3, 1), (1, 9), (4, 5)]:
        x = slices(batch, steps, 1, 16, 16, seed=batch)
        lengths = 1 + torch.arange(batch) % steps
        assert graph.difference(x, lengths) < TOLERANCE
    shapes = {out.name: out.shape for out in graph.session.get_outputs()}
    assert shapes["attention"] == ["series", "slice"]
    assert shapes["slice_logits"] == ["series", "slice", 3]
    assert shapes["evidence"][:3] == ["series", "slice", 3]


def test_two_graphs_answer_as_one(tmp_path: Path) -> None:
    """Slices two at a time, then all embeddings: memory does not grow with T."""
    net = sequence()
    with torch.inference_mode():
        whole = ExportedSequence(net)
        x, lengths = slices(1, 5, 1, 16, 16), torch.tensor([5])
        wanted = dict(zip(whole.outputs, whole(x, lengths), strict=True))
        examples = net.embed(slices(2, 3, 1, 16, 16), LENGTHS)
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    seeing = graph_of(ExportedSlices(net), tmp_path / "a", slices(2, 1, 16, 16))
    reading = graph_of(ExportedReading(net), tmp_path / "b", examples, LENGTHS)
    parts = [seeing.run(part) for part in x[0].split(2)]
    embeddings, maps = (torch.cat(column) for column in zip(*parts, strict=True))
    found = reading.run(embeddings[None], lengths)
    for name, value in zip(reading.outputs, found, strict=True):
        torch.testing.assert_close(value, wanted[name], rtol=0, atol=TOLERANCE)
    torch.testing.assert_close(maps[None], wanted["evidence"], rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("norm", ["group", "instance", "batch"])
def test_3d_classifiers(tmp_path: Path, norm: str) -> None:
    net = build_volume_net("residual3d", channels=1, labels=2, seed=0, norm=norm)
    graph = Graph(
        Exported(net).eval(),
        tmp_path / "model.onnx",
        (slices(2, 1, 32, 16, 16),),
        inputs=("image",),
        outputs=("logits", "evidence", "embedding"),
        axes={"image": {0: "batch"}},
    )
    for batch in (1, 3):
        assert graph.difference(slices(batch, 1, 32, 16, 16, seed=1)) < TOLERANCE


@pytest.mark.parametrize(
    ("patch", "spacing"), [((8, 32, 32), (6.0, 1.0, 1.0)), ((32, 48), (1.0, 1.0))]
)
def test_u_nets(
    tmp_path: Path, patch: tuple[int, ...], spacing: tuple[float, ...]
) -> None:
    topology = plan_topology(patch, spacing)
    net = build_unet("unet_quarter", topology, channels=1, labels=3, seed=0, deep=True)
    graph = Graph(
        net.eval(),
        tmp_path / "model.onnx",
        (slices(2, 1, *topology.patch),),
        inputs=("image",),
        outputs=("logits",),
        axes={"image": {0: "batch"}},
    )
    for batch in (1, 3):
        assert graph.difference(slices(batch, 1, *topology.patch, seed=1)) < TOLERANCE
    names = [weight.name for weight in graph.session.get_inputs()]
    assert names == ["image"]
