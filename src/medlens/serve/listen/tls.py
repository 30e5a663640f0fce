"""TLS of the listener (PS3.15 annex B: BCP 195, 1.2 and above)."""

from __future__ import annotations

import ssl

from medlens.core import UsageError
from medlens.serve.settings import ServeSettings


def open_tls(settings: ServeSettings) -> ssl.SSLContext | None:
    """What handshakes are made with; None when the listener speaks no TLS.

    With `tls_ca` a client must show a certificate of that authority.

    Raises:
        UsageError: a file is missing or is none.
    """
    if settings.tls_certificate is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    option = "tls_certificate, tls_key"
    try:
        context.load_cert_chain(settings.tls_certificate, settings.tls_key)
        if settings.tls_ca is not None:
            option = "tls_ca"
            context.load_verify_locations(settings.tls_ca)
            context.verify_mode = ssl.CERT_REQUIRED
    except (OSError, ssl.SSLError) as error:
        reason = getattr(error, "reason", None) or error.strerror
        raise UsageError(
            f"{option}: cannot be used ({reason}); wanted PEM files that fit"
        ) from None
    return context
