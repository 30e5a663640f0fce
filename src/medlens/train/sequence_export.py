"""A network of series as one ONNX graph, held against the framework it came from."""

from __future__ import annotations

import logging
import warnings
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from medlens.core import MissingExtraError, TrainError
from medlens.nets import ExportedSequence, SequenceNet
from medlens.train.export import OPSET, TOLERANCE, forget_origin

MOST_SERIES, MOST_SLICES = 256, 4096  # that the graph says it takes


def export_sequence(
    net: SequenceNet, path: Path, *, examples: NDArray[np.float32]
) -> float:
    """Write the graph and return its largest difference from the framework.

    Inputs "slices" (B, T, C, H, W) and "lengths" (B,) int64, B and T free; outputs
    as in `nets.ExportedSequence`.

    Args:
        net: in evaluation mode on the CPU.
        path: of the `.onnx` file.
        examples: (B, T, C, H, W) prepared slices in 0..1, B and T at least 2.

    Returns:
        Largest absolute difference over all outputs, relative to the largest
        output (at least 1): of the examples with padding, of one series, and of
        one slice alone.

    Raises:
        TrainError: the difference is above 1e-4.
        MissingExtraError: the exporter's packages are not installed.
    """
    whole = ExportedSequence(net).eval()
    slices = torch.from_numpy(examples)
    batch, steps = slices.shape[:2]
    # series of different length, the longest first and without padding
    lengths = steps - torch.arange(batch) % steps
    _write(whole, path, slices[:2].clone(), lengths[:2].clone())
    forget_origin(path)
    worst = max(
        _difference(whole, path, slices, lengths),
        _difference(whole, path, slices[:1], lengths[:1]),
        _difference(whole, path, slices[:1, :1], torch.ones(1, dtype=torch.int64)),
    )
    if not worst <= TOLERANCE:
        path.unlink()
        raise TrainError(
            f"export: the ONNX graph differs from the trained network by {worst:.2g} "
            f"(wanted at most {TOLERANCE:g}); please report this with the recipe"
        )
    return worst


def _write(
    whole: ExportedSequence, path: Path, slices: Tensor, lengths: Tensor
) -> None:
    series = torch.export.Dim("series", min=1, max=MOST_SERIES)
    steps = torch.export.Dim("slice", min=1, max=MOST_SLICES)
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    _forget_kernels()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.onnx.export(
                whole,
                (slices, lengths),
                str(path),
                dynamo=True,
                opset_version=OPSET,
                external_data=False,
                input_names=list(whole.inputs),
                output_names=list(whole.outputs),
                dynamic_shapes={
                    "slices": {0: series, 1: steps},
                    "lengths": {0: series},
                },
                verbose=False,
            )
    except ImportError as error:
        raise MissingExtraError("export to ONNX", "train") from error
    finally:
        _forget_kernels()
        logger.setLevel(level)


def _forget_kernels() -> None:
    """Let torch choose the kernels of LSTM and GRU anew.

    The exporter puts a loop in their place so that the number of slices stays free,
    but torch (2.13) goes on with the kernel that it chose at an earlier export in this
    process, and the graph is one for the examples' number of slices alone.
    """
    for layer in (torch.ops.aten.lstm.input, torch.ops.aten.gru.input):
        layer._dispatch_cache.clear()


def _difference(
    whole: ExportedSequence, path: Path, slices: Tensor, lengths: Tensor
) -> float:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(
        str(path), options, providers=["CPUExecutionProvider"]
    )
    feed = {"slices": slices.numpy(), "lengths": lengths.numpy()}
    found = session.run(list(whole.outputs), feed)
    with torch.inference_mode():
        wanted = [out.numpy() for out in whole(slices, lengths)]
    return max(
        float(np.abs(a - b).max() / max(1.0, np.abs(b).max()))
        for a, b in zip(found, wanted, strict=True)
    )
