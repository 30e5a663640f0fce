"""One C-STORE: its data set becomes a file as it comes, and then an answer."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from medlens.core import ResourceError
from medlens.serve.listen import dimse
from medlens.serve.listen.dimse import Answer, Command
from medlens.serve.listen.negotiate import Accepted, is_uid
from medlens.serve.listen.part10 import encode_head
from medlens.serve.receive.receipt import Origin, Receipt
from medlens.serve.store.blobs import Blobs, Draft

log = logging.getLogger("medlens.listen")


class Taker(Protocol):
    """What the listener needs of the intake."""

    def take(
        self,
        draft: Draft,
        *,
        origin: Origin,
        peer: str = "",
        case: str = "",
        sop_class: str = "",
        sop_uid: str = "",
    ) -> Receipt:
        """See `medlens.serve.receive.intake.Intake.take`."""

    def refuse(
        self, reason: str, *, origin: Origin, peer: str = "", case: str = ""
    ) -> Receipt:
        """See `medlens.serve.receive.intake.Intake.refuse`."""


@dataclass(frozen=True)
class Desk:
    """Where all associations hand their instances in.

    Attributes:
        intake: makes a file durable and indexes it.
        blobs: where drafts grow.
        instance_bytes: longest data set taken.
        places: how many may be at the intake at a time.
    """

    intake: Taker
    blobs: Blobs
    instance_bytes: int
    places: threading.Semaphore


class Reception:
    """The data set of one C-STORE-RQ, while it comes.

    Args:
        desk: where it is handed in.
        command: of the C-STORE-RQ.
        context: that its data set comes in.
        peer, case: for the index and for messages.
    """

    def __init__(
        self, desk: Desk, command: Command, context: Accepted, *, peer: str, case: str
    ) -> None:
        self._desk, self._command = desk, command
        self._peer, self._case = peer, case
        self._size = 0
        self._draft: Draft | None = None
        self._refusal = _refuse_command(command, context)
        if self._refusal is None:
            head = encode_head(
                sop_class=command.sop_class,
                sop_uid=command.sop_uid,
                transfer_syntax=context.transfer_syntax,
            )
            self._begin(head)

    def add(self, pieces: Iterator[memoryview]) -> None:
        """Take pieces of the data set; what is refused already is read and dropped."""
        for piece in pieces:
            self._size += len(piece)
            if self._size > self._desk.instance_bytes:
                self._refuse(dimse.OUT_OF_RESOURCES, "instance is over instance_mb")
            if self._draft is not None:
                try:
                    self._draft.write(piece)
                except ResourceError:
                    self._refuse(dimse.OUT_OF_RESOURCES, "no space; send again later")

    def finish(self) -> Answer:
        """Hand the file in; when this returns success, file and index are durable."""
        try:
            with self._desk.places:
                return self._hand_in()
        except Exception as error:
            # The text may quote what was sent, so the log has the kind alone.
            log.error("%s: intake failed with %s", self._case, type(error).__name__)
            return Answer(dimse.PROCESSING_FAILURE, "not kept; send again")
        finally:
            self.drop()

    def _hand_in(self) -> Answer:
        intake, command = self._desk.intake, self._command
        if self._refusal is not None:
            intake.refuse(
                self._refusal.comment, origin="dicom", peer=self._peer, case=self._case
            )
            return self._refusal
        assert self._draft is not None
        receipt = intake.take(
            self._draft,
            origin="dicom",
            peer=self._peer,
            case=self._case,
            sop_class=command.sop_class,
            sop_uid=command.sop_uid,
        )
        return _answer_of(receipt, command)

    def drop(self) -> None:
        """Let go of the draft; what was not committed is deleted."""
        draft, self._draft = self._draft, None
        if draft is not None:
            draft.__exit__()

    def _begin(self, head: bytes) -> None:
        try:
            self._draft = self._desk.blobs.draft()
            self._draft.write(head)
        except ResourceError:
            self._refuse(dimse.OUT_OF_RESOURCES, "no space; send again later")

    def _refuse(self, status: int, comment: str) -> None:
        if self._refusal is None:
            self._refusal = Answer(status, comment)
        self.drop()


def _refuse_command(command: Command, context: Accepted) -> Answer | None:
    """Why a C-STORE-RQ is refused before its data set is looked at, or None."""
    if not command.has_data_set:
        return Answer(dimse.CANNOT_UNDERSTAND, "no data set comes with the C-STORE-RQ")
    if command.sop_class != context.abstract_syntax:
        return Answer(
            dimse.SOP_CLASS_NOT_SUPPORTED, "SOP class is not that of the context"
        )
    if not is_uid(command.sop_uid, strict=False):
        return Answer(dimse.INVALID_SOP_INSTANCE, "SOP Instance UID is no UID")
    return None


def _answer_of(receipt: Receipt, command: Command) -> Answer:
    """DIMSE status of what became of an instance."""
    if receipt.outcome in ("stored", "duplicate"):
        return Answer(dimse.SUCCESS)
    if receipt.outcome == "conflict":
        return Answer(
            dimse.DUPLICATE_SOP_INSTANCE, "another instance has this UID; kept aside"
        )
    if receipt.is_full:
        return Answer(dimse.OUT_OF_RESOURCES, receipt.reason)
    announced = (
        (receipt.sop_class, command.sop_class),
        (receipt.sop_uid, command.sop_uid),
    )
    is_other = any(found and found != wanted for found, wanted in announced)
    return Answer(
        dimse.DATA_SET_MISMATCH if is_other else dimse.CANNOT_UNDERSTAND, receipt.reason
    )
