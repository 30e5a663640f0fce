"""How often the model said "I do not know", and whether it kept its promise."""

from __future__ import annotations

from typing import Any

import numpy as np

from medlens.core import Array
from medlens.evaluate.table import CaseTable
from medlens.metrics import proportion
from medlens.metrics.estimate import rounded


def conformal_entry(table: CaseTable, codes: Array) -> dict[str, Any] | None:
    """How often the sets hold the reference label, and how large they are."""
    if table.sets is None:
        return None
    sets, present = np.asarray(table.sets, dtype=bool), np.asarray(table.targets) == 1
    cases, labels = np.nonzero(present)
    sizes = sets.sum(axis=1)
    return {
        "coverage": proportion(
            sets[cases, labels], codes[cases], of="reference labels"
        ).to_json(),
        "mean_size": rounded(float(sizes.mean())),
        "empty": rounded(float((sizes == 0).mean())),
        "single": rounded(float((sizes == 1).mean())),
        "per_label": {
            label: proportion(
                sets[present[:, index], index],
                codes[present[:, index]],
                of="cases with the label",
            ).to_json()
            for index, label in enumerate(table.labels)
        },
    }


def outlier_entry(held: Array | None, codes: Array) -> dict[str, Any] | None:
    """How many cases the gate held back.

    Args:
        held: (n,) bool, or None where there is no gate.
        codes: (n,) independent unit of each case.
    """
    if held is None:
        return None
    flags = np.asarray(held, dtype=bool)
    share = proportion(flags, codes)
    return {
        "flagged": int(flags.sum()),
        "share": rounded(share.value),
        "low": rounded(share.low),
        "high": rounded(share.high),
        "method": share.method,
    }
