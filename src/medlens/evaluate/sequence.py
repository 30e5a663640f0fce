"""One split of `metrics.json` where slices of series are read in order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from medlens.core import Array
from medlens.evaluate.baseline import auroc_difference
from medlens.evaluate.compare import pair_tables
from medlens.evaluate.headline import measure_table
from medlens.evaluate.measure import measure_split
from medlens.evaluate.table import CaseTable
from medlens.metrics import Difference, OperatingPoint
from medlens.metrics.bootstrap import RESAMPLES
from medlens.metrics.intervals import LEVEL

FEW_PATIENTS = 20
"""Below these the test's normal approximation promises too much."""


def measure_sequence_split(
    slices: CaseTable | None,
    series: CaseTable,
    *,
    plain: CaseTable | None = None,
    points: Sequence[OperatingPoint] = (),
    series_points: Sequence[OperatingPoint] | None = None,
    validation_prevalence: Sequence[float] | None = None,
    series_prevalence: Sequence[float] | None = None,
    baselines: Mapping[str, Array] | None = None,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> dict[str, Any]:
    """Entry of `splits`: figures per slice, and per series under `series`.

    Args:
        slices: answers for every slice, patients named so that slices of one count
            as one; None where only series are labelled, and then the entry is that
            of the series, without `series`.
        series: answers for every series.
        plain: what the CNN alone, without reading in order, says of the same cases
            (slices where there are any, else series); adds `readers`.
        points, validation_prevalence, baselines: of the leading table, as in
            `measure_split`.
        series_points: operating points of the series; by default `points`.
        series_prevalence: as `validation_prevalence`, of the series.
        seed, resamples: of the patient bootstrap.

    Raises:
        DataError: no case has a reference standard, or `plain` is about others.
    """
    leading = series if slices is None else slices
    entry = measure_split(
        leading,
        points=points,
        validation_prevalence=validation_prevalence,
        baselines=baselines,
        seed=seed,
        resamples=resamples,
    )
    entry["case_unit"] = "series" if slices is None else "slices"
    if slices is not None:
        entry["series"] = measure_split(
            series,
            points=points if series_points is None else series_points,
            validation_prevalence=series_prevalence,
            seed=seed,
            resamples=resamples,
        ) | {"case_unit": "series"}
    if plain is not None:
        entry["readers"] = compare_readers(plain, leading, seed=seed)
    return entry


def compare_readers(
    plain: CaseTable, read: CaseTable, *, seed: int = 0
) -> dict[str, Any]:
    """Did reading the slices in order help? The same cases, tested in pairs.

    The paired DeLong test, clustered by patient (Obuchowski 1997): slices of one
    patient, or series of one, are not independent.

    Args:
        plain: answers of the CNN alone.
        read: answers of CNN and reader.
        seed: of the bootstrap behind the average precision.

    Returns:
        {"n_cases", "n_patients", "unit", "metrics": {name: {"plain", "read"}},
        "auroc_difference": read minus plain with interval and p value, "helped":
        True, False (it harmed) or None (not shown), "verdict": words}.

    Raises:
        DataError: the tables are of different tasks or share no labelled case.
    """
    first, second = pair_tables(read, plain)
    gap = auroc_difference(first, second)
    figures = [
        measure_table(table, seed=seed, resamples=200).headline
        for table in (second, first)
    ]
    helped = _helped(gap)
    return {
        "n_cases": len(first),
        "n_patients": first.n_patients,
        "unit": first.unit,
        "metrics": {
            name: {
                "plain": figures[0][name].to_json(),
                "read": figures[1][name].to_json(),
            }
            for name in ("auroc", "average_precision")
        },
        "auroc_difference": gap.to_json(),
        "helped": helped,
        "verdict": _verdict(gap, helped, first.n_patients),
    }


def _helped(gap: Difference) -> bool | None:
    """Whether the interval of the difference lies on one side of 0."""
    if gap.low is None or gap.high is None:
        return None
    if gap.low > 0:
        return True
    return False if gap.high < 0 else None


def _verdict(gap: Difference, helped: bool | None, patients: int) -> str:
    if gap.value is None:
        return f"It cannot be said whether reading in order helped: {gap.reason}."
    change = f"AUROC {gap.value:+.3f}".replace("-", "−")
    if gap.low is None or gap.high is None:
        return f"It cannot be said whether reading in order helped ({change})."
    ends = f"{gap.low:+.3f} to {gap.high:+.3f}".replace("-", "−")
    doubt = f"{change}, {LEVEL:.0%} interval {ends}"
    said = {
        True: f"Reading the slices in order helped ({doubt}).",
        False: f"Reading the slices in order made it worse ({doubt}); the network "
        "without the reader is the better choice here.",
        None: f"It is not shown that reading the slices in order helped ({doubt}).",
    }[helped]
    if patients < FEW_PATIENTS:
        said += (
            f" With {patients} patients the test promises more certainty than there is."
        )
    return said
