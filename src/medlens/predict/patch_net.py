"""An ONNX graph as the network of a sliding window: patches in, logits out."""

from __future__ import annotations

import numpy as np

from medlens.core import Array, BundleError
from medlens.predict.tiles import FloatArray


class PatchNet:
    """ONNX Runtime on the CPU: (B, C, d, h, w) float32 → logits (B, K, d, h, w).

    A graph of images, (B, C, h, w), serves as well: its patch is one slice, d = 1.
    """

    def __init__(self, model: bytes, *, name: str, threads: int = 0) -> None:
        """Load a graph.

        Args:
            model: its bytes, already checked against their digest.
            name: of the bundle, for messages.
            threads: 0 lets the engine decide.

        Raises:
            BundleError: it cannot be loaded, or has not one input and an output
                called "logits".
        """
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        options.intra_op_num_threads = threads
        try:
            self._session = onnxruntime.InferenceSession(
                model, options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # the engine's errors have no common class
            raise BundleError(
                f"bundle {name!r}: the graph cannot be loaded "
                f"({type(error).__name__}); export it again"
            ) from error
        inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        if len(inputs) != 1 or "logits" not in [node.name for node in outputs]:
            raise BundleError(
                f"bundle {name!r}: the graph has {len(inputs)} inputs and the outputs "
                f"{', '.join(node.name for node in outputs)}; wanted one input and "
                "logits"
            )
        self._name, self._input = name, inputs[0].name
        self._is_flat = len(inputs[0].shape) == 4

    def __call__(self, patches: FloatArray) -> FloatArray:
        """Logits of a batch of patches.

        Raises:
            BundleError: the graph cannot run on them.
        """
        if not self._is_flat:
            return self._run(patches)
        if patches.shape[2] != 1:
            raise BundleError(
                f"bundle {self._name!r}: the graph takes images and got patches of "
                f"{patches.shape[2]} slices; set the first side of sliding.patch to 1"
            )
        return self._run(patches[:, :, 0])[:, :, None]

    def _run(self, batch: Array) -> FloatArray:
        try:
            (logits,) = self._session.run(["logits"], {self._input: batch})
        except Exception as error:
            raise BundleError(
                f"bundle {self._name!r}: the graph cannot run on patches of shape "
                f"{batch.shape} ({type(error).__name__}); set sliding.patch to the one "
                "it was trained with"
            ) from error
        return np.asarray(logits, dtype=np.float32)
