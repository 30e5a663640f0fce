"""The graph of a sequence: slices in, an answer for the series and each slice out."""

from __future__ import annotations

import numpy as np

from medlens.bundle import Bundle
from medlens.core import Array, BundleError
from medlens.predict.graph import FloatArray, Graph
from medlens.predict.long_series import SeriesAnswer
from medlens.predict.session import GraphSession

NEEDED = (
    "slice_logits",
    "series_logits",
    "attention",
    "share",
    "embedding",
    "evidence",
)
SERIES_EVIDENCE = "series_evidence"  # where the series has a head of its own
PASS = 16  # slices answered at once where each is judged alone


class WholeGraph:
    """A graph that reads all slices in one pass (`nets/graphs.py`).

    Raises:
        BundleError: it lacks an input or output.
    """

    def __init__(self, bundle: Bundle, graph: Graph) -> None:
        missing = [name for name in NEEDED if name not in graph.outputs]
        if set(graph.inputs) != {"slices", "lengths"} or missing:
            raise BundleError(
                f"bundle {bundle.name!r}: the graph has the inputs "
                f"{', '.join(graph.inputs)} and lacks the outputs "
                f"{', '.join(missing) or 'none'}; wanted slices and lengths, and "
                f"{', '.join(NEEDED)}"
            )
        self._bundle, self._graph = bundle, graph
        # whether the maps are of a head that the series has for itself
        self.explains_series = SERIES_EVIDENCE in graph.outputs
        self._names = [
            *NEEDED[:-1],
            SERIES_EVIDENCE if self.explains_series else NEEDED[-1],
        ]

    def answer(self, slices: FloatArray) -> SeriesAnswer:
        """Answer for (T, C, H, W) slices in their order.

        Raises:
            BundleError: the graph cannot run on them, or answers otherwise.
        """
        feeds: dict[str, Array] = {
            "slices": slices[None],
            "lengths": np.array([len(slices)], np.int64),
        }
        found = dict(zip(NEEDED, self._graph.run(self._names, feeds), strict=True))
        steps, labels = len(slices), len(self._bundle.labels)
        wanted = {
            "slice_logits": (1, steps, labels),
            "series_logits": (1, labels),
            "attention": (1, steps),
            "share": (1, steps, labels),
        }
        for name, shape in wanted.items():
            if found[name].shape != shape:
                raise BundleError(
                    f"bundle {self._bundle.name!r}: {steps} slices gave {name} of "
                    f"shape {found[name].shape}; wanted {shape}: export it again"
                )
        maps, embedding = found["evidence"], found["embedding"]
        if maps.ndim != 5 or maps.shape[:3] != (1, steps, labels) or not maps.size:
            raise BundleError(
                f"bundle {self._bundle.name!r}: {steps} slices gave evidence of shape "
                f"{maps.shape}; wanted (1, {steps}, {labels}, rows, columns)"
            )
        if embedding.ndim != 2 or len(embedding) != 1:
            raise BundleError(
                f"bundle {self._bundle.name!r}: a series gave an embedding of shape "
                f"{embedding.shape}; wanted (1, …)"
            )
        return SeriesAnswer(**{name: array[0] for name, array in found.items()})


class PlainGraph:
    """A classifier of images; each slice is judged alone, a rule joins them.

    Raises:
        BundleError: it lacks an input or output.
    """

    explains_series = False

    def __init__(self, bundle: Bundle, graph: Graph) -> None:
        self._bundle = bundle
        self._session = GraphSession(bundle, graph)

    def answer(self, slices: FloatArray) -> SeriesAnswer:
        """Answer for (T, C, H, W) slices; a few of them at a time.

        Raises:
            BundleError: the graph cannot run on them, or answers otherwise.
        """
        parts = [
            self._session.run(np.ascontiguousarray(slices[start : start + PASS]))
            for start in range(0, len(slices), PASS)
        ]
        logits, evidence, embedding = (
            np.concatenate(part) for part in zip(*parts, strict=True)
        )
        return join_slices(self._bundle, logits, evidence, embedding)


def join_slices(
    bundle: Bundle, logits: FloatArray, evidence: FloatArray, embedding: FloatArray
) -> SeriesAnswer:
    """A series from slices that were judged alone.

    Binary: the log of the mean of exp(z), z the positive label's logit minus the
    other's, between the mean and the maximum and near the maximum where one slice
    stands out; a series is positive where one of its slices is. Multi-label: the same
    for each label. Of several classes all slices have the same, so that their logits
    are averaged.

    Args:
        bundle: task and labels.
        logits, evidence, embedding: (T, K), (T, K, h, w), (T, E).
    """
    count = len(logits)
    even = np.full(count, 1 / count)
    if bundle.kind == "multiclass":
        attention = even
        share = even[:, None] * logits
    elif bundle.kind == "multilabel":
        weights = np.stack([_soft_choice(column) for column in logits.T], axis=1)
        attention = weights.mean(axis=1)
        share = _shares(logits, weights)
    else:
        positive = bundle.labels.index(bundle.positive or bundle.labels[1])
        margin = logits[:, positive] - logits[:, 1 - positive]
        attention = _soft_choice(margin)
        half = _shares(margin[:, None], attention[:, None]) / 2
        share = np.repeat(half, 2, axis=1)
        share[:, 1 - positive] *= -1
    return SeriesAnswer(
        slice_logits=logits,
        series_logits=share.sum(axis=0),
        attention=attention,
        share=share,
        evidence=evidence,
        embedding=embedding.mean(axis=0),
    )


def _soft_choice(values: FloatArray) -> FloatArray:
    """(T,) softmax: how much each slice moves the log of the mean of exp."""
    powers = np.exp(values - values.max())
    return np.asarray(powers / powers.sum())


def _shares(values: FloatArray, weights: FloatArray) -> FloatArray:
    """(T, n) terms whose sums over T are the logs of the means of exp(values).

    Terms are as large as the weights: the slice that decides has the largest part.
    """
    top = values.max(axis=0)
    joined = top + np.log(np.exp(values - top).mean(axis=0))
    return np.asarray(weights * joined)
