"""Series, volumes and masks: one case after the other, from file to answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from medlens.core import (
    Image,
    MaskPrediction,
    MedlensError,
    Prediction,
    ResourceError,
    SequencePrediction,
)
from medlens.predict.case import CaseAnswer, Request, diagnose_case
from medlens.predict.diagnose import AnyAnswer
from medlens.predict.documents import describe_case, describe_mask, describe_series
from medlens.predict.files import write_mask, write_outlines, write_picture
from medlens.predict.find_volumes import Uneven, VolumeInput, open_volume
from medlens.predict.masks import MaskPredictor
from medlens.predict.predictor import Failed
from medlens.predict.sequences import SequencePredictor, slice_of
from medlens.predict.timing import stage

if TYPE_CHECKING:
    from medlens.predict.forms import AnyPredictor

Outcome = tuple[dict[str, Any] | None, list[Failed]]
"""What is said of a case, and what went wrong with it or its pictures."""


def answer_volumes(
    predictor: AnyPredictor,
    cases: Sequence[VolumeInput],
    request: Request,
    *,
    uneven: Uneven,
) -> Iterator[Outcome]:
    """Answers in order; a case that fails is told and the rest go on.

    Args:
        predictor: of the bundle's form.
        cases: see `find_volumes`.
        request: folder and formats of pictures, masks and results; priors.
        uneven: see `open_volume`.

    Raises:
        ResourceError: the disk is full or cannot be written.
    """
    number = 0
    for item in cases:
        try:
            with stage("read"):
                image = open_volume(item, predictor.bundle.form, uneven=uneven)
            said, done, writers = _answer(predictor, image, item, request)
        except Exception as error:  # a hostile file must not end the others
            yield None, [Failed.of(item.key, error)]
            continue
        number += 1
        failed = []
        for write in writers:
            try:
                if request.out is not None:
                    with stage("write"):
                        write(request.out, number)
            except ResourceError:
                raise  # a full disk is no matter of this case
            except Exception as error:
                reason = Failed.of(item.key, error).reason
                failed.append(Failed(item.key, f"no picture: {reason}"))
        if request.results:
            from medlens.predict.results import write_results

            failed += write_results(done, number, request, _kept(image))
        yield said, failed


def _kept(image: Image) -> Callable[[], Image]:
    return lambda: image


def _files_of(item: VolumeInput, image: Image) -> tuple[str, ...]:
    """Keys of the files that are slices; () of a volume in one file.

    Slices that were interpolated onto an even grid are no file's.
    """
    if item.series is None or "Resampled" in image.provenance.facts:
        return ()
    return tuple(part.name for part in item.series.slices)


def _answer(
    predictor: AnyPredictor, image: Image, item: VolumeInput, request: Request
) -> tuple[dict[str, Any], CaseAnswer, list[Callable[[Path, int], None]]]:
    """What is said of a case, its diagnosis, and what writes its pictures."""
    formats = () if request.out is None else request.formats
    answer, said, writers = _ask(predictor, image, item, formats, request.with_maps)
    done = diagnose_case(predictor.bundle, answer, image, item, request)
    return {**said, "diagnosis": done.document}, done, writers


def _ask(
    predictor: AnyPredictor,
    image: Image,
    item: VolumeInput,
    formats: Sequence[str],
    with_maps: bool,
) -> tuple[AnyAnswer, dict[str, Any], list[Callable[[Path, int], None]]]:
    """Answer, its part of the document, and what writes its pictures and masks."""
    if isinstance(predictor, MaskPredictor):
        mask = predictor.predict(image)
        return mask, describe_mask(mask), _mask_writers(mask, image, formats)
    is_shown = "png" in formats
    if isinstance(predictor, SequencePredictor):
        series = predictor.predict(image, with_evidence=with_maps)
        said = describe_series(series, image.geometry, _files_of(item, image))
        return series, said, _series_writers(series, image) if is_shown else []
    # Asked for by nobody in particular, a large volume's maps are left out.
    wanted = True if is_shown else (None if with_maps else False)
    answer = predictor.predict(image, with_evidence=wanted)
    writers = _volume_writers(answer, image) if is_shown else []
    return answer, describe_case(answer), writers


def _mask_writers(
    answer: MaskPrediction, image: Image, formats: Sequence[str]
) -> list[Callable[[Path, int], None]]:
    def mask(out: Path, number: int) -> None:
        write_mask(out, number, image, answer)

    def outlines(out: Path, number: int) -> None:
        areas = [int(np.count_nonzero(plane)) for plane in answer.mask]
        # Of slices with nothing the middle one is shown.
        d = int(np.argmax(areas)) if any(areas) else len(areas) // 2
        write_outlines(
            out, number, slice_of(image, d), answer.mask[d], case=answer.case
        )

    chosen = {"nifti": mask, "png": outlines}
    return [write for name, write in chosen.items() if name in formats]


def _series_writers(
    answer: SequencePrediction, image: Image
) -> list[Callable[[Path, int], None]]:
    def evidence(out: Path, number: int) -> None:
        shown = replace(answer.series, evidence=answer.evidence)
        write_picture(out, number, slice_of(image, answer.key_slice), shown)

    return [evidence]


def _volume_writers(
    answer: Prediction, image: Image
) -> list[Callable[[Path, int], None]]:
    """The slice with the strongest evidence for the decision."""

    def evidence(out: Path, number: int) -> None:
        if answer.evidence is None:
            raise MedlensError(f"{answer.case}: there is no evidence to show")
        label = (*answer.decision, answer.predicted, answer.labels[-1])[0]
        k = answer.labels.index(label) if label in answer.labels else -1
        d = int(answer.evidence[k].max(axis=(1, 2)).argmax())
        shown = replace(answer, evidence=answer.evidence[:, d])
        write_picture(out, number, slice_of(image, d), shown)

    return [evidence]
