"""Predictions on a data set → figures with intervals; numbers in, JSON out."""

from medlens.evaluate.baseline import measure_baseline
from medlens.evaluate.compare import compare_tables
from medlens.evaluate.files import read_metrics, write_metrics
from medlens.evaluate.measure import measure_split
from medlens.evaluate.predictions import (
    read_predictions,
    with_groups,
    write_predictions,
)
from medlens.evaluate.table import CaseTable

__all__ = [
    "CaseTable",
    "compare_tables",
    "measure_baseline",
    "measure_split",
    "read_metrics",
    "read_predictions",
    "with_groups",
    "write_metrics",
    "write_predictions",
]
