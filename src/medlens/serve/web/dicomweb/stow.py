"""Parts of a STOW request on their way into the intake."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from medlens.core import ResourceError
from medlens.serve.receive.elements import Window
from medlens.serve.receive.instance import UnfitError, read_instance
from medlens.serve.receive.intake import Intake
from medlens.serve.receive.multipart import MultipartError, parse_media_type
from medlens.serve.receive.receipt import Receipt
from medlens.serve.settings import Limits
from medlens.serve.store.blobs import Blobs, Draft

DICOM = "application/dicom"
DICOM_JSON = "application/dicom+json"


class Stow:
    """Takes parts of type application/dicom (a `PartSink`).

    Each part grows on disk and is taken when it ends; a part that cannot be taken
    does not stop those behind it.

    Args:
        intake, blobs: of the service.
        limits: on the size of one instance.
        peer: who sends.
        study: UID that all instances must be of, "" for any.
    """

    def __init__(
        self, intake: Intake, blobs: Blobs, limits: Limits, *, peer: str, study: str
    ) -> None:
        self._intake, self._blobs = intake, blobs
        self._most = limits.instance_mb << 20
        self._peer, self._study = peer, study
        self._draft: Draft | None = None
        self._refusal, self._is_full = "", False
        self.receipts: list[Receipt] = []

    def begin(self, head: Mapping[str, str]) -> None:
        """A part begins."""
        self._refusal, self._is_full = "", False
        try:
            kind = parse_media_type(head.get("content-type", DICOM)).name
        except MultipartError:
            kind = ""
        if kind != DICOM:
            self._refusal = f"is a part of another type; wanted {DICOM}"
            return
        try:
            self._draft = self._blobs.draft()
        except ResourceError as error:
            self._refuse(str(error), is_full=True)

    def data(self, piece: bytes) -> None:
        """More of the part."""
        if self._draft is None:
            return
        if self._draft.size + len(piece) > self._most:
            self._refuse(f"is larger than {self._most >> 20:,} MiB", is_full=False)
            return
        try:
            self._draft.write(piece)
        except ResourceError as error:
            self._refuse(str(error), is_full=True)

    def end(self) -> None:
        """The part is whole: it is taken, or has its reason."""
        if self._draft is None:
            receipt = self._intake.refuse(self._refusal, origin="stow", peer=self._peer)
            is_full = receipt.is_full or self._is_full
            self.receipts.append(replace(receipt, is_full=is_full))
            return
        with self._draft as draft:
            self._draft = None
            self.receipts.append(self._take(draft))

    def _take(self, draft: Draft) -> Receipt:
        if self._study:
            other = _other_study(draft, self._study)
            if other is not None:
                self._intake.refuse(other.reason, origin="stow", peer=self._peer)
                return other
        return self._intake.take(draft, origin="stow", peer=self._peer)

    def _refuse(self, reason: str, *, is_full: bool) -> None:
        self.close()
        self._refusal, self._is_full = reason, is_full

    def finish(self) -> None:
        """All parts were told."""

    def close(self) -> None:
        """Let go of a part that did not end."""
        if self._draft is not None:
            self._draft.__exit__()
            self._draft = None


def _other_study(draft: Draft, study: str) -> Receipt | None:
    """The refusal of an instance that is not of the study of the address."""
    try:
        found = read_instance(Window(draft.read_at, draft.size))
    except UnfitError:
        return None  # the intake says why
    if found.study_uid == study:
        return None
    return Receipt(
        "refused",
        "is of another study than the address names",
        sop_class=found.sop_class,
        sop_uid=found.sop_uid,
        series_uid=found.series_uid,
        study_uid=found.study_uid,
    )
