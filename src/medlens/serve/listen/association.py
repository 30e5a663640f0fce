"""One association as the acceptor sees it: PS3.8's state machine, read from the top.

Sta2 is `_negotiate`, Sta6 `_read_pdu` again and again, Sta13 the close of the wire.
"""

from __future__ import annotations

import itertools
import logging
import threading
import time
from dataclasses import dataclass

from medlens.serve.listen import pdu
from medlens.serve.listen.admission import Admission
from medlens.serve.listen.associate import (
    REQUEST_BYTES,
    AssociateAccept,
    AssociateRequest,
    decode_request,
)
from medlens.serve.listen.exchange import Exchange, Line
from medlens.serve.listen.negotiate import negotiate
from medlens.serve.listen.pdu import ProtocolError, Rejection
from medlens.serve.listen.reception import Desk
from medlens.serve.listen.wire import ConnectionLost, DeadlineError, Wire
from medlens.serve.settings import Limits

log = logging.getLogger("medlens.listen")

SLOWEST = 8 * 1024
"""Bytes a second, below which the rest of a PDU is not waited for."""

NUMBERS = itertools.count(1)


@dataclass(frozen=True)
class Terms:
    """What holds for every association.

    Attributes:
        admission: who may.
        desk: where instances go.
        limits: see the settings.
        stopping: set when no further message is taken.
    """

    admission: Admission
    desk: Desk
    limits: Limits
    stopping: threading.Event


