"""Users, invitations, tokens and the trail, for those who administer."""

from __future__ import annotations

import time
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from medlens.serve.access.caller import Caller, Right, Role
from medlens.serve.access.invitations import invite
from medlens.serve.access.sessions import end_sessions
from medlens.serve.access.tokens import (
    MAX_DAYS,
    Token,
    list_tokens,
    make_token,
    revoke_token,
)
from medlens.serve.access.trail import anchor_of, read_trail, record
from medlens.serve.access.users import (
    User,
    add_user,
    change_role,
    list_users,
    prepare_password,
    read_user,
    set_active,
)
from medlens.serve.web.errors import Problem
from medlens.serve.web.guard import known, may
from medlens.serve.web.state import Service, service_of

router = APIRouter(prefix="/api/v1", tags=["accounts"])
Served = Annotated[Service, Depends(service_of)]
Administrator = Annotated[Caller, Depends(may("administer"))]
Person = Annotated[Caller, Depends(known)]
Number = Annotated[int, Path(ge=1, le=2**63 - 1, description="Our own number")]


class UserOut(BaseModel):
    """An account."""

    id: int
    name: str
    role: Role
    is_active: bool
    is_external: bool = Field(description="Logs in by OpenID Connect")
    created_at: float = Field(description="Seconds since 1970")


class UserIn(BaseModel):
    """A new account."""

    model_config = ConfigDict(extra="forbid")
    name: str = Field(min_length=1, max_length=64, examples=["anna"])
    role: Role
    password: str = Field(min_length=1, max_length=256, repr=False)


class UserChange(BaseModel):
    """What is to be different; what is left out stays."""

    model_config = ConfigDict(extra="forbid")
    role: Role | None = None
    is_active: bool | None = None


class InvitationIn(BaseModel):
    """Whom to invite."""

    model_config = ConfigDict(extra="forbid")
    role: Role


class InvitationOut(BaseModel):
    """A link for one account; shown once."""

    path: str = Field(
        description="To be put behind the service's address; valid for a day",
        examples=["/welcome#q0k…"],
    )


class TokenIn(BaseModel):
    """A token to be made."""

    model_config = ConfigDict(extra="forbid")
    name: str = Field(min_length=1, max_length=64, examples=["pacs gateway"])
    scopes: list[Right] = Field(min_length=1, max_length=4)
    days: float = Field(default=90, gt=0, le=MAX_DAYS)


class TokenOut(BaseModel):
    """What may be told of a token."""

    id: int
    user: str
    name: str
    scopes: list[Right]
    created_at: float
    expires_at: float | None
    revoked_at: float | None
    used_at: float | None = Field(description="To the minute")


class TokenMade(BaseModel):
    """A new token; this is the only time that it is shown."""

    id: int
    token: str = Field(examples=["medlens_…"])


class TrailRow(BaseModel):
    """One line of the trail."""

    number: int
    at: float
    who: str
    address: str
    action: str
    study_id: int | None
    detail: dict[str, Any]
    digest: str


class TrailPage(BaseModel):
    """Lines of the trail, newest first."""

    rows: list[TrailRow]
    next: int | None = Field(description="`before` of the next page, null at the end")
    anchor: str = Field(description="The end of the trail: keep it outside")


@router.get("/users", summary="List users")
def get_users(service: Served, _caller: Administrator) -> list[UserOut]:
    """All accounts, by name."""
    with service.store.read() as connection:
        return [_user(user) for user in list_users(connection)]


@router.post("/users", summary="Add a user", status_code=201)
def post_user(sent: UserIn, service: Served, caller: Administrator) -> UserOut:
    """Make an account with a password; an invitation lets its owner choose one."""
    kept = prepare_password(sent.name, sent.password)
    now = time.time()
    with service.store.begin() as connection:
        user = add_user(connection, sent.name, sent.role, kept=kept, now=now)
        detail = {"user": user.name, "role": user.role}
        record(connection, caller, "add user", detail=detail, now=now)
    return _user(user)


@router.patch("/users/{user_id}", summary="Change a user")
def patch_user(
    user_id: Number, sent: UserChange, service: Served, caller: Administrator
) -> UserOut:
    """Another role, or disabled or enabled; it holds from the next request on.

    The last administrator stays one (409).
    """
    with service.store.begin() as connection:
        user = _found(read_user(connection, user_id))
        if sent.role is not None:
            change_role(connection, user_id, sent.role)
            detail = {"user": user.name, "from": user.role, "to": sent.role}
            record(connection, caller, "change role", detail=detail)
        if sent.is_active is not None:
            set_active(connection, user_id, sent.is_active)
            action = "enable user" if sent.is_active else "disable user"
            record(connection, caller, action, detail={"user": user.name})
        return _user(_found(read_user(connection, user_id)))


