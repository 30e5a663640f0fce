"""Data sets of stored files, opened within bounds."""

from __future__ import annotations

import os
import zlib
from contextlib import ExitStack
from io import BytesIO
from pathlib import Path
from typing import Any

from medlens.core import MedlensError, ReadError
from medlens.core.quiet import quiet
from medlens.serve.receive.elements import Window
from medlens.serve.receive.instance import DEFLATED, UnfitError, read_instance

MAX_INFLATED = 64 << 20
"""Bytes that a deflated data set may grow to here."""

MAX_WHOLE = 256 << 20
"""Bytes of a file that is read whole, pixels and all."""

MAX_HEADER = 64 << 20
"""Bytes that are read of what is not pixels; values put off are not counted."""

PUT_OFF = 64 << 10
"""Bytes of a value above which it stays in the file until it is asked for."""


def open_dataset(path: Path, *, with_pixels: bool = False) -> Any:
    """A pydicom Dataset with its file meta.

    Args:
        path: of a stored file.
        with_pixels: False stops before Pixel Data, and leaves values above `PUT_OFF`
            in the file; `place_of_value` says where.

    Raises:
        ReadError: damaged, nested without end, or larger than the bounds.
    """
    import pydicom

    size = path.stat().st_size
    if with_pixels:
        check_size(path)
    try:
        with quiet(), ExitStack() as opened:
            packed = _inflated(path, size)
            if packed is not None:
                source: Any = BytesIO(packed)
            else:
                source = path if with_pixels else opened.enter_context(_Header(path))
            return pydicom.dcmread(
                source,
                defer_size=None if with_pixels or packed is not None else PUT_OFF,
                stop_before_pixels=not with_pixels,
                force=True,
            )
    except (MedlensError, MemoryError):
        raise
    except RecursionError:
        raise ReadError("the instance is nested too deep to be read") from None
    except Exception as error:  # pydicom raises whatever its parsers raise
        raise ReadError(
            f"the instance is damaged ({type(error).__name__} while parsing)"
        ) from None


def check_size(path: Path) -> None:
    """Refuse a file that is too large to be held in memory.

    Raises:
        ReadError: it is.
    """
    size = path.stat().st_size
    if size > MAX_WHOLE:
        raise ReadError(
            f"the instance has {size >> 20:,} MiB; up to {MAX_WHOLE >> 20} MiB can be "
            "converted; ask for it as it is stored (transfer-syntax=*)"
        )


class _Header:
    """A file of which only so much is read; pydicom opens another for what it put off.

    Args:
        path: of the file.
        mode: as `open` takes it.
    """

    def __init__(self, path: Path | str, mode: str = "rb") -> None:
        self._file = Path(path).open(mode)  # noqa: SIM115 — closed with this
        self.name = str(path)
        self._left = MAX_HEADER

    def read(self, count: int = -1) -> Any:
        """Bytes, while there are not too many."""
        wanted = self._left + 1 if count < 0 else min(count, self._left + 1)
        data = self._file.read(wanted)
        self._left -= len(data)
        if self._left < 0:
            raise ReadError(
                f"the instance has more than {MAX_HEADER >> 20} MiB beside its pixels; "
                "it can be had as it is stored only"
            )
        return data

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def __enter__(self) -> _Header:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


def place_of_value(data: Any, tag: int) -> tuple[int, int] | None:
    """First byte and length of a value that was left in the file, None for others.

    Raises:
        KeyError: there is no such element.
    """
    raw = data.get_item(tag, keep_deferred=True)
    if raw is None:
        raise KeyError(tag)
    if getattr(raw, "is_raw", False) and raw.value is None and raw.length:
        return int(raw.value_tell), int(raw.length)
    return None


def _inflated(path: Path, size: int) -> bytes | None:
    """A deflated file with its data set inflated, None for any other file."""
    with path.open("rb") as file:
        window = Window(lambda count, at: os.pread(file.fileno(), count, at), size)
        try:
            found = read_instance(window)
        except UnfitError:
            return None
        if found.transfer_syntax not in DEFLATED:
            return None
        file.seek(found.data_start)
        inflater = zlib.decompressobj(-zlib.MAX_WBITS)
        data = inflater.decompress(file.read(MAX_INFLATED), MAX_INFLATED)
    if inflater.unconsumed_tail:
        raise ReadError(
            f"the deflated data set grows past {MAX_INFLATED >> 20} MiB; it can be had "
            "as it is stored only"
        )
    return data
