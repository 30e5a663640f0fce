"""PDUs, held against pynetdicom's encoder and decoder."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pynetdicom import pdu as theirs
from pynetdicom.pdu_primitives import (
    A_ASSOCIATE,
    AsynchronousOperationsWindowNegotiation,
    ImplementationClassUIDNotification,
    ImplementationVersionNameNotification,
    MaximumLengthNotification,
    SCP_SCU_RoleSelectionNegotiation,
    UserIdentityNegotiation,
)
from pynetdicom.presentation import PresentationContext

from medlens.serve.listen import associate, pdu
from medlens.serve.listen.associate import (
    AssociateAccept,
    AssociateRequest,
    Context,
    decode_accept,
    decode_request,
)
from medlens.serve.listen.pdu import ProtocolError

arcs = st.integers(0, 10**9).map(str)
uids = st.lists(arcs, min_size=2, max_size=6).map(
    lambda parts: "1.2." + ".".join(parts)
)
titles = st.text(
    st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="\\"),
    min_size=1,
    max_size=16,
)
contexts = st.lists(
    st.tuples(uids, st.lists(uids, min_size=1, max_size=4, unique=True)),
    min_size=1,
    max_size=128,
).map(
    lambda found: tuple(
        Context(2 * i + 1, abstract, tuple(transfer))
        for i, (abstract, transfer) in enumerate(found)
    )
)
lengths = st.integers(0, 2**32 - 1)


@given(called=titles, calling=titles, contexts=contexts, pdu_bytes=lengths)
@settings(max_examples=60, deadline=None)
def test_they_read_our_request_as_it_was_meant(
    called: str, calling: str, contexts: tuple[Context, ...], pdu_bytes: int
) -> None:
    request = AssociateRequest(called, calling, contexts, pdu_bytes)
    read = theirs.A_ASSOCIATE_RQ()
    read.decode(request.encode())
    assert (read.called_ae_title.strip(), read.calling_ae_title.strip()) == (
        called,
        calling,
    )
    assert read.application_context_name == "1.2.840.10008.3.1.1.1"
    found = [
        (each.context_id, each.abstract_syntax, tuple(each.transfer_syntax))
        for each in read.presentation_context
    ]
    assert found == [
        (each.number, each.abstract_syntax, each.transfer_syntaxes) for each in contexts
    ]
    user = read.user_information
    assert user is not None
    assert user.maximum_length == pdu_bytes
    assert user.implementation_class_uid == associate.IMPLEMENTATION_UID
    assert decode_request(request.encode()[6:]) == AssociateRequest(
        called, calling, contexts, pdu_bytes, implementation_name="MEDLENS"
    )


def make_theirs(
    called: str, calling: str, contexts: tuple[Context, ...], pdu_bytes: int
) -> bytes:
    """A-ASSOCIATE-RQ of pynetdicom, with everything that we do not answer."""
    primitive = A_ASSOCIATE()
    primitive.application_context_name = "1.2.840.10008.3.1.1.1"
    primitive.called_ae_title, primitive.calling_ae_title = called, calling
    proposed = []
    for each in contexts:
        context = PresentationContext()
        context.context_id = each.number
        context.abstract_syntax = each.abstract_syntax
        context.transfer_syntax = list(each.transfer_syntaxes)
        proposed.append(context)
    primitive.presentation_context_definition_list = proposed
    length = MaximumLengthNotification()
    length.maximum_length_received = pdu_bytes
    maker = ImplementationClassUIDNotification()
    maker.implementation_class_uid = "1.2.3"
    name = ImplementationVersionNameNotification()
    name.implementation_version_name = "OTHER 1"
    window = AsynchronousOperationsWindowNegotiation()
    window.maximum_number_operations_invoked = 4
    role = SCP_SCU_RoleSelectionNegotiation()
    role.sop_class_uid, role.scu_role, role.scp_role = "1.2.3", True, True
    identity = UserIdentityNegotiation()
    identity.user_identity_type, identity.primary_field = 2, b"somebody"
    identity.secondary_field = b"secret"
    primitive.user_information = [length, maker, name, window, role, identity]
    made = theirs.A_ASSOCIATE_RQ()
    made.from_primitive(primitive)
    return bytes(made.encode())


@given(called=titles, calling=titles, contexts=contexts, pdu_bytes=lengths)
@settings(max_examples=60, deadline=None)
def test_we_read_their_request_as_it_was_meant(
    called: str, calling: str, contexts: tuple[Context, ...], pdu_bytes: int
) -> None:
    data = make_theirs(called, calling, contexts, pdu_bytes)
    assert decode_request(data[6:]) == AssociateRequest(
        called, calling, contexts, pdu_bytes, implementation_name="OTHER 1"
    )


@given(
    results=st.dictionaries(
        st.integers(0, 127).map(lambda n: 2 * n + 1),
        st.one_of(
            st.tuples(st.just(0), uids), st.tuples(st.sampled_from([3, 4]), st.just(""))
        ),
        min_size=1,
    ),
    pdu_bytes=lengths,
)
@settings(max_examples=60, deadline=None)
def test_they_read_our_answer_as_it_was_meant(
    results: dict[int, tuple[int, str]], pdu_bytes: int
) -> None:
    accept = AssociateAccept("MEDLENS", "THEM", results, pdu_bytes)
    data = accept.encode()
    assert decode_accept(data[6:]) == accept
    read = theirs.A_ASSOCIATE_AC()
    read.decode(data)
    found = {
        each.context_id: (
            each.result,
            (each.transfer_syntax or "") if each.result == 0 else "",
        )
        for each in read.presentation_context
    }
    assert found == results


@given(data=st.binary(max_size=400))
@settings(max_examples=400, deadline=None)
def test_any_bytes_are_a_request_or_a_protocol_error(data: bytes) -> None:
    for decode in (decode_request, decode_accept):
        with contextlib.suppress(ProtocolError):
            assert decode(data).called.isprintable()


@given(data=st.data())
@settings(max_examples=200, deadline=None)
def test_a_damaged_request_is_a_request_or_a_protocol_error(
    data: st.DataObject,
) -> None:
    body = bytearray(
        AssociateRequest("A", "B", (Context(1, "1.2", ("1.2.3",)),)).encode()[6:]
    )
    for _ in range(data.draw(st.integers(1, 4))):
        body[data.draw(st.integers(68, len(body) - 1))] = data.draw(st.integers(0, 255))
    try:
        request = decode_request(bytes(body[: data.draw(st.integers(60, len(body)))]))
    except ProtocolError:
        return
    assert request.contexts


def test_rejection_abort_and_release_are_as_theirs() -> None:
    rejection = theirs.A_ASSOCIATE_RJ()
    rejection.decode(pdu.LIMIT_EXCEEDED.encode())
    assert rejection.result_str == "Rejected (Transient)"
    assert rejection.reason_str == "Local limit exceeded"
    rejection.decode(pdu.CALLED_UNKNOWN.encode())
    assert rejection.reason_str == "Called AE title not recognised"
    rejection.decode(pdu.CALLING_UNKNOWN.encode())
    assert rejection.reason_str == "Calling AE title not recognised"
    found = pdu.decode_rejection(pdu.CALLED_UNKNOWN.encode()[6:])
    assert (found.result, found.source, found.reason) == (1, 1, 7)
    abort = theirs.A_ABORT_RQ()
    abort.decode(pdu.encode_abort(pdu.UNEXPECTED_PDU))
    assert abort.source_str == "DUL service-provider"
    assert abort.reason_str == "Unexpected PDU"
    assert pdu.encode_release_request() == bytes(theirs.A_RELEASE_RQ().encode())
    assert pdu.encode_release_response() == bytes(theirs.A_RELEASE_RP().encode())


@given(
    data=st.binary(max_size=300),
    pdu_bytes=st.integers(8, 64),
    is_command=st.booleans(),
    context=st.integers(1, 255),
)
def test_data_are_cut_to_the_other_sides_length(
    data: bytes, pdu_bytes: int, is_command: bool, context: int
) -> None:
    joined, controls = b"", []
    for piece in pdu.encode_data(
        context, data, is_command=is_command, pdu_bytes=pdu_bytes
    ):
        read = theirs.P_DATA_TF()
        read.decode(piece)
        assert len(piece) - 6 <= pdu_bytes
        (value,) = read.presentation_data_value_items
        assert value.context_id == context
        controls.append(value.presentation_data_value[0])
        joined += value.presentation_data_value[1:]
    assert joined == data
    assert [control & 1 for control in controls] == [int(is_command)] * len(controls)
    assert [control >> 1 for control in controls] == [0] * (len(controls) - 1) + [1]


def test_lying_lengths_are_told() -> None:
    good = AssociateRequest("A", "B", (Context(1, "1.2", ("1.2.3",)),)).encode()[6:]
    with pytest.raises(ProtocolError, match="longer than what holds it"):
        decode_request(good[:70] + b"\xff\xff" + good[72:])
    with pytest.raises(ProtocolError, match="within its header"):
        decode_request(good + b"\x50")
    with pytest.raises(ProtocolError, match="wanted 68 or more"):
        decode_request(good[:50])
    with pytest.raises(ProtocolError, match="proposes nothing"):
        decode_request(good[:68])
    start = 68 + 4 + len("1.2.840.10008.3.1.1.1")  # of the presentation context
    assert good[start] == 0x20
    with pytest.raises(ProtocolError, match="no odd number"):
        decode_request(good[: start + 4] + b"\x02" + good[start + 5 :])
    stop = start + 4 + good[start + 3]
    with pytest.raises(ProtocolError, match="comes twice"):
        decode_request(good + good[start:stop])
    with pytest.raises(ProtocolError, match="wanted 4"):
        pdu.decode_rejection(b"\0")
    with pytest.raises(ProtocolError, match="shorter than 4 bytes"):
        decode_accept(good[:68] + b"\x21\x00\x00\x01\x01")
