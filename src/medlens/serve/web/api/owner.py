"""What a reader asked for on their own is theirs to take back."""

from __future__ import annotations

import sqlalchemy as sa

from medlens.serve.access.caller import Caller
from medlens.serve.web.errors import Problem
from medlens.serve.work.control import asked_by


def is_theirs(caller: Caller, owner: int | None) -> bool:
    """Whether a caller may take back what somebody asked for.

    Args:
        caller: who wants to.
        owner: number of the user who asked, None for the guests of a demo, who are
            one to us.
    """
    return "administer" in caller.rights or (
        "read" in caller.rights and caller.user_id == owner
    )


def check_owner(
    connection: sa.Connection, caller: Caller, job: int, *, verb: str
) -> None:
    """Refuse to change an export or evaluation that somebody else asked for.

    Other jobs are everybody's who may read: a study is answered for all.

    Args:
        connection: of the transaction that is to change it.
        caller: who wants to.
        job: number of its job.
        verb: what they want to do, for the message.

    Raises:
        Problem: 403.
    """
    asked = asked_by(connection, job)
    if asked is not None and not is_theirs(caller, asked.user_id):
        raise Problem(
            403,
            f"this {asked.what} was asked for by somebody else: only they and who "
            f"administers medlens may {verb} it; ask one of them",
            kind="forbidden",
        )
