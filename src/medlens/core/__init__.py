"""Image, geometry, terms and errors that every room shares."""

from medlens.core.errors import (
    BundleError,
    DataError,
    ExistsError,
    MedlensError,
    MissingExtraError,
    PrepError,
    ReadError,
    RecipeError,
    ResourceError,
    TamperedError,
    TrainError,
    UsageError,
    reason_of,
)
from medlens.core.geometry import Geometry
from medlens.core.image import Array, Image, Provenance, Stage, Voi
from medlens.core.mapped import is_mapped, release
from medlens.core.prediction import (
    MaskPrediction,
    OutOfDistribution,
    Prediction,
    Region,
    SequencePrediction,
)

__all__ = [
    "Array",
    "BundleError",
    "DataError",
    "ExistsError",
    "Geometry",
    "Image",
    "MaskPrediction",
    "MedlensError",
    "MissingExtraError",
    "OutOfDistribution",
    "Prediction",
    "PrepError",
    "Provenance",
    "ReadError",
    "RecipeError",
    "Region",
    "ResourceError",
    "SequencePrediction",
    "Stage",
    "TamperedError",
    "TrainError",
    "UsageError",
    "Voi",
    "is_mapped",
    "reason_of",
    "release",
]
