"""Attribute matching of PS3.4 C.2.2.2, as conditions of SQL.

Every value becomes a parameter; only the characters * and ? of a text mean anything.
"""

from __future__ import annotations

import re
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from medlens.core import UsageError
from medlens.serve.store.names import name_key

MAX_UIDS = 1000
"""UIDs of one list."""

MAX_VALUE = 1024
"""Characters of a value, lists of UIDs aside."""

MAX_STARS = 8
"""Runs of any length in one text; each costs the database another try."""

Kind = Literal["text", "name", "uid", "date", "time", "number", "modalities"]
Column = sa.ColumnElement[Any]
Condition = sa.ColumnElement[bool]

_UID = re.compile(r"[0-9.]{1,64}")
_DATE = re.compile(r"[0-9]{8}")
_TIME = re.compile(r"[0-9]{2}([0-9]{2}([0-9]{2}(\.[0-9]{1,6})?)?)?")
_LAST = "\U0010ffff"  # nothing sorts behind it where code points decide


class QueryError(UsageError):
    """A search cannot be understood; the message names the attribute, not the value."""


class _Matches(FunctionElement[bool]):
    """A column against a pattern with * and ?, case counting, on either database."""

    type = sa.Boolean()
    inherit_cache = True
    name = "matches"


@compiles(_Matches, "sqlite")
def _as_glob(element: Any, compiler: Any, **kw: Any) -> str:
    column, glob, _ = element.clauses
    return f"{compiler.process(column, **kw)} GLOB {compiler.process(glob, **kw)}"


@compiles(_Matches, "postgresql")
def _as_like(element: Any, compiler: Any, **kw: Any) -> str:
    column, _, like = element.clauses
    return f"{compiler.process(column, **kw)} LIKE {compiler.process(like, **kw)}"


def match(keyword: str, kind: Kind, column: Column, value: str) -> Condition | None:
    """The condition that a value of a query stands for; None matches everything.

    Args:
        keyword: of the attribute, for messages.
        kind: how its values are compared; "name" is compared with a `name_key`.
        column: that holds them.
        value: as in the query: a single value, a list of UIDs (split by a backslash
            or comma), a text with * and ?, a range of dates or times ("a-b", "a-",
            "-b"); "" and "*" match everything.

    Raises:
        QueryError: the value has no meaning for this kind.
    """
    if not value.strip("*"):
        return None
    if len(value) > (MAX_UIDS * 65 if kind == "uid" else MAX_VALUE) or "\0" in value:
        raise QueryError(f"{keyword}: the value is too long or holds a NUL character")
    if re.sub(r"\*+", "*", value).count("*") > MAX_STARS:
        raise QueryError(f"{keyword}: has more than {MAX_STARS} stars; use fewer")
    if kind == "uid":
        return _match_uids(keyword, column, value)
    if kind in ("date", "time"):
        return _match_range(keyword, kind, column, value)
    if kind == "number":
        return _match_number(keyword, column, value)
    if kind == "modalities":
        return _match_modalities(column, value)
    return match_text(column, name_key(value) if kind == "name" else value)


def match_text(column: Column, value: str) -> Condition:
    """Exact, or with * (any run) and ? (any one character); case counts.

    What stands before the first of these is also a range, which an index serves.
    """
    value = re.sub(r"\*+", "*", value)
    start = re.split(r"[*?]", value, maxsplit=1)[0]
    if start == value:
        return column == value
    glob = value.replace("[", "[[]")
    like = re.sub(r"([%_\\])", r"\\\1", value).replace("*", "%").replace("?", "_")
    condition: Condition = _Matches(column, sa.literal(glob), sa.literal(like))
    if not start:
        return condition
    in_range = sa.and_(column >= start, column < start + _LAST)
    return in_range if value == start + "*" else sa.and_(in_range, condition)


def as_one_group(value: str) -> list[str]:
    """Patterns by which a name matches as one group of several ("a=b=c").

    Args:
        value: pattern of one group, as `name_key` gives it.
    """
    is_open = value.startswith("*"), value.endswith("*")
    forms = [] if is_open[0] else [f"*={value}"]
    if not is_open[1]:
        forms.append(f"{value}=*")
    if not any(is_open):
        forms.append(f"*={value}=*")
    return forms


def _match_uids(keyword: str, column: Column, value: str) -> Condition:
    uids = [uid for uid in re.split(r"[\\,]", value) if uid]
    if len(uids) > MAX_UIDS:
        raise QueryError(f"{keyword}: lists more than {MAX_UIDS} UIDs; ask in parts")
    if not all(_UID.fullmatch(uid) for uid in uids):
        raise QueryError(f"{keyword}: wanted UIDs of digits and points")
    return column == uids[0] if len(uids) == 1 else column.in_(uids)


def _match_range(keyword: str, kind: str, column: Column, value: str) -> Condition:
    """A date or time, or all from one to another (PS3.4 C.2.2.2.5).

    A time that stops at the minute stands for every second of it; values that are
    not known match no range.
    """
    form, wanted = (_DATE, "YYYYMMDD") if kind == "date" else (_TIME, "HHMMSS")
    first, dash, last = value.partition("-")
    if not dash:
        last = first
    parts = [part for part in (first, last) if part]
    if not parts or not all(form.fullmatch(part) for part in parts):
        raise QueryError(f"{keyword}: wanted {wanted}, or two of them joined by '-'")
    conditions: list[Condition] = [column >= first if first else column != ""]
    if last:
        # ":" sorts behind every digit and the point
        conditions.append(column <= last if kind == "date" else column < last + ":")
    return sa.and_(*conditions)


def _match_number(keyword: str, column: Column, value: str) -> Condition:
    if not re.fullmatch(r"[+-]?[0-9]{1,9}", value.strip()):
        raise QueryError(f"{keyword}: wanted a whole number")
    return column == int(value)


def _match_modalities(column: Column, value: str) -> Condition:
    """Studies that hold one of the modalities named."""
    names = [name for name in re.split(r"[\\,]", value) if name][:32]
    return sa.or_(*(match_text(column, f"*\\{name}\\*") for name in names))
