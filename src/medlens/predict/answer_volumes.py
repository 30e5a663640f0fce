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
    *,
    out: Path | None,
    formats: Sequence[str],
    uneven: Uneven,
) -> Iterator[Outcome]:
    """Answers in order; a case that fails is told and the rest go on.

    Args:
        predictor: of the bundle's form.
        cases: see `find_volumes`.
        out: folder for pictures and masks; None writes none.
        formats: of them, "png" and "nifti" are written here.
        uneven: see `open_volume`.

    Raises:
        ResourceError: the disk is full or cannot be written.
    """
    wanted = () if out is None else formats
    number = 0
    for item in cases:
        try:
            with stage("read"):
                image = open_volume(item, predictor.bundle.form, uneven=uneven)
            said, writers = _answer(predictor, image, wanted, _files_of(item, image))
        except Exception as error:  # a hostile file must not end the others
            yield None, [Failed.of(item.key, error)]
            continue
        number += 1
        failed = []
        for write in writers:
            try:
                if out is not None:
                    with stage("write"):
                        write(out, number)
            except ResourceError:
                raise  # a full disk is no matter of this case
            except Exception as error:
                reason = Failed.of(item.key, error).reason
                failed.append(Failed(item.key, f"no picture: {reason}"))
        yield said, failed


def _files_of(item: VolumeInput, image: Image) -> tuple[str, ...]:
    """Keys of the files that are slices; () of a volume in one file.

    Slices that were interpolated onto an even grid are no file's.
    """
    if item.series is None or "Resampled" in image.provenance.facts:
        return ()
    return tuple(part.name for part in item.series.slices)


def _answer(
    predictor: AnyPredictor, image: Image, formats: Sequence[str], files: Sequence[str]
) -> tuple[dict[str, Any], list[Callable[[Path, int], None]]]:
    """What is said of a case, and what writes its files."""
    if isinstance(predictor, MaskPredictor):
        mask = predictor.predict(image)
        return describe_mask(mask), _mask_writers(mask, image, formats)
    is_shown = "png" in formats
    if isinstance(predictor, SequencePredictor):
        series = predictor.predict(image, with_evidence=is_shown)
        said = describe_series(series, image.geometry, files)
        return said, _series_writers(series, image) if is_shown else []
    answer = predictor.predict(image, with_evidence=is_shown)
    return describe_case(answer), _volume_writers(answer, image) if is_shown else []


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
