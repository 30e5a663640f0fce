"""A figure with its interval, or the reason why there is none."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Estimate:
    """One metric with its 95 % interval.

    Attributes:
        value: the figure, or None where it is undefined (see `reason`).
        low, high: ends of the interval, or None where there is none.
        method: how value and interval were computed, in words.
        reason: why the value is missing; "" when it is not.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    method: str = ""
    reason: str = ""

    def to_json(self) -> dict[str, Any]:
        """JSON object of `metrics.json`; six significant digits, never NaN."""
        entry: dict[str, Any] = {
            "value": rounded(self.value),
            "low": rounded(self.low),
            "high": rounded(self.high),
            "method": self.method,
        }
        return entry | {"reason": self.reason} if self.reason else entry


@dataclass(frozen=True)
class Difference:
    """First minus second, on the same cases, with its 95 % interval.

    Attributes:
        value, low, high: as in `Estimate`.
        p_value: two-sided, of no difference; None where it cannot be tested.
        method: the test, in words.
        reason: why the value is missing; "" when it is not.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    p_value: float | None = None
    method: str = ""
    reason: str = ""

    def to_json(self) -> dict[str, Any]:
        """JSON object of `metrics.json`; six significant digits, never NaN."""
        entry: dict[str, Any] = {
            "value": rounded(self.value),
            "low": rounded(self.low),
            "high": rounded(self.high),
            "p_value": rounded(self.p_value),
            "method": self.method,
        }
        return entry | {"reason": self.reason} if self.reason else entry


def undefined(reason: str, *, method: str = "") -> Estimate:
    """An estimate without a value, and why."""
    return Estimate(None, method=method, reason=reason)


def to_json(estimates: Mapping[str, Estimate]) -> dict[str, Any]:
    """Named estimates as JSON objects."""
    return {name: estimate.to_json() for name, estimate in estimates.items()}


def rounded(value: float | None) -> float | None:
    """Six significant digits; None for None, NaN and infinities (JSON has none)."""
    if value is None or not math.isfinite(value):
        return None
    return float(f"{value:.6g}")
