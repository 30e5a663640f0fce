"""POST /api/v1/uploads: files from a person or a program."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import fields
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.requests import ClientDisconnect

from medlens.core import ResourceError
from medlens.serve.access.caller import Caller
from medlens.serve.receive.multipart import (
    MediaType,
    MultipartError,
    MultipartParser,
    boundary_of,
    parse_media_type,
)
from medlens.serve.receive.upload import UploadReceipt, take_upload
from medlens.serve.receive.wrap import Details, WrapError
from medlens.serve.store.blobs import Draft
from medlens.serve.web.body import push_body
from medlens.serve.web.errors import Problem
from medlens.serve.web.guard import may
from medlens.serve.web.notes import note_upload
from medlens.serve.web.state import Service, service_of

router = APIRouter(prefix="/api/v1", tags=["uploads"])
MAX_FILES = 1000
MAX_VALUE_BYTES = 2048
FILES = (
    "application/dicom", "application/zip", "application/octet-stream",
    "application/gzip", "image/png", "image/jpeg", "image/tiff", "image/bmp",
    "image/webp",
)  # fmt: skip
"""Types of a body that is one file; what it is, its bytes say."""

Uploader = Annotated[Caller, Depends(may("upload"))]


class UploadedEntry(BaseModel):
    """What became of one instance, file, or entry of an archive."""

    name: str = Field(description="of the file, as it was sent")
    outcome: Literal["stored", "duplicate", "conflict", "refused"]
    reason: str = Field(description="in words; empty where all is well")
    study: int | None = Field(description="number of the study here")
    study_uid: str = Field(description="Study Instance UID")
    series_uid: str = Field(description="Series Instance UID")
    instance_uid: str = Field(description="SOP Instance UID")


class Upload(BaseModel):
    """What became of an upload, entry by entry."""

    stored: int = Field(description="instances that are new here")
    duplicate: int = Field(description="instances that were here already")
    conflict: int = Field(description="instances kept aside: their UID was taken")
    refused: int = Field(description="files and entries that were not taken")
    studies: list[int] = Field(description="numbers of the studies they are in")
    entries: list[UploadedEntry]


_DETAILS = {each.name: {"type": "string"} for each in fields(Details)}
_FORM = {
    "type": "object",
    "properties": {
        **_DETAILS,
        "file": {"type": "array", "items": {"type": "string", "format": "binary"}},
    },
    "required": ["file"],
}
_BODY = {
    "required": True,
    "content": {
        "multipart/form-data": {"schema": _FORM},
        **{kind: {"schema": {"type": "string", "format": "binary"}} for kind in FILES},
    },
}


@router.post(
    "/uploads",
    response_model=Upload,
    summary="Upload DICOM, ZIP, NIfTI or pictures",
    responses={
        207: {"model": Upload, "description": "some were taken, some were not"},
        422: {"description": "nothing was taken"},
    },
    openapi_extra={"requestBody": _BODY},
)
async def upload(request: Request, caller: Uploader) -> JSONResponse:
    """Take files: as `multipart/form-data`, or one file as the body.

    Every instance is durable when the reply comes. What has no header of its own
    (NIfTI, pictures) takes it from the form's fields, which stand before the files.
    The reply tells of every entry, also of those in an archive.
    """
    service = service_of(request)
    taker = _Taker(service, caller.name)
    try:
        await _read(request, taker)
    except MultipartError as error:
        raise Problem(400, str(error), headers={"Connection": "close"}) from None
    except WrapError as error:
        raise Problem(422, str(error)) from None
    except ClientDisconnect:
        raise Problem(400, "the body was not sent to its end; send it again") from None
    finally:
        await run_in_threadpool(taker.close)
        await run_in_threadpool(note_upload, service, caller, "upload", taker.receipts)
    return _reply(taker.receipts)


async def _read(request: Request, taker: _Taker) -> None:
    kind = parse_media_type(request.headers.get("content-type", "a/b"))
    if kind.name == "multipart/form-data":
        parser = MultipartParser(boundary_of(kind), taker, max_parts=MAX_FILES)
        await push_body(request, parser.feed)
        parser.finish()
    elif kind.name in FILES:
        await run_in_threadpool(
            taker.begin, {"content-disposition": "form-data; name=file"}
        )
        await push_body(request, taker.data)
        await run_in_threadpool(taker.end)
    else:
        raise Problem(
            415,
            f"the body is of a kind that is not taken; wanted multipart/form-data or "
            f"one of {', '.join(FILES)}",
            headers={"Connection": "close"},
        )


class _Taker:
    """Parts of a form: fields are kept, files taken when they end (a `PartSink`)."""

    def __init__(self, service: Service, peer: str) -> None:
        self._service, self._peer = service, peer
        self._said: dict[str, str] = {}
        self._field, self._value, self._name = "", bytearray(), ""
        self._draft: Draft | None = None
        self._open = ExitStack()
        self._files = 0
        self.receipts: list[UploadReceipt] = []

    def begin(self, head: Mapping[str, str]) -> None:
        """A field or a file begins."""
        said = _disposition(head.get("content-disposition", ""))
        self._field, self._value = said.parameters.get("name", ""), bytearray()
        if "filename" in said.parameters or self._field == "file":
            self._name = _plain(said.parameters.get("filename", "")) or "file"
            self._files += 1
            try:
                self._draft = self._open.enter_context(
                    self._service.store.blobs.draft()
                )
            except ResourceError as error:
                raise Problem(507, str(error)) from None
            return
        if self._field not in _DETAILS:
            raise MultipartError(
                "the form has a field that is not known; wanted file, "
                f"{', '.join(_DETAILS)}"
            )
        if self._files:
            raise MultipartError(
                f"{self._field}: comes after a file; fields stand before the files"
            )

    def data(self, piece: bytes) -> None:
        """More of it."""
        if self._draft is None:
            self._value += piece
            if len(self._value) > MAX_VALUE_BYTES:
                raise MultipartError(f"{self._field}: is longer than any value")
            return
        try:
            self._draft.write(piece)
        except ResourceError as error:
            raise Problem(507, str(error)) from None

    def end(self) -> None:
        """It is whole."""
        if self._draft is None:
            try:
                self._said[self._field] = self._value.decode("utf-8").strip()
            except UnicodeDecodeError:
                raise MultipartError(f"{self._field}: is no UTF-8") from None
            return
        service = self._service
        try:
            self.receipts += take_upload(
                service.intake,
                self._draft.path,
                blobs=service.store.blobs,
                name=self._name,
                peer=self._peer,
                details=Details(**self._said),
                limits=service.settings.limits,
                case=f"file {self._files}",
            )
        finally:
            self.close()

    def close(self) -> None:
        """Let go of a file that did not end."""
        self._draft = None
        self._open.close()


def _disposition(text: str) -> MediaType:
    """Content-Disposition of a part (RFC 7578 4.2), read as a type with parameters."""
    kind, _, rest = text.partition(";")
    if kind.strip().lower() != "form-data":
        raise MultipartError("a part has no Content-Disposition: form-data; name=…")
    # Browsers write a quote within a name as %22, and leave backslashes as they are.
    return parse_media_type(f"form/data;{rest.replace(chr(92), '/')}")


def _plain(name: str) -> str:
    """A file's name for the reply: its last part, 128 characters, no controls."""
    with suppress(UnicodeEncodeError, UnicodeDecodeError):
        name = name.encode("latin-1").decode("utf-8")
    last = name.rsplit("/", 1)[-1]
    return "".join(letter for letter in last if letter.isprintable())[:128]


