"""A classifier's graph, ready to run: prepared images in, three arrays out."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from typing import Protocol

import numpy as np

from medlens.bundle import Bundle
from medlens.core import BundleError
from medlens.predict.graph import Engine as Engine
from medlens.predict.graph import FloatArray, Graph, open_graph

OUTPUTS = ("logits", "evidence", "embedding")


class Session(Protocol):
    """Runs images (B, C, H, W) or volumes (B, C, D, H, W), float32 in 0..1.

    `precision` is "fp32", "bf16" or "int8".
    """

    precision: str

    def run(self, images: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Logits (B, K), evidence (B, K, h, w) or (B, K, d, h, w), embedding (B, E)."""
        ...


def open_session(
    bundle: Bundle, *, engine: Engine = "onnxruntime", threads: int = 0
) -> Session:
    """Session of a bundle that classifies images or volumes.

    Args:
        bundle, engine, threads: see `open_graph`.

    Raises:
        BundleError: the graph cannot be loaded or lacks an input or output.
        MissingExtraError: the engine is not installed.
    """
    return GraphSession(bundle, open_graph(bundle, engine=engine, threads=threads))


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
            f"bundle {bundle.name!r}: engine {engine!r} changed the validation "
            f"{'Dice' if bundle.form == 'segment' else 'AUROC'} "
            f"by {proof.auroc_change:+.4f} and is not offered (limit 0.002); "
            "use --engine onnxruntime"
        )


def quickest_engine(bundle: Bundle) -> Engine:
    """What answers soonest: OpenVINO where it is offered, installed and worth it.

    A single image is answered before OpenVINO has started; a volume takes many calls
    of a 3D network, for which it was measured to be two to four times as fast.
    """
    proof = bundle.engines.get("openvino")
    is_worth = bundle.form in ("segment", "volume") and bundle.depth > 1
    is_there = importlib.util.find_spec("openvino") is not None
    if is_worth and is_there and proof is not None and proof.is_offered:
        return "openvino"
    return "onnxruntime"


class GraphSession:
    """A graph with one input and the three outputs of a classifier."""

    def __init__(self, bundle: Bundle, graph: Graph) -> None:
        self._bundle, self._graph = bundle, graph
        self.precision = graph.precision
        self._input = _check_names(bundle, list(graph.inputs), graph.outputs)

    def run(self, images: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """See `Session`."""
        arrays = self._graph.run(OUTPUTS, {self._input: images})
        return _check_arrays(self._bundle, arrays, images.shape)


class OnnxSession(GraphSession):
    """A classifier in ONNX Runtime."""

    def __init__(
        self, bundle: Bundle, *, threads: int = 0, is_int8: bool = False
    ) -> None:
        engine: Engine = "int8" if is_int8 else "onnxruntime"
        super().__init__(bundle, open_graph(bundle, engine=engine, threads=threads))


def _check_names(bundle: Bundle, inputs: list[str], outputs: Sequence[str]) -> str:
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
    bundle: Bundle, arrays: Sequence[FloatArray], given: tuple[int, ...]
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """The three outputs, after a look at their shapes."""
    logits, evidence, embedding = arrays
    count, labels = given[0], len(bundle.labels)
    found = (logits.shape, evidence.shape[:2], embedding.shape[:1])
    wanted = ((count, labels), (count, labels), (count,))
    if found != wanted or evidence.ndim != len(given) or not evidence.size:
        places = "rows, columns" if len(given) == 4 else "slices, rows, columns"
        raise BundleError(
            f"bundle {bundle.name!r}: {count} images gave logits {logits.shape}, "
            f"evidence {evidence.shape} and embedding {embedding.shape}; wanted "
            f"({count}, {labels}), ({count}, {labels}, {places}) and ({count}, …)"
        )
    return logits, evidence, np.asarray(embedding)
