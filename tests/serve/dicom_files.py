"""Part-10 files made element by element, so that a test knows every byte."""

from __future__ import annotations

import struct

CT = "1.2.840.10008.5.1.4.1.1.2"
SR = "1.2.840.10008.5.1.4.1.1.88.33"
EXPLICIT = "1.2.840.10008.1.2.1"
IMPLICIT = "1.2.840.10008.1.2"
BIG = "1.2.840.10008.1.2.2"
_LONG = ("OB", "OW", "OF", "OD", "SQ", "UN", "UT", "UC", "UR")

Value = bytes | str | int


def element(tag: int, vr: str, value: Value, *, syntax: str = EXPLICIT) -> bytes:
    """One element; integers are written as US, texts in Latin-1."""
    order = ">" if syntax == BIG else "<"
    if isinstance(value, int):
        value = struct.pack(order + "H", value)
    if isinstance(value, str):
        value = value.encode("latin_1")
    value += (b"\0" if vr in ("UI", "OB") else b" ") * (len(value) % 2)
    head = struct.pack(order + "HH", tag >> 16, tag & 0xFFFF)
    if syntax == IMPLICIT:
        return head + struct.pack("<I", len(value)) + value
    if vr in _LONG:
        return (
            head + vr.encode() + b"\0\0" + struct.pack(order + "I", len(value)) + value
        )
    return head + vr.encode() + struct.pack(order + "H", len(value)) + value


def meta(
    syntax: str = EXPLICIT, *, preamble: bytes = b"", maker: str = "1.2.3"
) -> bytes:
    """Preamble, mark and file meta group."""
    group = element(0x00020010, "UI", syntax) + element(0x00020012, "UI", maker)
    length = element(0x00020000, "UL", struct.pack("<I", len(group)))
    return preamble.ljust(128, b"\0") + b"DICM" + length + group


def fields(
    number: int = 1, *, study: int = 1, series: int = 1, **changes: Value | None
) -> dict[str, tuple[int, str, Value]]:
    """Elements of a CT slice by name; a change of None leaves one out."""
    made: dict[str, tuple[int, str, Value]] = {
        "sop_class": (0x00080016, "UI", CT),
        "sop_uid": (0x00080018, "UI", f"1.2.99.{study}.{series}.{number}"),
        "study_date": (0x00080020, "DA", "20260131"),
        "study_time": (0x00080030, "TM", "101500"),
        "accession": (0x00080050, "SH", f"A{study}"),
        "modality": (0x00080060, "CS", "CT"),
        "manufacturer": (0x00080070, "LO", "Maker"),
        "description": (0x00081030, "LO", "Chest"),
        "patient_name": (0x00100010, "PN", "Doe^Jane"),
        "patient_id": (0x00100020, "LO", f"P{study}"),
        "birth_date": (0x00100030, "DA", "19700101"),
        "study_uid": (0x0020000D, "UI", f"1.2.99.{study}"),
        "series_uid": (0x0020000E, "UI", f"1.2.99.{study}.{series}"),
        "number": (0x00200013, "IS", str(number)),
        "rows": (0x00280010, "US", 4),
        "columns": (0x00280011, "US", 4),
        "pixels": (0x7FE00010, "OW", bytes(range(32))),
    }
    known = {
        "character_set": (0x00080005, "CS"),
        "series_description": (0x0008103E, "LO"),
        "issuer": (0x00100021, "LO"),
        "frames": (0x00280008, "IS"),
        "burned_in": (0x00280301, "CS"),
        "sequence": (0x00081140, "SQ"),
    }
    for name, value in changes.items():
        if value is None:
            made.pop(name, None)
        else:
            tag, vr = made[name][:2] if name in made else known[name]
            made[name] = (tag, vr, value)
    return made


def part10(
    number: int = 1,
    *,
    study: int = 1,
    series: int = 1,
    syntax: str = EXPLICIT,
    preamble: bytes = b"",
    maker: str = "1.2.3",
    **changes: Value | None,
) -> bytes:
    """A whole file of a CT slice of 4 x 4 pixels, or of what `changes` make of it."""
    elements = fields(number, study=study, series=series, **changes).values()
    body = b"".join(
        element(*each, syntax=syntax) for each in sorted(elements, key=_tag)
    )
    return meta(syntax, preamble=preamble, maker=maker) + body


def _tag(each: tuple[int, str, Value]) -> int:
    return each[0]
