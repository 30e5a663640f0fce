"""A bundle's answers on series and their slices, as two tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from medlens.core import DataError, SequencePrediction
from medlens.datasets import UNKNOWN, Case, Manifest, open_case
from medlens.evaluate import CaseTable
from medlens.experiment.collect import Answered, answers_table, nothing_read
from medlens.predict import Failed, SequencePredictor

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class CollectedSeries:
    """Answers and the series that gave none.

    Attributes:
        slices: a row for each slice; None where only series are judged.
        series: a row for each series.
        answers: series key → its answer, for the pictures.
        failed: series that gave none.
    """

    slices: CaseTable | None
    series: CaseTable
    answers: dict[str, SequencePrediction]
    failed: tuple[Failed, ...]

    @property
    def leading(self) -> CaseTable:
        """What predictions.csv holds: slices where these are judged, else series."""
        return self.series if self.slices is None else self.slices

    @property
    def beside(self) -> CaseTable | None:
        """What predictions_series.csv holds; None where predictions.csv has it."""
        return None if self.slices is None else self.series


def collect_series(
    predictor: SequencePredictor,
    manifest: Manifest,
    *,
    chosen: Sequence[int],
    splits: Sequence[str],
    groups: Sequence[int],
    progress: Progress | None = None,
) -> CollectedSeries:
    """Run the bundle over some series, from their files on.

    Arguments as for `collect_answers`; one series is in memory at a time.

    Raises:
        DataError: no series could be read.
    """
    slices: list[Answered] = []
    series: list[Answered] = []
    answers: dict[str, SequencePrediction] = {}
    failed: list[Failed] = []
    for done, index in enumerate(chosen, start=1):
        case = manifest.cases[index]
        split, group = splits[index], str(groups[index])
        try:
            # kept as they are: slice d of the answer is slice d of the case
            image = open_case(case, uneven="keep")
            answer = predictor.predict(image, with_evidence=False)
        except Exception as error:  # one hostile file must not end the others
            failed.append(Failed.of(case.key, error))
        else:
            answers[case.key] = answer
            series.append(
                Answered(answer.series, case.key, case, case.target, split, group)
            )
            for d, one in enumerate(answer.slices):
                key, target, columns = _of_slice(case, d, len(manifest.labels))
                slices.append(Answered(one, key, case, target, split, group, columns))
        if progress is not None:
            progress(done, len(chosen))
    if not series:
        raise DataError(nothing_read(len(chosen), failed))
    bundle = predictor.bundle
    whole = answers_table(bundle, series)
    if bundle.slice_labels:  # sets were fitted on slices; a series has none
        whole = replace(whole, sets=None)
    return CollectedSeries(
        answers_table(bundle, slices) if slices else None,
        whole,
        answers,
        tuple(failed),
    )


def _of_slice(
    case: Case, d: int, labels: int
) -> tuple[str, Sequence[int], dict[str, str]]:
    """Key, target and columns of a slice; a volume in one file has no labels of it."""
    if d >= len(case.slices):
        return f"{case.key}#{d}", (UNKNOWN,) * labels, dict(case.columns)
    part = case.slices[d]
    columns = {**case.columns, **part.columns}
    columns.pop("series", None)  # each would be a subgroup of its own
    return part.key, part.target, columns
