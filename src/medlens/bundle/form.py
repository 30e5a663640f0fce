"""The part of bundle.json that series, volumes and masks need, both ways and checked.

Bundles of single images may leave all of it out, as those written before did.
"""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, get_args

from medlens.core import BundleError
from medlens.metrics import Calibration, OperatingPoint
from medlens.metrics.neighbours import MOST_WEIGHT
from medlens.recipe.settings import Form, SlidingSettings

if TYPE_CHECKING:
    from medlens.bundle.model import Bundle

FORMS: tuple[str, ...] = get_args(Form)
READERS = ("lstm", "gru", "none")
MOST_DEPTH, MOST_CONTEXT = 4096, 31
MOST_VOXELS = 1 << 28
"""Numbers that a network may take at once: 1 GB."""
MOST_CHANNELS = 64  # of a segmenting network, neighbouring slices included
MOST_MASK_LABELS = 256  # a mask is uint8
MOST_MB = 1e6
SLIDING = ("overlap", "batch", "mirror", "precision", "memory_mb")


def form_note(bundle: Bundle) -> dict[str, Any]:
    """The table "form" of bundle.json."""
    series = bundle.series_calibration
    return {
        "name": bundle.form,
        "depth": bundle.depth,
        "context": bundle.context,
        "reader": bundle.reader,
        "slice_labels": bundle.slice_labels,
        "neighbours": bundle.neighbours,
        "sliding": asdict(bundle.sliding) if bundle.sliding else None,
        "net_mb": bundle.net_mb,
        "keep_largest": list(bundle.keep_largest),
        "series_calibration": series.to_json() if series else None,
        "series_points": [point.to_json() for point in bundle.series_points],
    }


def form_fields(note: Any) -> dict[str, Any]:
    """Fields of a `Bundle` from that table; {} where a bundle has none.

    Raises:
        BundleError: a type, name or number is wrong.
    """
    if note is None:
        return {}
    if not isinstance(note, dict):
        raise BundleError("bundle.json: form is no table; export it again")
    return {
        "form": _name(note, "name", FORMS, "image"),
        "depth": _count(note, "depth", 1, MOST_DEPTH, 1),
        "context": _count(note, "context", 0, MOST_CONTEXT, 0),
        "reader": _name(note, "reader", ("", *READERS), ""),
        "slice_labels": _truth(note, "slice_labels"),
        "neighbours": _weight(note, "neighbours"),
        "sliding": _sliding(note.get("sliding")),
        "net_mb": _number(note, "net_mb"),
        "keep_largest": _names(note, "keep_largest"),
        "series_calibration": Calibration.from_json(note["series_calibration"])
        if note.get("series_calibration") is not None
        else None,
        "series_points": tuple(
            OperatingPoint.from_json(point) for point in note.get("series_points") or ()
        ),
    }


def check_form(bundle: Bundle) -> None:
    """What a bundle says fits its form.

    Raises:
        BundleError: something does not.
    """
    voxels = math.prod((_inputs(bundle), bundle.depth, bundle.height, bundle.width))
    if bundle.form != "sequence" and voxels > MOST_VOXELS:
        raise BundleError(
            f"bundle.json: the network takes {voxels} numbers at once; "
            f"wanted at most {MOST_VOXELS}"
        )
    _belongs(bundle, "image", depth=1)
    _belongs(bundle, "segment", context=0, sliding=None, keep_largest=())
    _belongs(bundle, "sequence", reader="", slice_labels=False, series_points=())
    _belongs(bundle, "sequence", series_calibration=None, neighbours=0.0)
    if bundle.form == "segment":
        _check_segment(bundle)
    if bundle.form == "sequence":
        _check_sequence(bundle)


def _inputs(bundle: Bundle) -> int:
    return bundle.channels * (2 * bundle.context + 1)


def _belongs(bundle: Bundle, form: str, **plain: Any) -> None:
    """Fields of one form have their plain value in the others.

    The depth is the other way round: images alone have none.
    """
    for key, value in plain.items():
        is_free = bundle.form != "image" if key == "depth" else bundle.form == form
        if not is_free and getattr(bundle, key) != value:
            raise BundleError(
                f"bundle.json: form {bundle.form!r} with form.{key} "
                f"{getattr(bundle, key)!r:.60}; wanted {value!r}"
            )


def _check_segment(bundle: Bundle) -> None:
    if bundle.kind != "multiclass" or not 2 <= len(bundle.labels) <= MOST_MASK_LABELS:
        raise BundleError(
            f"bundle.json: form 'segment' with task.kind {bundle.kind!r} and "
            f"{len(bundle.labels)} labels; wanted 'multiclass' and 2 to "
            f"{MOST_MASK_LABELS}, the background first"
        )
    plain = bundle.calibration
    if not ((plain.scale == 1).all() and (plain.bias == 0).all()):
        raise BundleError(
            "bundle.json: form 'segment' takes the most probable label of each voxel; "
            "wanted a calibration of scale 1 and bias 0"
        )
    if bundle.operating_points or bundle.conformal:
        raise BundleError(
            "bundle.json: form 'segment' has no decision for a whole case; wanted no "
            "operating points and no conformal sets"
        )
    if bundle.context and bundle.depth != 1:
        raise BundleError(
            f"bundle.json: form.context {bundle.context} with depth {bundle.depth}; "
            "neighbouring slices are channels of a 2D network: wanted depth 1"
        )
    if _inputs(bundle) > MOST_CHANNELS:
        raise BundleError(
            f"bundle.json: {bundle.channels} channels with form.context "
            f"{bundle.context} make {_inputs(bundle)}; wanted at most {MOST_CHANNELS}"
        )
    if set(bundle.keep_largest) - set(bundle.labels[1:]):
        raise BundleError(
            "bundle.json: form.keep_largest names an unknown label or the background"
        )


