"""Images in, answers out: one bundle at work."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from medlens.bundle import Bundle
from medlens.core import (
    BundleError,
    Image,
    Prediction,
    reason_of,
)
from medlens.metrics import decide
from medlens.predict.answer import named, predicted, unsound
from medlens.predict.coarse import LARGE_EVIDENCE, coarsened, plane_for
from medlens.predict.gate import case_statistics, judge_case
from medlens.predict.graph import Engine
from medlens.predict.on_source import place_volume
from medlens.predict.session import check_offered, open_session
from medlens.predict.timing import stage
from medlens.prep import build_pipeline, place_on_source

FloatArray = NDArray[np.float32]
Pair = tuple[Image, Image]  # source (its grid only), prepared
BATCH = 16  # images answered at once; volumes are answered one by one


@dataclass(frozen=True)
class Failed:
    """A case that could not be read or prepared, and why."""

    case: str
    reason: str

    @classmethod
    def of(cls, case: str, error: Exception) -> Failed:
        """The failure in our own words; a library's may name folders or people."""
        said = reason_of(error)
        return cls(case, said if said.startswith(case) else f"{case}: {said}")


@dataclass(frozen=True)
class _Outputs:
    """One pass over B prepared images.

    Attributes:
        images: (B, C, H, W) or (B, C, D, H, W), what the graph was given.
        logits, evidence, embedding: (B, K), (B, K, [d,] h, w), (B, E).
        is_sound: (B,) bool, all logits finite.
        probabilities: (B, K) calibrated.
        decisions, sets: (B, K) bool.
    """

    images: FloatArray
    logits: FloatArray
    evidence: FloatArray
    embedding: FloatArray
    is_sound: NDArray[np.bool_]
    probabilities: NDArray[np.floating]
    decisions: NDArray[np.bool_]
    sets: NDArray[np.bool_]


