"""Bootstrap of patients: whole patients are drawn, never single cases."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from medlens.core import Array, UsageError
from medlens.metrics.estimate import Estimate, undefined
from medlens.metrics.intervals import LEVEL, patient_codes, sum_by

RESAMPLES = 1000
_CHUNK = 4_000_000
"""Numbers held at once (16 MB of float32), so that memory does not grow with n."""
_KEPT = 40_000_000
"""Draws kept between calls (40 MB of bytes); larger sets are drawn again."""
_FEWEST = 200
"""Resamples that still give ends to a tenth of the interval's width."""


def affordable_resamples(patients: int, *, wanted: int = RESAMPLES) -> int:
    """`wanted` up to 40,000 patients, fewer beyond, never below 200.

    So the time grows with the number of patients only, and draws stay small
    enough to keep.
    """
    return min(wanted, max(_FEWEST, _KEPT // max(patients, 1)))


@dataclass(frozen=True)
class PatientBootstrap:
    """Seeded resamples of patients; the same for every metric asked of it.

    Attributes:
        codes: (n,) patient of each case, 0..P-1.
        resamples: how many, at least 1.
        seed: equal seeds give equal resamples, so that differences between
            two models on the same cases are paired.
    """

    codes: Array
    resamples: int = RESAMPLES
    seed: int = 0

    def __post_init__(self) -> None:
        if self.resamples < 1 or len(self.codes) == 0:
            raise UsageError(
                f"bootstrap: {len(self.codes)} cases, {self.resamples} resamples; "
                "wanted at least one of each"
            )

    @classmethod
    def of(
        cls, patients: list[str] | tuple[str, ...], *, seed: int = 0
    ) -> PatientBootstrap:
        """Bootstrap for cases with these patient keys ("" is its own patient)."""
        return cls(patient_codes(patients), seed=seed)

    @property
    def n_patients(self) -> int:
        """Number of patients drawn in each resample."""
        return int(self.codes.max()) + 1

    @property
    def name(self) -> str:
        """For the method string of an estimate."""
        return f"patient bootstrap, {self.resamples} resamples"

    def weights(self) -> Iterator[Array]:
        """How often each patient is drawn: blocks (b, P) of float32."""
        drawn = self._kept_counts if self._is_small else self._counts()
        for block in drawn:
            yield block.astype(np.float32)

    @property
    def _is_small(self) -> bool:
        return self.resamples * self.n_patients <= _KEPT

    @cached_property
    def _kept_counts(self) -> list[Array]:
        """The draws, kept: every label of a table asks for the same ones."""
        return list(self._counts())

    def _counts(self) -> Iterator[Array]:
        """Draws as blocks (b, P) of uint8; 255 of one patient never happens."""
        rng = np.random.default_rng(self.seed)
        patients = self.n_patients
        # Case weights are gathered from these, so the larger of both counts.
        rows = max(1, _CHUNK // max(patients, len(self.codes)))
        for start in range(0, self.resamples, rows):
            block = min(rows, self.resamples - start)
            drawn = rng.integers(0, patients, size=(block, patients))
            drawn += np.arange(block)[:, None] * patients
            counts = np.bincount(drawn.ravel(), minlength=block * patients)
            yield np.minimum(counts, 255).astype(np.uint8).reshape(block, patients)

    def sums(self, values: Array) -> Array:
        """Sums over the cases of each resample.

        Args:
            values: (n, q), one row a case.

        Returns:
            (resamples, q) float64.
        """
        by_patient = sum_by(self.codes, values)
        # One type on both sides: numpy multiplies mixed ones without BLAS, 60 times
        # more slowly.
        return np.concatenate(
            [block.astype(np.float64) @ by_patient for block in self.weights()]
        )

    def flipped(self, values: Array) -> Array:
        """Sums over all cases with a random sign for each patient.

        What sums of mean zero would scatter like (wild cluster bootstrap,
        Cameron, Gelbach & Miller 2008).

        Args:
            values: (n, q), one row a case.

        Returns:
            (resamples, q) float64.
        """
        by_patient = sum_by(self.codes, values)
        rng = np.random.default_rng([self.seed, 1])
        rows = max(1, _CHUNK // self.n_patients)
        sums = []
        for start in range(0, self.resamples, rows):
            shape = (min(rows, self.resamples - start), self.n_patients)
            signs = rng.integers(0, 2, size=shape, dtype=np.int8) * 2.0 - 1.0
            sums.append(signs @ by_patient)
        return np.concatenate(sums)

    def case_weights(self, cases: Array) -> Iterator[Array]:
        """How often each of `cases` (indices) is drawn: blocks (b, len(cases))."""
        picked = self.codes[cases]
        for block in self.weights():
            yield block[:, picked]


def bootstrap_estimate(
    values: Array,
    statistic: Callable[[Array], Array],
    bootstrap: PatientBootstrap,
    *,
    method: str = "",
    reason: str = "undefined on these cases",
) -> Estimate:
    """Percentile interval of any statistic of sums over cases.

    Args:
        values: (n, q) figures to add up over cases.
        statistic: (..., q) sums → (...) figures; NaN where undefined.
        bootstrap: the resamples.
        method: words put before the name of the interval.
        reason: why the value is missing, should it be.
    """
    totals = np.asarray(values, dtype=np.float64).sum(axis=0)
    value = float(statistic(totals[None])[0])
    return percentile_estimate(
        value,
        statistic(bootstrap.sums(values)),
        bootstrap,
        method=method,
        reason=reason,
    )


def percentile_estimate(
    value: float,
    replicates: Array,
    bootstrap: PatientBootstrap,
    *,
    method: str = "",
    reason: str = "undefined on these cases",
) -> Estimate:
    """Estimate from a value and its bootstrap replicates.

    Replicates that are NaN (a resample without positives, say) are left out.
    """
    name = f"{method}; {bootstrap.name}" if method else bootstrap.name
    if not np.isfinite(value):
        return undefined(reason, method=method)
    valid = replicates[np.isfinite(replicates)]
    if bootstrap.n_patients < 2 or len(valid) < max(1, len(replicates) // 2):
        return Estimate(value, method=f"{method}; no interval" if method else "")
    low, high = np.quantile(valid, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    # A resampled statistic can be biased (ECE, MCC at its limit); an interval
    # that leaves out its own value would be read as a mistake.
    return Estimate(value, min(float(low), value), max(float(high), value), name)


def reflected_estimate(
    value: float,
    replicates: Array,
    noise: Array,
    bootstrap: PatientBootstrap,
    *,
    method: str = "",
) -> Estimate:
    """Estimate of a figure of 0 or above that sampling noise inflates (ECE).

    A resample adds the noise once more, so its replicates lie as far above the
    value as the value lies above the truth. The basic bootstrap (Davison &
    Hinkley 1997, §5.2) reflects them at the value and so undoes the inflation.
    The lower end is 0 wherever noise alone explains the value. Both ends keep
    the value inside.

    Args:
        value: the figure.
        replicates: (resamples,) bootstrap values of it.
        noise: (resamples,) values it would take if the truth were 0.
        bootstrap: for the method string.
        method: words put before the name of the interval.
    """
    estimate = percentile_estimate(value, replicates, bootstrap, method=method)
    if estimate.low is None:
        return estimate
    valid = replicates[np.isfinite(replicates)]
    low, high = np.quantile(valid, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    is_noise = value <= np.quantile(noise, (1 + LEVEL) / 2)
    return Estimate(
        value,
        0.0 if is_noise else max(0.0, min(value, 2 * value - float(high))),
        max(value, 2 * value - float(low)),
        f"{estimate.method}, reflected",
    )
