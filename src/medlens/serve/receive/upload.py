"""What a person uploads: DICOM, ZIP, NIfTI and pictures, all on one way in."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from medlens.core import MedlensError, ResourceError
from medlens.predict.mapped import allocate
from medlens.read.sniff import HEAD_BYTES, describe, sniff
from medlens.read.source import open_source
from medlens.serve.receive.archive import Archive, ArchiveError, Entry
from medlens.serve.receive.intake import Intake
from medlens.serve.receive.receipt import Receipt
from medlens.serve.receive.wrap import Details, WrapError, Wrapping, to_part10
from medlens.serve.receive.wrap_picture import wrap_picture
from medlens.serve.receive.wrap_volume import wrap_nifti
from medlens.serve.settings import Limits
from medlens.serve.store.blobs import Blobs, Draft

_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_PICTURES = ("png", "jpeg", "tiff", "bmp", "webp")
_PIECE = 1 << 20


@dataclass(frozen=True)
class UploadReceipt(Receipt):
    """The receipt of one instance, or of a file that gave none.

    Attributes:
        name: of the file, as its sender calls it; only for the reply to the sender.
    """

    name: str = field(default="", repr=False)


@dataclass(frozen=True)
class _Way:
    """Where an upload goes, and from whom it comes."""

    intake: Intake
    blobs: Blobs
    limits: Limits
    peer: str
    details: Details


def take_upload(
    intake: Intake, path: Path, *, blobs: Blobs, name: str, peer: str,
    details: Details | None = None, limits: Limits | None = None, case: str = "upload",
) -> list[UploadReceipt]:  # fmt: skip
    """Take a file, or every file of a ZIP archive; all is durable on return.

    Args:
        intake: takes DICOM instances.
        path: of the file; its content says what it is.
        blobs: where entries of archives wait.
        name: what the sender calls it; only for the reply.
        peer: who sends it.
        details: of files that have no header of their own.
        limits: on archives and sizes.
        case: local key, for messages.

    Returns:
        One receipt for each instance, refused file and refused entry.
    """
    way = _Way(intake, blobs, limits or Limits(), peer, details or Details())
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    if head.startswith(_ZIP) and sniff(head) != "npz":
        return list(_take_archive(way, path, name, case))
    return list(_take_file(way, path, name, case))


def _take_archive(
    way: _Way, path: Path, name: str, case: str
) -> Iterator[UploadReceipt]:
    limits = way.limits
    try:
        with Archive(
            path,
            max_entries=limits.zip_entries,
            max_ratio=limits.zip_ratio,
            max_bytes=limits.upload_mb << 20,
            case=case,
        ) as archive:
            for entry in archive.entries():
                yield from _take_entry(way, archive, entry, case)
                if archive.is_spent:
                    return
    except ArchiveError as error:
        yield _refused(way, str(error), name)


def _take_entry(
    way: _Way, archive: Archive, entry: Entry, case: str
) -> Iterator[UploadReceipt]:
    key = f"{case}, entry {entry.number}"
    if entry.refusal:
        yield _refused(way, f"{key}: {entry.refusal}", entry.name)
        return
    with way.blobs.draft() as draft:
        try:
            archive.extract(entry, draft)
        except ArchiveError as error:
            yield _refused(way, str(error), entry.name)
            return
        except ResourceError as error:
            yield _refused(way, str(error), entry.name, is_full=True)
            return
        with draft.path.open("rb") as file:
            head = file.read(HEAD_BYTES)
        if head.startswith(_ZIP):
            reason = f"{key}: is an archive inside the archive; unpack it first"
            yield _refused(way, reason, entry.name)
            return
        if sniff(head) == "dicom":
            yield _named(_take_draft(way, draft, key), entry.name)
            return
        yield from _wrap_file(way, draft.path, entry.name, key)


def _take_file(way: _Way, path: Path, name: str, case: str) -> Iterator[UploadReceipt]:
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
        if sniff(head) != "dicom":
            yield from _wrap_file(way, path, name, case)
            return
        file.seek(0)
        with way.blobs.draft() as draft:
            try:
                while piece := file.read(_PIECE):
                    draft.write(piece)
            except ResourceError as error:
                yield _refused(way, str(error), name, is_full=True)
                return
            yield _named(_take_draft(way, draft, case), name)


def _take_draft(way: _Way, draft: Draft, case: str) -> Receipt:
    return way.intake.take(draft, origin="upload", peer=way.peer, case=case)


def _wrap_file(way: _Way, path: Path, name: str, case: str) -> Iterator[UploadReceipt]:
    try:
        for data in _wrapped(way, path, case):
            with way.blobs.draft() as draft:
                draft.write(to_part10(data))
                yield _named(_take_draft(way, draft, case), name)
    except ResourceError as error:
        yield _refused(way, f"{case}: {error}", name, is_full=True)
    except MedlensError as error:
        yield _refused(way, str(error), name)


def _wrapped(way: _Way, path: Path, case: str) -> Iterator[Any]:
    with path.open("rb") as file:
        kind = sniff(file.read(HEAD_BYTES))
        file.seek(0)
        if kind not in ("nifti", *_PICTURES):
            file.seek(0)
            what = "NumPy arrays" if kind == "npz" else describe(file.read(HEAD_BYTES))
            raise WrapError(
                f"{case}: is {what}; wanted DICOM, ZIP, NIfTI, PNG, JPEG, TIFF, BMP or "
                "WebP"
            )
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    source = open_source(path, case)
    wrapping = Wrapping(digest, way.details)
    most_bytes = way.limits.upload_mb << 20
    if kind == "nifti":
        yield from wrap_nifti(
            source,
            wrapping,
            most_slices=way.limits.zip_entries,
            most_bytes=most_bytes,
            allocate=allocate,
        )
        return
    yield from wrap_picture(
        source, wrapping, most_pages=way.limits.zip_entries, most_bytes=most_bytes
    )


def _refused(
    way: _Way, reason: str, name: str, *, is_full: bool = False
) -> UploadReceipt:
    receipt = way.intake.refuse(reason, origin="upload", peer=way.peer)
    return _named(replace(receipt, is_full=receipt.is_full or is_full), name)


def _named(receipt: Receipt, name: str) -> UploadReceipt:
    said = {each.name: getattr(receipt, each.name) for each in fields(Receipt)}
    return UploadReceipt(**said, name=name)
