"""What the index needs to know of one DICOM file, read within bounds."""

from __future__ import annotations

import re
import struct
import zlib
from dataclasses import dataclass, field

from medlens.core import MedlensError
from medlens.read import limits
from medlens.serve.receive.characters import decode, name_key
from medlens.serve.receive.elements import DamagedError, Found, Window, walk

IMPLICIT_LITTLE = "1.2.840.10008.1.2"
EXPLICIT_LITTLE = "1.2.840.10008.1.2.1"
EXPLICIT_BIG = "1.2.840.10008.1.2.2"
DEFLATED = ("1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.4.95")

UID = re.compile(r"[0-9]+(\.[0-9]+)*")
_DIRECTORY = "1.2.840.10008.1.3.10"
_KEPT_INFLATED = 8 << 20  # of a deflated data set, enough for any header
_META_BYTES = 64 * 1024

_TAGS = {
    "character_set": 0x00080005, "image_type": 0x00080008, "sop_class": 0x00080016,
    "sop_uid": 0x00080018, "study_date": 0x00080020, "series_date": 0x00080021,
    "study_time": 0x00080030, "series_time": 0x00080031, "accession": 0x00080050,
    "modality": 0x00080060, "manufacturer": 0x00080070, "referring": 0x00080090,
    "station": 0x00081010, "study_description": 0x00081030,
    "series_description": 0x0008103E, "patient_name": 0x00100010,
    "patient_id": 0x00100020, "issuer": 0x00100021, "birth_date": 0x00100030,
    "sex": 0x00100040, "body_part": 0x00180015, "protocol": 0x00181030,
    "study_uid": 0x0020000D, "series_uid": 0x0020000E, "study_id": 0x00200010,
    "series_number": 0x00200011, "number": 0x00200013, "laterality": 0x00200060,
    "image_laterality": 0x00200062, "frames": 0x00280008, "rows": 0x00280010,
    "columns": 0x00280011, "burned_in": 0x00280301,
}  # fmt: skip
_WANTED = frozenset(_TAGS.values())


class UnfitError(MedlensError):
    """A file that cannot be indexed; the message says why, without its values."""


@dataclass(frozen=True)
class Instance:
    """Index fields of one instance; texts are cut to what the tables hold.

    Attributes:
        transfer_syntax: of the file, guessed from its bytes where it says none.
        data_start: byte at which the data set begins, after the file meta group.
        rows, columns, frames, number, series_number: None where absent or no number.
            They are claims: nothing is allocated by them here, and decoding is
            bounded by `medlens.read.limits`.
        study, series: other columns of these tables → value.
        is_result: bears the mark of this program's own results.
    """

    sop_class: str
    sop_uid: str = field(repr=False)
    study_uid: str = field(repr=False)
    series_uid: str = field(repr=False)
    transfer_syntax: str
    data_start: int
    rows: int | None
    columns: int | None
    frames: int | None
    number: int | None
    study: dict[str, str] = field(repr=False)
    series: dict[str, str | int | None] = field(repr=False)
    is_result: bool = False


def read_instance(window: Window) -> Instance:
    """Parse the header of a whole Part-10 file.

    A file that begins like a program, a picture or a page (PS3.10 7.1 leaves the
    first 128 bytes free) is taken as what its data set is; it must be served as
    application/dicom only.

    Raises:
        UnfitError: no DICOM file, damaged, or without legal UIDs.
    """
    syntax, start = _read_meta(window)
    try:
        if syntax in DEFLATED:
            found = _walk(_inflated(window, start), 0, EXPLICIT_LITTLE)[0]
        else:
            found, syntax = _walk(window, start, syntax)
    except DamagedError as error:
        raise UnfitError(f"the DICOM data set {error}; export it again") from None
    return _to_instance(_Values(found), syntax, start)


