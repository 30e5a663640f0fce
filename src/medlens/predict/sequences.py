"""An answer for a series and each of its slices: a sequence bundle at work."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from medlens.bundle import Bundle
from medlens.core import (
    Array,
    BundleError,
    Image,
    Prediction,
    ResourceError,
    SequencePrediction,
    is_mapped,
)
from medlens.metrics.neighbours import hear_neighbours, own_weights
from medlens.predict.answer import say
from medlens.predict.coarse import LARGE_EVIDENCE, coarsened, plane_for
from medlens.predict.gate import case_statistics, judge_case
from medlens.predict.graph import Engine, Graph, open_graph
from medlens.predict.long_series import SeriesAnswer, answer_in_windows
from medlens.predict.series_graph import PlainGraph, WholeGraph
from medlens.predict.session import check_offered
from medlens.predict.sliding_memory import BASE_MB, MB
from medlens.predict.timing import stage
from medlens.prep import build_pipeline, place_on_source

MEMORY_MB = 2000.0
SLICE_FLOATS = 100
"""Numbers that a body holds for each pixel of a slice where nobody measured it:
EfficientNet-Lite0 takes about 60, the residual networks 50."""
LEAST_WINDOW = 16
"""Slices that are read together at the least; fewer are no series to a reader."""


@dataclass(frozen=True)
class SequenceAnswerOfCase:
    """An answer with what constants are fitted on.

    Attributes:
        prediction: the answer.
        raw: logits, attention, evidence and embedding, before calibration.
        statistics: (14,), see `case_statistics`.
    """

    prediction: SequencePrediction
    raw: SeriesAnswer
    statistics: NDArray[np.float32]


class SequencePredictor:
    """A bundle of form "sequence" with its graph and pipeline, kept between calls.

    Args:
        bundle: as loaded.
        engine: "onnxruntime", or one that the bundle offers.
        threads: of the engine; 0 lets it decide.
        memory_mb: what the whole process may hold, in units of 10^6 bytes; a series
            that is too long for one pass is answered in windows.

    Raises:
        BundleError: the bundle is of another form, does not offer the engine, or
            cannot be run.
        MissingExtraError: the engine is not installed.
    """

    def __init__(
        self,
        bundle: Bundle,
        *,
        engine: Engine = "onnxruntime",
        threads: int = 0,
        memory_mb: float = MEMORY_MB,
    ) -> None:
        if bundle.form != "sequence":
            raise BundleError(
                f"bundle {bundle.name!r}: is of form {bundle.form!r}; wanted "
                "'sequence' for series"
            )
        check_offered(bundle, engine)
        self.bundle, self.memory_mb = bundle, memory_mb
        self._pipeline = build_pipeline(bundle.steps)
        self._graph = _graph_of(
            bundle, open_graph(bundle, engine=engine, threads=threads)
        )

    def predict(
        self, image: Image, *, with_evidence: bool = True
    ) -> SequencePrediction:
        """Answer for a series and its slices.

        Args:
            image: (C, D, H, W) as read; an image is a series of one slice.
            with_evidence: put the evidence on the source's grid, that of the key slice
                and, on as fine a grid as memory allows, that of all slices.

        Raises:
            PrepError: the series does not suit the bundle's steps.
            BundleError: the steps do not give what the network takes, or it answers
                with something that is no answer.
            ResourceError: not even a few slices fit into memory.
        """
        return self.answer(image, with_evidence=with_evidence).prediction

    def answer(
        self, image: Image, *, with_evidence: bool = True
    ) -> SequenceAnswerOfCase:
        """As `predict`, with what constants are fitted on."""
        prepared = self.prepare(image)
        raw = self.run(prepared.array, held=(image.array,), case=image.case)
        statistics = case_statistics(prepared.array)
        found = self._describe(image.case, raw, statistics)
        if with_evidence:
            found = self._with_evidence(found, raw, image, prepared)
        return SequenceAnswerOfCase(found, raw, statistics)

    @stage("prepare")
    def prepare(self, image: Image) -> Image:
        """Series → (C, D, h, w) in 0..1, each slice in its place.

        Raises:
            PrepError: the series does not suit the bundle's steps.
            BundleError: the steps do not give what the network takes.
        """
        prepared = self._pipeline.run_volume(image)
        bundle, depth = self.bundle, image.array.shape[1]
        wanted = (bundle.channels, depth, bundle.height, bundle.width)
        if prepared.array.shape != wanted:
            raise BundleError(
                f"{image.case}: preparation gives {prepared.array.shape}, bundle "
                f"{bundle.name!r} takes {wanted} (channels, slices, rows, columns); "
                "pick another bundle for this kind of series"
            )
        return prepared

    def run(
        self, prepared: Array, *, held: tuple[Array, ...] = (), case: str = "series"
    ) -> SeriesAnswer:
        """The graph's answer for prepared (C, T, h, w) slices, before calibration.

        Args:
            prepared: as `prepare` gives.
            held: arrays that stay in memory meanwhile.
            case: local key, for messages.

        Raises:
            ResourceError: not even a few slices fit into memory.
            BundleError: the graph cannot run on them, or answers otherwise.
        """
        # (C, T, h, w) -> (T, C, h, w)
        slices = np.moveaxis(prepared, 1, 0)
        count = len(slices)
        most = self._most_slices((prepared, *held), count, case)

        def answer(first: int, last: int) -> SeriesAnswer:
            return self._graph.answer(np.ascontiguousarray(slices[first:last]))

        return _hear(
            answer_in_windows(count, most, answer),
            self.bundle.neighbours,
            is_of_slices=not self._graph.explains_series,
        )

    def _most_slices(self, held: tuple[Array, ...], count: int, case: str) -> int:
        """Slices that one pass may have."""
        if isinstance(self._graph, PlainGraph):
            return count  # shown a few at a time
        bundle = self.bundle
        pixels = bundle.height * bundle.width
        each = pixels * SLICE_FLOATS * 4 / MB
        if bundle.net_mb is not None:
            each = bundle.net_mb / bundle.depth
        each += 2 * pixels * bundle.channels * 4 / MB
        taken = BASE_MB + sum(a.nbytes for a in held if not is_mapped(a)) / MB
        most = int((self.memory_mb - taken) / each)
        if most < min(count, LEAST_WINDOW):
            needed = taken + min(count, LEAST_WINDOW) * each
            raise ResourceError(
                f"{case}: {count} slices need about {needed:.0f} MB even "
                f"{min(count, LEAST_WINDOW)} at a time, and {self.memory_mb:.0f} MB "
                f"may be used; raise memory_mb to {needed + 1:.0f}"
            )
        return min(most, count)

    def _describe(
        self, case: str, raw: SeriesAnswer, statistics: Array
    ) -> SequencePrediction:
        bundle = self.bundle
        gate = judge_case(bundle, raw.embedding, statistics)
        (series,) = say(
            bundle,
            raw.series_logits[None],
            cases=[case],
            calibration=bundle.series_calibration or bundle.calibration,
            points=bundle.series_points or bundle.operating_points,
            # Sets keep their promise for the cases that they were fitted on.
            conformal=None if bundle.slice_labels else bundle.conformal,
            gate=gate,
            embeddings=raw.embedding[None],
        )
        slices: list[Prediction] = []
        if bundle.slice_labels:
            slices = say(
                bundle,
                raw.slice_logits,
                cases=[f"{case}#slice:{t}" for t in range(len(raw.slice_logits))],
                calibration=bundle.calibration,
                points=bundle.operating_points,
                conformal=bundle.conformal,
                gate=gate,
            )
        return SequencePrediction(
            series=series,
            slices=tuple(slices),
            attention=raw.attention,
            key_slice=self._key_slice(raw, series),
        )

    def _key_slice(self, raw: SeriesAnswer, series: Prediction) -> int:
        """The slice with the largest part in the logit of the decided label."""
        label = (*series.decision, series.predicted, self.bundle.labels[0])[0]
        if label not in self.bundle.labels:  # a multi-label task decided for none
            label = self.bundle.labels[int(np.argmax(series.probabilities))]
        share = raw.share[:, self.bundle.labels.index(label)]
        if isinstance(self._graph, PlainGraph) and self.bundle.kind != "multiclass":
            share = np.abs(share)  # the rule's parts have one sign: that of the sum
        return int(np.argmax(share))

    def _with_evidence(
        self,
        found: SequencePrediction,
        raw: SeriesAnswer,
        image: Image,
        prepared: Image,
    ) -> SequencePrediction:
        key = found.key_slice
        evidence = place_on_source(
            np.asarray(raw.evidence[key], dtype=np.float32),
            slice_of(prepared, key),
            slice_of(image, key),
        )
        return SequencePrediction(
            found.series,
            found.slices,
            found.attention,
            key,
            evidence,
            self._place_slices(raw, image, prepared),
        )

    @stage("answer")
    def _place_slices(
        self, raw: SeriesAnswer, image: Image, prepared: Image
    ) -> Array | None:
        """(K, T, h, w) of all slices; None where there is no room for them."""
        count, labels = raw.evidence.shape[:2]
        held = (image.array, prepared.array, raw.evidence)
        taken = sum(array.nbytes for array in held if not is_mapped(array))
        free = int((self.memory_mb - BASE_MB) * MB) - taken
        rows, columns = image.array.shape[2:]
        most = min(LARGE_EVIDENCE, free)
        plane = plane_for(labels * count, rows, columns, most=most)
        if plane is None:
            return None
        placed = np.empty((labels, count, *plane), np.float32)
        for t in range(count):
            placed[:, t] = place_on_source(
                np.asarray(raw.evidence[t], dtype=np.float32),
                slice_of(prepared, t),
                coarsened(slice_of(image, t), plane),
            )
        return placed


def slice_of(image: Image, d: int) -> Image:
    """One slice of a volume as an image, where it lies in the patient."""
    shift = np.eye(4)
    shift[0, 3] = d
    return image.with_array(
        image.array[:, d : d + 1], geometry=image.geometry.then(shift)
    )


def _hear(found: SeriesAnswer, weight: float, *, is_of_slices: bool) -> SeriesAnswer:
    """Each slice with the slices beside it; the answer of the series stays.

    Args:
        found: before slices heard one another.
        weight: see `hear_neighbours`.
        is_of_slices: the evidence is of the slices' own logits, and stays the part
            that a slice's own picture brings; that of a head of the series is left
            alone with its answer.
    """
    if weight == 0:
        return found
    evidence = found.evidence
    if is_of_slices:
        own = own_weights(len(evidence), weight).astype(evidence.dtype)
        evidence = evidence * own[:, None, None, None]
    return replace(
        found,
        slice_logits=hear_neighbours(np.asarray(found.slice_logits), weight),
        evidence=evidence,
    )


def _graph_of(bundle: Bundle, graph: Graph) -> WholeGraph | PlainGraph:
    """A classifier of images has one input; it serves where no reader is trained."""
    if bundle.reader == "none" and len(graph.inputs) == 1:
        return PlainGraph(bundle, graph)
    return WholeGraph(bundle, graph)
