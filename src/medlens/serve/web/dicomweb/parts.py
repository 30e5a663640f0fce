"""multipart/related answers, written as they are read (RFC 2387, PS3.18 8.6.1.2)."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from fastapi.responses import StreamingResponse

PIECE = 1 << 18
"""Bytes of a file that are held at a time."""


@dataclass(frozen=True)
class Part:
    """One part of an answer.

    Attributes:
        content_type: with its parameters.
        body: its bytes, in pieces.
        location: its own address, "" for none.
    """

    content_type: str
    body: Iterable[bytes] = field(repr=False)
    location: str = ""


def file_pieces(
    path: Path, start: int = 0, length: int | None = None
) -> Iterator[bytes]:
    """The bytes of a file, or `length` of them from `start`, in pieces."""
    with path.open("rb") as file:
        file.seek(start)
        left = length
        while left is None or left > 0:
            piece = file.read(PIECE if left is None else min(PIECE, left))
            if not piece:
                return
            if left is not None:
                left -= len(piece)
            yield piece


def multipart_response(
    parts: Iterable[Part], media_type: str, *, headers: dict[str, str] | None = None,
    status: int = 200,
) -> StreamingResponse:  # fmt: skip
    """An answer of many parts; one piece of one of them is held at a time.

    Args:
        parts: made while the answer is sent.
        media_type: of the parts, named in the answer's own type.
        headers: more of the answer.
        status: of HTTP.
    """
    boundary = secrets.token_hex(24)
    kind = f'multipart/related; type="{media_type}"; boundary={boundary}'
    return StreamingResponse(
        _written(parts, boundary),
        status,
        headers={**(headers or {}), "Content-Type": kind},
    )


def _written(parts: Iterable[Part], boundary: str) -> Iterator[bytes]:
    for part in parts:
        lines = [f"--{boundary}", f"Content-Type: {part.content_type}"]
        if part.location:
            lines.append(f"Content-Location: {part.location}")
        yield ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
        yield from part.body
        yield b"\r\n"
    yield f"--{boundary}--\r\n".encode("latin-1")
