"""A module as an ONNX graph beside torch; used by the tests of this room."""

from __future__ import annotations

import logging
import warnings
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from torch import Tensor, nn

OPSET = 18


class Graph:
    """Opset-18 graph of a module, run by ONNX Runtime."""

    def __init__(
        self,
        module: nn.Module,
        path: Path,
        examples: tuple[Tensor, ...],
        *,
        inputs: tuple[str, ...],
        outputs: tuple[str, ...],
        axes: dict[str, dict[int, str]],
    ) -> None:
        dims = {name: torch.export.Dim(name, min=1, max=4096) for name in _named(axes)}
        free = tuple(
            {axis: dims[name] for axis, name in axes.get(key, {}).items()}
            for key in inputs
        )
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.onnx.export(
                module,
                examples,
                str(path),
                dynamo=True,
                opset_version=OPSET,
                external_data=False,
                input_names=list(inputs),
                output_names=list(outputs),
                dynamic_shapes=free,
                verbose=False,
            )
        self.module, self.inputs, self.outputs = module, inputs, outputs
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        self.session = onnxruntime.InferenceSession(
            str(path), options, providers=["CPUExecutionProvider"]
        )

    def run(self, *values: Tensor) -> list[Tensor]:
        feed = {
            key: value.numpy() for key, value in zip(self.inputs, values, strict=True)
        }
        return [torch.from_numpy(y) for y in self.session.run(list(self.outputs), feed)]

    def difference(self, *values: Tensor) -> float:
        """Largest difference from torch over all outputs, on the same values."""
        with torch.inference_mode():
            wanted = self.module(*values)
        wanted = wanted if isinstance(wanted, tuple) else (wanted,)
        found = self.run(*values)
        for a, b in zip(found, wanted, strict=True):
            assert a.shape == b.shape
        return max(
            float(np.abs((a - b).numpy()).max())
            for a, b in zip(found, wanted, strict=True)
        )


def _named(axes: dict[str, dict[int, str]]) -> list[str]:
    return sorted({name for free in axes.values() for name in free.values()})