class Predictor:
    """A bundle of form "image" or "volume" with its session, kept between calls.

    Args:
        bundle: as loaded.
        engine: "onnxruntime", or one that the bundle offers.
        threads: of the engine; 0 lets it decide.

    Raises:
        BundleError: the bundle is of another form, does not offer the engine, or
            cannot be run.
        MissingExtraError: the engine is not installed.
    """

    def __init__(
        self, bundle: Bundle, *, engine: Engine = "onnxruntime", threads: int = 0
    ) -> None:
        if bundle.form not in ("image", "volume"):
            raise BundleError(
                f"bundle {bundle.name!r}: is of form {bundle.form!r}; use "
                "predictor_of(bundle), which knows all forms"
            )
        check_offered(bundle, engine)
        self.bundle = bundle
        self._batch = BATCH if bundle.form == "image" else 1
        self._pipeline = build_pipeline(bundle.steps)
        self._session = open_session(bundle, engine=engine, threads=threads)

    @stage("prepare")
    def prepare(self, image: Image) -> Image:
        """Source image → (C, 1, H, W) in 0..1, or (C, D, H, W) of a volume.

        Raises:
            PrepError: the image does not suit the bundle's steps.
            BundleError: the steps do not give what the network takes.
        """
        is_flat = self.bundle.form == "image"
        run = self._pipeline if is_flat else self._pipeline.run_volume
        prepared = run(image)
        size = self.bundle
        wanted = (size.channels, size.depth, size.height, size.width)
        if prepared.array.shape != wanted:
            raise BundleError(
                f"{image.case}: preparation gives {prepared.array.shape}, bundle "
                f"{self.bundle.name!r} takes {wanted} (channels, slices, rows, "
                "columns); pick another bundle for this kind of image"
            )
        return prepared

    def run(self, batch: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Raw logits, evidence and embedding of prepared (B, C, [D,] H, W)."""
        return self._session.run(np.ascontiguousarray(batch, dtype=np.float32))

    def predict(self, image: Image, *, with_evidence: bool | None = None) -> Prediction:
        """Answer for one image or volume.

        Args:
            image: (C, D, H, W) as read.
            with_evidence: put the evidence on the source's grid; None does, and where
                that would take more than 256 MB takes fewer rows and columns.

        Raises:
            PrepError, BundleError: see `prepare`; or the answer is not finite.
        """
        return self.answer(image, with_evidence=with_evidence)[0]

    def answer(
        self, image: Image, *, with_evidence: bool | None = None
    ) -> tuple[Prediction, FloatArray]:
        """As `predict`, with the (14,) statistics that the gate looked at."""
        prepared = self.prepare(image)
        outputs = self._pass([prepared])
        grid = self._grid(image) if with_evidence is None else image
        is_wanted = with_evidence is not False and grid is not None
        found = self._answer(outputs, 0, grid or image, prepared, is_wanted)
        return found, case_statistics(outputs.images[0])

    def _grid(self, image: Image) -> Image | None:
        """The grid that an image's evidence is put on; None where none is coarse
        enough."""
        depth, rows, columns = image.array.shape[1:]
        planes = len(self.bundle.labels) * depth
        plane = plane_for(planes, rows, columns, most=LARGE_EVIDENCE)
        if plane is None or plane == (rows, columns):
            return None if plane is None else image
        return coarsened(image, plane)

    def predict_many(
        self,
        count: int,
        open_one: Callable[[int], Image],
        keys: list[str],
        *,
        with_evidence: bool = False,
        threads: int = 2,
        progress: Callable[[int, int], None] | None = None,
    ) -> Iterator[Prediction | Failed]:
        """Answers in order; a case that fails is listed and the rest go on.

        Args:
            count: number of cases.
            open_one: index → source image; called from `threads` threads.
            keys: case keys, for the failures.
            with_evidence: also put the evidence maps on the source grid.
            threads: that read and prepare side by side.
            progress: called with (done, total).
        """

        def ready(index: int) -> Pair | Failed:
            try:
                image = open_one(index)
                return _shell(image), self.prepare(image)
            except Exception as error:  # a hostile file must not end the others
                return Failed.of(keys[index], error)

        done = 0
        ahead = _ahead(ready, range(count), threads, self._batch)
        for chunk in _chunks(ahead, self._batch):
            good = [item for item in chunk if not isinstance(item, Failed)]
            answers = self._answer_all(good, with_evidence)
            for item in chunk:
                yield item if isinstance(item, Failed) else next(answers)
            done += len(chunk)
            if progress is not None:
                progress(done, count)

    def _answer_all(
        self, pairs: list[Pair], with_evidence: bool
    ) -> Iterator[Prediction | Failed]:
        """One pass for all; evidence is put on a source only when its turn comes,
        since a map for every label of a large image takes a lot of memory."""
        if not pairs:
            return
        outputs = self._pass([prepared for _, prepared in pairs])
        for i, (source, prepared) in enumerate(pairs):
            answer: Prediction | Failed
            try:
                answer = self._answer(outputs, i, source, prepared, with_evidence)
            except Exception as error:  # as above
                answer = Failed.of(source.case, error)
            yield answer

    @stage("answer")
    def _pass(self, prepared: list[Image]) -> _Outputs:
        """What the graph and the bundle's constants say of a batch."""
        is_flat = self.bundle.form == "image"
        images = np.stack([x.array[:, 0] if is_flat else x.array for x in prepared])
        logits, evidence, embedding = self.run(images)
        is_sound: NDArray[np.bool_] = np.isfinite(logits).all(axis=-1).reshape(-1)
        bundle = self.bundle
        probabilities = bundle.calibration.probabilities(
            np.where(is_sound[:, None], logits, 0)
        )
        decisions = decide(
            probabilities,
            bundle.operating_points,
            labels=bundle.labels,
            kind=bundle.kind,
        )
        sets = (
            bundle.conformal.sets(probabilities)
            if bundle.conformal
            else np.zeros(probabilities.shape, dtype=bool)
        )
        return _Outputs(
            images,
            logits,
            evidence,
            embedding,
            is_sound,
            probabilities,
            decisions,
            sets,
        )

    @stage("answer")
    def _answer(
        self,
        outputs: _Outputs,
        i: int,
        source: Image,
        prepared: Image,
        with_evidence: bool,
    ) -> Prediction:
        """The answer for case i of a batch.

        Raises:
            BundleError: a logit is not finite.
            UsageError: a prepared pixel is not finite.
            PrepError: the evidence cannot be put on the source.
        """
        bundle = self.bundle
        if not outputs.is_sound[i]:
            raise BundleError(unsound(source.case, bundle))
        probabilities = outputs.probabilities[i]
        chosen = named(bundle, outputs.decisions[i])
        return Prediction(
            case=source.case,
            labels=bundle.labels,
            logits=outputs.logits[i],
            probabilities=probabilities,
            predicted=predicted(probabilities, chosen, bundle),
            decision=chosen,
            prediction_set=named(bundle, outputs.sets[i]),
            out_of_distribution=judge_case(
                bundle, outputs.embedding[i], case_statistics(outputs.images[i])
            ),
            evidence=_place(outputs.evidence[i], prepared, source)
            if with_evidence
            else None,
            embedding=outputs.embedding[i],
        )


def _place(evidence: FloatArray, prepared: Image, source: Image) -> FloatArray:
    """(K, h, w) on an image's grid, (K, d, h, w) on a volume's."""
    if evidence.ndim == 4:
        return place_volume(evidence, prepared, source)
    return np.asarray(place_on_source(evidence, prepared, source))


def _shell(image: Image) -> Image:
    """The image's grid without its pixels: a batch of large sources need not stay.

    One zero stands for all pixels, which is all that the evidence needs.
    """
    return image.with_array(np.broadcast_to(np.uint8(0), image.array.shape))


def _ahead(
    work: Callable[[int], Pair | Failed],
    items: Iterable[int],
    threads: int,
    batch: int,
) -> Iterator[Pair | Failed]:
    """Results in order, a batch ahead of the reader."""
    with ThreadPoolExecutor(threads) as pool:

        def submit(item: int) -> Future[Pair | Failed]:
            # A thread starts without the stages of the one that started it.
            return pool.submit(copy_context().run, work, item)

        todo = iter(items)
        waiting = deque(submit(item) for item in islice(todo, batch))
        while waiting:
            result = waiting.popleft().result()
            following = next(todo, None)
            if following is not None:
                waiting.append(submit(following))
            yield result


def _chunks(items: Iterator[Pair | Failed], size: int) -> Iterator[list[Pair | Failed]]:
    while chunk := list(islice(items, size)):
        yield chunk
