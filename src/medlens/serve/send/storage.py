"""Sending by C-STORE (PS3.4 annex B), with pynetdicom as the user of the service."""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterator, Sequence
from typing import Any

from medlens.serve.send.errors import Failure, SendError, judge, raise_for
from medlens.serve.send.objects import EXPLICIT_VR_LITTLE_ENDIAN, SentObject
from medlens.serve.send.tls import open_client_tls
from medlens.serve.settings import Peer

log = logging.getLogger("medlens.send")

IMPLICIT_VR_LITTLE_ENDIAN = "1.2.840.10008.1.2"
"""Every node takes it (PS3.5 section 10.1); a file is encoded anew where it must."""

CONNECT_S, ANSWER_S = 10.0, 60.0
MOST_KINDS = 60  # two contexts for each, of the 128 that an association has

Kind = tuple[str, str]  # SOP class, transfer syntax


def store(peer: Peer, files: Sequence[SentObject], *, ae_title: str) -> None:
    """Send objects by as few associations as they need.

    Args:
        peer: with AE title, host and port.
        files: what is sent.
        ae_title: that we call ourselves.

    Raises:
        SendError: see `send_objects`.
    """
    failures: list[Failure] = []
    for part in _parts(files):
        failures += _store_part(peer, part, ae_title)
    raise_for(peer.name, failures, len(files))


def _parts(files: Sequence[SentObject]) -> Iterator[list[SentObject]]:
    """Objects of so few kinds that one association can propose them all."""
    kinds = list(dict.fromkeys(map(_kind_of, files)))
    for start in range(0, len(kinds), MOST_KINDS):
        some = set(kinds[start : start + MOST_KINDS])
        yield [file for file in files if _kind_of(file) in some]


def _kind_of(file: SentObject) -> Kind:
    return file.sop_class, file.transfer_syntax


def _store_part(peer: Peer, files: list[SentObject], ae_title: str) -> list[Failure]:
    association = _associate(peer, files, ae_title)
    try:
        accepted = {
            (str(each.abstract_syntax), str(each.transfer_syntax[0]))
            for each in association.accepted_contexts
        }
        return [
            failure
            for number, file in enumerate(files, 1)
            if (failure := _store_one(association, accepted, file, number))
        ]
    finally:
        if association.is_established:
            association.release()


def _associate(peer: Peer, files: list[SentObject], ae_title: str) -> Any:
    """An association that proposes what the objects need."""
    from pynetdicom import AE, _config, build_context

    _knock(peer, len(files))

    _config.STORE_SEND_CHUNKED_DATASET = True  # files go out as they are, in pieces
    entity = AE(ae_title)
    entity.connection_timeout = CONNECT_S
    entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = ANSWER_S
    # One context for each transfer syntax: else the node chooses among them.
    entity.requested_contexts = [
        build_context(sop_class, syntax) for sop_class, syntax in _proposals(files)
    ]
    tls = (open_client_tls(peer), peer.host) if peer.tls else None
    association = entity.associate(
        peer.host, peer.port, ae_title=peer.ae_title or "ANY-SCP", tls_args=tls
    )
    if not association.is_established:
        raise _refusal(peer, association, len(files))
    return association


def _knock(peer: Peer, failed: int) -> None:
    """See that somebody listens: pynetdicom leaves its socket open where nobody does.

    Raises:
        SendError: nobody does.
    """
    try:
        socket.create_connection((peer.host, peer.port), CONNECT_S).close()
    except OSError as error:
        raise SendError(
            f"destination {peer.name}: cannot be reached "
            f"({error.strerror or type(error).__name__}); check its host and port",
            is_final=False,
            failed=failed,
        ) from None


def _proposals(files: list[SentObject]) -> Iterator[Kind]:
    """Kinds of the objects, each with what it may be encoded as instead."""
    kinds = dict.fromkeys(map(_kind_of, files))
    for sop_class, syntax in kinds:
        yield sop_class, syntax
        other = (sop_class, IMPLICIT_VR_LITTLE_ENDIAN)
        if syntax == EXPLICIT_VR_LITTLE_ENDIAN and other not in kinds:
            yield other


def _refusal(peer: Peer, association: Any, failed: int) -> SendError:
    answer = association.acceptor.primitive
    if association.is_rejected and answer is not None:
        is_final = answer.result == 0x01  # rejected-permanent
        found = f"refuses the association ({answer.reason_str})"
    else:
        is_final, found = False, "does not answer as a DICOM node"
    log.warning("destination %s: %s", peer.name, found)
    return SendError(
        f"destination {peer.name}: {found}; check its AE title, host, port and tls, "
        f"and that it knows ours",
        is_final=is_final,
        failed=failed,
    )


def _store_one(
    association: Any, accepted: set[Kind], file: SentObject, number: int
) -> Failure | None:
    """Send one object; why it was not taken, or None."""
    if not association.is_established:
        return Failure("the association ended", False)
    wanted = _kind_of(file)
    fallback = (file.sop_class, IMPLICIT_VR_LITTLE_ENDIAN)
    try:
        if wanted in accepted:
            answer = association.send_c_store(file.path, msg_id=number % 65535 + 1)
        elif file.transfer_syntax == EXPLICIT_VR_LITTLE_ENDIAN and fallback in accepted:
            answer = association.send_c_store(_read(file), msg_id=number % 65535 + 1)
        else:
            return Failure("SOP class or transfer syntax is not accepted", True)
    except (OSError, AttributeError, ValueError) as error:
        return Failure(f"file cannot be sent: {type(error).__name__}", True)
    except RuntimeError:  # the association ended between two objects
        return Failure("the association ended", False)
    if "Status" not in answer:
        return Failure("no answer came", False)
    return judge(int(answer.Status))


def _read(file: SentObject) -> Any:
    from pydicom import dcmread

    data = dcmread(file.path)
    data.file_meta.TransferSyntaxUID = file.transfer_syntax
    return data
