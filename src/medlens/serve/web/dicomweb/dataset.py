"""Data sets of stored files, opened within bounds."""

from __future__ import annotations

import os
import zlib
from io import BytesIO
from pathlib import Path
from typing import Any

from medlens.core import MedlensError, ReadError
from medlens.read.dicom.header import quiet
from medlens.serve.receive.elements import Window
from medlens.serve.receive.instance import DEFLATED, UnfitError, read_instance

MAX_INFLATED = 64 << 20
"""Bytes that a deflated data set may grow to here."""

MAX_WHOLE = 256 << 20
"""Bytes of a file that is read whole, pixels and all."""


def open_dataset(path: Path, *, with_pixels: bool = False) -> Any:
    """A pydicom Dataset with its file meta.

    Args:
        path: of a stored file.
        with_pixels: False stops before Pixel Data.

    Raises:
        ReadError: damaged, nested without end, or larger than the bounds.
    """
    import pydicom

    size = path.stat().st_size
    if with_pixels and size > MAX_WHOLE:
        raise ReadError(
            f"the instance has {size >> 20:,} MiB; up to {MAX_WHOLE >> 20} MiB can be "
            "converted; ask for it as it is stored (transfer-syntax=*)"
        )
    try:
        with quiet():
            packed = _inflated(path, size)
            source: Any = path if packed is None else BytesIO(packed)
            return pydicom.dcmread(
                source, stop_before_pixels=not with_pixels, force=True
            )
    except (MedlensError, MemoryError):
        raise
    except RecursionError:
        raise ReadError("the instance is nested too deep to be read") from None
    except Exception as error:  # pydicom raises whatever its parsers raise
        raise ReadError(
            f"the instance is damaged ({type(error).__name__} while parsing)"
        ) from None


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
