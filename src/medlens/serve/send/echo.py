"""Whether a destination is there: C-ECHO, or a question to its DICOMweb service."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from medlens.serve.send.errors import SendError
from medlens.serve.send.storage import _knock, _refusal
from medlens.serve.send.stow import _address_of, _headers
from medlens.serve.send.tls import open_client_tls
from medlens.serve.settings import Peer

WAIT_S = 8.0  # a person waits for the answer
VERIFICATION = "1.2.840.10008.1.1"


def echo_peer(peer: Peer, *, ae_title: str = "MEDLENS") -> None:
    """Ask a destination whether it would talk to us; nothing is sent.

    Args:
        peer: the destination.
        ae_title: that we call ourselves.

    Raises:
        SendError: it does not answer, or refuses us.
    """
    if peer.url:
        _ask(peer)
    else:
        _echo(peer, ae_title)


def _echo(peer: Peer, ae_title: str) -> None:
    """C-ECHO (PS3.4 annex A)."""
    from pynetdicom import AE

    _knock(peer, 0)
    entity = AE(ae_title)
    entity.connection_timeout = WAIT_S
    entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = WAIT_S
    entity.add_requested_context(VERIFICATION)
    tls = (open_client_tls(peer), peer.host) if peer.tls else None
    association = entity.associate(
        peer.host, peer.port, ae_title=peer.ae_title or "ANY-SCP", tls_args=tls
    )
    if not association.is_established:
        raise _refusal(peer, association, 0)
    try:
        answer = association.send_c_echo()
    finally:
        association.release()
    if answer.get("Status", 0xFFFF) != 0:
        raise SendError(
            f"destination {peer.name}: lets us in and does not answer C-ECHO; ask who "
            "runs it",
            is_final=False,
        )


def _ask(peer: Peer) -> None:
    """Look for one study: any service of PS3.18 answers that, or says why not."""
    import httpx

    address, headers = _address_of(peer), _headers(peer)
    is_https = urlsplit(address).scheme == "https"
    tls: Any = open_client_tls(peer) if is_https else True
    try:
        with (
            httpx.Client(timeout=WAIT_S, verify=tls, trust_env=False) as client,
            client.stream(
                "GET", address, params={"limit": 1}, headers=headers
            ) as answer,
        ):
            status = answer.status_code
    except httpx.HTTPError as error:
        raise SendError(
            f"destination {peer.name}: cannot be reached ({type(error).__name__}); "
            "check its url",
            is_final=False,
        ) from None
    if 300 <= status < 400 or status in (401, 403) or status >= 500:
        raise SendError(
            f"destination {peer.name}: answers HTTP {status}; check its url and "
            "token_file",
            is_final=False,
        )
