"""The trained network as an ONNX graph, held against the framework it came from."""

from __future__ import annotations

import logging
import warnings
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from medlens.core import MissingExtraError, TrainError
from medlens.nets import Classifier, Exported

OPSET = 18
TOLERANCE = 1e-4
OUTPUTS = ("logits", "evidence", "embedding")


def export_onnx(net: Classifier, path: Path, *, examples: NDArray[np.float32]) -> float:
    """Write the graph and return its largest difference from the framework.

    Args:
        net: in evaluation mode on the CPU.
        path: of the `.onnx` file.
        examples: (B, C, H, W) prepared images, or (B, C, D, H, W) volumes, in
            0..1, B at least 2.

    Returns:
        Largest absolute difference over all outputs and examples, relative
        to the largest output (at least 1).

    Raises:
        TrainError: the difference is above 1e-4.
        MissingExtraError: the exporter's packages are not installed.
    """
    return export_graph(Exported(net), path, examples=examples, outputs=OUTPUTS)


def export_graph(
    whole: nn.Module,
    path: Path,
    *,
    examples: NDArray[np.float32],
    outputs: tuple[str, ...],
) -> float:
    """Write a module of one input "image" with a free batch; see `export_onnx`.

    Args:
        whole: takes `examples`, gives one tensor for each of `outputs`.
        path, examples: as in `export_onnx`.
        outputs: names in the graph.
    """
    whole.eval()
    _write(whole, path, examples, outputs)
    forget_origin(path)
    with torch.inference_mode():
        wanted = [out.numpy() for out in whole(torch.from_numpy(examples))]
    worst = _difference(path, examples, wanted, outputs)
    if not worst <= TOLERANCE:
        path.unlink()
        raise TrainError(
            f"export: the ONNX graph differs from the trained network by {worst:.2g} "
            f"(wanted at most {TOLERANCE:g}); please report this with the recipe"
        )
    return worst


def _write(
    whole: nn.Module,
    path: Path,
    examples: NDArray[np.float32],
    outputs: tuple[str, ...],
) -> None:
    batch = torch.export.Dim("batch", min=1, max=4096)
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.onnx.export(
                whole,
                (torch.from_numpy(examples[:2]),),
                str(path),
                dynamo=True,
                opset_version=OPSET,
                external_data=False,
                input_names=["image"],
                output_names=list(outputs),
                dynamic_shapes={"x": {0: batch}},
                verbose=False,
            )
    except ImportError as error:
        raise MissingExtraError("export to ONNX", "train") from error
    finally:
        logger.setLevel(level)


def forget_origin(path: Path) -> None:
    """Take out what the exporter notes beside the graph.

    It keeps a stack trace at every node, with the folders of this machine; they
    are nobody's business, and without them equal weights give an equal file.
    """
    import onnx

    model = onnx.load(path)
    graphs = [model.graph, *model.functions]
    noted = [model, *graphs, *(node for graph in graphs for node in graph.node)]
    noted += [*model.graph.input, *model.graph.output, *model.graph.initializer]
    noted += [value for graph in graphs for value in graph.value_info]
    for part in noted:
        part.ClearField("metadata_props")
        part.ClearField("doc_string")
    onnx.save(model, path)


def _difference(
    path: Path,
    examples: NDArray[np.float32],
    wanted: list[NDArray[np.float32]],
    outputs: tuple[str, ...],
) -> float:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(
        str(path), options, providers=["CPUExecutionProvider"]
    )
    found = session.run(list(outputs), {"image": examples})
    return max(
        float(np.abs(a - b).max() / max(1.0, np.abs(b).max()))
        for a, b in zip(found, wanted, strict=True)
    )
