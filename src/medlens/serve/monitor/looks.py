"""When the answers of a bundle are looked at for drift, and what a look says.

A month's answers are looked at four times: on days 8, 15 and 22, and when the month is
over; each time at all answers of the month so far. The stated rate of false alarms is
spent in parts, so that looking early costs nothing of the promise: 0.1 % at each of
the early looks, 0.7 % at the last; and half of each for either family of features.
By Bonferroni's inequality a month without any change gives an alarm with a chance of
at most 1 %.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from medlens.metrics.intervals import wilson
from medlens.serve.monitor.drift import Shift, compare_samples
from medlens.serve.monitor.samples import (
    Answer,
    families,
    one_per_patient,
    read_answers,
)
from medlens.serve.store.store import Store
from medlens.serve.store.tables import baselines, looks, scores

log = logging.getLogger("medlens.monitor")

FALSE_ALARMS = 0.01  # a month, for each bundle and site
LEVELS = (0.001, 0.001, 0.001, 0.007)
REFERENCE = 200  # patients
LEAST = 20  # patients of a month
BACK_MONTHS = 12
_DAYS = (8, 15, 22)
_MOST_SHOWN = 8


@dataclass(frozen=True)
class Due:
    """A look whose time has come.

    Attributes:
        bundle: digest.
        site: as the studies name it.
        month: "2026-11".
        number: 1 to 4.
        start, end: of the answers that it looks at.
    """

    bundle: str
    site: str
    month: str
    number: int
    start: float
    end: float


def take_looks(store: Store, *, now: float) -> int:
    """Take every look that is due, once; how many gave an alarm.

    Args:
        store: files and index.
        now: seconds since 1970.
    """
    with store.read() as connection:
        due = find_due(connection, now=now)
    alarms = 0
    for look in due:
        with store.read() as connection:
            reference, answers = read_samples(connection, look)
        state, report = judge(look, reference, answers)
        with store.begin() as connection:
            is_new = _keep(connection, look, state, report, now)
        if is_new and state == "drift":
            alarms += 1
            log.warning(
                "drift",
                extra={"bundle": look.bundle[:12], "month": look.month,
                       "look": look.number},
            )  # fmt: skip
    return alarms


def find_due(connection: sa.Connection, *, now: float) -> list[Due]:
    """Looks that were not taken yet.

    Of the running month it is the newest one that is due; of earlier months the last
    one alone: looks that were missed are not made up for.
    """
    months = _months_back(now)
    query = (
        sa.select(scores.c.bundle_digest, scores.c.site, scores.c.month)
        .where(scores.c.role == "active", scores.c.month.in_(months))
        .distinct()
        .order_by(scores.c.month, scores.c.bundle_digest, scores.c.site)
    )
    taken = {
        (row.bundle_digest, row.site, row.month, row.number)
        for row in connection.execute(
            sa.select(
                looks.c.bundle_digest, looks.c.site, looks.c.month, looks.c.number
            ).where(looks.c.month.in_(months))
        )
    }
    found = []
    for bundle, site, month in connection.execute(query).all():
        start = month_start(month)
        passed = [(number, end) for number, end in _ends(month) if end <= now]
        if passed and (bundle, site, month, passed[-1][0]) not in taken:
            found.append(Due(bundle, site, month, passed[-1][0], start, passed[-1][1]))
    return found


def read_samples(
    connection: sa.Connection, look: Due
) -> tuple[list[Answer], list[Answer]]:
    """The reference and the answers of a look, one of each patient.

    The reference is the first `REFERENCE` patients since the baseline; the answers
    of a look come after it.
    """
    starts_at = connection.execute(
        sa.select(sa.func.max(baselines.c.starts_at)).where(
            baselines.c.bundle_digest == look.bundle,
            baselines.c.site == look.site,
            baselines.c.starts_at < look.end,
        )
    ).scalar()
    since = float(starts_at or 0.0)
    reference: list[Answer] = []
    size = 2 * REFERENCE
    while len(reference) < REFERENCE:
        found = read_answers(
            connection, look.bundle, look.site,
            since=since, before=look.end, limit=size,
        )  # fmt: skip
        reference = one_per_patient(found)[:REFERENCE]
        if len(found) < size:
            break
        size *= 2
    if len(reference) < REFERENCE:
        return reference, []
    after = max(look.start, reference[-1].at)
    answers = read_answers(
        connection, look.bundle, look.site, since=after, before=look.end
    )
    return reference, one_per_patient(a for a in answers if a.at > reference[-1].at)


def judge(
    look: Due, reference: Sequence[Answer], answers: Sequence[Answer]
) -> tuple[str, dict[str, Any]]:
    """State and report of a look: "learning", "few", "steady" or "drift"."""
    report: dict[str, Any] = {
        "reference": len(reference),
        "answers": len(answers),
        "level": LEVELS[look.number - 1],
    }
    if len(reference) < REFERENCE:
        return "learning", report | {"wanted": REFERENCE}
    if len(answers) < LEAST:
        return "few", report | {"wanted": LEAST}
    level = LEVELS[look.number - 1] / 2
    is_drift = False
    for family, (before, now) in families(reference, answers).items():
        if before:
            shift = compare_samples(before, now, seed=_seed(look, family))
            is_drift |= shift.p_value <= level
            report[family] = _told(shift)
    report["outside"] = share_of([answer.is_outside for answer in answers])
    report["positive"] = share_of([answer.is_positive for answer in answers])
    return ("drift" if is_drift else "steady"), report


def share_of(hits: Sequence[bool]) -> dict[str, Any]:
    """A share with its 95 % interval (Wilson)."""
    total, count = len(hits), sum(hits)
    if not total:
        return {"n": 0, "value": None, "low": None, "high": None}
    low, high = wilson(count, total)
    return {
        "n": total,
        "value": round(count / total, 4),
        "low": round(low, 4),
        "high": round(high, 4),
    }


def month_start(month: str) -> float:
    """First moment of a month, UTC."""
    return datetime.strptime(month, "%Y-%m").replace(tzinfo=UTC).timestamp()


def _keep(
    connection: sa.Connection, look: Due, state: str, report: dict[str, Any], now: float
) -> bool:
    """Write a look; False where another process was quicker."""
    kind = sqlite if connection.dialect.name == "sqlite" else postgresql
    done = connection.execute(
        kind.insert(looks)
        .values(
            bundle_digest=look.bundle,
            site=look.site,
            month=look.month,
            number=look.number,
            state=state,
            is_alarm=state == "drift",
            report=report,
            at=now,
        )
        .on_conflict_do_nothing(
            index_elements=["bundle_digest", "site", "month", "number"]
        )
        .returning(looks.c.id)
    )
    return done.scalar_one_or_none() is not None


def _ends(month: str) -> Iterator[tuple[int, float]]:
    """Number and moment of each look at a month."""
    start = datetime.strptime(month, "%Y-%m").replace(tzinfo=UTC)
    for number, day in enumerate(_DAYS, start=1):
        yield number, start.replace(day=day).timestamp()
    is_last = start.month == 12
    after = start.replace(
        year=start.year + is_last, month=1 if is_last else start.month + 1
    )
    yield len(LEVELS), after.timestamp()


def _months_back(now: float) -> list[str]:
    year, month = time.gmtime(now)[:2]
    count = year * 12 + month - 1
    return [
        f"{each // 12:04d}-{each % 12 + 1:02d}"
        for each in range(count - BACK_MONTHS, count + 1)
    ]


def _seed(look: Due, family: str) -> int:
    """The same look gives the same exchanges, whoever takes it."""
    text = f"{look.bundle}\n{look.site}\n{look.month}\n{look.number}\n{family}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def _told(shift: Shift) -> dict[str, Any]:
    return {
        "p_value": round(shift.p_value, 5),
        "features": [
            {
                name: round(value, 5) if isinstance(value, float) else value
                for name, value in asdict(moved).items()
            }
            for moved in shift.features[:_MOST_SHOWN]
        ],
    }
