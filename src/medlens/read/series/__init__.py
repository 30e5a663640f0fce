"""Series: slices of many files or frames → volumes with true geometry."""

from medlens.read.series.find import Found, find_series, join_slices
from medlens.read.series.open import open_series
from medlens.read.series.pictures import picture_series
from medlens.read.series.series import Series
from medlens.read.series.slices import LeftOut, Slice

__all__ = [
    "Found",
    "LeftOut",
    "Series",
    "Slice",
    "find_series",
    "join_slices",
    "open_series",
    "picture_series",
]
