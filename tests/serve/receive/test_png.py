"""What a page draws: every kind of PNG, and what is none."""

from __future__ import annotations

import struct
import zlib

import cv2
import numpy as np
import pytest

from medlens.core import UsageError
from medlens.serve.receive.png import read_plane


def png(width: int, height: int, depth: int, color: int, rows: bytes) -> bytes:
    """A PNG put together by hand (PNG 1.2, 11.2)."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        checked = kind + data
        return (
            struct.pack(">I", len(data))
            + checked
            + struct.pack(">I", zlib.crc32(checked))
        )

    head = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    )  # fmt: skip


INSIDE = np.array([[True, False, True], [False, False, True]])


def test_every_way_of_saying_inside() -> None:
    one_bit = png(3, 2, 1, 0, b"\x00\xa0" + b"\x00\x20")  # 101, 001
    grey = png(3, 2, 8, 0, b"\x00\x01\x00\xff" + b"\x00\x00\x00\x07")
    drawn = np.zeros((2, 3, 4), np.uint8)
    drawn[INSIDE] = (255, 255, 255, 128)
    drawn[0, 1] = (255, 255, 255, 0)  # white, and not seen
    drawn[1, 0] = (0, 0, 0, 255)  # black
    canvas = cv2.imencode(".png", drawn)[1].tobytes()
    for data in (one_bit, grey, canvas):
        found = read_plane(data, rows=2, columns=3, where="x")
        assert np.array_equal(found, INSIDE)
        assert found.dtype == bool


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "x: is no PNG"),
        (b"GIF89a" + bytes(40), "x: is no PNG"),
        (png(2, 3, 8, 0, bytes(9)), r"is 2 x 3, the image 3 x 2 \(columns x rows\)"),
        # Forty billion pixels in seventy bytes.
        (png(200_000, 200_000, 8, 0, b""), "is 200000 x 200000, the image 3 x 2"),
        (png(3, 2, 16, 0, bytes(14)), "has 16 bits"),
        (png(3, 2, 8, 0, bytes(8))[:40], "is damaged"),
        (png(3, 2, 8, 0, bytes(8))[:33] + b"\xff" * 60, "is damaged"),
    ],
)
def test_what_is_no_picture_of_the_image(data: bytes, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        read_plane(data, rows=2, columns=3, where="x")
