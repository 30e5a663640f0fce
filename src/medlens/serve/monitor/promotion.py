"""Which bundle answers: put one in the place of another, and take that back.

Each is one transaction with its line in the trail: nobody ever sees two bundles
active for one task, or none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import sqlalchemy as sa

from medlens.core import ExistsError, UsageError
from medlens.serve.access.caller import Caller
from medlens.serve.access.serial import hold
from medlens.serve.access.trail import record
from medlens.serve.store.tables import bundles, promotions

After = Literal["retired", "shadow"]


@dataclass(frozen=True)
class Promotion:
    """A bundle that was put to work.

    Attributes:
        id: our own number.
        digest: of the bundle that answers now.
        replaced: of the one that no longer does, or "".
        at: seconds since 1970.
        rolled_back_at: when it was taken back, or None.
    """

    id: int
    digest: str
    replaced: str
    at: float
    rolled_back_at: float | None


def promote(
    connection: sa.Connection,
    digest: str,
    caller: Caller,
    *,
    replaces: str | None = None,
    replaced_becomes: After = "retired",
    now: float,
) -> Promotion:
    """Let a bundle's answers count from now on, in the place of another.

    Other shadows of the replaced bundle run beside the new one from now on.

    Args:
        connection: of `Store.begin`.
        digest: of the bundle, which is a shadow or retired.
        caller: who does it.
        replaces: digest of the active bundle that it takes the place of; None for
            the one whose shadow it is; "" for none.
        replaced_becomes: "shadow": the old one goes on in the shadow of the new one,
            so that they can still be compared.
        now: seconds since 1970.

    Raises:
        UsageError: there is no such bundle, or it is not said what it replaces.
        ExistsError: it is active already, or what it replaces is not.
    """
    hold(connection, "bundles")
    rows = _rows(connection)
    row = _row(rows, digest)
    if row.role == "active":
        raise ExistsError("bundle: is active already; there is nothing to promote")
    replaced = replaces if replaces is not None else row.shadow_of
    if replaces is None and not replaced:
        raise UsageError(
            "bundle: is no shadow; name the active bundle that it `replaces`, or "
            "none with an empty text"
        )
    if replaced and _row(rows, replaced).role != "active":
        raise ExistsError(
            "bundle: what it is to replace is not active any more; name the one that "
            "is in `replaces`"
        )
    changes = {digest: ("active", "")}
    if replaced:
        is_shadow = replaced_becomes == "shadow"
        changes[replaced] = (replaced_becomes, digest if is_shadow else "")
        for other in rows.values():
            is_beside = other.role == "shadow" and other.shadow_of == replaced
            if is_beside and other.digest != digest:
                changes[other.digest] = ("shadow", digest)
    before = {each: [rows[each].role, rows[each].shadow_of] for each in changes}
    _apply(connection, changes, now)
    made = connection.execute(
        sa.insert(promotions)
        .values(
            digest=digest,
            replaced=replaced,
            before=before,
            user_id=caller.user_id,
            at=now,
        )
        .returning(promotions)
    ).one()
    detail = {"bundle": digest, "replaces": replaced}
    record(connection, caller, "promote bundle", detail=detail, now=now)
    return _promotion(made)


def roll_back(connection: sa.Connection, caller: Caller, *, now: float) -> Promotion:
    """Take the newest promotion back: every role is what it was before it.

    Again takes back the one before that.

    Raises:
        ExistsError: there is none, or roles were changed by hand since.
    """
    hold(connection, "bundles")
    row = connection.execute(
        sa.select(promotions)
        .where(promotions.c.rolled_back_at.is_(None))
        .order_by(promotions.c.id.desc())
        .limit(1)
    ).first()
    if row is None:
        raise ExistsError("bundles: there is no promotion to take back")
    rows = _rows(connection)
    is_as_left = row.digest in rows and rows[row.digest].role == "active"
    was = {each: (role, beside) for each, (role, beside) in row.before.items()}
    is_free = all(each in rows for each in was) and (
        not row.replaced or rows[row.replaced].role != "active"
    )
    if not (is_as_left and is_free):
        raise ExistsError(
            "bundles: roles were changed since the newest promotion; promote the "
            "bundle that is wanted instead"
        )
    _apply(connection, was, now)
    taken = connection.execute(
        sa.update(promotions)
        .where(promotions.c.id == row.id)
        .values(rolled_back_at=now)
        .returning(promotions)
    ).one()
    detail = {"bundle": row.digest, "back to": row.replaced}
    record(connection, caller, "roll back bundle", detail=detail, now=now)
    return _promotion(taken)


def set_shadow(
    connection: sa.Connection, digest: str, caller: Caller, *, of: str, now: float
) -> None:
    """Let a retired bundle run beside an active one; it is shown to nobody.

    Raises:
        UsageError: there is no such bundle.
        ExistsError: the one is active, or the other is not.
    """
    hold(connection, "bundles")
    rows = _rows(connection)
    if _row(rows, digest).role == "active":
        raise ExistsError("bundle: is active; a shadow's answers count for nobody")
    if _row(rows, of).role != "active":
        raise ExistsError("bundle: what it is to run beside is not active")
    _apply(connection, {digest: ("shadow", of)}, now)
    detail = {"bundle": digest, "shadow of": of}
    record(connection, caller, "shadow bundle", detail=detail, now=now)


def retire(
    connection: sa.Connection, digest: str, caller: Caller, *, now: float
) -> None:
    """Let a bundle rest, with those that run in its shadow.

    Raises:
        UsageError: there is no such bundle.
    """
    hold(connection, "bundles")
    rows = _rows(connection)
    _row(rows, digest)
    changes = {digest: ("retired", "")}
    for other in rows.values():
        if other.role == "shadow" and other.shadow_of == digest:
            changes[other.digest] = ("retired", "")
    _apply(connection, changes, now)
    record(connection, caller, "retire bundle", detail={"bundle": digest}, now=now)


def list_promotions(connection: sa.Connection, *, limit: int = 100) -> list[Promotion]:
    """Promotions, the newest first."""
    query = sa.select(promotions).order_by(promotions.c.id.desc()).limit(limit)
    return [_promotion(row) for row in connection.execute(query)]


def _rows(connection: sa.Connection) -> dict[str, Any]:
    return {row.digest: row for row in connection.execute(sa.select(bundles))}


def _row(rows: Mapping[str, Any], digest: str) -> Any:
    if digest not in rows:
        raise UsageError("bundle: there is no such one; /api/v1/bundles lists them")
    return rows[digest]


def _apply(
    connection: sa.Connection, changes: Mapping[str, tuple[str, str]], now: float
) -> None:
    for digest, (role, shadow_of) in changes.items():
        connection.execute(
            sa.update(bundles)
            .where(bundles.c.digest == digest)
            .values(role=role, shadow_of=shadow_of, changed_at=now)
        )


def _promotion(row: Any) -> Promotion:
    return Promotion(row.id, row.digest, row.replaced, row.at, row.rolled_back_at)
