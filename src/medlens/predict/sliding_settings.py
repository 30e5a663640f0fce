"""How a sliding window runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from medlens.core import UsageError
from medlens.predict.tiles import Triple

Precision = Literal["float32", "float16"]


@dataclass(frozen=True)
class Sliding:
    """How a sliding window runs.

    Attributes:
        patch: voxels that the network sees at once, in order D, H, W.
        overlap: share of a patch that the next one covers again, 0 up to 1.
        batch: patches in one call of the network; 1 to 256.
        mirror: axes (0 for D, 1 for H, 2 for W) along which the patch is shown
            flipped as well; the answers of all 2^n flips are averaged.
        context: neighbouring slices on either side that are channels too (2.5D):
            channel c of the slice k places away is channel c · (2·context + 1) +
            context + k of the patch. Beyond the ends the end slice is repeated.
        fill: value around volumes that are smaller than the patch.
        precision: of the slabs that are still being blended. "float16" halves
            them; a logit then is right to about 1 part in 1000.
        memory_mb: what the whole process may hold, in units of 10^6 bytes.
        net_mb: what the network holds while it answers a batch, where it was
            measured; None for an estimate from the patch.
    """

    patch: Triple = (64, 128, 128)
    overlap: float = 0.5
    batch: int = 1
    mirror: tuple[int, ...] = ()
    context: int = 0
    fill: float = 0.0
    precision: Precision = "float32"
    memory_mb: float = 2000.0
    net_mb: float | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.batch <= 256:
            raise UsageError(f"sliding.batch is {self.batch}; wanted 1 to 256")
        if len(set(self.mirror)) != len(self.mirror) or set(self.mirror) - {0, 1, 2}:
            raise UsageError(
                f"sliding.mirror is {self.mirror}; wanted each of 0 (D), 1 (H) and "
                "2 (W) at most once"
            )
        if self.context < 0 or (self.context and self.patch[0] != 1):
            raise UsageError(
                f"sliding.context is {self.context} with patches of {self.patch[0]} "
                "slices; wanted 0 or more, and patches of 1 slice where it is not 0"
            )
        if self.precision not in ("float32", "float16"):
            raise UsageError(
                f"sliding.precision is {self.precision!r}; wanted float32 or float16"
            )
