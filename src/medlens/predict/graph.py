"""One ONNX graph in an engine: named arrays in, named arrays out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from medlens.bundle import Bundle
from medlens.core import Array, BundleError, MissingExtraError
from medlens.predict.timing import stage

FloatArray = NDArray[np.float32]
Engine = Literal["onnxruntime", "openvino", "int8"]


class Graph(Protocol):
    """A loaded graph.

    Attributes:
        precision: "fp32", "bf16" or "int8".
        inputs: name → number of axes.
        outputs: names.
    """

    precision: str
    inputs: dict[str, int]
    outputs: tuple[str, ...]

    def run(self, names: Sequence[str], feeds: dict[str, Array]) -> list[FloatArray]:
        """The named outputs as float32.

        Raises:
            BundleError: the graph cannot run on these arrays.
        """
        ...


def open_graph(
    bundle: Bundle, *, engine: Engine = "onnxruntime", threads: int = 0
) -> Graph:
    """The graph of a bundle in an engine.

    Args:
        bundle: checked model bytes.
        engine: "onnxruntime", or "openvino" (bfloat16 where the processor
            has it; needs the extra of that name), or "int8" (ONNX Runtime
            with the bundle's 8-bit copy).
        threads: 0 lets the engine decide.

    Raises:
        BundleError: the graph cannot be loaded.
        MissingExtraError: the engine is not installed.
    """
    if engine == "openvino":
        proof = bundle.engines.get("openvino")
        return OpenVinoGraph(
            bundle.model,
            name=bundle.name,
            threads=threads,
            may_round=proof is None or proof.precision == "bf16",
        )
    if engine == "int8" and not bundle.int8:
        raise BundleError(
            f"bundle {bundle.name!r}: has no 8-bit copy of its graph; train with "
            "'int8' in export.engines, or use --engine onnxruntime"
        )
    is_int8 = engine == "int8"
    return OnnxGraph(
        bundle.int8 if is_int8 else bundle.model,
        name=bundle.name,
        threads=threads,
        precision="int8" if is_int8 else "fp32",
    )


class OnnxGraph:
    """ONNX Runtime on the CPU.

    Args:
        model: bytes of the graph, already checked against their digest.
        name: of the bundle, for messages.
        threads: 0 lets the engine decide.
        precision: that the graph calculates in.
    """

    def __init__(
        self, model: bytes, *, name: str, threads: int = 0, precision: str = "fp32"
    ) -> None:
        import onnxruntime

        self.precision = precision
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        options.intra_op_num_threads = threads
        self._name = name
        with said_plainly(name, "loaded"):
            self._session = onnxruntime.InferenceSession(
                model, options, providers=["CPUExecutionProvider"]
            )
        nodes = self._session.get_inputs()
        self.inputs = {node.name: len(node.shape) for node in nodes}
        self.outputs = tuple(node.name for node in self._session.get_outputs())

    def run(self, names: Sequence[str], feeds: dict[str, Array]) -> list[FloatArray]:
        """See `Graph`."""
        with stage("network"), said_plainly(self._name, "run"):
            arrays = self._session.run(list(names), feeds)
        return [np.asarray(array, dtype=np.float32) for array in arrays]


class OpenVinoGraph:
    """OpenVINO on the CPU, in bfloat16 where allowed and the processor has it.

    Args:
        model, name, threads: as for `OnnxGraph`.
        may_round: whether bfloat16 is allowed.
    """

    def __init__(
        self, model: bytes, *, name: str, threads: int = 0, may_round: bool = True
    ) -> None:
        try:
            import openvino
        except ImportError as error:
            raise MissingExtraError("engine 'openvino'", "openvino") from error
        self._name = name
        with said_plainly(name, "loaded"):
            core = openvino.Core()
            # Threads bound to cores wait for whatever else runs there: without
            # the bond two shared cores answered a batch of 16 twice as fast.
            settings: dict[str, Any] = {
                "PERFORMANCE_HINT": "LATENCY",
                "ENABLE_CPU_PINNING": False,
            }
            capable = core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
            self.precision = "bf16" if may_round and "BF16" in capable else "fp32"
            settings["INFERENCE_PRECISION_HINT"] = (
                "bf16" if self.precision == "bf16" else "f32"
            )
            if threads:
                settings["INFERENCE_NUM_THREADS"] = threads
            read = core.read_model(model)
            self._compiled = core.compile_model(read, "CPU", settings)
            self.inputs = {
                port.get_any_name(): len(port.get_partial_shape())
                for port in self._compiled.inputs
            }
            self.outputs = tuple(p.get_any_name() for p in self._compiled.outputs)

    def run(self, names: Sequence[str], feeds: dict[str, Array]) -> list[FloatArray]:
        """See `Graph`."""
        with stage("network"), said_plainly(self._name, "run"):
            results = self._compiled(feeds)
            # Copies: the engine writes its next answer into the same memory.
            return [np.array(results[name], dtype=np.float32) for name in names]


@contextmanager
def said_plainly(name: str, deed: str) -> Iterator[None]:
    """Whatever the engine raises becomes a BundleError."""
    try:
        yield
    except Exception as error:  # the engines have no error class in common
        raise BundleError(
            f"bundle {name!r}: the graph cannot be {deed} "
            f"({type(error).__name__}); export it again"
        ) from error
