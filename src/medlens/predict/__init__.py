"""Run a bundle; no training framework is imported here."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from medlens.predict.components import drop_parts
    from medlens.predict.forms import predictor_of
    from medlens.predict.gate import case_statistics
    from medlens.predict.long_series import SeriesAnswer
    from medlens.predict.masks import MaskAnswer, MaskPredictor, RawMask
    from medlens.predict.net_memory import measure_net_mb
    from medlens.predict.on_source import SourceGrid, build_source_grid
    from medlens.predict.patch_net import PatchNet
    from medlens.predict.predictor import Failed, Predictor
    from medlens.predict.sequences import SequencePredictor
    from medlens.predict.sliding import predict_volume, sweep
    from medlens.predict.sliding_memory import check_memory
    from medlens.predict.sliding_settings import Sliding

__all__ = [
    "Failed",
    "MaskAnswer",
    "MaskPredictor",
    "PatchNet",
    "Predictor",
    "RawMask",
    "SequencePredictor",
    "SeriesAnswer",
    "Sliding",
    "SourceGrid",
    "build_source_grid",
    "case_statistics",
    "check_memory",
    "drop_parts",
    "measure_net_mb",
    "predict_volume",
    "predictor_of",
    "sweep",
]

_HOMES = {
    "Failed": "predictor",
    "MaskAnswer": "masks",
    "MaskPredictor": "masks",
    "PatchNet": "patch_net",
    "Predictor": "predictor",
    "RawMask": "masks",
    "SequencePredictor": "sequences",
    "SeriesAnswer": "long_series",
    "Sliding": "sliding_settings",
    "SourceGrid": "on_source",
    "build_source_grid": "on_source",
    "case_statistics": "gate",
    "check_memory": "sliding_memory",
    "drop_parts": "components",
    "measure_net_mb": "net_memory",
    "predict_volume": "sliding",
    "predictor_of": "forms",
    "sweep": "sliding",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(f"medlens.predict.{_HOMES[name]}"), name)
    raise AttributeError(f"module 'medlens.predict' has no attribute {name!r}")
