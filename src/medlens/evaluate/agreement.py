"""How well sizes of masks agree with those of the reference."""

from __future__ import annotations

from typing import Any

import numpy as np

from medlens.core import Array
from medlens.metrics import Estimate, PatientBootstrap
from medlens.metrics.bootstrap import bootstrap_estimate
from medlens.metrics.estimate import to_json, undefined

FEWEST = 3
"""Cases that limits of agreement and a correlation need."""
_SPREADS = 1.959964
"""Standard deviations that hold 95 % of a normal distribution."""


def agreement_entry(
    answer: Array, reference: Array, bootstrap: PatientBootstrap, *, unit: str
) -> dict[str, Any]:
    """Bias, 95 % limits of agreement (Bland & Altman 1986) and correlation.

    The limits are the bias ± 1.96 standard deviations of the differences (answer
    minus reference): nineteen of twenty new cases are expected between them, if
    the differences are about normal. Cases count in which reference or answer has
    the label.

    Args:
        answer, reference: (n,) sizes; NaN where a case carries no spacing.
        bootstrap: of the same n cases.
        unit: of the sizes.

    Returns:
        {"unit", "n_cases", "bias", "lower", "upper", "correlation"}.
    """
    used = np.isfinite(answer) & np.isfinite(reference) & (answer + reference > 0)
    a, r = (np.where(used, values, 0.0) for values in (answer, reference))
    # Scaled so that squares of large sizes keep their digits.
    scale = float(max(a.max(initial=0.0), r.max(initial=0.0))) or 1.0
    a, r = a / scale, r / scale
    sums = np.stack([used, a, r, a * a, r * r, a * r], axis=1).astype(np.float64)
    figures: dict[str, Estimate] = {}
    enough = int(used.sum()) >= FEWEST
    for name, read in (
        ("bias", lambda s: _bias(s) * scale),
        ("lower", lambda s: (_bias(s) - _SPREADS * _spread(s)) * scale),
        ("upper", lambda s: (_bias(s) + _SPREADS * _spread(s)) * scale),
        ("correlation", _correlation),
    ):
        figures[name] = (
            bootstrap_estimate(sums, read, bootstrap)
            if enough
            else undefined(f"needs {FEWEST} cases with the label")
        )
    return {"unit": unit, "n_cases": int(used.sum()), **to_json(figures)}


def _bias(sums: Array) -> Array:
    """Mean difference."""
    n = np.maximum(sums[..., 0], 1)
    return np.asarray((sums[..., 1] - sums[..., 2]) / n)


def _spread(sums: Array) -> Array:
    """Standard deviation of the differences; NaN below two cases."""
    n = sums[..., 0]
    squares = sums[..., 3] + sums[..., 4] - 2 * sums[..., 5]
    centred = squares - n * _bias(sums) ** 2
    below = np.where(n > 1, n - 1, np.nan)
    return np.asarray(np.sqrt(np.maximum(centred, 0.0) / below))


def _correlation(sums: Array) -> Array:
    """Pearson's; NaN where one of both does not vary."""
    n, a, r, aa, rr, ar = (sums[..., k] for k in range(6))
    spread = np.maximum(n * aa - a * a, 0.0) * np.maximum(n * rr - r * r, 0.0)
    safe = np.where(spread > 1e-12 * np.maximum(n, 1) ** 4 * 1e-6, spread, np.nan)
    return np.asarray(np.clip((n * ar - a * r) / np.sqrt(safe), -1.0, 1.0))
