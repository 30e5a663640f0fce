"""A diagnosis as a JSON document and back: `medlens/diagnosis/1`.

The document is the tree of `core.diagnosis`, field by field, under the same names; its
published schema is `schemas/diagnosis-1.json`. Reading checks every type and range, so
that a file that somebody hands in is either a diagnosis or a message.
"""

from __future__ import annotations

import json
import math
from dataclasses import MISSING, Field, fields, is_dataclass
from functools import cache
from importlib.resources import files
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from medlens.core import OutOfDistribution, ReadError
from medlens.core.diagnosis import (
    Assessment,
    Change,
    Diagnosis,
    Finding,
    ImageRef,
    Place,
    Quantity,
)

SCHEMA = "medlens/diagnosis/1"
NOTICE = "Research software, not a medical device."
MOST_ITEMS = 100_000
"""Of one list; a study of more images than that is none."""
MOST_TEXT = 20_000

Limits = tuple[float, float]
_SHARE: Limits = (0.0, 1.0)
_COUNT: Limits = (0, math.inf)
_RANGES: dict[tuple[type, str], Limits] = {
    (Finding, "probability"): _SHARE,
    (Finding, "threshold"): _SHARE,
    (Finding, "slices"): _COUNT,
    (Finding, "parts"): _COUNT,
    (Change, "prior_probability"): _SHARE,
    (Quantity, "value"): _COUNT,
    (ImageRef, "frame"): (1, math.inf),
    (Place, "slice_index"): _COUNT,
    (Assessment, "coverage"): _SHARE,
}


def to_document(diagnosis: Diagnosis) -> dict[str, Any]:
    """JSON-ready dict; `json.dumps` takes it with `allow_nan=False`.

    Raises:
        ValueError: a number is not finite.
    """
    document = _encode(diagnosis)
    document["left_out"] = [
        {"what": what, "reason": reason} for what, reason in diagnosis.left_out
    ]
    return {"schema": SCHEMA, "notice": NOTICE, **document}


def from_document(document: Any) -> Diagnosis:
    """The diagnosis that a document says.

    Args:
        document: a parsed JSON document.

    Raises:
        ReadError: it is none, or of another version; says where.
    """
    if not isinstance(document, dict):
        raise ReadError(f"diagnosis: wanted a JSON object of schema {SCHEMA!r}")
    found = document.get("schema")
    if found != SCHEMA:
        raise ReadError(
            f"diagnosis: schema is {_shown(found)}; wanted {SCHEMA!r}; make it again "
            "with this version of medlens"
        )
    plain = {k: v for k, v in document.items() if k not in ("schema", "notice")}
    left_out = plain.get("left_out", [])
    if isinstance(left_out, list):
        plain["left_out"] = [_pair(item, i) for i, item in enumerate(left_out)]
    diagnosis: Diagnosis = _decode_object(plain, Diagnosis, "")
    return diagnosis


@cache
def diagnosis_schema() -> dict[str, Any]:
    """The published JSON Schema (2020-12) of the document."""
    path = files("medlens.write") / "schemas" / "diagnosis-1.json"
    schema: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return schema


def _encode(value: Any) -> Any:
    if isinstance(value, OutOfDistribution):
        # A bundle without a gate has a threshold that nothing reaches.
        is_known = math.isfinite(value.threshold)
        threshold = float(value.threshold) if is_known else None
        score = _encode(value.score)
        return {"score": score, "threshold": threshold, "flag": value.flag}
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: _encode(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, tuple):
        return [_encode(item) for item in value]
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError("diagnosis: a number is not finite")
        return float(value)
    return value


def _pair(item: Any, index: int) -> list[Any]:
    where = f"left_out[{index}]"
    if not isinstance(item, dict) or set(item) != {"what", "reason"}:
        raise _wrong(where, item, "an object of what and reason")
    return [item["what"], item["reason"]]


def _decode_object(value: Any, kind: type, where: str) -> Any:
    if not isinstance(value, dict):
        raise _wrong(where, value, "an object")
    known = {f.name: f for f in fields(kind)}
    if not value.keys() <= known.keys():
        raise ReadError(
            f"diagnosis: {where or 'the document'} has a key that {SCHEMA} does not "
            f"know; wanted {', '.join(known)}"
        )
    hints = _hints(kind)
    found = {}
    for name, spec in known.items():
        at = _join(where, name)
        if name not in value:
            if _is_needed(spec):
                raise ReadError(f"diagnosis: {at} is missing")
            continue
        given = value[name]
        if kind is OutOfDistribution and name == "threshold" and given is None:
            found[name] = math.inf
            continue
        found[name] = _decode(given, hints[name], at, _RANGES.get((kind, name)))
    return kind(**found)


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _is_needed(spec: Field[Any]) -> bool:
    return spec.default is MISSING and spec.default_factory is MISSING


def _decode(value: Any, kind: Any, where: str, limits: Limits | None) -> Any:
    origin = get_origin(kind)
    if origin in (Union, UnionType):
        if value is None:
            return None
        (inner,) = (one for one in get_args(kind) if one is not NoneType)
        return _decode(value, inner, where, limits)
    if origin is Literal:
        if not isinstance(value, str) or value not in get_args(kind):
            names = ", ".join(repr(name) for name in get_args(kind))
            raise _wrong(where, value, f"one of {names}")
        return value
    if origin is tuple:
        return _decode_list(value, get_args(kind), where, limits)
    if is_dataclass(kind):
        return _decode_object(value, kind, where)  # type: ignore[arg-type]
    return _decode_plain(value, kind, where, limits)


def _decode_list(
    value: Any, kinds: tuple[Any, ...], where: str, limits: Limits | None
) -> tuple[Any, ...]:
    if not isinstance(value, list) or len(value) > MOST_ITEMS:
        raise _wrong(where, value, f"a list of at most {MOST_ITEMS:,}")
    if len(kinds) == 2 and kinds[1] is Ellipsis:
        kinds = (kinds[0],) * len(value)
    elif len(value) != len(kinds):
        raise _wrong(where, value, f"a list of {len(kinds)}")
    return tuple(
        _decode(item, kind, f"{where}[{i}]", limits)
        for i, (item, kind) in enumerate(zip(value, kinds, strict=True))
    )


def _decode_plain(value: Any, kind: Any, where: str, limits: Limits | None) -> Any:
    if kind is str:
        if not isinstance(value, str) or len(value) > MOST_TEXT:
            raise _wrong(where, value, f"a text of at most {MOST_TEXT:,} characters")
        return value
    if kind is bool:
        if not isinstance(value, bool):
            raise _wrong(where, value, "true or false")
        return value
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    if kind is int:
        if not is_whole:
            raise _wrong(where, value, "a whole number")
    elif not is_whole and not isinstance(value, float):
        raise _wrong(where, value, "a number")
    low, high = limits or (-math.inf, math.inf)
    if not low <= value <= high or abs(value) > _LARGEST:  # NaN fails, too
        raise _wrong(where, value, f"a number of {low:g} to {high:g}")
    return value if kind is int else float(value)


_LARGEST = 1e300  # an int may be larger than any float


def _join(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name


def _wrong(where: str, value: Any, wanted: str) -> ReadError:
    where = where or "the document"
    return ReadError(f"diagnosis: {where} is {_shown(value)}; wanted {wanted}")


def _shown(value: Any) -> str:
    """The kind of a wrong value; its content where that names nobody."""
    if value is None or isinstance(value, bool | float):
        return json.dumps(value)
    if isinstance(value, int):
        return str(value) if abs(value) < 1e15 else "a very large number"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    return "a text" if isinstance(value, str) else "an object"
