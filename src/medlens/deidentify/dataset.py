"""A data set without the patient's identity (PS3.15 E, basic profile)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from medlens.core import MedlensError
from medlens.deidentify.dates import shift
from medlens.deidentify.options import Keep
from medlens.deidentify.profile import (
    CODE_PARTS,
    LUT_DATA,
    MAKER,
    PALETTES,
    PIXELS,
    TEXTS,
    action_of,
)
from medlens.deidentify.secret import Secret
from medlens.deidentify.values import (
    REMOVED,
    UNKNOWN_CODE,
    dummy_of,
    is_standard_uid,
    judge,
    known_meaning,
)

if TYPE_CHECKING:
    from pydicom.dataelem import DataElement
    from pydicom.dataset import Dataset

MAX_DEPTH = 32
PIXEL_VRS = ("OB", "OW", "OF", "OD")
LUT_NUMBERS = 3  # of its descriptor: entries, first value, bits
METHOD = "medlens: PS3.15 E basic profile, free text removed"


class IdentityError(MedlensError):
    """A file cannot be freed of the patient's identity with certainty."""


def deidentify_dataset(
    data: Dataset, secret: Secret, *, keep: Keep | None = None
) -> Dataset:
    """The data set with nothing left that could name the patient.

    Attributes of the profile's table are removed, emptied or replaced as it says. Free
    text beside the table is emptied, code strings stay where they are defined terms,
    codes where they are the standard's, numbers where they are numbers. Private
    attributes, overlays, curves and whatever is unknown go. UIDs are mapped by the key,
    so that references stay true.

    Args:
        data: any data set; it is not changed.
        secret: of the key that maps UIDs, names and dates.
        keep: options of the profile; None for none.

    Raises:
        IdentityError: sequences are nested too deep to look at.
    """
    keep = keep or Keep()
    person = patient_of(data)
    result = _clean(data, secret, keep, person, 0)
    _sign(result, secret, keep, person)
    return result


def patient_of(data: Dataset) -> str:
    """Patient ID with its issuer; where there is none the study, which is of one
    patient; "" where there is neither."""
    found = "\0".join(
        str(data.get(keyword) or "").strip()
        for keyword in ("PatientID", "IssuerOfPatientID")
    ).strip("\0")
    study = str(data.get("StudyInstanceUID") or "").strip()
    return found or (f"study\0{study}" if study else "")


def _clean(
    data: Dataset, secret: Secret, keep: Keep, person: str, depth: int
) -> Dataset:
    from pydicom.dataset import Dataset

    if depth > MAX_DEPTH:
        raise IdentityError(
            f"sequences are nested more than {MAX_DEPTH} deep; leave the file out"
        )
    result = Dataset()
    for tag in sorted(data.keys()):
        try:
            element = data[tag]
        except Exception:  # a value that cannot be read cannot be judged: it goes
            continue
        kept = _element(element, secret, keep, person, depth)
        if kept is not None:
            result.add(kept)
    _settle_code(result, depth)
    _drop_palettes(result, depth)
    _drop_table(result, depth)
    return result


def _element(
    element: DataElement, secret: Secret, keep: Keep, person: str, depth: int
) -> DataElement | None:
    """The element as far as it may stay."""
    from pydicom.datadict import dictionary_has_tag, dictionary_VR
    from pydicom.dataelem import DataElement
    from pydicom.sequence import Sequence

    tag = element.tag
    known = dictionary_VR(tag) if dictionary_has_tag(tag) else ""
    # What the file calls a value and what the standard calls it must be one thing.
    is_odd = known and known != element.VR and element.VR not in known
    pair = (tag.group, tag.element)
    vr = element.VR
    if pair in PIXELS:  # of the image itself, as bytes; icons and the like go
        return None if depth or vr not in PIXEL_VRS else _copy(element)
    action = "remove" if is_odd else action_of(*pair, known, keep)
    if action == "keep":
        is_plain = str(element.value).isascii() if vr in TEXTS else True
        return _copy(element) if is_plain else _emptied(tag, vr, depth)
    if action == "walk" and vr == "SQ":
        items = [_clean(x, secret, keep, person, depth + 1) for x in element.value]
        return DataElement(tag, vr, Sequence(items))
    if action == "uid" and vr == "UI":
        return DataElement(tag, vr, _map_uids(element.value, secret))
    if action == "date":
        moved = _move(vr, element.value, secret, keep, person)
        return None if moved is None else DataElement(tag, vr, moved)
    if action == "judge":
        return _judged(element, secret, keep, depth)
    if action == "empty":
        return _emptied(tag, vr, depth)
    if action == "dummy":
        return DataElement(tag, vr, Sequence() if vr == "SQ" else dummy_of(vr))
    return None


