"""A-ASSOCIATE-RQ and A-ASSOCIATE-AC and the items in them (PS3.8 9.3.2, 9.3.3)."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from medlens.serve.listen.pdu import ASSOCIATE_AC, ASSOCIATE_RQ, HEADER, ProtocolError

APPLICATION_CONTEXT = "1.2.840.10008.3.1.1.1"
IMPLEMENTATION_UID = "2.25.191434361597569506690862095830299839473"
IMPLEMENTATION_NAME = "MEDLENS"
"""Neither changes with the version: they stand in the head of every file kept."""

REQUEST_BYTES = 256 * 1024
"""Largest A-ASSOCIATE-RQ taken: 128 contexts of 20 syntaxes have some 170 kB."""

ACCEPTED, NO_REASON, ABSTRACT_UNKNOWN, TRANSFER_UNKNOWN = 0, 2, 3, 4
"""Results of a presentation context (PS3.8 table 9-18)."""

FIXED = struct.Struct(">H2x16s16s32x")  # version, called and calling AE title
ITEM = struct.Struct(">BxH")  # type, reserved, length of what follows


@dataclass(frozen=True)
class Context:
    """A presentation context as proposed.

    Attributes:
        number: odd, 1 to 255.
        abstract_syntax: UID of the SOP class.
        transfer_syntaxes: UIDs, in the order of the proposer.
    """

    number: int
    abstract_syntax: str
    transfer_syntaxes: tuple[str, ...]


@dataclass(frozen=True)
class AssociateRequest:
    """What the other side asks for.

    Attributes:
        called, calling: AE titles, without the spaces around them.
        contexts: in their order.
        pdu_bytes: longest P-DATA-TF that the requester takes; 0 for any.
        application_context: UID.
        version: bits of the protocol versions; bit 0 is the only one there is.
        implementation_name: of the requester, "" if not told.
    """

    called: str
    calling: str
    contexts: tuple[Context, ...]
    pdu_bytes: int = 0
    application_context: str = APPLICATION_CONTEXT
    version: int = 1
    implementation_name: str = ""

    def encode(self) -> bytes:
        """The A-ASSOCIATE-RQ."""
        contexts = (
            _item(
                0x20,
                bytes((each.number, 0, 0, 0)),
                _item(0x30, each.abstract_syntax.encode()),
                *(_item(0x40, uid.encode()) for uid in each.transfer_syntaxes),
            )
            for each in self.contexts
        )
        return _encode(
            ASSOCIATE_RQ,
            (self.version, self.called, self.calling),
            self.application_context,
            contexts,
            self.pdu_bytes,
        )


@dataclass(frozen=True)
class AssociateAccept:
    """What was agreed.

    Attributes:
        called, calling: as in the request.
        results: context number → (result, transfer syntax UID, "" unless accepted).
        pdu_bytes: longest P-DATA-TF that the acceptor takes; 0 for any.
    """

    called: str
    calling: str
    results: Mapping[int, tuple[int, str]] = field(default_factory=dict)
    pdu_bytes: int = 0

    def encode(self) -> bytes:
        """The A-ASSOCIATE-AC."""
        contexts = (
            _item(0x21, bytes((number, 0, result, 0)), _item(0x40, uid.encode()))
            for number, (result, uid) in self.results.items()
        )
        return _encode(
            ASSOCIATE_AC,
            (1, self.called, self.calling),
            APPLICATION_CONTEXT,
            contexts,
            self.pdu_bytes,
        )


def decode_request(body: bytes) -> AssociateRequest:
    """Read what follows the header of an A-ASSOCIATE-RQ.

    Raises:
        ProtocolError: a length lies, an item is missing, or a number is wrong.
    """
    version, called, calling = _read_fixed(body)
    contexts: dict[int, Context] = {}
    application, pdu_bytes, name = "", 0, ""
    for kind, value in _items(body[FIXED.size :]):
        if kind == 0x10:
            application = _text(value)
        elif kind == 0x20:
            context = _read_context(value)
            if context.number in contexts:
                raise ProtocolError("A-ASSOCIATE-RQ: a context number comes twice")
            contexts[context.number] = context
        elif kind == 0x50:
            pdu_bytes, name = _read_user(value)
    if not contexts:
        raise ProtocolError("A-ASSOCIATE-RQ proposes nothing; wanted a context")
    return AssociateRequest(
        called, calling, tuple(contexts.values()), pdu_bytes, application, version, name
    )


def decode_accept(body: bytes) -> AssociateAccept:
    """Read what follows the header of an A-ASSOCIATE-AC.

    Raises:
        ProtocolError: a length lies.
    """
    _, called, calling = _read_fixed(body)
    results: dict[int, tuple[int, str]] = {}
    pdu_bytes = 0
    for kind, value in _items(body[FIXED.size :]):
        if kind == 0x21:
            if len(value) < 4:
                raise ProtocolError("A-ASSOCIATE-AC: a context is shorter than 4 bytes")
            syntax = next((_text(v) for k, v in _items(value[4:]) if k == 0x40), "")
            results[value[0]] = (value[2], "" if value[2] else syntax)
        elif kind == 0x50:
            pdu_bytes, _ = _read_user(value)
    return AssociateAccept(called, calling, results, pdu_bytes)


def _encode(
    kind: int,
    head: tuple[int, str, str],
    application: str,
    contexts: Iterable[bytes],
    pdu_bytes: int,
) -> bytes:
    version, called, calling = head
    user = _item(
        0x50,
        _item(0x51, pdu_bytes.to_bytes(4, "big")),
        _item(0x52, IMPLEMENTATION_UID.encode()),
        _item(0x55, IMPLEMENTATION_NAME.encode()),
    )
    titles = (title.encode("ascii", "replace").ljust(16) for title in (called, calling))
    body = b"".join(
        (
            FIXED.pack(version, *titles),
            _item(0x10, application.encode()),
            *contexts,
            user,
        )
    )
    return HEADER.pack(kind, len(body)) + body


def _item(kind: int, *parts: bytes) -> bytes:
    value = b"".join(parts)
    return ITEM.pack(kind, len(value)) + value


def _items(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Type and value of each item; what is not known is for the caller to pass over."""
    start = 0
    while start < len(data):
        if start + ITEM.size > len(data):
            raise ProtocolError("A-ASSOCIATE: an item ends within its header")
        kind, length = ITEM.unpack_from(data, start)
        start += ITEM.size
        if start + length > len(data):
            raise ProtocolError("A-ASSOCIATE: an item is longer than what holds it")
        yield kind, data[start : start + length]
        start += length


