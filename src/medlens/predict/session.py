"""One ONNX graph, ready to run: prepared images in, three arrays out."""

from __future__ import annotations

from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from medlens.bundle import Bundle
from medlens.core import BundleError, MissingExtraError

FloatArray = NDArray[np.float32]
Engine = Literal["onnxruntime", "openvino"]
OUTPUTS = ("logits", "evidence", "embedding")


class Session(Protocol):
    """Runs (B, C, H, W) float32 in 0..1 → logits, evidence, embedding."""

    def run(self, images: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Logits (B, K), evidence (B, K, h, w), embedding (B, E)."""
        ...


def open_session(
    bundle: Bundle, *, engine: Engine = "onnxruntime", threads: int = 0
) -> Session:
    """Session of a bundle.

    Args:
        bundle: checked model bytes.
        engine: "onnxruntime", or "openvino" (bfloat16 where the processor
            has it; needs the extra of that name).
        threads: 0 lets the engine decide.

    Raises:
        BundleError: the graph cannot be loaded or lacks an input or output.
        MissingExtraError: the engine is not installed.
    """
    if engine == "openvino":
        return OpenVinoSession(bundle, threads=threads)
    return OnnxSession(bundle, threads=threads)


class OnnxSession:
    """ONNX Runtime on the CPU."""

    def __init__(self, bundle: Bundle, *, threads: int = 0) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        options.intra_op_num_threads = threads
        # The graph comes as bytes, so it cannot point at other files.
        try:
            self._session = onnxruntime.InferenceSession(
                bundle.model, options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # the runtime has no common error class
            raise BundleError(
                f"bundle {bundle.name!r}: the graph cannot be loaded "
                f"({type(error).__name__}); export it again"
            ) from error
        self._input, self._outputs = _names(
            bundle,
            [(node.name, node.shape) for node in self._session.get_inputs()],
            [node.name for node in self._session.get_outputs()],
        )

    def run(self, images: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Logits, evidence, embedding of (B, C, H, W)."""
        logits, evidence, embedding = self._session.run(
            self._outputs, {self._input: images}
        )
        return logits, evidence, embedding


class OpenVinoSession:
    """OpenVINO on the CPU, in bfloat16 where the processor is built for it."""

    def __init__(self, bundle: Bundle, *, threads: int = 0) -> None:
        try:
            import openvino
        except ImportError as error:
            raise MissingExtraError("engine 'openvino'", "openvino") from error
        core = openvino.Core()
        model = core.read_model(bundle.model)
        settings: dict[str, Any] = {"PERFORMANCE_HINT": "LATENCY"}
        if "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
            settings["INFERENCE_PRECISION_HINT"] = "bf16"
        if threads:
            settings["INFERENCE_NUM_THREADS"] = threads
        self._compiled = core.compile_model(model, "CPU", settings)
        _, self._outputs = _names(
            bundle,
            [
                (port.get_any_name(), list(port.get_partial_shape()))
                for port in self._compiled.inputs
            ],
            [port.get_any_name() for port in self._compiled.outputs],
        )

    def run(self, images: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Logits, evidence, embedding of (B, C, H, W)."""
        results = self._compiled([images])
        logits, evidence, embedding = (
            np.array(results[name], dtype=np.float32) for name in self._outputs
        )
        return logits, evidence, embedding


def _names(
    bundle: Bundle, inputs: list[tuple[str, Any]], outputs: list[str]
) -> tuple[str, list[str]]:
    missing = [name for name in OUTPUTS if name not in outputs]
    if len(inputs) != 1 or missing:
        raise BundleError(
            f"bundle {bundle.name!r}: the graph has {len(inputs)} inputs and lacks the "
            f"outputs {', '.join(missing) or 'none'}; wanted one input and "
            f"{', '.join(OUTPUTS)}"
        )
    return inputs[0][0], list(OUTPUTS)
