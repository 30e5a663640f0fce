"""What training leaves, whatever was learned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from medlens.bundle import Bundle

if TYPE_CHECKING:
    from medlens.train import EpochResult


@dataclass(frozen=True)
class Learned:
    """What training left.

    Attributes:
        bundle: complete but for the metrics summary.
        failed: (case, reason) of training and validation cases left out.
        parity: largest difference between graph and framework.
        history: a row an epoch; none where no network was taught.
    """

    bundle: Bundle
    failed: tuple[tuple[str, str], ...]
    parity: float
    history: list[EpochResult]
