"""Do two samples of answers come from one and the same stream? A test that is exact.

Each feature (a probability, the score of strangeness, a statistic of the input) is
compared by Anderson and Darling's rank statistic for two samples with ties (Scholz &
Stephens 1987, equation 6). The largest standardised one of a family of features is
held against the same figure under thousands of random exchanges of the cases between
the samples (Westfall & Young 1993). Where nothing changed every exchange is as likely
as what was seen, so that the chance of p <= a is at most a: at any size, for any
distribution, and whatever the dependence between the features.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from medlens.core import Array, UsageError

ROUNDS = 3999
SCREEN_ROUNDS = 399
SCREEN_P = 0.1
"""A first part of the exchanges is enough where it gives more than this: stopping
there can only take alarms away."""
_PIECE = 1 << 22  # numbers that are held at a time


@dataclass(frozen=True)
class Moved:
    """One feature in both samples.

    Attributes:
        name: of the feature.
        before, now: medians.
        p_value: with the search over the whole family counted in.
    """

    name: str
    before: float
    now: float
    p_value: float


@dataclass(frozen=True)
class Shift:
    """A family of features in both samples.

    Attributes:
        p_value: of the whole family; 1 where nothing in it varies.
        features: the most changed one first.
    """

    p_value: float
    features: tuple[Moved, ...]


def compare_samples(
    before: Mapping[str, Array],
    now: Mapping[str, Array],
    *,
    seed: int,
    rounds: int = ROUNDS,
) -> Shift:
    """Test a family of features for a change of any kind.

    Args:
        before: name → (n,) finite values, the cases in the same order for all names.
        now: name → (m,), the same names.
        seed: of the exchanges; must not depend on the values.
        rounds: exchanges at most; the smallest p value is 1 / (rounds + 1).

    Raises:
        UsageError: a sample is empty, or the names or lengths do not fit.
    """
    names = list(before)
    n, m = _length(before, names), _length(now, list(now))
    if names != list(now) or not n or not m:
        raise UsageError(
            "drift: wanted the same features in both samples, in one order, with one "
            "case or more"
        )
    pooled = {name: np.concatenate([before[name], now[name]]) for name in names}
    varied = [name for name in names if np.ptp(pooled[name]) > 0]
    if not varied:
        return Shift(1.0, tuple(_moved(name, before, now, 1.0) for name in names))
    ranks = [_Ranks.of(pooled[name]) for name in varied]
    adjusted = _adjusted(ranks, n, m, seed, min(rounds, SCREEN_ROUNDS))
    if min(adjusted) <= SCREEN_P and rounds > SCREEN_ROUNDS:
        adjusted = _adjusted(ranks, n, m, seed, rounds)
    found = dict(zip(varied, adjusted, strict=True))
    moved = [_moved(name, before, now, found.get(name, 1.0)) for name in names]
    return Shift(min(adjusted), tuple(sorted(moved, key=lambda each: each.p_value)))


@dataclass(frozen=True)
class _Ranks:
    """The pooled cases of one feature in order, and where runs of ties end.

    Attributes:
        order: (N,) indices of cases, the smallest value first.
        ends: (J,) last position of every run but the last one.
        weights: (J,) of the squared differences there.
        counts: (J,) cases up to there.
    """

    order: Array
    ends: Array
    weights: Array
    counts: Array

    @classmethod
    def of(cls, values: Array) -> _Ranks:
        order = np.argsort(values, kind="stable")
        ordered = values[order]
        ends = np.flatnonzero(ordered[1:] != ordered[:-1])
        total = len(values)
        runs = np.diff(np.concatenate([[-1], ends]))
        counts = ends + 1.0
        return cls(order, ends, runs / (counts * (total - counts)), counts)

    def statistic(self, is_now: Array, m: int) -> Array:
        """(B,) up to a factor, for rows of (B, N) with m cases of "now" each."""
        total = is_now.shape[1]
        below = np.cumsum(is_now[:, self.order], axis=1, dtype=np.int32)
        apart = below[:, self.ends] * float(total) - m * self.counts
        return np.asarray(np.square(apart) @ self.weights)


def _adjusted(
    ranks: list[_Ranks], n: int, m: int, seed: int, rounds: int
) -> list[float]:
    """p value of each feature by the largest of all; row 0 is what was seen."""
    generator = np.random.default_rng(seed)
    seen = np.zeros(n + m, dtype=np.int8)
    seen[n:] = 1
    parts, left = [], rounds
    rows = max(1, _PIECE // (n + m))
    while left:
        size = min(rows, left)
        exchanged = generator.permuted(np.tile(seen, (size, 1)), axis=1)
        if left == rounds:
            exchanged = np.concatenate([seen[None], exchanged])
        parts.append(np.stack([each.statistic(exchanged, m) for each in ranks]))
        left -= size
    found = np.concatenate(parts, axis=1)  # (F, rounds + 1)
    centre, spread = found.mean(axis=1), found.std(axis=1)
    spread = np.where(spread > 0, spread, np.inf)  # the same whatever is exchanged
    found = (found - centre[:, None]) / spread[:, None]
    largest = found.max(axis=0)
    return [float(np.mean(largest >= each - 1e-9)) for each in found[:, 0]]


def _moved(
    name: str, before: Mapping[str, Array], now: Mapping[str, Array], p_value: float
) -> Moved:
    return Moved(
        name, float(np.median(before[name])), float(np.median(now[name])), p_value
    )


def _length(sample: Mapping[str, Array], names: list[str]) -> int:
    lengths = {len(sample[name]) for name in names}
    if len(lengths) != 1:
        raise UsageError("drift: wanted each feature once for every case")
    return lengths.pop()
