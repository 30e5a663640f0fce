"""The trail: who did what to which study, appended to and never changed.

Each row holds the digest of the row before it and its own, so that changing, deleting,
inserting or reordering rows breaks the chain; `verify_trail` names the first such row.
Cutting off the end, or writing everything anew, leaves a chain that holds: this is what
an anchor is for, the number and digest of the last row, kept where the writer of the
database cannot reach.
"""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from medlens.core import UsageError
from medlens.serve.access.caller import Caller
from medlens.serve.access.serial import hold
from medlens.serve.store.store import Store
from medlens.serve.store.tables import trail

START = "0" * 64  # what the first row continues
MAX_DETAIL = 4000  # characters of a row's detail
CHAINED = ("number", "at", "who", "address", "action", "study_id", "detail", "previous")
CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def record(
    where: Store | sa.Connection,
    caller: Caller,
    action: str,
    *,
    study_id: int | None = None,
    detail: Mapping[str, Any] | None = None,
    now: float | None = None,
) -> None:
    """Append one line; durable with the transaction that it is part of.

    Rows are written one at a time, whatever the number of processes. Within a longer
    transaction make it the last statement, so that others wait shortly.

    Args:
        where: the store, for a transaction of its own, or a connection of
            `Store.begin`, so that deed and line are kept together or not at all.
        caller: who did it.
        action: what was done, up to 32 characters: "view study", "log in".
        study_id: our own number of the study; never a UID, never a name.
        detail: what else to tell, as JSON; no patient's name, ID, date or UID. Above
            4,000 characters its keys alone are kept.
        now: seconds since 1970.
    """
    if isinstance(where, Store):
        with where.begin() as connection:
            record(
                connection, caller, action, study_id=study_id, detail=detail, now=now
            )
        return
    append(where, [line_of(caller, action, study_id=study_id, detail=detail, now=now)])


@dataclass(frozen=True)
class Line:
    """What one row will say, made fit for the table.

    Attributes:
        at: seconds since 1970.
        who, address, action, study_id, detail: see `record`.
    """

    at: float
    who: str
    address: str
    action: str
    study_id: int | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)


def line_of(
    caller: Caller,
    action: str,
    *,
    study_id: int | None = None,
    detail: Mapping[str, Any] | None = None,
    now: float | None = None,
) -> Line:
    """A line that is not written yet; see `record`."""
    return Line(
        at=float(time.time() if now is None else now),
        who=_text(caller.name, 64),
        address=_text(caller.address, 64),
        action=_text(action, 32),
        study_id=study_id,
        detail=_bounded(detail or {}),
    )


def append(connection: sa.Connection, lines: Sequence[Line]) -> None:
    """Append lines in their order, as one statement.

    Args:
        connection: of `Store.begin`.
        lines: one or more.
    """
    hold(connection, "trail")
    end, rows = anchor_of(connection), []
    for line in lines:
        row = {"number": end.number + 1, "previous": end.digest, **vars(line)}
        row["digest"] = digest_of(row)
        rows.append(row)
        end = Anchor(row["number"], row["digest"])
    connection.execute(sa.insert(trail), rows)


