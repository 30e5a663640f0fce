"""How long searches take over 1,000,000 instances in 100,000 studies.

Both databases are filled with the same made-up index, then asked the same queries.

    python benchmarks/search.py [--studies 100000] [--rounds 40] [--only sqlite]

PostgreSQL is started privately where its server is installed (Debian's packages).
"""

from __future__ import annotations

import argparse
import io
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import sqlalchemy as sa

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.serve import postgres

from medlens.serve.store.search import (
    search_instances,
    search_series,
    search_studies,
)
from medlens.serve.store.store import Store, open_store
from medlens.serve.store.tables import instances, series, studies

SERIES, SLICES = 2, 5  # of a study, of a series
BAR_MS = 50.0
Fill = Callable[[Store], None]
_FAMILIES = "smith jones garcia müller wang li tanaka novak silva kim okafor ivanov"
_SYLLABLES = "an be chi do el fa gu ha in jo ka lo mi na or pa ri su ta vi"
_MODALITIES = (("CT", 35), ("CR", 25), ("MR", 20), ("US", 12), ("DX", 7), ("XA", 1))
_CT = "1.2.840.10008.5.1.4.1.1.2"


def make_studies(count: int, seed: int) -> Iterator[dict[str, Any]]:
    """Rows of `studies`: names with a long tail, twenty years of dates."""
    draw = random.Random(seed)
    names, weights = zip(*_MODALITIES, strict=True)
    modalities = draw.choices(names, weights, k=count)
    for index in range(count):
        family = draw.choice(_FAMILIES.split()) + "".join(
            draw.choices(_SYLLABLES.split(), k=2)
        )
        name = f"{family}^{''.join(draw.choices(_SYLLABLES.split(), k=3))}"
        if index % 10 == 0:
            name += "=王^小东"
        year, month, day = (
            draw.randint(2006, 2025),
            draw.randint(1, 12),
            draw.randint(1, 28),
        )
        yield {
            "id": index + 1,
            "study_uid": f"1.2.826.0.1.{index}.1",
            "patient_id": f"PID{draw.randrange(count // 2):07d}",
            "patient_name": name.upper(),
            "name_key": name,
            "study_date": f"{year}{month:02d}{day:02d}",
            "study_time": f"{draw.randint(0, 23):02d}{draw.randint(0, 59):02d}00",
            "accession_number": f"ACC{index:08d}",
            "description": draw.choice(("Chest", "Head", "Abdomen", "Knee")),
            "modalities": f"\\{modalities[index]}\\",
            "series_count": SERIES,
            "instance_count": SERIES * SLICES,
            "bytes": SERIES * SLICES * 524_288,
            "received_at": 1.7e9 + index,
            "last_at": 1.7e9 + index,
            "state": "answered",
            "urgency": draw.random(),
        }


