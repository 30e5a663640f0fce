"""Numbers in, numbers with their doubt out; and what a bundle needs to answer.

The classes at the top serve: they need numpy only and read themselves from a
checked JSON object. The `fit_` functions import scipy or scikit-learn when called.
"""

from medlens.metrics.appearance import image_statistics
from medlens.metrics.auroc import (
    auroc,
    auroc_interval,
    compare_auroc,
    macro_auroc_interval,
)
from medlens.metrics.binning import ece
from medlens.metrics.bootstrap import PatientBootstrap, bootstrap_estimate
from medlens.metrics.calibrate import Calibration, fit_calibration
from medlens.metrics.classification import (
    confusion_matrix,
    count_decisions,
    log_losses,
    squared_errors,
)
from medlens.metrics.conformal import ConformalSets, fit_conformal
from medlens.metrics.curves import roc_curve
from medlens.metrics.estimate import Difference, Estimate
from medlens.metrics.intervals import patient_codes, proportion, wilson
from medlens.metrics.neighbours import fit_neighbours, hear_neighbours
from medlens.metrics.operating import OperatingPoint, decide, fit_operating_points
from medlens.metrics.outlier import OutlierGate
from medlens.metrics.outlier_fit import fit_outlier_gate
from medlens.metrics.predictive import predictive_values
from medlens.metrics.ranking import average_precision
from medlens.metrics.shift import estimate_prior

__all__ = [
    "Calibration",
    "ConformalSets",
    "Difference",
    "Estimate",
    "OperatingPoint",
    "OutlierGate",
    "PatientBootstrap",
    "auroc",
    "auroc_interval",
    "average_precision",
    "bootstrap_estimate",
    "compare_auroc",
    "confusion_matrix",
    "count_decisions",
    "decide",
    "ece",
    "estimate_prior",
    "fit_calibration",
    "fit_conformal",
    "fit_neighbours",
    "fit_operating_points",
    "fit_outlier_gate",
    "hear_neighbours",
    "image_statistics",
    "log_losses",
    "macro_auroc_interval",
    "patient_codes",
    "predictive_values",
    "proportion",
    "roc_curve",
    "squared_errors",
    "wilson",
]
