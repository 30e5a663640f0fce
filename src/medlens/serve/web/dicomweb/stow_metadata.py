"""STOW of metadata in JSON with the large values in parts of their own
(PS3.18 8.6.3, 10.5.2)."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

from medlens.core.quiet import quiet
from medlens.serve.receive.intake import Intake
from medlens.serve.receive.multipart import MultipartError, parse_media_type
from medlens.serve.receive.receipt import Receipt
from medlens.serve.receive.wrap import EXPLICIT_LITTLE, IMPLEMENTATION
from medlens.serve.settings import Limits
from medlens.serve.store.blobs import Blobs
from medlens.serve.web.dicomweb.stow import DICOM_JSON
from medlens.serve.web.dicomweb.work import heavy
from medlens.serve.web.errors import Problem

MAX_BYTES = 64 << 20
"""Bytes of one request of this form: it is put together in memory."""

MAX_DOCUMENT = 8 << 20
"""Bytes of the data sets among them, which grow when they are parsed."""

MAX_DATASETS = 4096
AT_A_TIME = 2
"""Requests of this form that are held in memory."""

_places = threading.BoundedSemaphore(AT_A_TIME)

_SYNTAXES = {
    "image/jpeg": "1.2.840.10008.1.2.4.50",
    "image/jls": "1.2.840.10008.1.2.4.80",
    "image/jp2": "1.2.840.10008.1.2.4.90",
    "image/dicom-rle": "1.2.840.10008.1.2.5",
}
"""Of a part whose type has no transfer-syntax parameter (PS3.18 8.7.3)."""


@dataclass
class _Value:
    """One part: its type and bytes."""

    media_type: str
    transfer_syntax: str
    data: bytearray = field(default_factory=bytearray, repr=False)


class StowMetadata:
    """Takes one part of data sets, then parts of values (a `PartSink`).

    Args:
        intake, blobs, limits, peer, study: as `Stow`.
    """

    def __init__(
        self, intake: Intake, blobs: Blobs, limits: Limits, *, peer: str, study: str
    ) -> None:
        self._intake, self._blobs = intake, blobs
        self._most = min(MAX_BYTES, limits.upload_mb << 20)
        self._peer, self._study = peer, study
        self._size = 0
        self._document: bytearray | None = None
        self._values: dict[str, _Value] = {}
        self._open = bytearray()
        self.receipts: list[Receipt] = []
        if not _places.acquire(blocking=False):
            raise Problem(
                503,
                f"{AT_A_TIME} requests with metadata are being received; try again in "
                "a moment, or send whole instances (application/dicom)",
                headers={"Retry-After": "5", "Connection": "close"},
            )
        self._has_place = True

    def begin(self, head: Mapping[str, str]) -> None:
        """A part begins; the first holds the data sets."""
        kind = parse_media_type(head.get("content-type", ""))
        if self._document is None:
            if kind.name not in (DICOM_JSON, "application/json"):
                raise MultipartError(f"part 1: wanted {DICOM_JSON} before other parts")
            self._document = self._open = bytearray()
            return
        syntax = kind.parameters.get("transfer-syntax", "")
        value = _Value(kind.name, syntax or _SYNTAXES.get(kind.name, EXPLICIT_LITTLE))
        location = head.get("content-location", "")
        if not location or location in self._values:
            raise MultipartError(
                "a part has no Content-Location, or that of another; wanted the "
                "BulkDataURI that it is the value of"
            )
        self._values[location] = value
        self._open = value.data

    def data(self, piece: bytes) -> None:
        """More of the part."""
        self._size += len(piece)
        if self._size > self._most:
            raise MultipartError(
                f"metadata and values are larger than {self._most >> 20} MiB; send "
                "whole instances (application/dicom)"
            )
        if self._open is self._document and len(piece) > MAX_DOCUMENT - len(self._open):
            raise MultipartError(
                f"part 1: is larger than {MAX_DOCUMENT >> 20} MiB; send fewer data sets"
            )
        self._open += piece

    def end(self) -> None:
        """The part is whole."""

    def finish(self) -> None:
        """Put the data sets together and take them.

        Raises:
            MultipartError: the document is no list of data sets.
        """
        try:
            found = json.loads(bytes(self._document or b""))
        except (ValueError, RecursionError):
            raise MultipartError("part 1: is no JSON that can be read") from None
        models = found if isinstance(found, list) else [found]
        if not all(isinstance(model, dict) for model in models):
            raise MultipartError("part 1: wanted a list of data sets")
        if len(models) > MAX_DATASETS:
            raise MultipartError(
                f"part 1: has {len(models):,} data sets; send up to {MAX_DATASETS:,}"
            )
        for model in models:
            self.receipts.append(self._take(model))

    def close(self) -> None:
        """Let go of the bytes and of the place."""
        self._values.clear()
        self._document, self._open = None, bytearray()
        if self._has_place:
            self._has_place = False
            _places.release()

    def _take(self, model: dict[str, Any]) -> Receipt:
        try:
            with heavy(), quiet():
                data = self._write(model)
        except MemoryError:
            raise
        except Exception:  # pydicom raises whatever its parsers raise
            reason = "is metadata that make no data set, or lack a value's part"
            return self._intake.refuse(reason, origin="stow", peer=self._peer)
        with self._blobs.draft() as draft:
            draft.write(data)
            return self._intake.take(draft, origin="stow", peer=self._peer)

    def _write(self, model: dict[str, Any]) -> bytes:
        """A Part-10 file of a data set of the JSON model."""
        from pydicom import Dataset, dcmwrite
        from pydicom.dataset import FileMetaDataset

        syntaxes = {self._values[uri].transfer_syntax for uri in _pixel_uris(model)}
        syntax = syntaxes.pop() if syntaxes else EXPLICIT_LITTLE
        model = {tag: entry for tag, entry in model.items() if tag[:4] != "0002"}
        model.pop("00083002", None)  # Available Transfer Syntax UID is of the server
        data = Dataset.from_json(model, lambda uri: bytes(self._values[uri].data))
        if self._study and data.StudyInstanceUID != self._study:
            raise ValueError("another study")
        if "PixelData" in data:
            _put_pixels(data, syntax)
        meta = FileMetaDataset()
        meta.MediaStorageSOPClassUID = data.SOPClassUID
        meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID
        meta.TransferSyntaxUID = syntax
        meta.ImplementationClassUID = IMPLEMENTATION
        data.file_meta = meta
        buffer = BytesIO()
        dcmwrite(buffer, data, enforce_file_format=True)
        return buffer.getvalue()


def _pixel_uris(model: dict[str, Any]) -> list[str]:
    uri = model.get("7FE00010", {}).get("BulkDataURI")
    return [] if uri is None else [uri]


def _put_pixels(data: Any, syntax: str) -> None:
    from pydicom.encaps import encapsulate

    if syntax == EXPLICIT_LITTLE:
        data["PixelData"].VR = "OW" if data.BitsAllocated > 8 else "OB"
        if len(data.PixelData) % 2:
            data.PixelData += b"\0"
        return
    # One part is one frame; more of them cannot be told apart.
    if int(data.get("NumberOfFrames", 1) or 1) != 1:
        raise ValueError("compressed frames of a multi-frame image in one part")
    data.PixelData = encapsulate([bytes(data.PixelData)])
    data["PixelData"].VR = "OB"
    data["PixelData"].is_undefined_length = True
