"""An ONNX graph as the network of a sliding window: patches in, logits out."""

from __future__ import annotations

import numpy as np

from medlens.core import Array, BundleError
from medlens.predict.graph import Graph, OnnxGraph
from medlens.predict.tiles import FloatArray

LOGITS, EMBEDDING = "logits", "embedding"


class PatchNet:
    """(B, C, d, h, w) float32 → logits (B, K, d, h, w), in ONNX Runtime by default.

    A graph of images, (B, C, h, w), serves as well: its patch is one slice, d = 1.

    Args:
        model: bytes of a graph, already checked against their digest, or a graph
            in an engine.
        name: of the bundle, for messages.
        threads: 0 lets the engine decide.

    Raises:
        BundleError: it cannot be loaded, or has not one input and an output
            called "logits".
    """

    def __init__(self, model: bytes | Graph, *, name: str, threads: int = 0) -> None:
        self._graph: Graph = (
            OnnxGraph(model, name=name, threads=threads)
            if isinstance(model, bytes)
            else model
        )
        inputs, outputs = self._graph.inputs, self._graph.outputs
        if len(inputs) != 1 or LOGITS not in outputs:
            raise BundleError(
                f"bundle {name!r}: the graph has {len(inputs)} inputs and the outputs "
                f"{', '.join(outputs)}; wanted one input and logits"
            )
        self._name = name
        self._input = next(iter(inputs))
        self._is_flat = inputs[self._input] == 4
        self.has_embedding = EMBEDDING in outputs

    def __call__(self, patches: FloatArray) -> FloatArray:
        """Logits of a batch of patches.

        Raises:
            BundleError: the graph cannot run on them.
        """
        return self._run(patches, (LOGITS,))[0]

    def answer(self, patches: FloatArray) -> tuple[FloatArray, FloatArray | None]:
        """Logits and embedding (B, E), None where the graph has none.

        Raises:
            BundleError: the graph cannot run on them.
        """
        if not self.has_embedding:
            return self(patches), None
        logits, embedding = self._run(patches, (LOGITS, EMBEDDING))
        if embedding.ndim != 2 or len(embedding) != len(patches):
            raise BundleError(
                f"bundle {self._name!r}: {len(patches)} patches gave an embedding of "
                f"shape {embedding.shape}; wanted ({len(patches)}, …)"
            )
        return logits, embedding

    def _run(self, patches: FloatArray, names: tuple[str, ...]) -> list[FloatArray]:
        if not self._is_flat:
            return self._feed(patches, names)
        if patches.shape[2] != 1:
            raise BundleError(
                f"bundle {self._name!r}: the graph takes images and got patches of "
                f"{patches.shape[2]} slices; set the first side of sliding.patch to 1"
            )
        logits, *rest = self._feed(patches[:, :, 0], names)
        return [logits[:, :, None], *rest]

    def _feed(self, batch: Array, names: tuple[str, ...]) -> list[FloatArray]:
        try:
            return self._graph.run(names, {self._input: batch})
        except BundleError as error:
            raise BundleError(
                f"bundle {self._name!r}: the graph cannot run on patches of shape "
                f"{batch.shape}; set sliding.patch to the one it was trained with"
            ) from error


class Collector:
    """A network that remembers the mean embedding of all patches it was shown.

    Patches count alike; flipped ones are patches of their own.
    """

    def __init__(self, net: PatchNet) -> None:
        self._net, self._count = net, 0
        self._sum: Array | None = None

    def __call__(self, patches: FloatArray) -> FloatArray:
        """Logits of a batch of patches."""
        logits, embedding = self._net.answer(patches)
        if embedding is not None:
            total = embedding.sum(axis=0, dtype=np.float64)
            self._sum = total if self._sum is None else self._sum + total
            self._count += len(embedding)
        return logits

    @property
    def embedding(self) -> FloatArray | None:
        """(E,) float32, or None where the graph has no embedding."""
        if self._sum is None:
            return None
        mean: FloatArray = (self._sum / self._count).astype(np.float32)
        return mean
