"""The rate limit on log-ins: guessing is slow, and nobody is locked out by others.

Failures are counted over a window (`Limits.login_attempts` in `login_window_s`):

- for a name, from browsers that never logged in with it: so guessing is slow from
  however many addresses;
- for an address (a /64 of IPv6), five times as many: so trying one password on many
  names is slow, and a hospital behind one address still gets in;
- for a browser that has logged in with this name before, apart: it shows a secret of
  its own. It is held by neither of the counts above, so who guesses from elsewhere
  does not keep the owner out.

Open sessions and API tokens are never affected. An attempt is counted before the
password is looked at, so that a hundred at the same moment are a hundred; one that
succeeds is taken back.
"""

from __future__ import annotations

import hashlib
import ipaddress
import time
from dataclasses import dataclass

import sqlalchemy as sa

from medlens.serve.access.secret import digest_of, new_secret
from medlens.serve.access.serial import hold
from medlens.serve.settings import Limits
from medlens.serve.store.store import Store
from medlens.serve.store.tables import attempts, devices

PER_ADDRESS = 5  # times as many as for a name
DEVICES = 20  # of a user; the oldest is forgotten


@dataclass(frozen=True)
class Attempt:
    """A log-in that may be tried.

    Attributes:
        rows: that count it.
        wait_s: until it may be tried, 0 if now.
    """

    rows: tuple[int, ...] = ()
    wait_s: float = 0.0


def begin_attempt(
    store: Store,
    name: str,
    address: str,
    limits: Limits,
    *,
    device_of: str = "",
    now: float | None = None,
) -> Attempt:
    """Count a log-in that is about to be tried, or say how long to wait.

    Args:
        store: of the service.
        name: as it was typed; it need not exist, so that nothing is learnt from it.
        address: of the caller.
        limits: how many in how long.
        device_of: digest of a browser that is known for this name, "" for others.
        now: seconds since 1970.
    """
    moment = time.time() if now is None else now
    since = moment - limits.login_window_s
    bounds = _bounds(name, address, limits, device_of)
    with store.begin() as connection:
        for subject in sorted(bounds):  # one order, so that two never wait crosswise
            hold(connection, f"log-in {subject}")
        connection.execute(sa.delete(attempts).where(attempts.c.at <= since))
        wait = max(
            _wait(connection, subject, most, limits, moment)
            for subject, most in bounds.items()
        )
        if wait > 0:
            return Attempt(wait_s=wait)
        return Attempt(tuple(_count(connection, subject, moment) for subject in bounds))


def succeed(connection: sa.Connection, attempt: Attempt) -> None:
    """Take an attempt back that succeeded; earlier failures stay counted."""
    connection.execute(sa.delete(attempts).where(attempts.c.id.in_(attempt.rows)))


def known_device(store: Store, secret: str, user_id: int | None) -> str:
    """Digest of a browser that this user has logged in from, "" for any other."""
    if not secret or user_id is None:
        return ""
    digest = digest_of(secret)
    query = sa.select(devices.c.digest).where(
        devices.c.digest == digest, devices.c.user_id == user_id
    )
    with store.read() as connection:
        return digest if connection.scalar(query) else ""


def remember_device(connection: sa.Connection, user_id: int, *, now: float) -> str:
    """Know a browser from now on; the secret is for its cookie."""
    secret = new_secret()
    connection.execute(
        sa.insert(devices).values(
            digest=digest_of(secret), user_id=user_id, created_at=now
        )
    )
    mine = sa.select(devices.c.digest).where(devices.c.user_id == user_id)
    kept = mine.order_by(devices.c.created_at.desc()).limit(DEVICES)
    connection.execute(
        sa.delete(devices).where(
            devices.c.user_id == user_id, devices.c.digest.not_in(kept)
        )
    )
    return secret


def forget_devices(connection: sa.Connection, user_id: int) -> None:
    """No browser is known any more (after a change of the password)."""
    connection.execute(sa.delete(devices).where(devices.c.user_id == user_id))


def _bounds(name: str, address: str, limits: Limits, device: str) -> dict[str, int]:
    """Subjects that count an attempt, and how many each may have."""
    if device:
        return {f"device:{device}": limits.login_attempts}
    # A digest: somebody may have typed the password into the field of the name.
    digest = hashlib.sha256(name.casefold().encode("utf-8", "replace")).hexdigest()
    return {
        f"name:{digest}": limits.login_attempts,
        f"address:{_network(address)}": PER_ADDRESS * limits.login_attempts,
    }


def _network(address: str) -> str:
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return "unknown"
    if found.version == 6 and found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    if found.version == 6:  # one customer has a whole /64
        return str(ipaddress.ip_network((found, 64), strict=False))
    return str(found)


def _wait(
    connection: sa.Connection, subject: str, most: int, limits: Limits, now: float
) -> float:
    """Seconds until the oldest of the last `most` attempts leaves the window."""
    query = (
        sa.select(attempts.c.at)
        .where(attempts.c.subject == subject)
        .order_by(attempts.c.at.desc())
        .offset(max(most, 1) - 1)
        .limit(1)
    )
    oldest = connection.scalar(query)
    return 0.0 if oldest is None else oldest + limits.login_window_s - now


def _count(connection: sa.Connection, subject: str, now: float) -> int:
    added = connection.execute(sa.insert(attempts).values(subject=subject, at=now))
    (number,) = added.inserted_primary_key or (0,)
    return int(number)
