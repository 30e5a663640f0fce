"""kill -9 of workers and of the receiving process, under load: what is lost or doubled.

python -m benchmarks.kill [--kills 50] [--seed 0] [--database sqlite|postgresql|both]

One process takes studies in and writes down what it acknowledged, two workers answer
them. At random moments one of the three is killed with SIGKILL and started again.
Afterwards every acknowledged image must be there, byte by byte, every study must have
one result for its images, and index and files must agree.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import multiprocessing
import os
import random
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from benchmarks.machine import RESULTS, keep
from medlens.serve.settings import Limits, ServeSettings
from medlens.serve.store.store import Store, open_store

QUIET_S, LEASE_S = 0.5, 3.0
ATTEMPTS = 25  # a job may be hit many times here; parking has tests of its own
SETTLE_S = 600.0
PRELOADED = [
    "medlens.serve.work.worker",
    "medlens.serve.work.warm",
    "medlens.serve.work.objects",
    "medlens.serve.receive.intake",
    "highdicom",
    "onnxruntime",
    "tests.serve.work.studies",
]


def receive(settings: ServeSettings, number: int, acknowledged: Path) -> None:
    """Take studies in until killed; one line for each image after its receipt."""
    from tests.serve.work.studies import of_study, with_level
    from tests.write.dicom_sources import file_bytes, radiograph

    from medlens.serve.receive.intake import Intake

    store = open_store(settings.data, settings.database, migrate=False)
    intake = Intake(store, settings.limits)
    image = with_level(radiograph(), 0.9)
    study = 1000 * number
    with acknowledged.open("a") as lines:
        while True:
            study += 1
            for instance in range(1, 1 + 1 + study % 2):
                data = file_bytes(of_study(image, study, instance=instance))
                with store.blobs.draft() as draft:
                    draft.write(data)
                    receipt = intake.take(draft, origin="dicom", peer="load")
                if receipt.outcome not in ("stored", "duplicate"):
                    sys.exit(f"not taken: {receipt.reason}")
                digest = hashlib.sha256(data).hexdigest()
                lines.write(f"{receipt.sop_uid} {digest}\n")
                lines.flush()
            time.sleep(0.25)


def work(settings: ServeSettings, name: str) -> None:
    """A worker as the service starts it, until SIGTERM."""
    from medlens.serve.work.worker import run_worker

    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    run_worker(settings, name, stop)


class Group:
    """The three processes; a killed one is started again."""

    def __init__(self, settings: ServeSettings, acknowledged: Path) -> None:
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(PRELOADED)
        self._settings, self._acknowledged = settings, acknowledged
        self._starts = 0
        self.processes: dict[str, BaseProcess] = {}

    def start(self, role: str) -> None:
        self._starts += 1
        target, more = (
            (receive, (self._starts, self._acknowledged))
            if role == "receive"
            else (work, (role,))
        )
        process = self._context.Process(target=target, args=(self._settings, *more))
        process.start()
        self.processes[role] = process

    def kill(self, role: str) -> None:
        """SIGKILL: no handler runs, nothing is flushed."""
        process = self.processes[role]
        if process.pid is not None:
            os.kill(process.pid, signal.SIGKILL)
        process.join(30)

    def stop(self, role: str) -> None:
        process = self.processes[role]
        process.terminate()
        process.join(30)
        if process.is_alive():
            process.kill()
            process.join(5)


def attack(group: Group, *, kills: int, seed: int, longest_s: float) -> Counter[str]:
    """Kill at random moments; how often each was hit."""
    draw = random.Random(seed)
    roles = ("work-1", "work-2", "receive")
    for role in roles:
        group.start(role)
    hit: Counter[str] = Counter()
    for _ in range(kills):
        time.sleep(draw.uniform(0.05, longest_s))
        role = draw.choices(roles, (2, 2, 1))[0]
        group.kill(role)
        hit[role] += 1
        group.start(role)
    time.sleep(2.0)
    group.kill("receive")
    hit["receive"] += 1
    return hit


def settle(store: Store) -> float:
    """Seconds until nothing is left to do.

    Raises:
        SystemExit: it takes longer than ten minutes.
    """
    from medlens.serve.store.tables import jobs, studies

    started = time.monotonic()
    while time.monotonic() - started < SETTLE_S:
        with store.read() as connection:
            moving = connection.execute(
                sa.select(sa.func.count())
                .select_from(studies)
                .where(studies.c.state.in_(("receiving", "ready", "running")))
            ).scalar_one()
            open_jobs = connection.execute(
                sa.select(sa.func.count())
                .select_from(jobs)
                .where(jobs.c.state.in_(("waiting", "leased")))
            ).scalar_one()
        if not moving and not open_jobs:
            return time.monotonic() - started
        time.sleep(0.3)
    sys.exit(f"{moving} studies and {open_jobs} jobs are not done after {SETTLE_S} s")


def judge(store: Store, acknowledged: Path) -> dict[str, Any]:
    """What is lost, doubled, or at odds."""
    from medlens.serve.store.doctor import check_store
    from medlens.serve.store.tables import (
        instances,
        jobs,
        result_objects,
        results,
        scores,
        studies,
    )
    from medlens.serve.work.ready import inputs_digest

    promised = dict(line.split() for line in acknowledged.read_text().splitlines())
    with store.read() as connection:
        rows = connection.execute(sa.select(instances)).all()
        made = connection.execute(sa.select(results)).all()
        objects = connection.execute(sa.select(result_objects)).all()
        work_left = connection.execute(
            sa.select(jobs.c.state, sa.func.count()).group_by(jobs.c.state)
        ).all()
        states = Counter(connection.execute(sa.select(studies.c.state)).scalars())
        now = {
            number: inputs_digest(connection, number)
            for number in connection.execute(sa.select(studies.c.id)).scalars()
        }
        scored = Counter(connection.execute(sa.select(scores.c.result_id)).scalars())
    held = {row.sop_uid: row.digest for row in rows if row.origin != "own"}
    answered = Counter((row.study_id, row.inputs_digest) for row in made)
    own = {row.sop_uid for row in rows if row.origin == "own"}
    named = {row.sop_uid for row in objects if row.sop_uid}
    kinds = Counter((row.result_id, row.kind, row.assessment) for row in objects)
    digests = {row.digest for row in (*rows, *objects)}
    files = {
        path.name: path for path in store.blobs.folder.rglob("*") if path.is_file()
    }
    return {
        "acknowledged": len(promised),
        "studies": len(now),
        "states": dict(states),
        "jobs": {row.state: row[1] for row in work_left},
        "results": len(made),
        "lost_images": sum(held.get(uid) != d for uid, d in promised.items()),
        "unanswered": sum(answered[key] == 0 for key in now.items()),
        "doubled": sum(count > 1 for count in (*answered.values(), *kinds.values())),
        "without_scores": sum(scored[row.id] == 0 for row in made),
        "own_images_at_odds": len(own ^ named),
        "rows_without_file": sum(digest not in files for digest in digests),
        "damaged_files": sum(
            hashlib.sha256(path.read_bytes()).hexdigest() != name
            for name, path in files.items()
        ),
        "files_without_row": len(files.keys() - digests),
        "doctor": [
            f"{found.name}: {found.detail}"
            for found in check_store(store, deep=True)
            if found.count and found.is_serious
        ],
    }


BAD = (
    "lost_images", "unanswered", "doubled", "without_scores", "own_images_at_odds",
    "rows_without_file", "damaged_files", "doctor",
)  # fmt: skip


def run(
    folder: Path, database: str, *, kills: int, seed: int, longest_s: float = 3.0
) -> dict[str, Any]:
    """One whole attack on a fresh service; the figures of `judge`, and how it went.

    Args:
        folder: empty.
        database: URL, "" for SQLite in the folder.
        kills: how many.
        seed: of moments and victims.
        longest_s: between two of them.
    """
    from tests.serve.work.studies import put_bundle

    settings = ServeSettings(
        data=folder / "service",
        database=database,
        bundles=(put_bundle(folder / "bundle"),),
        workers=2,
        quiet_s=QUIET_S,
        lease_s=LEASE_S,
        attempts=ATTEMPTS,
        limits=Limits(free_mb=1),
    )
    store = open_store(settings.data, database)
    acknowledged = folder / "acknowledged.txt"
    acknowledged.touch()
    group = Group(settings, acknowledged)
    started = time.monotonic()
    try:
        hit = attack(group, kills=kills, seed=seed, longest_s=longest_s)
        settled_s = settle(store)
    finally:
        for role in group.processes:
            group.stop(role)
    figures = judge(store, acknowledged)
    store.close()
    return {
        "kills": dict(hit),
        "seconds": round(time.monotonic() - started, 1),
        "settled_s": round(settled_s, 1),
        **figures,
    }


@contextmanager
def database_of(kind: str) -> Iterator[str]:
    """URL of a fresh database of a kind."""
    if kind == "sqlite":
        yield ""
        return
    from tests.serve import postgres

    if reason := postgres.why_not():
        sys.exit(reason)
    cluster = postgres.start()
    try:
        yield cluster.create()
    finally:
        postgres.stop(cluster)


def earlier() -> dict[str, Any]:
    """Figures of the databases of the last run, so that each may be run alone."""
    path = RESULTS / "kill.json"
    known = json.loads(path.read_text("utf-8")) if path.exists() else {}
    return {kind: known[kind] for kind in ("sqlite", "postgresql") if kind in known}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--database", choices=("sqlite", "postgresql", "both"), default="both"
    )
    given = parser.parse_args()
    kinds = ("sqlite", "postgresql") if given.database == "both" else (given.database,)
    figures: dict[str, dict[str, Any]] = {}
    for kind in kinds:
        with (
            tempfile.TemporaryDirectory() as folder,
            database_of(kind) as url,
        ):
            figures[kind] = run(Path(folder), url, kills=given.kills, seed=given.seed)
        print(f"{kind}:")
        for name, value in figures[kind].items():
            print(f"  {name:<20} {value}")
    print(f"kept in {keep('kill', {**earlier(), **figures})}")
    if any(found[name] for found in figures.values() for name in BAD):
        sys.exit("something was lost, doubled or at odds")


if __name__ == "__main__":
    main()