def _walk(window: Window, start: int, syntax: str) -> tuple[Found, str]:
    """Walk the data set as its bytes are, also where the file says otherwise."""
    head = window.at(start, 8)
    if len(head) < 8:
        raise DamagedError("is empty")
    order = ">" if syntax == EXPLICIT_BIG else "<"
    implicit = not (head[4:6].isalpha() and head[4:6].isupper())
    if not syntax:
        syntax = IMPLICIT_LITTLE if implicit else EXPLICIT_LITTLE
    found = walk(window, start, implicit=implicit, order=order, wanted=_WANTED)
    return found, syntax


def _read_meta(window: Window) -> tuple[str, int]:
    """Transfer syntax and end of the file meta group (PS3.10 7.1)."""
    block = window.at(0, _META_BYTES)
    if block[128:132] != b"DICM":
        raise UnfitError(
            "is no DICOM file (no DICM mark after 128 bytes); send DICOM files"
        )
    syntax, place = "", 132
    while block[place : place + 2] == b"\x02\0":
        long_form = block[place + 4 : place + 6] in (b"OB", b"UN", b"OW", b"SQ", b"UT")
        form, skip = ("<I", 8) if long_form else ("<H", 6)
        value = place + skip + struct.calcsize(form)
        if value > len(block):
            break
        (length,) = struct.unpack_from(form, block, place + skip)
        if block[place + 2 : place + 4] == b"\x10\0":
            syntax = block[value : value + length].decode("ascii", "replace")
        place = value + length
    if place > min(len(block), window.size):
        raise UnfitError("the file meta group is damaged or cut off; export it again")
    syntax = syntax.strip(" \0")
    if syntax and not is_uid(syntax):
        raise UnfitError("the transfer syntax is no UID; export the file again")
    return syntax, place


def _inflated(window: Window, start: int) -> Window:
    """The beginning of a deflated data set (PS3.5 A.5); bombs are refused."""
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    kept, total, place = bytearray(), 0, start
    try:
        while place < window.size and not inflater.eof:
            packed = window.at(place, 64 * 1024)
            place += len(packed)
            while packed or inflater.unconsumed_tail:
                data = inflater.decompress(packed or inflater.unconsumed_tail, 1 << 20)
                packed = b""
                total += len(data)
                if total > limits.MAX_INFLATED_BYTES:
                    raise UnfitError(
                        "the deflated data set grows past "
                        f"{limits.MAX_INFLATED_BYTES >> 20} MiB; refused as a bomb"
                    )
                kept += data[: _KEPT_INFLATED - len(kept)]
    except zlib.error:
        raise DamagedError("is deflated and damaged") from None
    if not inflater.eof:
        raise DamagedError("is deflated and cut off")

    def read(count: int, offset: int) -> bytes:
        if offset + 12 > len(kept) < total:
            raise DamagedError("has a header too large for a deflated one")
        return bytes(kept[offset : offset + count])

    return Window(read, total)


class _Values:
    """Values of a walk as text and numbers."""

    def __init__(self, found: Found) -> None:
        self._values = found.values
        self._set = found.values.get(_TAGS["character_set"], b"")

    def raw(self, name: str) -> bytes:
        return self._values.get(_TAGS[name], b"")

    def text(self, name: str, size: int, *, is_name: bool = False) -> str:
        return decode(self.raw(name), self._set, is_name=is_name)[:size]

    def code(self, name: str, size: int) -> str:
        """Of VR CS, DA, TM, IS and UI: the default repertoire."""
        return decode(self.raw(name).strip(b"\0 "), b"")[:size]

    def integer(self, name: str) -> int | None:
        """Of VR IS, in 32 bits."""
        text = self.code(name, 16)
        if not re.fullmatch(r"[+-]?[0-9]{1,10}", text):
            return None
        number = int(text)
        return number if -(2**31) <= number < 2**31 else None

    def short(self, name: str, order: str) -> int | None:
        """Of VR US."""
        value = self.raw(name)
        return struct.unpack(order + "H", value)[0] if len(value) == 2 else None

    def date(self, name: str) -> str:
        """YYYYMMDD, also of the form with points of old; "" for anything else."""
        text = self.code(name, 10).replace(".", "").replace("-", "")
        return text if re.fullmatch(r"[0-9]{8}", text) else ""

    def time(self, name: str) -> str:
        """HH, HHMM or HHMMSS with a fraction; "" for anything else."""
        text = self.code(name, 16).replace(":", "")
        legal = r"[0-9]{2}([0-9]{2}([0-9]{2}(\.[0-9]{1,6})?)?)?"
        return text if re.fullmatch(legal, text) else ""

    def uid(self, name: str, what: str) -> str:
        """A UID that is there and legal.

        Raises:
            UnfitError: it is not.
        """
        raw = self.raw(name).rstrip(b"\0 ")
        if not raw:
            raise UnfitError(f"has no {what}; it cannot be kept without one")
        text = raw.decode("latin_1")
        if not is_uid(text):
            raise UnfitError(
                f"its {what} is no UID (digits and points, at most 64); "
                "mend it at the sender"
            )
        return text