def _reply(receipts: Sequence[UploadReceipt]) -> JSONResponse:
    if not receipts:
        raise Problem(400, "the body has no file; wanted a part named file")
    counts = {
        outcome: sum(each.outcome == outcome for each in receipts)
        for outcome in ("stored", "duplicate", "conflict", "refused")
    }
    found = Upload(
        **counts,
        studies=sorted({r.study_id for r in receipts if r.study_id is not None}),
        entries=[_entry(each) for each in receipts],
    )
    taken = counts["stored"] + counts["duplicate"]
    if taken:
        status = 200 if taken == len(receipts) else 207
        return JSONResponse(found.model_dump(), status)
    raise _nothing(receipts)


def _nothing(receipts: Sequence[UploadReceipt]) -> Problem:
    """The failure of an upload of which nothing was taken."""
    errors = [
        {"where": _plain(each.name), "what": each.reason}
        for each in receipts[:MAX_FILES]
    ]
    first = receipts[0].reason
    if all(each.is_full for each in receipts):
        return Problem(507, first, errors=errors)
    if all(each.outcome == "conflict" for each in receipts):
        return Problem(409, first, errors=errors)
    return Problem(422, f"nothing was taken; {first}", errors=errors)


def _entry(receipt: UploadReceipt) -> UploadedEntry:
    return UploadedEntry(
        name=_plain(receipt.name),
        outcome=receipt.outcome,
        reason=receipt.reason,
        study=receipt.study_id,
        study_uid=receipt.study_uid,
        series_uid=receipt.series_uid,
        instance_uid=receipt.sop_uid,
    )
