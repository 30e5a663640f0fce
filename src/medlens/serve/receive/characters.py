"""Text of a DICOM header, whatever character set it was written in (PS3.5 6.1)."""

from __future__ import annotations

import re

from medlens.core.quiet import quiet
from medlens.serve.store.names import name_key as name_key

# Single character sets, PS3.3 C.12.1.1.2. Without one the default repertoire is
# ASCII; what senders put there all the same is nearly always Latin-1.
_CODECS = {
    "": "latin_1", "ISO_IR 6": "latin_1", "ISO_IR 13": "shift_jis",
    "ISO_IR 100": "latin_1", "ISO_IR 101": "iso8859_2", "ISO_IR 109": "iso8859_3",
    "ISO_IR 110": "iso8859_4", "ISO_IR 126": "iso8859_7", "ISO_IR 127": "iso8859_6",
    "ISO_IR 138": "iso8859_8", "ISO_IR 144": "iso8859_5", "ISO_IR 148": "iso8859_9",
    "ISO_IR 166": "tis_620", "ISO_IR 192": "utf_8", "ISO_IR 203": "iso8859_15",
    "GB18030": "gb18030", "GBK": "gbk",
}  # fmt: skip
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


def decode(value: bytes, character_set: bytes, *, is_name: bool = False) -> str:
    """First value of a text element; what cannot be decoded is replaced.

    Args:
        value: as in the file.
        character_set: value of SpecificCharacterSet (0008,0005).
        is_name: of a person, whose groups may each have their own set.
    """
    if value.isascii() and b"\x1b" not in value:
        text = value.decode("ascii")
    else:
        terms = [part.strip() for part in character_set.decode("latin_1").split("\\")]
        text = _decode(value, terms, is_name)
    return _CONTROL.sub("", text.split("\\", 1)[0]).strip()


def _decode(value: bytes, terms: list[str], is_name: bool) -> str:
    codec = _CODECS.get(terms[0]) if len(terms) == 1 else None
    if codec is not None:
        return value.decode(codec, "replace")
    from pydicom.charset import convert_encodings, decode_bytes

    delimiters = {0x5E, 0x3D} if is_name else {0x09, 0x0A, 0x0C, 0x0D}
    try:
        with quiet():
            return str(decode_bytes(value, convert_encodings(terms), delimiters))
    except (LookupError, ValueError, AttributeError, TypeError):
        return value.decode("utf_8", "replace")