def is_uid(text: str) -> bool:
    """Whether a text is a UID (PS3.5 9.1), leading zeros forgiven."""
    return len(text) <= 64 and UID.fullmatch(text) is not None


def _to_instance(values: _Values, syntax: str, start: int) -> Instance:
    order = ">" if syntax == EXPLICIT_BIG else "<"
    sop_class = values.uid("sop_class", "SOP Class UID (0008,0016)")
    if sop_class == _DIRECTORY:
        raise UnfitError("is the directory of a medium, no instance; send its files")
    series = _series_fields(values)
    return Instance(
        sop_class=sop_class,
        sop_uid=values.uid("sop_uid", "SOP Instance UID (0008,0018)"),
        study_uid=values.uid("study_uid", "Study Instance UID (0020,000D)"),
        series_uid=values.uid("series_uid", "Series Instance UID (0020,000E)"),
        transfer_syntax=syntax,
        data_start=start,
        rows=values.short("rows", order),
        columns=values.short("columns", order),
        frames=values.integer("frames"),
        number=values.integer("number"),
        study=_study_fields(values),
        series=series,
        is_result=_is_result(values, str(series["modality"])),
    )


def _study_fields(values: _Values) -> dict[str, str]:
    name = values.text("patient_name", 324, is_name=True)
    return {
        "patient_id": values.text("patient_id", 64),
        "issuer": values.text("issuer", 64),
        "patient_name": name,
        "name_key": name_key(name)[:324],
        "birth_date": values.date("birth_date"),
        "sex": values.code("sex", 16),
        "study_date": values.date("study_date"),
        "study_time": values.time("study_time"),
        "accession_number": values.text("accession", 16),
        "study_id": values.text("study_id", 16),
        "description": values.text("study_description", 64),
        "referring_physician": values.text("referring", 324, is_name=True),
    }


def _series_fields(values: _Values) -> dict[str, str | int | None]:
    return {
        "modality": values.code("modality", 16),
        "number": values.integer("series_number"),
        "description": values.text("series_description", 64),
        "body_part": values.code("body_part", 16),
        "laterality": values.code("laterality", 16)
        or values.code("image_laterality", 16),
        "protocol_name": values.text("protocol", 64),
        "manufacturer": values.text("manufacturer", 64),
        "station_name": values.text("station", 16),
        "series_date": values.date("series_date"),
        "series_time": values.time("series_time"),
    }


def _is_result(values: _Values, modality: str) -> bool:
    """Whether it is a result of this program: what `medlens.write` marks it with.

    A picture that was wrapped as DICOM on its way in names the same maker, but is
    neither a document nor burned in.
    """
    if values.text("manufacturer", 64).casefold() != "medlens":
        return False
    is_burned_in = values.code("burned_in", 16) == "YES"
    return is_burned_in or modality in ("SR", "SEG", "PR", "KO")