def digest_of(row: Mapping[str, Any]) -> str:
    """SHA-256 of a row's canonical JSON (keys in order, no blanks, ASCII)."""
    chained = {name: row[name] for name in CHAINED}
    text = json.dumps(chained, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


@dataclass(frozen=True)
class Anchor:
    """The end of the trail at one moment.

    Attributes:
        number: of the last row, 0 for an empty trail.
        digest: of that row.
    """

    number: int
    digest: str

    def __str__(self) -> str:
        return f"{self.number}:{self.digest}"


def read_anchor(text: str) -> Anchor:
    """The anchor that `str(anchor)` gave.

    Raises:
        UsageError: it is none.
    """
    found = re.fullmatch(r"(\d{1,18}):([0-9a-f]{64})", text.strip())
    if not found:
        raise UsageError(
            "--anchor: wanted NUMBER:DIGEST as `medlens trail verify` printed it"
        )
    return Anchor(int(found[1]), found[2])


def anchor_of(connection: sa.Connection) -> Anchor:
    """The end of the trail now."""
    last = connection.execute(
        sa.select(trail.c.number, trail.c.digest)
        .order_by(trail.c.number.desc())
        .limit(1)
    ).first()
    return Anchor(last.number, last.digest) if last else Anchor(0, START)


def read_trail(
    connection: sa.Connection,
    *,
    before: int | None = None,
    study_id: int | None = None,
    limit: int = 100,
) -> list[dict[str, Any]]:
    """Rows of the trail, newest first.

    Args:
        connection: to the index.
        before: rows below this number; None starts at the end.
        study_id: rows of this study alone.
        limit: how many at most.
    """
    query = sa.select(trail).order_by(trail.c.number.desc()).limit(limit)
    if before is not None:
        query = query.where(trail.c.number < before)
    if study_id is not None:
        query = query.where(trail.c.study_id == study_id)
    return [dict(row) for row in connection.execute(query).mappings()]


@dataclass(frozen=True)
class TrailCheck:
    """What became of a trail.

    Attributes:
        rows: how many were checked, up to the first broken one.
        end: the last row that holds.
        broken: number of the first row that does not, None if all do.
        reason: what is wrong with it, "" if nothing is.
    """

    rows: int
    end: Anchor
    broken: int | None = None
    reason: str = ""

    @property
    def is_whole(self) -> bool:
        """True when every row holds and nothing is missing that an anchor knows."""
        return self.broken is None


def verify_trail(store: Store, *, anchor: Anchor | None = None) -> TrailCheck:
    """Walk the whole trail and find the first row that does not hold.

    Args:
        store: whose trail.
        anchor: an earlier end; without one a cut-off end cannot be noticed.
    """
    end = Anchor(0, START)
    with store.read() as connection:
        for row in _rows_of(connection):
            reason = _fault_of(row, end) or _against(anchor, row)
            if reason:
                return TrailCheck(end.number, end, end.number + 1, reason)
            end = Anchor(row["number"], row["digest"])
    if anchor and anchor.number > end.number:
        reason = f"rows {end.number + 1} to {anchor.number} are missing from the end"
        return TrailCheck(end.number, end, end.number + 1, reason)
    return TrailCheck(end.number, end)


def _rows_of(connection: sa.Connection) -> Iterator[dict[str, Any]]:
    """All rows in order, in pages; one that cannot be read is an empty one."""
    last = -(2**62)  # a row in front of the first is found too
    while True:
        query = sa.select(trail.c.number).where(trail.c.number > last)
        page = connection.scalars(query.order_by(trail.c.number).limit(1000)).all()
        if not page:
            return
        within = trail.c.number.between(page[0], page[-1])
        query = sa.select(trail).where(within).order_by(trail.c.number)
        try:
            yield from map(dict, connection.execute(query).mappings().all())
        except ValueError:  # some detail is no JSON any more
            yield from (_row_of(connection, number) for number in page)
        last = page[-1]


def _row_of(connection: sa.Connection, number: int) -> dict[str, Any]:
    query = sa.select(trail).where(trail.c.number == number)
    try:
        return dict(connection.execute(query).mappings().one())
    except ValueError:
        return {"number": number}


def _fault_of(row: Mapping[str, Any], end: Anchor) -> str:
    wanted = end.number + 1
    if row["number"] != wanted:
        return f"row {wanted} is missing; the next one is {row['number']}"
    if "digest" not in row:
        return f"row {wanted} was changed: it cannot be read"
    if row["previous"] != end.digest:
        return (
            f"row {wanted} does not continue row {end.number}: rows were put in, "
            "taken out or moved"
        )
    try:
        digest = digest_of(row)
    except (TypeError, ValueError):
        digest = ""
    return "" if row["digest"] == digest else f"row {wanted} was changed"


def _against(anchor: Anchor | None, row: Mapping[str, Any]) -> str:
    if anchor is None or row["number"] != anchor.number:
        return ""
    if row["digest"] == anchor.digest:
        return ""
    return f"row {anchor.number} is not the one of the anchor: it was written anew"


def _text(text: str, longest: int) -> str:
    whole = text.encode("utf-8", "replace").decode()  # no half of a surrogate pair
    return CONTROL.sub("\N{REPLACEMENT CHARACTER}", whole)[:longest]


def _bounded(detail: Mapping[str, Any]) -> dict[str, Any]:
    """Detail as the database gives it back."""
    text = json.dumps(detail, allow_nan=False)
    if len(text) > MAX_DETAIL:
        return {"cut": sorted(map(str, detail))[:20]}
    kept: dict[str, Any] = json.loads(text)
    return kept