class Association:
    """An association, from its first byte to its close.

    Args:
        wire: the connection; closed at the end.
        address: of the other side.
        terms: see there.

    Attributes:
        is_busy: a message is in hand.
    """

    def __init__(self, wire: Wire, address: str, terms: Terms) -> None:
        self._wire, self._address, self._terms = wire, address, terms
        self._name = f"association {next(NUMBERS)}"
        self._pdu_bytes = 0
        self.is_busy = False

    def run(self) -> None:
        """Answer until the end; nothing is raised."""
        exchange = None
        try:
            exchange = self._negotiate()
            while exchange is not None and self._read_pdu(exchange):
                pass
        except ProtocolError as error:
            log.warning("%s: aborted: %s", self._name, error)
            self._send_last(pdu.encode_abort(error.reason))
        except DeadlineError as error:
            log.info("%s: ended: %s", self._name, error)
            self._send_last(pdu.encode_abort(pdu.NOT_SPECIFIED))
        except ConnectionLost:
            self._send_last(pdu.encode_abort(pdu.NOT_SPECIFIED))
        except Exception as error:
            log.error("%s: failed with %s", self._name, type(error).__name__)
            self._send_last(pdu.encode_abort(pdu.NOT_SPECIFIED))
        finally:
            self._end(exchange)

    def stop(self) -> None:
        """Called by another thread: end now if no message is in hand."""
        if not self.is_busy:
            self._wire.stop_reading()

    def cut(self) -> None:
        """Called by another thread: end whatever is in hand; nothing of it is kept."""
        self._wire.drop()

    def _end(self, exchange: Exchange | None) -> None:
        if exchange is not None:
            if exchange.drop():
                log.warning("%s: cut off in the middle of a store", self._name)
            log.info("%s: ended, %d stored", self._name, exchange.stored)
        self._wire.close()

    # Sta2: an A-ASSOCIATE-RQ is awaited, and nothing else.

    def _negotiate(self) -> Exchange | None:
        """Answer the request; None when it is refused."""
        request = read_request(self._wire, self._terms.limits.association_s)
        verdict = self._terms.admission.judge(request, self._address)
        if isinstance(verdict, Rejection):
            log.warning("%s: refused: %s", self._name, verdict.text)
            self._send_last(verdict.encode())
            return None
        results, contexts = negotiate(request.contexts)
        self._pdu_bytes = request.pdu_bytes
        self._wire.grow()
        accept = AssociateAccept(
            request.called, request.calling, results, self._terms.limits.pdu_bytes
        )
        self._send(accept.encode())
        peer = verdict[:64]
        log.info("%s: with %s", self._name, peer)
        line = Line(self._name, peer, contexts, self._reply)
        return Exchange(line, self._terms.desk)

    # Sta6: data transfer.

    def _read_pdu(self, exchange: Exchange) -> bool:
        """Take one PDU; False at the end."""
        self.is_busy = exchange.is_open
        if self._terms.stopping.is_set() and not exchange.is_open:
            self._send_last(pdu.encode_abort(pdu.NOT_SPECIFIED))
            return False
        limits = self._terms.limits
        deadline = time.monotonic() + limits.idle_s
        first = self._wire.read(1, deadline=deadline)
        self.is_busy = True
        kind, length = pdu.HEADER.unpack(
            first + self._wire.read(pdu.HEADER.size - 1, deadline=deadline)
        )
        if kind != pdu.P_DATA_TF:
            return self._read_end(kind, length, exchange, deadline)
        if length > limits.pdu_bytes:
            raise ProtocolError(
                f"P-DATA-TF announces {length} bytes; wanted {limits.pdu_bytes} or less"
            )
        self._read_data(length, exchange, deadline + length / SLOWEST)
        return True

    def _read_data(self, length: int, exchange: Exchange, deadline: float) -> None:
        """The values of a P-DATA-TF, handed on as they come."""
        if length == 0:
            raise ProtocolError("P-DATA-TF holds no value")
        while length:
            if length < pdu.PDV_HEADER.size:
                raise ProtocolError("P-DATA-TF ends within a value's header")
            size, context, control = pdu.PDV_HEADER.unpack(
                self._wire.read(pdu.PDV_HEADER.size, deadline=deadline)
            )
            if not 2 <= size <= length - 4:
                raise ProtocolError("P-DATA-TF: a value does not fit its PDU")
            length -= size + 4
            pieces = self._wire.pieces(size - 2, deadline=deadline)
            exchange.add(context, control, pieces, size - 2)

    def _read_end(
        self, kind: int, length: int, exchange: Exchange, deadline: float
    ) -> bool:
        """A PDU that is no data; False, or an error."""
        if not pdu.ASSOCIATE_RQ <= kind <= pdu.ABORT:
            raise ProtocolError(f"PDU of type {kind}", pdu.UNRECOGNIZED_PDU)
        is_release = kind == pdu.RELEASE_RQ
        if not is_release and kind != pdu.ABORT:
            raise ProtocolError(f"PDU of type {kind} amid data", pdu.UNEXPECTED_PDU)
        if length != 4:
            raise ProtocolError(f"PDU of type {kind} announces {length} bytes, not 4")
        self._wire.read(4, deadline=deadline)
        if is_release:
            if exchange.is_open:
                raise ProtocolError("release amid a message", pdu.UNEXPECTED_PDU)
            self._send_last(pdu.encode_release_response())
        return False

    # Sending.

    def _reply(self, context: int, data: bytes) -> None:
        pieces = pdu.encode_data(
            context, data, is_command=True, pdu_bytes=self._pdu_bytes
        )
        self._send(b"".join(pieces))

    def _send(self, data: bytes) -> None:
        self._wire.send(data, deadline=time.monotonic() + self._terms.limits.idle_s)

    def _send_last(self, data: bytes) -> None:
        """Send before the close; whether it arrives changes nothing any more."""
        try:
            self._wire.send(data, deadline=time.monotonic() + 1.0)
        except (ConnectionLost, DeadlineError):
            log.debug("%s: the last answer was not taken", self._name)


def read_request(wire: Wire, seconds: float) -> AssociateRequest:
    """The A-ASSOCIATE-RQ that must come first.

    Args:
        wire: the connection.
        seconds: until all of it must be there (ARTIM).

    Raises:
        ProtocolError: something else came.
        ConnectionLost, DeadlineError: nothing came.
    """
    deadline = time.monotonic() + seconds
    kind, length = pdu.HEADER.unpack(wire.read(pdu.HEADER.size, deadline=deadline))
    if kind != pdu.ASSOCIATE_RQ:
        is_known = pdu.ASSOCIATE_RQ < kind <= pdu.ABORT
        raise ProtocolError(
            f"PDU of type {kind} came first; wanted A-ASSOCIATE-RQ",
            pdu.UNEXPECTED_PDU if is_known else pdu.UNRECOGNIZED_PDU,
        )
    if length > REQUEST_BYTES:
        raise ProtocolError(f"A-ASSOCIATE-RQ announces {length} bytes")
    return decode_request(wire.read(length, deadline=deadline))
