"""Facts about files, in families that a reader can understand and act on."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from medlens.datasets.signals import FACTS, Signal

FloatArray = NDArray[np.float32]

_VALUES = 12
"""Values of a header fact that get a column of their own."""


@dataclass(frozen=True)
class Family:
    """One kind of fact about all readable cases.

    Attributes:
        what: short name ("image size").
        subject: how a sentence about it begins ("The size in pixels").
        advice: what to do when it predicts the label.
        table: (n, F) numbers.
    """

    what: str
    subject: str
    advice: str
    table: FloatArray


_SOURCES = (
    "The classes were probably collected or exported differently. Take both from "
    "the same source, or test on data of one source."
)
_CROP = (
    "Look at that part of some images of each class. If it holds marks, labels or "
    "devices, crop it away or paint it over; if anatomy, this is no flaw."
)


def build_families(signals: Sequence[Signal]) -> tuple[Family, ...]:
    """All families of facts that a network could see or a pipeline could leak.

    File names are left to `name_family`: a network never sees them.
    """
    sides = np.array([(s.rows, s.columns) for s in signals], np.float32).reshape(-1, 2)
    numbers: list[tuple[str, str, str, FloatArray]] = [
        ("image size", "The size in pixels", _SOURCES, sides),
        (
            "aspect ratio",
            "The ratio of width to height",
            f"{_SOURCES} Padding to a square instead of stretching hides it less.",
            (sides[:, 1] / sides[:, 0])[:, None],
        ),
        ("file size", "The size of the file", _SOURCES, _file_sizes(signals)),
        (
            "pixel format",
            "Bit depth, channels or file format",
            f"{_SOURCES} Convert all images to one format first.",
            _pixel_format(signals),
        ),
        (
            "JPEG quality",
            "The strength of the JPEG compression",
            f"{_SOURCES} Save all images at one quality.",
            _column([s.jpeg_quality for s in signals]),
        ),
        (
            "pixel spacing",
            "The pixel spacing",
            f"{_SOURCES} Resample to one spacing.",
            np.array([s.spacing for s in signals], np.float32).reshape(-1, 2),
        ),
        (
            "border",
            "The outer 6 % of the picture",
            _CROP,
            _stack([s.ring for s in signals]),
        ),
        (
            "corners",
            "The four corners of the picture",
            _CROP,
            _stack([s.corners for s in signals]),
        ),
    ]
    numbers.append(
        (
            "slices",
            "The number of slices and their distance",
            f"{_SOURCES} Cut all volumes to one part of the body.",
            np.array([(s.depth, s.gap) for s in signals], np.float32).reshape(-1, 2),
        )
    )
    families = [Family(*numbers[at]) for at in range(len(numbers))]
    return (*families, *_header_families(signals))


def name_family(keys: Sequence[str]) -> Family:
    """What the file names look like: their words, and their length."""
    stems = [
        re.sub(r"\.\w{1,4}$", "", key.replace("\\", "/").split("/")[-1]) for key in keys
    ]
    shapes = [re.sub(r"\d+", "#", stem)[:24] for stem in stems]
    table = np.concatenate([_one_hot(shapes), _column([len(s) for s in stems])], axis=1)
    return Family("file name", "The pattern of the file name", _SOURCES, table)


def _header_families(signals: Sequence[Signal]) -> list[Family]:
    held = [dict(signal.facts) for signal in signals]
    families = []
    for fact in FACTS:
        values = [facts.get(fact, "") for facts in held]
        if len(set(values)) < 2:
            continue
        families.append(
            Family(
                f"header: {fact}", f"The header's {fact}", _SOURCES, _one_hot(values)
            )
        )
    return families


def _file_sizes(signals: Sequence[Signal]) -> FloatArray:
    size = np.array([s.file_bytes for s in signals], np.float32)
    pixels = np.array([s.rows * s.columns for s in signals], np.float32)
    return np.stack([size, size / np.maximum(pixels, 1)], axis=1)


def _pixel_format(signals: Sequence[Signal]) -> FloatArray:
    numbers = np.array(
        [(s.bits, s.channels, s.is_colour) for s in signals], np.float32
    ).reshape(-1, 3)
    return np.concatenate([numbers, _one_hot([s.format for s in signals])], axis=1)


def _one_hot(values: Sequence[Hashable]) -> FloatArray:
    """(n, V) 0/1 columns of the most frequent values; the others have none."""
    frequent = [value for value, _ in Counter(values).most_common(_VALUES)]
    columns = [[float(value == one) for value in values] for one in frequent]
    return np.array(columns, np.float32).reshape(len(frequent), len(values)).T


def _column(values: Sequence[float]) -> FloatArray:
    return np.array(values, np.float32).reshape(-1, 1)


def _stack(rows: Sequence[FloatArray]) -> FloatArray:
    return (
        np.stack(rows).astype(np.float32) if len(rows) else np.empty((0, 0), np.float32)
    )
