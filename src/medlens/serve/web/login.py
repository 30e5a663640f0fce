"""Log-in, log-out and one's own account, as programs and the browser app ask for it.

The pages for people are in `login_pages.py`, log-in by OpenID Connect in
`login_openid.py`, users, tokens and the trail in `accounts.py`; `router` holds all.
"""

from __future__ import annotations

import math
import time
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from medlens.serve.access.caller import RIGHTS, Caller, Right, Role
from medlens.serve.access.invitations import accept_invitation
from medlens.serve.access.limit import begin_attempt, succeed
from medlens.serve.access.login import LogIn, log_in, open_session
from medlens.serve.access.passwords import is_password
from medlens.serve.access.sessions import end_session
from medlens.serve.access.trail import record
from medlens.serve.access.users import change_password, password_of, prepare_password
from medlens.serve.web import accounts, login_openid, login_pages
from medlens.serve.web.cookies import clear_cookie, session_cookie
from medlens.serve.web.errors import Problem
from medlens.serve.web.guard import (
    CSRF_HEADER,
    REALM,
    check_csrf,
    check_same_site,
    known,
    session_of,
)
from medlens.serve.web.login_cookies import browser_of, give_cookies
from medlens.serve.web.state import Service, service_of

router = APIRouter()
api = APIRouter(prefix="/api/v1", tags=["log-in"])

Name = Annotated[str, Field(min_length=1, max_length=64, examples=["anna"])]
Password = Annotated[
    str,
    Field(min_length=1, max_length=256, examples=["four plain words here"], repr=False),
]


class Credentials(BaseModel):
    """A name and its password."""

    model_config = ConfigDict(extra="forbid")
    name: Name
    password: Password


class Welcome(BaseModel):
    """An invitation, accepted."""

    model_config = ConfigDict(extra="forbid")
    invitation: Annotated[
        str,
        Field(min_length=1, max_length=128, description="The link's part behind `#`"),
    ]
    name: Name
    password: Password


class NewPassword(BaseModel):
    """One's own password, changed."""

    model_config = ConfigDict(extra="forbid")
    current: Password
    password: Password


class Me(BaseModel):
    """Who the caller is."""

    name: str = Field(description="In lower case; `guest` in a demo", examples=["anna"])
    role: Role
    rights: list[Right] = Field(description="Of the role, narrowed by a token's scopes")
    csrf: str = Field(
        description="What `X-CSRF-Token` must say with every change; empty for tokens"
    )
    is_demo: bool = Field(description="No account is needed here")


@api.post("/login", summary="Log in")
def post_login(
    sent: Credentials,
    request: Request,
    response: Response,
    service: Annotated[Service, Depends(service_of)],
) -> Me:
    """Open a session; its cookie comes with the reply, its CSRF token in it.

    A wrong name and a wrong password get the same answer. After too many failures it
    is 429 with `Retry-After`.
    """
    check_same_site(request)
    found = log_in(
        service.store,
        sent.name,
        sent.password,
        service.settings.limits,
        browser=browser_of(request),
    )
    if found.wait_s > 0:
        raise too_many(found.wait_s)
    if found.user is None:
        raise _wrong()
    return _inside(found, response, service)


@api.post("/welcome", summary="Accept an invitation", status_code=201)
def post_welcome(
    sent: Welcome,
    request: Request,
    response: Response,
    service: Annotated[Service, Depends(service_of)],
) -> Me:
    """Make the account that an invitation is for, and log in."""
    check_same_site(request)
    return _inside(welcome(service, request, sent), response, service)


def welcome(service: Service, request: Request, sent: Welcome) -> LogIn:
    """The account of an invitation with an open session.

    Raises:
        UsageError: the invitation, name or password is not one.
        ExistsError: the name is taken.
    """
    store, now = service.store, time.time()
    user = accept_invitation(store, sent.invitation, sent.name, sent.password, now=now)
    with store.begin() as connection:
        return open_session(
            connection,
            user,
            service.settings.limits,
            browser=browser_of(request),
            how="invitation",
            now=now,
        )


@api.post("/logout", summary="Log out", status_code=204)
def post_logout(
    request: Request, service: Annotated[Service, Depends(service_of)]
) -> Response:
    """End the session; without one nothing happens."""
    return log_out(request, service, request.headers.get(CSRF_HEADER, ""))


def log_out(request: Request, service: Service, csrf: str) -> Response:
    """A reply that lets the browser forget the session, which is over."""
    session = session_of(request)
    if session is not None:
        check_same_site(request)
        check_csrf(session, csrf)
        with service.store.begin() as connection:
            end_session(connection, browser_of(request).session)
            record(connection, session.caller, "log out")
    response = Response(status_code=204)
    clear_cookie(response, service.settings, session_cookie(service.settings))
    return response


@api.get("/me", summary="Who am I")
def get_me(
    request: Request,
    service: Annotated[Service, Depends(service_of)],
    caller: Annotated[Caller, Depends(known)],
) -> Me:
    """The caller, their rights and the CSRF token of their session."""
    session = None if caller.is_token else session_of(request)
    return Me(
        name=caller.name,
        role=caller.role,
        rights=_in_order(caller),
        csrf=session.csrf if session else "",
        is_demo=service.settings.demo,
    )


@api.post("/me/password", summary="Change one's password")
def post_password(
    sent: NewPassword,
    request: Request,
    response: Response,
    service: Annotated[Service, Depends(service_of)],
    caller: Annotated[Caller, Depends(known)],
) -> Me:
    """Change the password; all sessions end, and this browser gets a new one."""
    accounts.check_person(caller)
    store, limits, now = service.store, service.settings.limits, time.time()
    user, kept = password_of(store, caller.name)
    attempt = begin_attempt(store, caller.name, caller.address, limits, now=now)
    if attempt.wait_s > 0:
        raise too_many(attempt.wait_s)
    if not is_password(sent.current, kept) or user is None:
        raise Problem(403, "current: is not your password", kind="wrong-credentials")
    anew = prepare_password(user.name, sent.password)
    with store.begin() as connection:
        succeed(connection, attempt)
        change_password(connection, user.id, anew)
        record(connection, caller, "change password", now=now)
        found = open_session(
            connection,
            user,
            limits,
            browser=browser_of(request),
            how="password",
            now=now,
        )
    return _inside(found, response, service)


def too_many(wait_s: float) -> Problem:
    """429 that says when to come again."""
    seconds = max(1, math.ceil(wait_s))
    return Problem(
        429,
        f"too many failed log-ins; try again in {seconds} s",
        headers={"Retry-After": str(seconds)},
    )


def _wrong() -> Problem:
    return Problem(
        401,
        "the name or the password is wrong",
        kind="wrong-credentials",
        headers={"WWW-Authenticate": REALM},
    )


def _inside(found: LogIn, response: Response, service: Service) -> Me:
    assert found.user is not None
    give_cookies(response, service.settings, found)
    role = found.user.role
    caller = Caller(found.user.id, found.user.name, role, RIGHTS[role])
    return Me(
        name=caller.name,
        role=role,
        rights=_in_order(caller),
        csrf=found.csrf,
        is_demo=service.settings.demo,
    )


def _in_order(caller: Caller) -> list[Right]:
    order: tuple[Right, ...] = ("view", "upload", "read", "administer")
    return [right for right in order if right in caller.rights]


router.include_router(api)
router.include_router(accounts.router)
router.include_router(login_pages.router)
router.include_router(login_openid.router)
