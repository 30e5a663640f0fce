"""Tables of masks whose figures are worked out by hand."""

from __future__ import annotations

from typing import Any

import numpy as np

from medlens.evaluate import MaskTable, score_case, table_of

LABELS = ("background", "head", "tail")


def boxes(*, head: int = 0, tail: int = 0, side: int = 12) -> np.ndarray[Any, Any]:
    """(side, side, side) uint8 with two slabs of these thicknesses (in D)."""
    mask = np.zeros((side,) * 3, dtype=np.uint8)
    mask[:head, 2:6, 2:6] = 1
    mask[:tail, 8:11, 8:11] = 2
    return mask


def table(pairs: list[tuple[Any, Any]] | None = None, **changes: Any) -> MaskTable:
    """Cases of two labels; by default perfect, half, missed and made up."""
    chosen = pairs or [
        (boxes(head=4, tail=2), boxes(head=4, tail=2)),
        (boxes(head=4, tail=2), boxes(head=2, tail=4)),
        (boxes(head=4, tail=0), boxes(head=0, tail=0)),
        (boxes(head=0, tail=0), boxes(head=3, tail=0)),
    ]
    settings = {"spacing": (2.0, 1.0, 1.0), "labels": LABELS} | changes
    return table_of(
        [
            score_case(*pair, case=f"c{k}", patient=f"p{k}", **settings)
            for k, pair in enumerate(chosen)
        ]
    )


def random_table(n: int = 40, *, seed: int = 0, **changes: Any) -> MaskTable:
    """A table of figures drawn at random, two labels, two cases a patient."""
    rng = np.random.default_rng(seed)
    volume = rng.uniform(1, 3, (n, 2))
    held: dict[str, Any] = {
        "cases": tuple(f"c{k}" for k in range(n)),
        "labels": ("head", "tail"),
        "dice": rng.uniform(0.7, 0.95, (n, 2)),
        "surface_dice": rng.uniform(0.8, 1, (n, 2)),
        "hd95": rng.uniform(1, 4, (n, 2)),
        "volume": volume * rng.uniform(0.8, 1.2, (n, 2)),
        "reference_volume": volume,
        "present": np.ones((n, 2), dtype=bool),
        "answered": np.ones((n, 2), dtype=bool),
        "diagonal": np.full(n, 70.0),
        "lesions": np.ones((n, 2)),
        "lesions_found": np.ones((n, 2)),
        "lesions_false": np.zeros((n, 2)),
        "patients": tuple(f"p{k // 2}" for k in range(n)),
    }
    return MaskTable(**(held | changes))
