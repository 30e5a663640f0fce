"""How long pages of the worklist take over 100,000 studies with their headlines.

Every order and filter that the page offers, the first page and one deep in the list,
and the counts of its chips, on both databases; the bar is a 95th percentile of 50 ms.

    python -m benchmarks.worklist [--studies 100000] [--rounds 40] [--only sqlite]

PostgreSQL is started privately where its server is installed (Debian's packages).
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Callable, Iterator
from typing import Any

import sqlalchemy as sa

from benchmarks.machine import keep
from benchmarks.search import insert, make_studies, on_both, summary
from medlens.serve.store.moments import moment_of_study
from medlens.serve.store.store import Store
from medlens.serve.store.tables import results, studies
from medlens.serve.web.api.paging import pack_cursor
from medlens.serve.web.api.study_models import StudyQuery
from medlens.serve.web.api.worklist import find_page, newest_results
from medlens.serve.web.counts import count_studies
from medlens.serve.web.study_changes import StudyChanges

START = 1.7e9  # seconds since 1970 of the oldest study; one each second
STATES = (("answered", 940), ("refused", 40), ("failed", 15), ("receiving", 4),
          ("running", 1))  # fmt: skip
READINGS = (("unread", 30), ("begun", 1), ("signed", 69))
FINDINGS = ("pneumothorax", "nodule", "pleural effusion", "cardiomegaly")
Call = Callable[[sa.Connection], Any]


def make_lines(count: int) -> Iterator[dict[str, Any]]:
    """Rows of `studies` as the worklist of a busy hospital has them."""
    draw = random.Random(2)
    states = draw.choices(*zip(*STATES, strict=True), k=count)
    readings = draw.choices(*zip(*READINGS, strict=True), k=count)
    for at, row in enumerate(make_studies(count, seed=0)):
        probability = round(draw.random(), 6)
        weight = draw.choice((1.0, 2.0, 8.0))
        tier = draw.choices((30, 20, 10, 0), (20, 10, 5, 65))[0]
        urgency = tier + probability * weight if tier in (30, 20) else tier
        why = {
            "label": draw.choice(FINDINGS), "name_en": "x" * 12, "name_zh": "气胸",
            "probability": probability, "weight": weight,
            "urgency": probability * weight,
        }  # fmt: skip
        advice = {30: "refer", 20: "outside", 10: "not_assessable"}.get(
            int(tier), "nothing_found"
        )
        headline = {
            "advice": advice,
            "why": [why] if tier == 30 else [],
            "assessments": 1,
        }
        yield row | {
            "state": states[at],
            "reading": readings[at],
            "urgency": urgency,
            "headline": headline,
            "advice": advice,
            "began_at": moment_of_study(
                row["study_date"], row["study_time"], otherwise=row["last_at"]
            ),
            "changed_at": row["last_at"],
        }


def make_results(count: int) -> Iterator[dict[str, Any]]:
    """One result for each study, small: pages look at its number alone."""
    for number in range(1, count + 1):
        yield {
            "id": number, "key": f"r{number}", "study_id": number, "role": "active",
            "inputs_digest": "0" * 64, "diagnosis": {}, "created_at": START + number,
        }  # fmt: skip


def fill(store: Store, count: int) -> None:
    """Put the made-up worklist into an empty store."""
    put(store, studies, list(make_lines(count)))
    put(store, results, list(make_results(count)))
    if store.is_sqlite:
        with store.begin() as connection:
            connection.exec_driver_sql("ANALYZE")


def put(store: Store, table: sa.Table, rows: list[dict[str, Any]]) -> None:
    """Many rows at once; what is no text or number as JSON where COPY wants it."""
    if not store.is_sqlite:
        rows = [
            {k: json.dumps(v) if isinstance(v, dict) else v for k, v in row.items()}
            for row in rows
        ]
    for start in range(0, len(rows), 20_000):
        insert(store, table, rows[start : start + 20_000])


def filters(count: int, draw: random.Random) -> dict[str, dict[str, Any]]:
    """What the page can be asked for; other values every round."""
    year, month = draw.randint(2006, 2025), draw.randint(1, 12)
    index = draw.randrange(count)
    day = f"{year}-{month:02d}-{draw.randint(1, 28):02d}"
    return {
        "all": {},
        "answered": {"state": ["answered"]},
        "failed": {"state": ["failed"]},
        "running": {"state": ["running"]},
        "at work": {"state": ["receiving", "ready", "running"]},
        "unread": {"reading": ["unread"]},
        "begun": {"reading": ["begun"]},
        "unread or begun": {"reading": ["unread", "begun"]},
        "signed": {"reading": ["signed"]},
        "modality": {"modality": "CT"},
        "modality, rare": {"modality": "XA"},
        "modality, none": {"modality": "PT"},
        "one day": {"date_from": day, "date_to": day},
        "one month": {"date_from": f"{day[:8]}01", "date_to": f"{day[:8]}28"},
        "since a year": {"date_from": f"{year}-01-01"},
        "to be seen": {"urgency_from": 30},
        "outside": {"advice": ["outside"]},
        "two advices": {"advice": ["outside", "unsure"]},
        "advice, none": {"advice": ["measured"]},
        "by number": {"id": [1 + (index + n * 37) % count for n in range(100)]},
        "behind a study": {"after": 1 + index, "reading": ["unread"]},
        "text, many": {"text": draw.choice(("smith", "wang", "silva"))},
        "text, few": {"text": f"{draw.choice(('dofa', 'ripa', 'vita'))}^"},
        "text, none": {"text": f"zz{draw.randrange(1000)}"},
        "text, Chinese": {"text": "小东"},
        "text, accession": {"text": f"ACC{index:08d}"},
        "text, patient": {"text": f"PID{draw.randrange(count // 2):07d}"},
        "text, description": {"text": "knee"},
        "unread CT": {"reading": ["unread"], "modality": "CT"},
        "unread to be seen": {"reading": ["unread"], "urgency_from": 30},
        "unread and text": {"reading": ["unread"], "text": f"zz{index}"},
        "answered MR and day": {
            "state": ["answered"], "modality": "MR", "date_from": day, "date_to": day,
        },
    }  # fmt: skip


def calls(count: int, draw: random.Random) -> Iterator[tuple[str, Call]]:
    """Each filter in each order, on the first page and on a deep one."""
    place = START + draw.uniform(0.1, 0.5) * count
    deep = {
        "newest": pack_cursor(draw.uniform(1.2e9, 1.7e9), place, count // 3),
        "urgent": pack_cursor(draw.uniform(0.0, 9.0), place, count // 3),
    }
    for name, wanted in filters(count, draw).items():
        for order, cursor in deep.items():
            yield f"{order}, {name}", page_of(wanted, order, "")
            yield f"{order}, {name}, deep", page_of(wanted, order, cursor)


def page_of(wanted: dict[str, Any], order: str, cursor: str) -> Call:
    """A page as the route reads it."""
    query = StudyQuery.model_validate({**wanted, "order": order, "cursor": cursor})

    def call(connection: sa.Connection) -> None:
        rows, _ = find_page(connection, query)
        newest_results(connection, [row.id for row in rows])

    return call


def measure(store: Store, count: int, rounds: int) -> dict[str, dict[str, float]]:
    """p50 and p95 in milliseconds for each kind, the kinds taking turns."""
    draw = random.Random(1)
    changes = StudyChanges()
    found: dict[str, list[tuple[float, float]]] = {}
    for _ in range(rounds):
        kinds = dict(calls(count, draw))
        kinds["a look for changes"] = changes.look
        for kind, call in kinds.items():
            started = time.perf_counter(), time.thread_time()
            with store.read() as connection:
                call(connection)
            found.setdefault(kind, []).append(_since(started))
        started = time.perf_counter(), time.thread_time()
        count_studies(store)
        found.setdefault("counts", []).append(_since(started))
    return {kind: summary(times) for kind, times in found.items()} | {
        "all kinds": summary([each for times in found.values() for each in times])
    }


def _since(started: tuple[float, float]) -> tuple[float, float]:
    return time.perf_counter() - started[0], time.thread_time() - started[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--only", choices=("sqlite", "postgresql"))
    parser.add_argument("--dry", action="store_true", help="keep no figures")
    given = parser.parse_args()
    count, rounds = given.studies, given.rounds
    figures: dict[str, Any] = {"studies": count, "rounds": rounds}
    figures |= on_both(
        given.only,
        lambda store: measure(store, count, rounds),
        fill=lambda store: fill(store, count),
    )
    if not given.dry:
        print(f"kept in {keep('worklist', figures)}")


if __name__ == "__main__":
    main()
