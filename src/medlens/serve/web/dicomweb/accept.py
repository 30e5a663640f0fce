"""What a client accepts (RFC 9110 12.5.1, PS3.18 8.7.5)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from fastapi import Request

from medlens.serve.receive.multipart import MultipartError, parse_media_type
from medlens.serve.web.errors import Problem

EXPLICIT_LITTLE = "1.2.840.10008.1.2.1"
MAX_RANGES = 40
MAX_CHARACTERS = 2048
"""Of what is accepted; the pattern below takes the square of it on hostile text."""

_PIECE = re.compile(r'(?:[^,"]|"(?:[^"\\]|\\.)*")+')
_QUALITY = re.compile(r"(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)")


@dataclass(frozen=True)
class Accepted:
    """One media range that is accepted.

    Attributes:
        name: "multipart/related", "image/png", "*/*", ….
        type: of the parts of a multipart answer, "" if open.
        transfer_syntax: a UID, "*" for the stored one, "" if nothing is said.
        quality: above 0, 1 at most.
    """

    name: str
    type: str = ""
    transfer_syntax: str = ""
    quality: float = 1.0

    def covers(self, media_type: str) -> bool:
        """Whether a single-part answer of this type is accepted."""
        return _covers(self.name, media_type)

    def covers_parts(self, media_type: str) -> bool:
        """Whether a multipart answer with parts of this type is accepted."""
        whole = self.name in ("multipart/related", "multipart/*", "*/*")
        return whole and _covers(self.type or "*/*", media_type)


def _covers(pattern: str, media_type: str) -> bool:
    if pattern in ("*/*", media_type):
        return True
    return pattern.endswith("/*") and media_type.startswith(pattern[:-1])


def accepted(request: Request) -> list[Accepted]:
    """Media ranges of a request, the best first.

    The query parameter `accept` comes before the header (PS3.18 8.3.3.1). Ranges of
    quality 0 are dropped; one that cannot be read says nothing.

    Raises:
        Problem: 400, it is longer than any real one.
    """
    said = request.query_params.get("accept")
    if said is None:
        said = ", ".join(request.headers.getlist("accept"))
    if len(said) > MAX_CHARACTERS:
        raise Problem(
            400,
            f"Accept: has {len(said):,} characters; wanted up to {MAX_CHARACTERS:,}; "
            "name fewer media types",
        )
    found = [_read_range(piece) for piece in _PIECE.findall(said)[:MAX_RANGES]]
    ranges = [each for each in found if each is not None]
    if not ranges and not said.strip():
        ranges = [Accepted("*/*")]
    ranges = [each for each in ranges if each.quality > 0]
    return sorted(ranges, key=lambda each: -each.quality)


def _read_range(text: str) -> Accepted | None:
    try:
        found = parse_media_type(text)
    except MultipartError:
        return None
    quality = found.parameters.get("q", "1")
    if not _QUALITY.fullmatch(quality):
        return None
    return Accepted(
        found.name,
        found.parameters.get("type", "").lower(),
        found.parameters.get("transfer-syntax", ""),
        float(quality),
    )


def choose(request: Request, offers: Iterable[str]) -> str:
    """The single-part media type to answer with: the first offer of the best range.

    Raises:
        Problem: 406, none of them is accepted.
    """
    offers = tuple(offers)
    for each in accepted(request):
        for offer in offers:
            if each.covers(offer):
                return offer
    raise not_acceptable(offers)


def not_acceptable(offers: Iterable[str]) -> Problem:
    """The refusal that says what there is."""
    return Problem(
        406, f"nothing that is accepted can be given; there is: {', '.join(offers)}"
    )
