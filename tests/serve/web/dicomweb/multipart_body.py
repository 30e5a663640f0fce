"""multipart/related answers taken apart, and bodies put together."""

from __future__ import annotations

from collections.abc import Mapping

import httpx

from medlens.serve.receive.multipart import (
    MultipartParser,
    boundary_of,
    parse_media_type,
)

DICOM = 'multipart/related; type="application/dicom"; boundary=B'


class _Parts:
    def __init__(self) -> None:
        self.found: list[tuple[dict[str, str], bytes]] = []

    def begin(self, head: Mapping[str, str]) -> None:
        self.found.append((dict(head), b""))

    def data(self, piece: bytes) -> None:
        head, body = self.found[-1]
        self.found[-1] = (head, body + piece)

    def end(self) -> None:
        pass


def parts_of(reply: httpx.Response) -> list[tuple[dict[str, str], bytes]]:
    """(head, body) of every part."""
    kind = parse_media_type(reply.headers["content-type"])
    assert kind.name == "multipart/related"
    parts = _Parts()
    parser = MultipartParser(boundary_of(kind), parts, max_parts=10_000)
    parser.feed(reply.content)
    parser.finish()
    return parts.found


def body_of(*files: bytes, kind: str = "application/dicom") -> bytes:
    """A body with boundary B."""
    head = f"--B\r\nContent-Type: {kind}\r\n\r\n".encode()
    return b"".join(head + data + b"\r\n" for data in files) + b"--B--\r\n"
