"""Learning and export; torch is imported when the first name is asked for."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

import medlens.nets  # noqa: F401  (says how torch's threads wait, before torch loads)

if TYPE_CHECKING:
    from medlens.train.cache import PreparedCache
    from medlens.train.checkpoint import drop_checkpoint
    from medlens.train.export import export_onnx
    from medlens.train.frozen import train_frozen
    from medlens.train.image_cache import build_cache
    from medlens.train.judge import EpochResult
    from medlens.train.lesson import Lesson
    from medlens.train.loop import follow, train_network
    from medlens.train.mask_batches import MaskLesson
    from medlens.train.mask_cache import MaskCache, build_mask_cache
    from medlens.train.mask_course import MaskCourse
    from medlens.train.mask_export import export_masks
    from medlens.train.quantise import quantise_onnx
    from medlens.train.sequence_cache import build_sequence_cache
    from medlens.train.sequence_choice import (
        OutOfFold,
        build_course,
        choose_reader,
        cross_fit_sequence,
        hear_beside,
    )
    from medlens.train.sequence_export import export_sequence
    from medlens.train.sequence_lesson import SequenceLesson
    from medlens.train.speed import measure_speed

__all__ = [
    "EpochResult",
    "Lesson",
    "MaskCache",
    "MaskCourse",
    "MaskLesson",
    "OutOfFold",
    "PreparedCache",
    "SequenceLesson",
    "build_cache",
    "build_course",
    "build_mask_cache",
    "build_sequence_cache",
    "choose_reader",
    "cross_fit_sequence",
    "drop_checkpoint",
    "export_masks",
    "export_onnx",
    "export_sequence",
    "follow",
    "hear_beside",
    "measure_speed",
    "quantise_onnx",
    "train_frozen",
    "train_network",
]

_ROOMS = {
    "OutOfFold": "sequence_choice",
    "SequenceLesson": "sequence_lesson",
    "build_course": "sequence_choice",
    "build_sequence_cache": "sequence_cache",
    "choose_reader": "sequence_choice",
    "cross_fit_sequence": "sequence_choice",
    "hear_beside": "sequence_choice",
    "export_sequence": "sequence_export",
    "EpochResult": "judge",
    "Lesson": "lesson",
    "PreparedCache": "cache",
    "build_cache": "image_cache",
    "MaskCache": "mask_cache",
    "MaskCourse": "mask_course",
    "MaskLesson": "mask_batches",
    "build_mask_cache": "mask_cache",
    "drop_checkpoint": "checkpoint",
    "export_masks": "mask_export",
    "export_onnx": "export",
    "follow": "loop",
    "measure_speed": "speed",
    "quantise_onnx": "quantise",
    "train_frozen": "frozen",
    "train_network": "loop",
}


def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        return getattr(import_module(f"medlens.train.{_ROOMS[name]}"), name)
    raise AttributeError(f"module 'medlens.train' has no attribute {name!r}")
