"""A data set as the DICOM JSON Model (PS3.18 Annex F), large values by address."""

from __future__ import annotations

import base64
import math
from collections.abc import Iterator
from typing import Any

from medlens.core import ReadError
from medlens.core.quiet import quiet
from medlens.serve.web.dicomweb.dataset import open_dataset, place_of_value
from medlens.serve.web.dicomweb.found import StoredInstance

INLINE_BYTES = 1024
"""Binary values up to this size stand in the model itself."""

MAX_READ = 32 << 20
"""Bytes of a sequence or text that is read for the model; larger ones are left out."""

_BINARY = frozenset({"OB", "OD", "OF", "OL", "OV", "OW", "UN"})
Model = dict[str, dict[str, Any]]


def model_of(instance: StoredInstance, address: str) -> Model:
    """The model of a stored instance.

    Where its file cannot be parsed, what the index knows of it is given: a study's
    metadata do not fail for one of its instances.

    Args:
        instance: of the index.
        address: of the instance; values are at `address`/bulkdata/….
    """
    try:
        data = open_dataset(instance.path)
        with quiet():
            model = to_model(data, f"{address}/bulkdata")
    except (ReadError, RecursionError, OSError):
        model = {}
    model.update(_identity(instance))
    model["00081190"] = {"vr": "UR", "Value": [address]}
    if _has_pixels(model):
        model["7FE00010"] = {
            "vr": "OW",
            "BulkDataURI": f"{address}/bulkdata/7FE00010",
        }
    return dict(sorted(model.items()))


def _has_pixels(model: Model) -> bool:
    return "Value" in model.get("00280010", {}) and "00280100" in model


def _identity(instance: StoredInstance) -> Model:
    """UIDs as the index has them, and Available Transfer Syntax UID."""
    said = {
        "00080016": ("UI", instance.sop_class),
        "00080018": ("UI", instance.sop_uid),
        "0020000D": ("UI", instance.study_uid),
        "0020000E": ("UI", instance.series_uid),
        "00083002": ("UI", instance.transfer_syntax),
    }
    return {tag: {"vr": vr, "Value": [value]} for tag, (vr, value) in said.items()}


def to_model(data: Any, address: str = "") -> Model:
    """The model of a pydicom Dataset; elements that make no sense are left out.

    Args:
        data: without pixels.
        address: that large binary values are found below; "" leaves them out.
    """
    return dict(_elements(data, address))


def _elements(data: Any, address: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for tag in sorted(data.keys()):
        if tag.group == 2 or tag.element == 0:  # file meta, group lengths
            continue
        name = f"{tag.group:04X}{tag.element:04X}"
        try:
            entry = _far_entry(data, tag, f"{address}/{name}" if address else "")
            if entry is None:
                entry = _entry(data[tag], name, address)
        except _LeftOutError:
            continue
        except RecursionError:
            raise
        except Exception:  # pydicom raises whatever its converters raise
            continue
        if entry is not None:
            yield name, entry


class _LeftOutError(Exception):
    """A value that is not even looked at."""


def _far_entry(data: Any, tag: Any, address: str) -> dict[str, Any] | None:
    """The entry of a value that was left in the file; None for one to be read."""
    if place_of_value(data, tag) is None:
        return None
    raw = data.get_item(tag, keep_deferred=True)
    vr = raw.VR or _known_vr(tag)
    if vr in _BINARY:
        if address:
            return {"vr": vr, "BulkDataURI": address}
        raise _LeftOutError
    if raw.length > MAX_READ:
        raise _LeftOutError
    return None


def _known_vr(tag: Any) -> str:
    from pydicom.datadict import dictionary_VR

    try:
        return str(dictionary_VR(tag))
    except KeyError:
        return "UN"


def _entry(element: Any, name: str, address: str) -> dict[str, Any] | None:
    vr = str(element.VR)
    if vr == "SQ":
        items = [
            to_model(item, f"{address}/{name}/{index}" if address else "")
            for index, item in enumerate(element.value)
        ]
        return {"vr": vr, "Value": items} if items else {"vr": vr}
    if vr in _BINARY:
        return _binary(element.value, vr, f"{address}/{name}" if address else "")
    entry: dict[str, Any] = element.to_json_dict(None, INLINE_BYTES)
    if "Value" in entry:
        entry["Value"] = [_finite(value) for value in entry["Value"]]
    return entry


def _binary(value: Any, vr: str, address: str) -> dict[str, Any] | None:
    if not value:
        return {"vr": vr}
    data = bytes(value) if isinstance(value, (bytes, bytearray)) else b""
    if not data:
        return None
    if len(data) <= INLINE_BYTES:
        return {"vr": vr, "InlineBinary": base64.b64encode(data).decode("ascii")}
    return {"vr": vr, "BulkDataURI": address} if address else None


def _finite(value: Any) -> Any:
    """JSON has no NaN and no infinity."""
    return None if isinstance(value, float) and not math.isfinite(value) else value
