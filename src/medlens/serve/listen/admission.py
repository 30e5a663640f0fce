"""Who may open an association."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from medlens.core import UsageError
from medlens.serve.listen.associate import APPLICATION_CONTEXT, AssociateRequest
from medlens.serve.listen.pdu import (
    APPLICATION_CONTEXT_UNKNOWN,
    CALLED_UNKNOWN,
    CALLING_UNKNOWN,
    VERSION_UNKNOWN,
    Rejection,
)
from medlens.serve.settings import Peer

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Admission:
    """The list of those who may send.

    A peer lets in its AE title from its network; one without an AE title lets in any
    from its network. A peer that names neither is a destination alone. With no peers
    at all everyone is let in.

    Args:
        ae_title: of this service.
        peers: of the settings.

    Raises:
        UsageError: the address of a peer is no network.
    """

    def __init__(self, ae_title: str, peers: Sequence[Peer]) -> None:
        self._ae_title = ae_title.strip()
        self._is_open = not peers
        self._senders = [
            (peer, _network_of(peer)) for peer in peers if peer.ae_title or peer.address
        ]

    def is_known(self, address: str) -> bool:
        """True when somebody at this address may send."""
        return self._is_open or any(
            _is_within(address, network) for _, network in self._senders
        )

    def judge(self, request: AssociateRequest, address: str) -> Rejection | str:
        """Why an association is refused, or the name of who asks, for the index.

        Args:
            request: what is asked for.
            address: where it comes from.
        """
        if not request.version & 1:
            return VERSION_UNKNOWN
        if request.application_context != APPLICATION_CONTEXT:
            return APPLICATION_CONTEXT_UNKNOWN
        if request.called != self._ae_title:
            return CALLED_UNKNOWN
        if not request.calling or "?" in request.calling or "\\" in request.calling:
            return CALLING_UNKNOWN
        if self._is_open:
            return request.calling
        for peer, network in self._senders:
            if peer.ae_title.strip() in ("", request.calling) and _is_within(
                address, network
            ):
                return peer.name or request.calling
        return CALLING_UNKNOWN


def _network_of(peer: Peer) -> Network | None:
    if not peer.address:
        return None
    try:
        return ipaddress.ip_network(peer.address, strict=False)
    except ValueError:
        raise UsageError(
            f"peers: {peer.name}: address is no network; wanted one such as "
            "10.0.3.0/24 or 10.0.3.7"
        ) from None


def _is_within(address: str, network: Network | None) -> bool:
    if network is None:
        return True
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped:
        found = found.ipv4_mapped
    return found in network
