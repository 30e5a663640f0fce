"""Predictions on a data set → figures with intervals; numbers in, JSON out."""

from medlens.evaluate.baseline import measure_baseline
from medlens.evaluate.compare import compare_tables
from medlens.evaluate.files import read_metrics, write_metrics
from medlens.evaluate.mask_predictions import (
    read_mask_predictions,
    write_mask_predictions,
)
from medlens.evaluate.mask_split import (
    mean_dice,
    measure_mask_split,
    pick_cases,
    write_mask_sentence,
)
from medlens.evaluate.mask_table import (
    MaskRow,
    MaskTable,
    choose_tolerance,
    score_case,
    table_of,
)
from medlens.evaluate.measure import measure_split
from medlens.evaluate.predictions import (
    read_predictions,
    with_groups,
    write_predictions,
)
from medlens.evaluate.sequence import compare_readers, measure_sequence_split
from medlens.evaluate.shape import case_shape, curves_document, mask_shape
from medlens.evaluate.table import CaseTable

__all__ = [
    "CaseTable",
    "MaskRow",
    "MaskTable",
    "case_shape",
    "choose_tolerance",
    "compare_readers",
    "compare_tables",
    "curves_document",
    "mask_shape",
    "mean_dice",
    "measure_baseline",
    "measure_mask_split",
    "measure_sequence_split",
    "measure_split",
    "pick_cases",
    "read_mask_predictions",
    "read_metrics",
    "read_predictions",
    "score_case",
    "table_of",
    "with_groups",
    "write_mask_predictions",
    "write_mask_sentence",
    "write_metrics",
    "write_predictions",
]