def make_series(rows: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Rows of `series`, two for a study."""
    for row in rows:
        for number in range(SERIES):
            yield {
                "id": (row["id"] - 1) * SERIES + number + 1,
                "study_id": row["id"],
                "series_uid": f"{row['study_uid']}.{number}",
                "modality": row["modalities"].strip("\\"),
                "number": number,
                "description": "axial",
                "body_part": "CHEST",
                "instance_count": SLICES,
                "is_own": False,
            }


def make_instances(rows: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Rows of `instances`, five for a series."""
    for row in rows:
        for number in range(SLICES):
            key = (row["id"] - 1) * SLICES + number + 1
            yield {
                "id": key,
                "series_id": row["id"],
                "study_id": row["study_id"],
                "sop_uid": f"{row['series_uid']}.{number}",
                "sop_class": _CT,
                "transfer_syntax": "1.2.840.10008.1.2.1",
                "number": number,
                "rows": 512,
                "columns": 512,
                "digest": f"{key:064x}",
                "bytes": 524_288,
                "received_at": 1.7e9,
                "origin": "dicom",
            }


def fill(store: Store, count: int) -> None:
    """Put the made-up index into an empty store; on SQLite let it look at it."""
    study_rows = list(make_studies(count, seed=0))
    series_rows = list(make_series(study_rows))
    insert(store, studies, study_rows)
    insert(store, series, series_rows)
    for start in range(0, len(series_rows), 20_000):
        insert(
            store, instances, list(make_instances(series_rows[start : start + 20_000]))
        )
    if store.is_sqlite:
        with store.begin() as connection:
            connection.exec_driver_sql("ANALYZE")


def insert(store: Store, table: sa.Table, rows: list[dict[str, Any]]) -> None:
    """Many rows at once, in the way that each database likes best."""
    names = list(rows[0])
    if store.is_sqlite:
        with store.begin() as connection:
            connection.execute(sa.insert(table), rows)
        return
    text = io.StringIO()
    for row in rows:
        values = (str(row[name]).replace("\\", "\\\\") for name in names)
        text.write("\t".join(values) + "\n")
    text.seek(0)
    with store.begin() as connection:
        cursor = connection.connection.cursor()
        columns = ", ".join(f'"{name}"' for name in names)
        cursor.execute(f"COPY {table.name} ({columns}) FROM STDIN", stream=text)


def queries(count: int, rounds: int) -> dict[str, list[Callable[[sa.Connection], Any]]]:
    """Kinds of query, each with other values every round."""
    draw = random.Random(1)
    kinds: dict[str, list[Callable[[sa.Connection], Any]]] = {}

    def add(
        kind: str, query: dict[str, str], search: Any = search_studies, **page: int
    ) -> None:
        kinds.setdefault(kind, []).append(lambda c: search(c, query, **page))

    def day() -> str:
        year, month = draw.randint(2006, 2025), draw.randint(1, 12)
        return f"{year}{month:02d}{draw.randint(1, 28):02d}"

    for _ in range(rounds):
        family = draw.choice(_FAMILIES.split())
        syllable, other = draw.choices(_SYLLABLES.split(), k=2)
        index = draw.randrange(count)
        uid = f"1.2.826.0.1.{index}.1"
        month = f"{draw.randint(2006, 2025)}{draw.randint(1, 12):02d}"
        modality = draw.choice(_MODALITIES)[0]
        add("patient id", {"PatientID": f"PID{draw.randrange(count // 2):07d}"})
        add(
            "patient id, prefix",
            {"PatientID": f"PID{draw.randrange(count // 200):05d}*"},
        )
        add("name, prefix", {"PatientName": f"{family}{syllable}*"})
        add("name, first letter", {"PatientName": f"{family[0]}*"})
        add("name, other group", {"PatientName": "王*"}, limit=25, offset=index // 20)
        add(
            "name, infix",
            {"PatientName": f"*{syllable}^{other}*"},
        )
        add("name, infix, none", {"PatientName": f"*zz{syllable}*"})
        add("one day", {"StudyDate": day()})
        add("one month", {"StudyDate": f"{month}01-{month}31"})
        add("accession number", {"AccessionNumber": f"ACC{index:08d}"})
        add("modality", {"ModalitiesInStudy": modality})
        add("modality, none", {"ModalitiesInStudy": "PT"})
        add("one day and modality", {"StudyDate": day(), "ModalitiesInStudy": modality})
        add("one year and modality and name",
            {"StudyDate": f"{month[:4]}0101-{month[:4]}1231",
             "ModalitiesInStudy": modality, "PatientName": f"{family}*"})  # fmt: skip
        add("recent page", {})
        add("deep page", {}, offset=int(count * draw.uniform(0.5, 0.95)))
        add("description, infix", {"StudyDescription": "*nee*"})
        add("series of a study", {"StudyInstanceUID": uid}, search_series)
        one = {"StudyInstanceUID": uid, "SeriesInstanceUID": f"{uid}.1"}
        add("instances of a series", one, search_instances)
        add("one instance", {"SOPInstanceUID": f"{uid}.0.3"}, search_instances)
        patient = {"PatientID": f"PID{draw.randrange(count // 2):07d}"}
        add("instances of a patient", patient, search_instances)
    return kinds


def measure(store: Store, count: int, rounds: int) -> dict[str, dict[str, float]]:
    """p50 and p95 in milliseconds for each kind, the kinds taking turns."""
    kinds = queries(count, rounds)
    found: dict[str, list[tuple[float, float]]] = {kind: [] for kind in kinds}
    for index in range(rounds):
        for kind, calls in kinds.items():
            started = time.perf_counter(), time.thread_time()
            with store.read() as connection:
                calls[index](connection)
            ended = time.perf_counter(), time.thread_time()
            found[kind].append((ended[0] - started[0], ended[1] - started[1]))
    return {kind: summary(times) for kind, times in found.items()} | {
        "all": summary([each for times in found.values() for each in times])
    }


def summary(times: list[tuple[float, float]]) -> dict[str, float]:
    """Median and 95th percentile on the clock; 95th of the processor time here.

    SQLite works in this thread, so its processor time is the whole cost, on a busy
    machine too; PostgreSQL's server works elsewhere.
    """

    def at(which: int, share: float) -> float:
        ordered = sorted(1e3 * each[which] for each in times)
        return round(ordered[min(int(share * len(ordered)), len(ordered) - 1)], 2)

    return {"p50_ms": at(0, 0.5), "p95_ms": at(0, 0.95), "cpu_p95_ms": at(1, 0.95)}


def show(figures: dict[str, dict[str, float]]) -> None:
    """Print a line for each kind of query, and which is the slowest."""
    for kind, figure in figures.items():
        mark = "" if figure["p95_ms"] <= BAR_MS else "   above the bar"
        p50, p95 = figure["p50_ms"], figure["p95_ms"]
        here = f"(processor {figure['cpu_p95_ms']:.1f})"
        print(f"  {kind:<36} p50 {p50:7.2f} ms   p95 {p95:7.2f} ms {here}{mark}")
    slowest = max(figures, key=lambda kind: figures[kind]["p95_ms"])
    print(f"  slowest: {slowest}, p95 {figures[slowest]['p95_ms']} ms")


def on_both(
    only: str | None, work: Callable[[Store], dict[str, Any]], *, fill: Fill
) -> dict[str, Any]:
    """Fill a store on SQLite and one on PostgreSQL, and measure; what each gave.

    Args:
        only: "sqlite" or "postgresql", None for both.
        work: measures a filled store.
        fill: fills an empty one.
    """
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        if only != "postgresql":
            print("SQLite", flush=True)
            store = open_store(folder / "sqlite")
            fill(store)
            found["sqlite"] = work(store)
            show(found["sqlite"])
            store.close()
        if only != "sqlite" and not postgres.why_not():
            print("PostgreSQL", flush=True)
            cluster = postgres.start()
            try:
                url = cluster.create()
                store = open_store(folder / "files", url)
                fill(store)
                cluster.sql("VACUUM ANALYZE", database=url.rsplit("/", 1)[1])
                found["postgresql"] = work(store)
                show(found["postgresql"])
                store.close()
            finally:
                postgres.stop(cluster)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--only", choices=("sqlite", "postgresql"))
    parser.add_argument(
        "--out", type=Path, default=Path("benchmarks/results/search.json")
    )
    arguments = parser.parse_args()
    count, rounds = arguments.studies, arguments.rounds
    results: dict[str, Any] = {
        "studies": count,
        "instances": count * SERIES * SLICES,
        "rounds": rounds,
        "load": os.getloadavg()[0],
    }
    results |= on_both(
        arguments.only,
        lambda store: measure(store, count, rounds),
        fill=lambda store: fill(store, count),
    )
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
