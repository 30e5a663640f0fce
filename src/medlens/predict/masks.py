"""A label for each voxel: a segmenting bundle at work, on the grid of its source."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medlens.bundle import Bundle
from medlens.core import Array, BundleError, Image, MaskPrediction, release
from medlens.predict.components import drop_parts
from medlens.predict.gate import case_statistics, judge_case
from medlens.predict.graph import Engine, open_graph
from medlens.predict.mapped import LARGE_BYTES, allocate, allocate_prepared
from medlens.predict.on_source import build_source_grid
from medlens.predict.patch_net import Collector, PatchNet
from medlens.predict.regions import measure_regions
from medlens.predict.session import check_offered
from medlens.predict.sliding import Progress, predict_volume
from medlens.predict.sliding_memory import check_memory
from medlens.predict.sliding_settings import Sliding
from medlens.predict.timing import stage
from medlens.prep import build_pipeline
from medlens.recipe.settings import SlidingSettings

FloatArray = NDArray[np.float32]


@dataclass(frozen=True)
class MaskAnswer:
    """An answer with what the out-of-distribution gate is fitted on.

    Attributes:
        prediction: the answer.
        embedding: (E,) mean over the patches; None where the graph has none.
        statistics: (14,), see `case_statistics`.
    """

    prediction: MaskPrediction
    embedding: FloatArray | None
    statistics: FloatArray


@dataclass(frozen=True)
class RawMask:
    """What the network says of a case, before clean-up and measures.

    Attributes:
        mask: (D, H, W) uint8 labels on the source's grid; may be memory-mapped.
        embedding, statistics: as in `MaskAnswer`.
    """

    mask: NDArray[np.uint8]
    embedding: FloatArray | None
    statistics: FloatArray


class MaskPredictor:
    """A bundle of form "segment" with its graph and pipeline, kept between calls.

    Args:
        bundle: as loaded.
        engine: "onnxruntime", or one that the bundle offers.
        threads: of the engine; 0 lets it decide.
        memory_mb: what the whole process may hold, in units of 10^6 bytes; None
            takes the bundle's `sliding.memory_mb`.

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
        memory_mb: float | None = None,
    ) -> None:
        if bundle.form != "segment":
            raise BundleError(
                f"bundle {bundle.name!r}: is of form {bundle.form!r}; wanted 'segment' "
                "for masks"
            )
        check_offered(bundle, engine)
        self.bundle = bundle
        self.settings = sliding_of(bundle, memory_mb=memory_mb)
        self._pipeline = build_pipeline(bundle.steps)
        graph = open_graph(bundle, engine=engine, threads=threads)
        self.precision = graph.precision
        self._net = PatchNet(graph, name=bundle.name)

    def predict(
        self,
        image: Image,
        *,
        out: Array | None = None,
        probabilities: Array | None = None,
        progress: Progress | None = None,
    ) -> MaskPrediction:
        """Labels, regions and doubt for one image or volume.

        Args:
            image: (C, D, H, W) as read; an image has D = 1. May be memory-mapped.
            out: (D, H, W) uint8 to fill; made where None, in a file where large.
            probabilities: (K, D, H, W) floats to fill as well, or None.
            progress: called with the patches done and their total.

        Raises:
            PrepError: the image does not suit the bundle's steps.
            BundleError: the steps do not give what the network takes, or it answers
                with something that is no answer.
            ResourceError: it does not fit into memory; known before any work.
        """
        return self.answer(
            image, out=out, probabilities=probabilities, progress=progress
        ).prediction

    def answer(
        self,
        image: Image,
        *,
        out: Array | None = None,
        probabilities: Array | None = None,
        progress: Progress | None = None,
    ) -> MaskAnswer:
        """As `predict`, with what the gate looks at."""
        raw = self.answer_raw(
            image, out=out, probabilities=probabilities, progress=progress
        )
        return self.finish(image, raw)

    @stage("answer")
    def answer_raw(
        self,
        image: Image,
        *,
        out: Array | None = None,
        probabilities: Array | None = None,
        progress: Progress | None = None,
    ) -> RawMask:
        """As `predict`, the mask as it comes from the network."""
        labels = len(self.bundle.labels)
        shape: tuple[int, int, int] = image.array.shape[1:]
        prepared = self.prepare(image)
        grid = build_source_grid(
            image.geometry,
            shape,
            prepared=prepared.geometry,
            prepared_shape=prepared.array.shape[1:],
            case=image.case,
        )
        release(image.array)
        mask = allocate(shape, np.uint8) if out is None else out
        net = Collector(self._net)
        predict_volume(
            prepared.array,
            net,
            labels=labels,
            settings=self.settings,
            grid=grid,
            out=mask,
            probabilities=probabilities,
            on_progress=progress,
            case=image.case,
            held=(image.array,),
        )
        return RawMask(mask, net.embedding, case_statistics(prepared.array))

    @stage("answer")
    def finish(self, image: Image, raw: RawMask) -> MaskAnswer:
        """Clean the mask up in place, measure it, hold the case against the gate.

        Args:
            image: of which only grid and name are looked at.
            raw: from `answer_raw` of the same graph.

        Raises:
            ResourceError: a label is in more than two million pieces.
        """
        bundle, mask = self.bundle, raw.mask
        for label in bundle.keep_largest:
            drop_parts(mask, label=bundle.labels.index(label), only_largest=True)
        prediction = MaskPrediction(
            case=image.case,
            labels=bundle.labels,
            mask=mask,
            regions=measure_regions(
                mask, image.geometry, labels=bundle.labels, case=image.case
            ),
            out_of_distribution=judge_case(bundle, raw.embedding, raw.statistics),
        )
        return MaskAnswer(prediction, raw.embedding, raw.statistics)

    @stage("prepare")
    def prepare(self, image: Image) -> Image:
        """Source → (C, D, H, W) in 0..1, as the network's patches are cut from it.

        Raises:
            PrepError: the image does not suit the bundle's steps.
            BundleError: the steps give another number of channels.
            ResourceError: the answer would not fit into memory; known as soon as the
                size of the prepared volume is.
        """

        def allocate_if_fits(shape: tuple[int, int, int, int]) -> Array:
            array = allocate_prepared(shape)
            check_memory(
                array,
                self.settings,
                labels=len(self.bundle.labels),
                answers=(image.array, *self._answers_in_memory(image)),
                case=image.case,
            )
            return array

        prepared = self._pipeline.run_volume(image, allocate=allocate_if_fits)
        channels = prepared.array.shape[0]
        if channels != self.bundle.channels:
            raise BundleError(
                f"{image.case}: preparation gives {channels} channels, bundle "
                f"{self.bundle.name!r} takes {self.bundle.channels}; pick another "
                "bundle for this kind of image"
            )
        return prepared

    def _answers_in_memory(self, image: Image) -> tuple[Array, ...]:
        """A stand-in for the mask, where it will not lie in a file."""
        shape = image.array.shape[1:]
        is_mapped = math.prod(shape) > LARGE_BYTES
        return () if is_mapped else (np.broadcast_to(np.uint8(0), shape),)


def sliding_of(bundle: Bundle, *, memory_mb: float | None = None) -> Sliding:
    """How the patches of a bundle are cut and joined.

    Args:
        bundle: of form "segment"; plain settings where it names none.
        memory_mb: in place of the bundle's own.
    """
    chosen = bundle.sliding or SlidingSettings()
    net_mb = None if bundle.net_mb is None else bundle.net_mb * chosen.batch
    return Sliding(
        patch=(bundle.depth, bundle.height, bundle.width),
        overlap=chosen.overlap,
        batch=chosen.batch,
        # A patch of one slice looks the same from both sides.
        mirror=tuple(axis for axis in chosen.mirror if axis or bundle.depth > 1),
        context=bundle.context,
        precision=chosen.precision,
        memory_mb=chosen.memory_mb if memory_mb is None else memory_mb,
        net_mb=net_mb,
    )