@router.delete(
    "/users/{user_id}/sessions", summary="End a user's sessions", status_code=204
)
def delete_sessions(
    user_id: Number, service: Served, caller: Administrator
) -> Response:
    """Log a user out everywhere; tokens stay."""
    with service.store.begin() as connection:
        user = _found(read_user(connection, user_id))
        detail = {"user": user.name, "sessions": end_sessions(connection, user_id)}
        record(connection, caller, "end sessions", detail=detail)
    return Response(status_code=204)


@router.post("/invitations", summary="Invite somebody", status_code=201)
def post_invitation(
    sent: InvitationIn, service: Served, caller: Administrator
) -> InvitationOut:
    """A link that makes one account of a role, once, within a day."""
    now = time.time()
    with service.store.begin() as connection:
        path = invite(connection, sent.role, now=now)
        record(connection, caller, "invite", detail={"role": sent.role}, now=now)
    return InvitationOut(path=path)


@router.get("/tokens", summary="List tokens")
def get_tokens(
    service: Served,
    caller: Person,
    everybody: Annotated[bool, Query(description="For administrators")] = False,
) -> list[TokenOut]:
    """One's own tokens, or everybody's; newest first, at most 1,000."""
    check_account(caller)
    if everybody:
        may_administer(caller)
    with service.store.read() as connection:
        found = list_tokens(connection, user_id=None if everybody else caller.user_id)
    return [_token(token) for token in found]


@router.post("/tokens", summary="Make a token", status_code=201)
def post_token(sent: TokenIn, service: Served, caller: Person) -> TokenMade:
    """A token for a program of one's own; scopes are rights that one has.

    A session is needed: a token that leaked cannot make others.
    """
    check_person(caller)
    lacking = set(sent.scopes) - caller.rights
    if lacking:
        raise Problem(403, f"scopes: you lack {', '.join(sorted(lacking))}")
    assert caller.user_id is not None
    now = time.time()
    with service.store.begin() as connection:
        token, number = make_token(
            connection, caller.user_id, sent.name, sent.scopes, days=sent.days, now=now
        )
        detail = {"token": number, "scopes": sorted(set(sent.scopes))}
        record(connection, caller, "make token", detail=detail, now=now)
    return TokenMade(id=number, token=token)


@router.delete("/tokens/{number}", summary="Revoke a token", status_code=204)
def delete_token(number: Number, service: Served, caller: Person) -> Response:
    """End a token at once: one's own, or for administrators anybody's."""
    check_account(caller)
    owner = None if "administer" in caller.rights else caller.user_id
    now = time.time()
    with service.store.begin() as connection:
        if not revoke_token(connection, number, user_id=owner, now=now):
            raise Problem(404, "there is no such token of yours that is still valid")
        record(connection, caller, "revoke token", detail={"token": number}, now=now)
    return Response(status_code=204)


@router.get("/trail", summary="Read the trail")
def get_trail(
    service: Served,
    caller: Administrator,
    before: Annotated[int | None, Query(ge=1, le=2**63 - 1)] = None,
    study_id: Annotated[int | None, Query(ge=1, le=2**63 - 1)] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> TrailPage:
    """Who did what, newest first; reading it leaves a line, too."""
    record(service.store, caller, "view trail", study_id=study_id)
    with service.store.read() as connection:
        found = read_trail(connection, before=before, study_id=study_id, limit=limit)
        anchor = str(anchor_of(connection))
    rows = [TrailRow.model_validate(row) for row in found]
    return TrailPage(
        rows=rows, next=rows[-1].number if len(rows) == limit else None, anchor=anchor
    )


def check_account(caller: Caller) -> None:
    """Refuse the guest of a demo.

    Raises:
        Problem: 403.
    """
    if caller.user_id is None:
        raise Problem(403, "a demo's guest has no account; log in")


def check_person(caller: Caller) -> None:
    """Refuse programs and guests: this is for somebody who has logged in.

    Raises:
        Problem: 403.
    """
    check_account(caller)
    if caller.is_token:
        raise Problem(403, "this needs a log-in; a token cannot do it")


def may_administer(caller: Caller) -> None:
    """Refuse those who may not administer.

    Raises:
        Problem: 403.
    """
    if "administer" not in caller.rights:
        raise Problem(403, "this needs the right 'administer'")


def _found(user: User | None) -> User:
    if user is None:
        raise Problem(404, "there is no such user")
    return user


def _user(user: User) -> UserOut:
    return UserOut.model_validate(vars(user))


def _token(token: Token) -> TokenOut:
    return TokenOut.model_validate({**vars(token), "scopes": list(token.scopes)})
