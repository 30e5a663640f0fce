"""Which names and addresses are of this machine alone."""

from __future__ import annotations

import ipaddress


def is_local(host: str) -> bool:
    """True for a name or address that other machines cannot mean.

    RFC 6761, section 6.3: names below `localhost` are loopback, whatever a server of
    names says.
    """
    name = host.strip("[]").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
