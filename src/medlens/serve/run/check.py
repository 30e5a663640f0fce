"""What must be right before a service starts: said at once, not in the first job."""

from __future__ import annotations

import errno
import ipaddress
import re
import socket
import time

from medlens.bundle import load_bundle
from medlens.core import UsageError
from medlens.serve.settings import ServeSettings

# PS3.5 6.2, AE: 16 characters, no backslash and no control character.
AE_TITLE = re.compile(r"[ -\[\]-~]{1,16}")
LANGUAGES = ("en", "zh")
PATIENCE_S = 5.0
"""How long a port may stay taken: by the processes of a service whose first process
was killed, until they have noticed and finished what they had in hand."""


def check_settings(settings: ServeSettings) -> None:
    """Refuse settings that cannot work or that would be unsafe.

    Raises:
        UsageError: an AE title, language, number, address, TLS file, rule, destination
            or database URL is wrong, or a demo would be open to a network.
        BundleError: a bundle cannot be loaded.
    """
    if not AE_TITLE.fullmatch(settings.ae_title) or not settings.ae_title.strip():
        raise UsageError(
            f"--ae-title: has {len(settings.ae_title)} characters; wanted 1 to 16 "
            "ASCII characters without backslash"
        )
    if settings.language not in LANGUAGES:
        raise UsageError(
            f"language {settings.language!r:.20}: wanted one of {', '.join(LANGUAGES)}"
        )
    if not 1 <= settings.workers <= 64:
        raise UsageError(f"--workers {settings.workers}: wanted 1 to 64")
    if settings.lease_s < 1:
        raise UsageError(f"lease_s {settings.lease_s}: wanted 1 or more seconds")
    if settings.demo and not (
        is_loopback(settings.host) and is_loopback(settings.dicom_host)
    ):
        raise UsageError(
            "--demo: needs no account, so it is offered on this machine alone; leave "
            "--host out, or leave --demo out and make accounts"
        )
    if bool(settings.tls_certificate) != bool(settings.tls_key):
        raise UsageError("tls_certificate and tls_key: wanted both or none")
    _check_parts(settings)
    for folder in settings.bundles:
        load_bundle(folder)


def _check_parts(settings: ServeSettings) -> None:
    """What a process would stumble over as soon as it is started, again and again."""
    from medlens.serve.listen.admission import Admission
    from medlens.serve.listen.tls import open_tls
    from medlens.serve.store.database import open_engine
    from medlens.serve.work.rules import check_destinations, load_rules

    open_tls(settings)
    Admission(settings.ae_title, settings.peers)
    if settings.rules is not None:
        check_destinations(load_rules(settings.rules), settings.peers)
    if settings.database:
        open_engine(settings.database).dispose()


def is_loopback(host: str) -> bool:
    """True when a host to bind to is reached from this machine alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def bind(host: str, port: int, *, option: str) -> socket.socket:
    """A socket that listens; held by the first process, so that connections wait
    while a process behind it is started again.

    Args:
        host, port: to bind to; port 0 takes a free one.
        option: of the command line, for the message.

    Raises:
        UsageError: the port is taken, or the address is not this machine's.
    """
    if not 0 <= port <= 65535:
        raise UsageError(f"{option} {port}: is no port; wanted 0 to 65535")
    try:
        found = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        family, kind, number, _, address = found[0]
        taken = socket.socket(family, kind, number)
    except OSError as error:
        raise UsageError(
            f"{option}: {host} is no address of a machine ({error.strerror}); wanted "
            "127.0.0.1 or an address of this one"
        ) from None
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    # Connections inherit it: the head of an answer and its body are two writes, and
    # the second would wait up to 40 ms for the other side's delayed acknowledgement.
    taken.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    until = time.monotonic() + PATIENCE_S
    while True:
        try:
            taken.bind(address)
            taken.listen(512)
            return taken
        except (OSError, OverflowError) as error:
            is_taken = getattr(error, "errno", None) == errno.EADDRINUSE
            if is_taken and time.monotonic() < until:
                time.sleep(0.2)
                continue
            taken.close()
            reason = getattr(error, "strerror", None) or "no port number"
            raise UsageError(
                f"{option} {port}: cannot be bound on {host} ({reason}); choose "
                "another, or stop what holds it"
            ) from None
