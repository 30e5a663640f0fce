"""Secrets that are handed out once and kept as digests."""

from __future__ import annotations

import hashlib
import secrets


def new_secret() -> str:
    """256 random bits, in letters that fit into a cookie, a header and a link."""
    return secrets.token_urlsafe(32)


def digest_of(secret: str) -> str:
    """What is kept of a secret: its SHA-256.

    The secret has 256 random bits, so that a slow digest, as for passwords, would add
    nothing.
    """
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()
