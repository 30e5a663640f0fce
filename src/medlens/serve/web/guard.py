"""Who may call a route (FastAPI dependencies)."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import Annotated, Any
from urllib.parse import urlsplit

from fastapi import Depends, Request, Security
from fastapi.security import APIKeyCookie, HTTPBearer

from medlens.serve.access.caller import RIGHTS, Caller, Right
from medlens.serve.access.sessions import Session, read_session
from medlens.serve.access.tokens import read_token
from medlens.serve.web.cookies import session_cookie
from medlens.serve.web.errors import Problem
from medlens.serve.web.state import Service, service_of

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})  # RFC 9110, section 9.2.1
CSRF_HEADER = "X-CSRF-Token"
GUEST = "guest"
"""Name of whoever comes to a demo without an account."""
REALM = 'Bearer realm="medlens"'

# These say in the API's schema how to come in; `caller_of` reads the request itself.
_bearer = HTTPBearer(
    auto_error=False, scheme_name="token", description="An API token: `medlens_…`"
)
_cookie = APIKeyCookie(
    name="medlens",
    auto_error=False,
    scheme_name="session",
    description="Of a log-in, `__Host-medlens` behind https. With it every change "
    f"needs the header `{CSRF_HEADER}`: `csrf` of /api/v1/me",
)


def known(
    request: Request,
    _token: Annotated[Any, Security(_bearer)] = None,
    _session: Annotated[Any, Security(_cookie)] = None,
) -> Caller:
    """A dependency that lets anybody in who is known, whatever their rights."""
    return caller_of(request)


def may(right: Right) -> Callable[..., Caller]:
    """A dependency that lets in those who hold a right, and says who they are.

    Example: `caller: Annotated[Caller, Depends(may("view"))]`

    It answers 401 to those who are unknown, 403 to those who lack the right and to a
    change that another site sent through a browser.
    """

    def check(caller: Annotated[Caller, Depends(known)]) -> Caller:
        if right not in caller.rights:
            raise Problem(
                403,
                f"this needs the right {right!r}; a {caller.role}"
                f"{' by this token' if caller.is_token else ''} has "
                f"{', '.join(sorted(caller.rights)) or 'none here'}; "
                + _advice(caller, right),
                kind="forbidden",
            )
        return caller

    return check


def _advice(caller: Caller, right: Right) -> str:
    if caller.user_id is None:
        return "log in"
    if caller.is_token and right in RIGHTS[caller.role]:
        return f"make a token with the scope {right!r}"
    return "ask who administers medlens for another role"


def caller_of(request: Request) -> Caller:
    """Who sent a request: by token, by session, or as the guest of a demo.

    Raises:
        Problem: 401 for nobody or a secret that is not valid, 403 for a change that a
            session's browser was made to send.
    """
    service = service_of(request)
    address = address_of(request)
    secret = _bearer_of(request)
    if secret is not None:
        caller = read_token(service.store, secret, address=address)
        if caller is None:
            raise _unknown("the token is not valid any more, or never was", True)
        return caller
    session = session_of(request)
    if session is not None:
        if request.method not in SAFE:
            check_same_site(request)
            check_csrf(session, request.headers.get(CSRF_HEADER, ""))
        return session.caller
    if service.settings.demo:
        if request.method not in SAFE:
            check_same_site(request)
        return guest(address)
    raise _unknown("log in, or send an API token as `Authorization: Bearer …`", False)


def guest(address: str) -> Caller:
    """Who comes to a demo without an account."""
    return Caller(None, GUEST, "reader", RIGHTS["reader"], address)


def session_of(request: Request) -> Session | None:
    """The session that a request's cookie opens, if it does."""
    service = service_of(request)
    secret = request.cookies.get(session_cookie(service.settings))
    if not secret:
        return None
    return read_session(
        service.store, secret, service.settings.limits, address=address_of(request)
    )


def address_of(request: Request) -> str:
    """Where a request came from, as the server saw it."""
    return request.client.host if request.client else ""


def check_csrf(session: Session, sent: str) -> None:
    """Refuse a change whose sender has not read the session's token.

    Raises:
        Problem: 403.
    """
    if not hmac.compare_digest(session.csrf.encode(), sent.encode("utf-8", "replace")):
        raise Problem(
            403,
            f"{CSRF_HEADER}: is missing or not the session's; send `csrf` of "
            "/api/v1/me with every change",
            kind="csrf",
        )


def check_same_site(request: Request) -> None:
    """Refuse a change that a page of another site made a browser send.

    Browsers state both headers themselves; no page can change them. Programs send
    neither, and have no cookie that somebody could abuse.

    Raises:
        Problem: 403.
    """
    site = request.headers.get("Sec-Fetch-Site", "same-origin")
    origin = request.headers.get("Origin")
    if site not in ("same-origin", "none") or (
        origin is not None and origin not in _own_origins(request)
    ):
        raise Problem(
            403, "this change was sent by a page of another site", kind="csrf"
        )


def _own_origins(request: Request) -> set[str]:
    service: Service = service_of(request)
    host = request.headers.get("Host", "").lower()
    own = {f"http://{host}", f"https://{host}"} if host else set()
    public = urlsplit(service.settings.public_url)
    if public.netloc:
        own.add(f"{public.scheme}://{public.netloc}".lower())
    return own


def _bearer_of(request: Request) -> str | None:
    """The token of the Authorization header, None without such a header."""
    header = request.headers.get("Authorization")
    if header is None:
        return None
    scheme, _, secret = header.partition(" ")
    return secret.strip() if scheme.lower() == "bearer" else ""


def _unknown(detail: str, is_wrong: bool) -> Problem:
    """401 with the challenge of RFC 6750, section 3."""
    challenge = REALM + (', error="invalid_token"' if is_wrong else "")
    return Problem(
        401, detail, kind="unauthorized", headers={"WWW-Authenticate": challenge}
    )
