"""`medlens users`: accounts of a service, from its own machine."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from medlens.cli.service import DATA, DatabaseOption, DataOption, opened, operator

if TYPE_CHECKING:
    import sqlalchemy as sa

    from medlens.serve.access.users import User

app = typer.Typer(
    help="Accounts of a service: list, add, change, invite, make tokens.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
Name = Annotated[str, typer.Argument(help="User name.", show_default=False)]
RoleOption = Annotated[str, typer.Option(help="viewer, reader or administrator.")]


@app.command("list")
def show(
    data: DataOption = DATA,
    database: DatabaseOption = "",
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document.")
    ] = False,
) -> None:
    """List the accounts.

    Example: medlens users list --data service
    """
    with opened(data, database) as store:
        from medlens.serve.access.users import list_users

        with store.read() as connection:
            found = list_users(connection)
    if as_json:
        typer.echo(json.dumps([vars(user) for user in found], indent=1))
        return
    for user in found:
        state = "" if user.is_active else "  disabled"
        typer.echo(f"{user.name:<24} {user.role:<14}{state}")


@app.command("add")
def add(
    name: Name,
    role: RoleOption = "reader",
    data: DataOption = DATA,
    database: DatabaseOption = "",
) -> None:
    """Add a user; the password is asked for, or is one line of the input.

    Example: medlens users add anna --role reader --data service
    """
    from medlens.serve.access.trail import record
    from medlens.serve.access.users import add_user, prepare_password, tidy_role

    tidy_role(role)
    with opened(data, database, make=True) as store:
        kept = prepare_password(name, _ask_password())
        with store.begin() as connection:
            user = add_user(connection, name, role, kept=kept, now=time.time())
            detail = {"user": user.name, "role": user.role}
            record(connection, operator(), "add user", detail=detail)
    typer.echo(f"{user.name} is a {user.role}.")


@app.command("role")
def role(
    name: Name,
    role: Annotated[
        str,
        typer.Argument(help="viewer, reader or administrator.", show_default=False),
    ],
    data: DataOption = DATA,
    database: DatabaseOption = "",
) -> None:
    """Give a user another role; it holds at once.

    Example: medlens users role anna administrator --data service
    """
    from medlens.serve.access.trail import record
    from medlens.serve.access.users import change_role

    with opened(data, database) as store, store.begin() as connection:
        user = _find(connection, name)
        change_role(connection, user.id, role)
        detail = {"user": user.name, "from": user.role, "to": role}
        record(connection, operator(), "change role", detail=detail)
    typer.echo(f"{user.name} is a {role}.")


@app.command("disable")
def disable(name: Name, data: DataOption = DATA, database: DatabaseOption = "") -> None:
    """Keep a user out; sessions and tokens end at once.

    Example: medlens users disable anna --data service
    """
    _set_active(name, data, database, is_active=False)


@app.command("enable")
def enable(name: Name, data: DataOption = DATA, database: DatabaseOption = "") -> None:
    """Let a disabled user in again.

    Example: medlens users enable anna --data service
    """
    _set_active(name, data, database, is_active=True)


@app.command("password")
def password(
    name: Name, data: DataOption = DATA, database: DatabaseOption = ""
) -> None:
    """Set a user's password; it is asked for, or is one line of the input.

    Example: medlens users password anna --data service
    """
    from medlens.serve.access.trail import record
    from medlens.serve.access.users import change_password, prepare_password

    with opened(data, database) as store:
        with store.read() as connection:
            user = _find(connection, name)
        kept = prepare_password(user.name, _ask_password())
        with store.begin() as connection:
            change_password(connection, user.id, kept)
            record(connection, operator(), "set password", detail={"user": user.name})
    typer.echo(f"{user.name} has a new password; all sessions have ended.")


@app.command("invite")
def invite(
    role: RoleOption = "reader",
    url: Annotated[
        str, typer.Option(help="As browsers see the service.")
    ] = "http://127.0.0.1:8000",
    data: DataOption = DATA,
    database: DatabaseOption = "",
) -> None:
    """Print a link that makes one account, once, within a day.

    Example: medlens users invite --role administrator --data service
    """
    from medlens.serve.access import invitations
    from medlens.serve.access.trail import record

    with opened(data, database) as store, store.begin() as connection:
        path = invitations.invite(connection, role, now=time.time())
        record(connection, operator(), "invite", detail={"role": role})
    typer.echo(f"{url.rstrip('/')}{path}")


@app.command("token")
def token(
    name: Name,
    purpose: Annotated[
        str, typer.Option("--for", help="What it is for.", show_default=False)
    ],
    scope: Annotated[
        list[str],
        typer.Option(help="view, upload, read or administer.", show_default=False),
    ],
    days: Annotated[float, typer.Option(help="That it is valid.")] = 90,
    data: DataOption = DATA,
    database: DatabaseOption = "",
) -> None:
    """Make an API token for a user's program; it is shown this once.

    Example: medlens users token anna --for gateway --scope upload --data service
    """
    from medlens.serve.access.tokens import make_token
    from medlens.serve.access.trail import record

    with opened(data, database) as store, store.begin() as connection:
        user = _find(connection, name)
        secret, number = make_token(
            connection, user.id, purpose, scope, days=days, now=time.time()
        )
        detail = {"user": user.name, "token": number, "scopes": sorted(set(scope))}
        record(connection, operator(), "make token", detail=detail)
    typer.echo(secret)


def _set_active(name: str, data: Path, database: str, *, is_active: bool) -> None:
    from medlens.serve.access.trail import record
    from medlens.serve.access.users import set_active

    word = "enable" if is_active else "disable"
    with opened(data, database) as store, store.begin() as connection:
        user = _find(connection, name)
        set_active(connection, user.id, is_active)
        record(connection, operator(), f"{word} user", detail={"user": user.name})
    typer.echo(f"{user.name} is {word}d.")


def _find(connection: sa.Connection, name: str) -> User:
    from medlens.core import UsageError
    from medlens.serve.access.users import find_user

    user = find_user(connection, name)
    if user is None:
        raise UsageError("user name: there is none such; see `medlens users list`")
    return user


def _ask_password() -> str:
    if sys.stdin.isatty():
        return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))
    return sys.stdin.readline().rstrip("\n")
