"""TLS of a client, for C-STORE and https."""

from __future__ import annotations

import ssl

from medlens.serve.send.errors import SendError
from medlens.serve.settings import Peer


def open_client_tls(peer: Peer) -> ssl.SSLContext:
    """What a destination is known by, and what we show to it; TLS 1.2 and above.

    Raises:
        SendError: a file of the peer is missing or is none.
    """
    try:
        context = ssl.create_default_context(cafile=peer.ca)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if peer.certificate is not None:
            context.load_cert_chain(peer.certificate, peer.key)
    except (OSError, ssl.SSLError) as error:
        reason = getattr(error, "reason", None) or error.strerror
        raise SendError(
            f"destination {peer.name}: ca, certificate or key cannot be used "
            f"({reason}); wanted PEM files that fit",
            is_final=True,
        ) from None
    return context
