"""One ONNX graph, ready to run: prepared images in, three arrays out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from medlens.bundle import Bundle
from medlens.core import BundleError, MissingExtraError

FloatArray = NDArray[np.float32]
Engine = Literal["onnxruntime", "openvino", "int8"]
OUTPUTS = ("logits", "evidence", "embedding")


class Session(Protocol):
    """Runs (B, C, H, W) float32 in 0..1 → logits, evidence, embedding.

    `precision` is "fp32", "bf16" or "int8".
    """

    precision: str

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
            has it; needs the extra of that name), or "int8" (ONNX Runtime
            with the bundle's 8-bit copy).
        threads: 0 lets the engine decide.

    Raises:
        BundleError: the graph cannot be loaded or lacks an input or output.
        MissingExtraError: the engine is not installed.
    """
    if engine == "openvino":
        return OpenVinoSession(bundle, threads=threads)
    if engine == "int8" and not bundle.int8:
        raise BundleError(
            f"bundle {bundle.name!r}: has no 8-bit copy of its graph; train with "
            "'int8' in export.engines, or use --engine onnxruntime"
        )
    return OnnxSession(bundle, threads=threads, is_int8=engine == "int8")


def check_offered(bundle: Bundle, engine: Engine) -> None:
    """Refuse an engine whose answers were not shown to be as good.

    Raises:
        BundleError: it was not tried on validation cases, or failed there.
    """
    if engine == "onnxruntime":
        return
    proof = bundle.engines.get(engine)
    if proof is None:
        raise BundleError(
            f"bundle {bundle.name!r}: engine {engine!r} was not tried when the bundle "
            "was made; use --engine onnxruntime, or train again with it in "
            "export.engines"
        )
    if not proof.is_offered:
        raise BundleError(
            f"bundle {bundle.name!r}: engine {engine!r} changed the validation AUROC "
            f"by {proof.auroc_change:+.4f} and is not offered (limit 0.002); "
            "use --engine onnxruntime"
        )


class OnnxSession:
    """ONNX Runtime on the CPU."""

    def __init__(
        self, bundle: Bundle, *, threads: int = 0, is_int8: bool = False
    ) -> None:
        import onnxruntime

        self.precision = "int8" if is_int8 else "fp32"

        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        options.intra_op_num_threads = threads
        self._bundle = bundle
        with _said_plainly(bundle, "loaded"):
            self._session = onnxruntime.InferenceSession(
                bundle.int8 if is_int8 else bundle.model,
                options,
                providers=["CPUExecutionProvider"],
            )
        self._input = _check_names(
            bundle,
            [node.name for node in self._session.get_inputs()],
            [node.name for node in self._session.get_outputs()],
        )

    def run(self, images: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Logits, evidence, embedding of (B, C, H, W)."""
        with _said_plainly(self._bundle, "run"):
            arrays = self._session.run(list(OUTPUTS), {self._input: images})
        return _check_arrays(self._bundle, arrays, len(images))


class OpenVinoSession:
    """OpenVINO on the CPU, in bfloat16 where the processor is built for it."""

    def __init__(self, bundle: Bundle, *, threads: int = 0) -> None:
        try:
            import openvino
        except ImportError as error:
            raise MissingExtraError("engine 'openvino'", "openvino") from error
        self._bundle = bundle
        with _said_plainly(bundle, "loaded"):
            core = openvino.Core()
            # Threads bound to cores wait for whatever else runs there: without
            # the bond two shared cores answered a batch of 16 twice as fast.
            settings: dict[str, Any] = {
                "PERFORMANCE_HINT": "LATENCY",
                "ENABLE_CPU_PINNING": False,
            }
            proof = bundle.engines.get("openvino")
            may_round = proof is None or proof.precision == "bf16"
            capable = core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
            self.precision = "bf16" if may_round and "BF16" in capable else "fp32"
            settings["INFERENCE_PRECISION_HINT"] = (
                "bf16" if self.precision == "bf16" else "f32"
            )
            if threads:
                settings["INFERENCE_NUM_THREADS"] = threads
            model = core.read_model(bundle.model)
            self._compiled = core.compile_model(model, "CPU", settings)
        _check_names(
            bundle,
            [port.get_any_name() for port in self._compiled.inputs],
            [port.get_any_name() for port in self._compiled.outputs],
        )

    def run(self, images: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Logits, evidence, embedding of (B, C, H, W)."""
        with _said_plainly(self._bundle, "run"):
            results = self._compiled([images])
            arrays = [np.array(results[name]) for name in OUTPUTS]
        return _check_arrays(self._bundle, arrays, len(images))


@contextmanager
def _said_plainly(bundle: Bundle, deed: str) -> Iterator[None]:
    """Whatever the engine raises becomes a BundleError."""
    try:
        yield
    except Exception as error:  # the engines have no error class in common
        raise BundleError(
            f"bundle {bundle.name!r}: the graph cannot be {deed} "
            f"({type(error).__name__}); export it again"
        ) from error


def _check_names(bundle: Bundle, inputs: list[str], outputs: list[str]) -> str:
    """Name of the only input."""
    missing = [name for name in OUTPUTS if name not in outputs]
    if len(inputs) != 1 or missing:
        raise BundleError(
            f"bundle {bundle.name!r}: the graph has {len(inputs)} inputs and lacks the "
            f"outputs {', '.join(missing) or 'none'}; wanted one input and "
            f"{', '.join(OUTPUTS)}"
        )
    return inputs[0]


def _check_arrays(
    bundle: Bundle, arrays: Sequence[Any], count: int
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """The three outputs as float32, after a look at their shapes."""
    logits, evidence, embedding = (np.asarray(a, dtype=np.float32) for a in arrays)
    labels = len(bundle.labels)
    found = (logits.shape, evidence.shape[:2], embedding.shape[:1])
    if found != ((count, labels), (count, labels), (count,)) or evidence.ndim != 4:
        raise BundleError(
            f"bundle {bundle.name!r}: {count} images gave logits {logits.shape}, "
            f"evidence {evidence.shape} and embedding {embedding.shape}; wanted "
            f"({count}, {labels}), ({count}, {labels}, rows, columns) and ({count}, …)"
        )
    return logits, evidence, embedding
