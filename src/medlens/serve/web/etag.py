"""Versions of things that change, and changes that hold to the version read."""

from __future__ import annotations

import hashlib

from fastapi import Request, Response
from pydantic import BaseModel

from medlens.serve.web.errors import Problem


def etag_of(thing: BaseModel) -> str:
    """A strong ETag (RFC 9110, 8.8.3): equal where the reply is letter for letter."""
    return f'"{hashlib.sha256(thing.model_dump_json().encode()).hexdigest()[:32]}"'


def tag(request: Request, response: Response, thing: BaseModel) -> bool:
    """Put the ETag on a reply; True where the client has that version already."""
    found = etag_of(thing)
    response.headers["ETag"] = found
    return is_known(request, found)


def is_known(request: Request, tag: str) -> bool:
    """Whether the client says that it has this version (RFC 9110, 13.1.2).

    The comparison is the weak one: a proxy that packs a reply makes its tag weak.
    """
    known = _listed(request.headers.get("If-None-Match", ""))
    return "*" in known or tag in (each.removeprefix("W/") for each in known)


def check_match(wanted: str, thing: BaseModel) -> None:
    """Refuse a change that rests on another version.

    Args:
        wanted: If-Match of the request, "" for any version.
        thing: as it is now.

    Raises:
        Problem: 412.
    """
    if wanted.strip() in ("", "*") or etag_of(thing) in _listed(wanted):
        return
    raise Problem(412, "it was changed since it was read; read it again, then decide")


def _listed(header: str) -> list[str]:
    return [each.strip() for each in header.split(",")]
