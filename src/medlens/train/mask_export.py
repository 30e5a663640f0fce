"""A network that labels voxels as an ONNX graph, held against the framework."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import nn

from medlens.nets import ExportedMasks
from medlens.train.export import export_graph

OUTPUTS = ("logits", "embedding")


def export_masks(net: nn.Module, path: Path, *, examples: NDArray[np.float32]) -> float:
    """Write the graph and return its largest difference from the framework.

    Args:
        net: in evaluation mode on the CPU.
        path: of the `.onnx` file.
        examples: (B, C, d, h, w), or (B, C, h, w) for 2D networks, in 0..1, B at
            least 2; the patch's sides are fixed in the graph, B is free.

    Returns:
        As `export_onnx`.

    Raises:
        TrainError: the difference is above 1e-4.
        MissingExtraError: the exporter's packages are not installed.
    """
    return export_graph(ExportedMasks(net), path, examples=examples, outputs=OUTPUTS)
