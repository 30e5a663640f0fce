"""The check that every floating-point image passes."""

from __future__ import annotations

import numpy as np

from medlens.core import Array, ReadError


def check_finite(pixels: Array, case: str) -> None:
    """Refuse NaN and infinite pixels, saying how many there are.

    Raises:
        ReadError: there is one or more.
    """
    if pixels.dtype.kind != "f":
        return
    with np.errstate(invalid="ignore", over="ignore"):
        if np.isfinite(pixels.sum(dtype=np.float64)):
            return  # a finite sum has finite terms, at the cost of one pass
    bad = int(np.count_nonzero(~np.isfinite(pixels)))
    if bad:
        raise ReadError(
            f"{case}: {bad:,} of {pixels.size:,} pixels are NaN or infinite; wanted "
            "finite numbers only; replace them before the image is used"
        )