def _judged(
    element: DataElement, secret: Secret, keep: Keep, depth: int
) -> DataElement | None:
    from pydicom.dataelem import DataElement

    tag, vr = element.tag, element.VR
    pair = (tag.group, tag.element)
    if pair in CODE_PARTS:
        return _copy(element)  # settled when the whole item is known
    if vr == "UI":
        value = element.value if keep.uids else _map_uids(element.value, secret)
        return DataElement(tag, vr, value)
    value = judge(vr, element.value, is_maker=pair == MAKER)
    if value is None:
        return _emptied(tag, vr, depth)
    return DataElement(tag, vr, value)


def _emptied(tag: Any, vr: str, depth: int) -> DataElement:
    """Nothing at the top, where types 2 and 3 may be empty; a word inside of items,
    which are mostly of type 1."""
    from pydicom.dataelem import DataElement, empty_value_for_VR
    from pydicom.sequence import Sequence

    if vr == "SQ":
        return DataElement(tag, vr, Sequence())
    if depth and vr in ("LO", "SH", "ST", "LT", "UT", "UC", "PN"):
        return DataElement(tag, vr, dummy_of(vr))
    return DataElement(tag, vr, empty_value_for_VR(vr))


def _copy(element: DataElement) -> DataElement:
    from copy import deepcopy

    return deepcopy(element) if element.VR == "SQ" else element


def _map_uids(value: Any, secret: Secret) -> Any:
    values = [value] if isinstance(value, str) else list(value or ())
    mapped = [
        uid if is_standard_uid(uid) else secret.uid(uid) for uid in map(str, values)
    ]
    return mapped if len(mapped) != 1 else mapped[0]


def _move(vr: str, value: Any, secret: Secret, keep: Keep, person: str) -> Any:
    if not value:
        return value
    days = 0 if keep.dates == "keep" else secret.days(person)
    values = (
        [value] if isinstance(value, str) or not hasattr(value, "__iter__") else value
    )
    moved = [shift(vr, str(each), days) for each in values]
    if any(each is None for each in moved):
        return None
    return moved if len(moved) != 1 else moved[0]


def _drop_palettes(result: Dataset, depth: int) -> None:
    """Tables of colours are bytes that anything may hide in; few images need them."""
    if depth or result.get("PhotometricInterpretation") != "PALETTE COLOR":
        for group, element in PALETTES:
            if (group, element) in result:
                del result[group, element]


def _drop_table(item: Dataset, depth: int) -> None:
    """A look-up table stays where it has as many entries as it says, and no more."""
    if LUT_DATA not in item:
        return
    value = item[LUT_DATA].value
    shape = item.get("LUTDescriptor")
    entries = 0
    if depth and hasattr(shape, "__len__") and len(shape) == LUT_NUMBERS:
        entries = int(shape[0]) or 1 << 16
    is_bytes = isinstance(value, bytes)
    count = len(value) if is_bytes else len(_many(value))
    if not entries or count not in ((entries, 2 * entries) if is_bytes else (entries,)):
        del item[LUT_DATA]


def _many(value: Any) -> list[Any]:
    return list(value) if hasattr(value, "__iter__") else [value]


def _settle_code(item: Dataset, depth: int) -> None:
    """A code stays where it is the standard's, with the standard's meaning."""
    if not any(part in item for part in CODE_PARTS):
        return
    scheme = str(item.get("CodingSchemeDesignator") or "")
    value = str(item.get("CodeValue") or item.get("LongCodeValue") or "")
    meaning = known_meaning(value, scheme)
    for part in CODE_PARTS:
        if part in item:
            del item[part]
    if not depth:  # codes stand in items; elsewhere they are somebody's words
        return
    if meaning is None:
        value, scheme, meaning = UNKNOWN_CODE
    item.CodeValue, item.CodingSchemeDesignator = value, scheme
    item.CodeMeaning = meaning


def _sign(result: Dataset, secret: Secret, keep: Keep, person: str) -> None:
    """Who the patient is now, and what was done (PS3.15 E.1.1)."""
    from pydicom.dataset import Dataset
    from pydicom.sequence import Sequence

    name = secret.pseudonym(person) if person else REMOVED
    result.PatientID = name
    result.PatientName = name
    result.PatientIdentityRemoved = "YES"
    result.DeidentificationMethod = METHOD
    methods = []
    for value, meaning in keep.codes:
        code = Dataset()
        code.CodeValue, code.CodingSchemeDesignator = value, "DCM"
        code.CodeMeaning = meaning
        methods.append(code)
    result.DeidentificationMethodCodeSequence = Sequence(methods)
    modified = {"remove": "REMOVED", "shift": "MODIFIED", "keep": "UNMODIFIED"}
    result.LongitudinalTemporalInformationModified = modified[keep.dates]
    # All text that is left is ASCII, and says so by saying nothing.
    if "SpecificCharacterSet" in result:
        del result.SpecificCharacterSet
