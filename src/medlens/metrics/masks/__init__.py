"""Measures on masks: how well an answer fits a reference, and how large a mask is.

Everything is in mm and ml and takes anisotropic spacing. Definitions stand in
docs/metrics.md.
"""

from medlens.metrics.masks.extent import Diameter, Extent, measure_extent
from medlens.metrics.masks.lesions import LesionCounts, match_lesions
from medlens.metrics.masks.score import MaskScores, score_labels, score_masks
from medlens.metrics.masks.summary import summarise_masks
from medlens.metrics.masks.surface import SurfaceScores, compare_surfaces

__all__ = [
    "Diameter",
    "Extent",
    "LesionCounts",
    "MaskScores",
    "SurfaceScores",
    "compare_surfaces",
    "match_lesions",
    "measure_extent",
    "score_labels",
    "score_masks",
    "summarise_masks",
]
