"""multipart/related as a stream of parts, parsed strictly and within bounds.

RFC 2046 5.1 and RFC 2387, as PS3.18 8.6 uses them. Bytes are pushed in as they come
and leave at once; what is held is one delimiter's length and one part's head.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from medlens.core import MedlensError

MAX_BOUNDARY = 200
"""Characters of a boundary: RFC 2046 5.1.1 has 70, and Orthanc sends 73."""

MAX_HEAD_BYTES = 8192
"""Bytes of the head of one part."""

MAX_PARAMETERS = 32
"""Parameters of one media type."""

_TOKEN = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_TYPE = re.compile(rf"\s*({_TOKEN}/{_TOKEN})\s*")
_PARAMETER = re.compile(rf';\s*(?:({_TOKEN})\s*=\s*({_TOKEN}|"(?:[^"\\]|\\.)*"))?\s*')
# A slash or an equals sign needs quotes by RFC 2045, and comes without from many.
_LOOSE = re.compile(rf';\s*({_TOKEN})\s*=\s*([^\s;",]+)\s*')
_BOUNDARY = re.compile(r"[0-9A-Za-z'()+_,\-./:=? ]{0,199}[0-9A-Za-z'()+_,\-./:=?]")
_DASHES = b"--"
_BREAK = b"\r\n"


class MultipartError(MedlensError):
    """A body that is no proper multipart/related message."""


@dataclass(frozen=True)
class MediaType:
    """A media type, as Content-Type and Accept write it.

    Attributes:
        name: "application/dicom", in small letters.
        parameters: in small letters → value, quotes removed.
    """

    name: str
    parameters: Mapping[str, str]


def parse_media_type(text: str) -> MediaType:
    """The parts of a Content-Type (RFC 9110 8.3.1).

    Raises:
        MultipartError: it is no media type; its own text is not repeated.
    """
    head = _TYPE.match(text)
    if head is None or len(text) > MAX_HEAD_BYTES:
        raise MultipartError(
            "Content-Type: is no media type; wanted, for instance, multipart/related; "
            'type="application/dicom"; boundary=…'
        )
    parameters: dict[str, str] = {}
    place = head.end()
    while place < len(text):
        found = _PARAMETER.match(text, place)
        if found is None or (found.end() < len(text) and text[found.end()] != ";"):
            found = _LOOSE.match(text, place)
        if found is None or len(parameters) >= MAX_PARAMETERS:
            raise MultipartError(
                "Content-Type: has a parameter that cannot be read; wanted name=value "
                "or name=\"value\", apart by ';'"
            )
        if found[1]:
            parameters.setdefault(found[1].lower(), _unquoted(found[2]))
        place = found.end()
    return MediaType(head[1].lower(), parameters)


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1]) if text.startswith('"') else text


def boundary_of(media_type: MediaType) -> bytes:
    """The boundary of a multipart body.

    Raises:
        MultipartError: it is missing, too long, or has characters that none may have.
    """
    text = media_type.parameters.get("boundary", "")
    if not text:
        raise MultipartError(
            "Content-Type: has no boundary; wanted boundary=… of 1 to "
            f"{MAX_BOUNDARY} characters"
        )
    if len(text) > MAX_BOUNDARY or not _BOUNDARY.fullmatch(text):
        raise MultipartError(
            f"Content-Type: has a boundary of {len(text)} characters, too many or "
            f"unfit; wanted 1 to {MAX_BOUNDARY} letters, digits or '()+_,-./:=?"
        )
    return text.encode("ascii")


class PartSink(Protocol):
    """Takes the parts as they come."""

    def begin(self, head: Mapping[str, str]) -> None:
        """A part begins; field names are in small letters."""

    def data(self, piece: bytes) -> None:
        """More of its body."""

    def end(self) -> None:
        """The part is whole."""


class MultipartParser:
    """Finds the parts of a body that is pushed in piece by piece.

    Args:
        boundary: from `boundary_of`.
        sink: is told of each part.
        max_parts: how many there may be.
    """

    def __init__(self, boundary: bytes, sink: PartSink, *, max_parts: int) -> None:
        self._delimiter = _BREAK + _DASHES + boundary
        self._sink, self._max_parts = sink, max_parts
        # The first delimiter may stand at the very start, where no line ends before.
        self._held = bytearray(_BREAK)
        self._state = "preamble"
        self._skip = 0
        self.parts = 0

    def feed(self, piece: bytes) -> None:
        """Take the next bytes of the body.

        Raises:
            MultipartError: they break the rules; nothing more should be fed.
        """
        self._held += piece
        while self._step():
            pass

    def finish(self) -> None:
        """Say that the body has ended.

        Raises:
            MultipartError: the closing delimiter is missing: the body was cut off.
        """
        if self._state != "epilogue":
            raise MultipartError(
                f"the body ends inside part {self.parts} or before the first; wanted "
                "the closing delimiter; send it again"
            )

    def _step(self) -> bool:
        """One step forward; False where more bytes are needed."""
        if self._state in ("preamble", "body"):
            return self._look_for_delimiter()
        if self._state == "after delimiter":
            return self._read_delimiter_end()
        if self._state == "head":
            return self._read_head()
        self._held.clear()  # the epilogue means nothing (RFC 2046 5.1.1)
        return False

    def _look_for_delimiter(self) -> bool:
        place = self._held.find(self._delimiter)
        found = place >= 0
        # What could be the start of a delimiter waits for its rest.
        sure = place if found else max(0, len(self._held) - len(self._delimiter) + 1)
        if not found and sure < self._skip:
            return False
        if sure > self._skip and self._state == "body":
            self._sink.data(bytes(self._held[self._skip : sure]))
        self._skip = 0
        del self._held[: sure + (len(self._delimiter) if found else 0)]
        if found:
            if self._state == "body":
                self._sink.end()
            self._state = "after delimiter"
        return found

    def _read_delimiter_end(self) -> bool:
        """ "--" closes the message; else blanks may come, and the line must end."""
        if len(self._held) < 2:
            return False
        if self._held.startswith(_DASHES):
            self._state = "epilogue"
            return True
        end = self._held.find(_BREAK)
        blanks = self._held[: end if end >= 0 else len(self._held)]
        if blanks.strip(b" \t\r") or len(blanks) > MAX_HEAD_BYTES:
            raise MultipartError("a delimiter is followed by other text; wanted CR LF")
        if end < 0:
            return False
        if self.parts >= self._max_parts:
            raise MultipartError(
                f"the body has more than {self._max_parts:,} parts; send fewer at once"
            )
        self.parts += 1
        # The line's end is kept: a head may be empty.
        del self._held[:end]
        self._state = "head"
        return True

    def _read_head(self) -> bool:
        end = self._held.find(_BREAK + _BREAK)
        if end > MAX_HEAD_BYTES or (end < 0 and len(self._held) > MAX_HEAD_BYTES + 4):
            raise MultipartError(
                f"part {self.parts}: the head is longer than {MAX_HEAD_BYTES} bytes"
            )
        if end < 0:
            return False
        head = _parse_head(bytes(self._held[2:end]), self.parts)
        # The blank line stays: where the body is empty it opens the delimiter.
        del self._held[: end + len(_BREAK)]
        self._skip = len(_BREAK)
        self._sink.begin(head)
        self._state = "body"
        return True


def _parse_head(block: bytes, part: int) -> dict[str, str]:
    """Field names in small letters → values; the first of a name counts."""
    fields: dict[str, str] = {}
    text = re.sub(rb"\r\n[ \t]+", b" ", block).decode("latin-1")
    for line in text.split("\r\n") if text else ():
        name, colon, value = line.partition(":")
        if not colon or not re.fullmatch(_TOKEN, name) or "\0" in value:
            raise MultipartError(f"part {part}: the head has a line that is no field")
        fields.setdefault(name.lower(), value.strip())
    return fields