def _read_fixed(body: bytes) -> tuple[int, str, str]:
    if len(body) < FIXED.size:
        raise ProtocolError(f"A-ASSOCIATE has {len(body)} bytes; wanted 68 or more")
    version, called, calling = FIXED.unpack_from(body)
    return version, _text(called), _text(calling)


def _read_context(value: bytes) -> Context:
    if len(value) < 4 or value[0] % 2 == 0:
        raise ProtocolError("A-ASSOCIATE-RQ: a context has no odd number")
    abstract, transfer = "", []
    for kind, part in _items(value[4:]):
        if kind == 0x30:
            abstract = _text(part)
        elif kind == 0x40:
            transfer.append(_text(part))
    return Context(value[0], abstract, tuple(transfer))


def _read_user(value: bytes) -> tuple[int, str]:
    """Longest PDU and implementation name; roles, extended negotiation, windows of
    asynchronous operations and user identity are not answered, which PS3.7 annex D.3
    lets an acceptor do: the defaults hold."""
    pdu_bytes, name = 0, ""
    for kind, part in _items(value):
        if kind == 0x51 and len(part) == 4:
            pdu_bytes = int.from_bytes(part, "big")
        elif kind == 0x55:
            name = _text(part)
    return pdu_bytes, name


def _text(value: bytes) -> str:
    """Printable ASCII without padding; anything else becomes "?"."""
    text = value.decode("latin-1").rstrip("\0 ").lstrip(" ")
    return "".join(c if " " <= c <= "~" else "?" for c in text)