def _check_sequence(bundle: Bundle) -> None:
    if bundle.reader not in READERS:
        raise BundleError(
            f"bundle.json: form 'sequence' with form.reader {bundle.reader!r}; wanted "
            f"{', '.join(READERS)}"
        )
    series = bundle.series_calibration
    if series and (
        len(series.scale) != len(bundle.labels) or series.kind != bundle.kind
    ):
        raise BundleError(
            f"bundle.json: form.series_calibration is for {len(series.scale)} labels "
            f"of kind {series.kind!r}; task has {len(bundle.labels)} of "
            f"{bundle.kind!r}"
        )
    if any(point.label not in bundle.labels for point in bundle.series_points):
        raise BundleError(
            "bundle.json: an operating point of form.series_points is for an unknown "
            "label"
        )


def _name(note: dict[str, Any], key: str, known: tuple[str, ...], plain: str) -> str:
    value = note.get(key, plain)
    if not isinstance(value, str) or value not in known:
        raise BundleError(
            f"bundle.json: form.{key} is {value!r:.60}; wanted "
            f"{', '.join(name for name in known if name)}"
        )
    return value


def _count(note: dict[str, Any], key: str, low: int, high: int, plain: int) -> int:
    value = note.get(key, plain)
    if type(value) is not int or not low <= value <= high:
        raise BundleError(
            f"bundle.json: form.{key} is {value!r:.60}; wanted {low} to {high}"
        )
    return value


def _truth(note: dict[str, Any], key: str) -> bool:
    value = note.get(key, False)
    if not isinstance(value, bool):
        raise BundleError(f"bundle.json: form.{key} is {value!r:.60}; wanted a truth")
    return value


def _weight(note: dict[str, Any], key: str) -> float:
    value = note.get(key, 0.0)
    if not _within(value, 0, MOST_WEIGHT):
        raise BundleError(
            f"bundle.json: form.{key} is {value!r:.60}; wanted 0 to {MOST_WEIGHT:.4f}"
        )
    return float(value)


def _number(note: dict[str, Any], key: str) -> float | None:
    value = note.get(key)
    if value is None:
        return None
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not 0 <= value <= MOST_MB:  # NaN fails, too
        raise BundleError(
            f"bundle.json: form.{key} is {value!r:.60}; wanted 0 to {MOST_MB:g}"
        )
    return float(value)


def _names(note: dict[str, Any], key: str) -> tuple[str, ...]:
    value = note.get(key) or []
    if not isinstance(value, list) or not all(isinstance(x, str) for x in value):
        raise BundleError(f"bundle.json: form.{key}: wanted a list of labels")
    if len(value) > MOST_MASK_LABELS or len(set(value)) != len(value):
        raise BundleError(f"bundle.json: form.{key}: wanted each label at most once")
    return tuple(value)


def _sliding(table: Any) -> SlidingSettings | None:
    """How patches are joined, in the ranges that a recipe may give."""
    if table is None:
        return None
    if not isinstance(table, dict) or set(table) - set(SLIDING):
        raise BundleError(
            f"bundle.json: form.sliding: wanted a table of {', '.join(SLIDING)}"
        )
    plain = SlidingSettings()
    overlap = table.get("overlap", plain.overlap)
    memory = table.get("memory_mb", plain.memory_mb)
    batch = table.get("batch", plain.batch)
    mirror = table.get("mirror", [])
    precision = table.get("precision", plain.precision)
    is_right = (
        _within(overlap, 0, 0.9)
        and _within(memory, 1, MOST_MB)
        and type(batch) is int
        and 1 <= batch <= 256
        and isinstance(mirror, list)
        and all(type(axis) is int and 0 <= axis <= 2 for axis in mirror)
        and len(set(mirror)) == len(mirror)
        and precision in ("float32", "float16")
    )
    if not is_right:
        raise BundleError(
            "bundle.json: form.sliding: wanted overlap 0 to 0.9, batch 1 to 256, "
            "mirror of axes 0 to 2 each once, precision float32 or float16 and "
            f"memory_mb 1 to {MOST_MB:g}"
        )
    return SlidingSettings(
        overlap=float(overlap),
        batch=batch,
        mirror=tuple(mirror),
        precision=precision,
        memory_mb=float(memory),
    )


def _within(value: Any, low: float, high: float) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and bool(low <= value <= high)  # NaN fails, too
