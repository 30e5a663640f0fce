"""A bundle's masks held against their references, as one table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from medlens.bundle import Bundle
from medlens.core import DataError, Image, MaskPrediction
from medlens.datasets import Manifest, open_case, open_mask
from medlens.evaluate import MaskRow, MaskTable, score_case, table_of
from medlens.evaluate.mask_table import DEFAULT_TOLERANCE
from medlens.experiment.collect import nothing_read
from medlens.experiment.kept_masks import KeptMasks
from medlens.predict import Failed, MaskPredictor

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class CollectedMasks:
    """Figures of the cases that could be answered, and the others."""

    table: MaskTable
    failed: tuple[Failed, ...]


def collect_masks(
    predictor: MaskPredictor,
    manifest: Manifest,
    *,
    chosen: Sequence[int],
    splits: Sequence[str],
    groups: Sequence[int],
    kept: KeptMasks | None = None,
    progress: Progress | None = None,
) -> CollectedMasks:
    """Run the bundle over some cases, from their files on; no mask stays in memory.

    Args:
        predictor: the bundle at work.
        manifest: with masks; its labels are the bundle's.
        chosen: indices into `manifest.cases`.
        splits, groups: of every case of the manifest.
        kept: takes answers from there, and leaves them there.
        progress: called with (done, total).

    Raises:
        DataError: no case could be read.
    """
    tolerance = tolerance_of(predictor.bundle)
    rows: list[MaskRow] = []
    failed: list[Failed] = []
    for done, index in enumerate(chosen, start=1):
        case = manifest.cases[index]
        try:
            image = open_case(case)
            reference = open_mask(case, manifest.mask_values, image=image)
            answer = predict_kept(predictor, image, kept)
            spacing = spacing_of(image)
            gate = answer.out_of_distribution
            rows.append(
                score_case(
                    reference,
                    answer.mask,
                    spacing=spacing,
                    labels=answer.labels,
                    case=case.key,
                    tolerance=tolerance,
                    patient=case.patient,
                    group=str(groups[index]),
                    split=splits[index],
                    columns=case.columns,
                    ood_score=gate.score,
                    ood_flag=gate.flag,
                )
            )
        except Exception as error:  # one hostile file must not end the others
            failed.append(Failed.of(case.key, error))
        if progress is not None:
            progress(done, len(chosen))
    if not rows:
        raise DataError(nothing_read(len(chosen), failed))
    return CollectedMasks(table_of(rows), tuple(failed))


def predict_kept(
    predictor: MaskPredictor, image: Image, kept: KeptMasks | None
) -> MaskPrediction:
    """The answer, from `kept` where there is one."""
    if kept is None:
        return predictor.predict(image)
    return kept.answer(predictor, image).prediction


def spacing_of(image: Image) -> tuple[float, float, float] | None:
    """mm along D, H, W; None where the image carries none."""
    return image.geometry.spacing if image.geometry.is_calibrated else None


def tolerance_of(bundle: Bundle) -> float:
    """Of the surface Dice: one pixel of the training data, the same ever after."""
    return float(bundle.training.get("surface_tolerance", DEFAULT_TOLERANCE))
