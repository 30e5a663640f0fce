"""What is done with each attribute: PS3.15 table E.1-1 (2024b), then by its VR.

The table is dicom-anonymizer's copy of the standard's; what is done is ours, since its
own functions leave overlays, free text beside the table and nested values standing.
"""

from __future__ import annotations

from functools import cache
from typing import Literal

from medlens.deidentify.options import Keep

Action = Literal["remove", "empty", "dummy", "uid", "walk", "keep", "date", "judge"]
"""`judge` looks at the value: see `values.judge`."""

EDITION = "dicomfields_2024b"

# Tags of the table whose action rests on the kind of object (Type 1, 2 or 3 there):
# the one that is right for all of them is taken.
_BY_COLUMN: dict[str, Action] = {
    "D_TAGS": "dummy",
    "Z_TAGS": "empty",
    "X_TAGS": "remove",
    "U_TAGS": "uid",
    "Z_D_TAGS": "dummy",
    "X_Z_TAGS": "empty",
    "X_D_TAGS": "dummy",
    "X_Z_D_TAGS": "dummy",
    "X_Z_U_STAR_TAGS": "walk",
}
_TIMES = ("DA", "TM", "DT")
TEXTS = ("AE", "LO", "LT", "PN", "SH", "ST", "UC", "UR", "UT")
_NUMBERS = ("US", "SS", "UL", "SL", "UV", "SV", "FL", "FD", "AT")
_BULK = ("OB", "OW", "OD", "OF", "OL", "OV", "UN")

# Bulk that is pixels or how to show them.
PIXELS = frozenset({(0x7FE0, 0x0008), (0x7FE0, 0x0009), (0x7FE0, 0x0010)})
LUT_DATA = (0x0028, 0x3006)
# Colours of a palette; only an image that has one keeps them.
PALETTES = frozenset(
    (0x0028, element) for element in (*range(0x1201, 0x1204), *range(0x1221, 0x1224))
)

# Technique in free text: tells a device, and in careless hands a person.
DEVICE = frozenset(
    {
        (0x0008, 0x1090), (0x0018, 0x1210), (0x0018, 0x1020), (0x0018, 0x0024),
        (0x0018, 0x1000), (0x0018, 0x1250), (0x0018, 0x1251), (0x0018, 0x1160),
        (0x0018, 0x1008), (0x0018, 0x1030), (0x0008, 0x1010), (0x0018, 0x0010),
    }
)  # fmt: skip
PATIENT = frozenset(
    {
        (0x0010, 0x0040), (0x0010, 0x1010), (0x0010, 0x1020), (0x0010, 0x1021),
        (0x0010, 0x1030), (0x0010, 0x1022), (0x0010, 0x2160), (0x0010, 0x21A0),
        (0x0010, 0x21C0), (0x0010, 0x2203),
    }
)  # fmt: skip
BIRTH = frozenset({(0x0010, 0x0030), (0x0010, 0x0032)})  # its day and its hour
MAKER = (0x0008, 0x0070)
CODE_VALUES = frozenset({(0x0008, 0x0100), (0x0008, 0x0119), (0x0008, 0x0120)})
CODE_PARTS = CODE_VALUES | {(0x0008, 0x0102), (0x0008, 0x0103), (0x0008, 0x0104)}


@cache
def _table() -> dict[tuple[int, int], Action]:
    from dicomanonymizer.dicomfields_selector import (
        dicom_anonymization_database_selector,
    )

    found: dict[tuple[int, int], Action] = {}
    columns = dicom_anonymization_database_selector(EDITION)
    for column, action in _BY_COLUMN.items():
        for tag in columns[column]:
            if len(tag) == 2:  # repeating groups have masks, too; see action_of
                found[(int(tag[0]), int(tag[1]))] = action
    return found


def action_of(group: int, element: int, vr: str, keep: Keep) -> Action:
    """What is done with an attribute.

    Args:
        group, element: of its tag.
        vr: its value representation, "" if the dictionary does not know it.
        keep: options.
    """
    tag = (group, element)
    if group % 2 or group < 8 or not vr:
        return "remove"  # private, of the file, or of no standard
    if 0x5000 <= group <= 0x50FF or 0x6000 <= group <= 0x60FF or element == 0:
        return "remove"  # curves, overlays, group lengths
    if tag in PATIENT:
        if keep.patient:
            return _by_vr(tag, vr)
        return "empty" if element == 0x0040 else "remove"
    if tag in DEVICE and keep.device:
        return "keep"
    listed = _table().get(tag)
    if vr in _TIMES and keep.dates != "remove" and tag not in BIRTH:
        return "date"
    if listed == "uid":
        return "keep" if keep.uids else "uid"
    if listed is not None:
        return "walk" if vr == "SQ" and listed in ("walk", "dummy") else listed
    return _by_vr(tag, vr)


def _by_vr(tag: tuple[int, int], vr: str) -> Action:
    """Attributes that the table leaves alone, which may hold names all the same."""
    if vr == "SQ":
        return "walk"
    if vr in _NUMBERS or tag == LUT_DATA or tag in PALETTES:
        return "keep"
    if vr in _TIMES:
        return "empty"
    if vr in _BULK or " " in vr:  # "US or SS" and the like are numbers by then
        return "keep" if "US" in vr else "remove"
    if tag == MAKER or tag in CODE_PARTS or vr in ("CS", "DS", "IS", "AS", "UI"):
        return "judge"
    return "empty" if vr in TEXTS else "remove"
