"""Evaluations: what `medlens evaluate` would say, and nothing left of the set."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from medlens.experiment import Silent, evaluate_bundle
from medlens.serve.settings import Limits, ServeSettings
from medlens.serve.store.backup import back_up, restore
from medlens.serve.store.doctor import check_store
from medlens.serve.store.store import Store
from medlens.serve.store.tables import evaluations, jobs
from medlens.serve.work.answer import Workplace
from medlens.serve.work.control import cancel, revive
from medlens.serve.work.evaluations import (
    FOLDER,
    Asked,
    ask,
    release_sets,
    remove_evaluation,
)
from medlens.serve.work.queue import Job, lease
from medlens.serve.work.worker import do
from tests.serve.work.sets import BRIGHT, DARK, class_folders, pack, picture
from tests.serve.work.studies import models_of, put_bundle

pytest.importorskip("onnx")

TOKEN = "Plantedname"
COLUMNS = ("labels", "label_column", "patient_column")


@pytest.fixture
def place(store: Store, tmp_path: Path) -> Workplace:
    settings = ServeSettings(limits=Limits(free_mb=1))
    models = models_of(store, put_bundle(tmp_path / "bundle"))
    return Workplace(store, settings, None, models)


def put(place: Workplace, data: bytes, **options: str) -> int:
    """An evaluation that waits; its number."""
    store = place.store
    (model,) = place.models.active
    asked = Asked(
        bundle=model.digest,
        title="Second hospital",
        set_digest=store.blobs.put(data),
        set_bytes=len(data),
        options={name: options.get(name, "") for name in COLUMNS},
    )
    with store.begin() as connection:
        number, _ = ask(connection, asked, now=time.time())
    return number


def take(place: Workplace, *, now: float = 0.0) -> Job:
    job = lease(
        place.store, worker="w", kinds=("evaluate",), lease_s=60,
        now=now or time.time(),
    )  # fmt: skip
    assert job is not None
    return job


def look(place: Workplace, number: int) -> Any:
    with place.store.read() as connection:
        return connection.execute(
            sa.select(evaluations, jobs.c.state, jobs.c.error, jobs.c.progress)
            .join(jobs, jobs.c.id == evaluations.c.job_id)
            .where(evaluations.c.id == number)
        ).one()


def evaluated(place: Workplace, data: bytes, **options: str) -> Any:
    number = put(place, data, **options)
    do(place, take(place))
    return look(place, number)


def sets_kept(store: Store) -> list[str]:
    return [path.name for path in store.blobs.folder.glob("*/*")]


def test_it_says_what_the_command_says(place: Workplace, tmp_path: Path) -> None:
    files = class_folders()
    row = evaluated(place, pack(files))
    assert (row.state, row.error, row.failed) == ("done", "", [])
    for name, data in files.items():
        path = tmp_path / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    (model,) = place.models.active
    wanted = evaluate_bundle(
        tmp_path / "bundle", tmp_path / "data", out=tmp_path / "out", narrator=Silent()
    )
    assert row.curves == wanted["curves"]
    ours, theirs = (each["splits"]["all"] for each in (row.metrics, wanted))
    for key in ("metrics", "per_label", "n_cases", "n_patients"):
        assert ours[key] == theirs[key]
    # by hand: 8 of each, two blobs are dark
    assert ours["metrics"]["sensitivity"]["value"] == 0.75
    assert ours["metrics"]["specificity"]["value"] == 1.0
    assert row.curves["parts"][0]["confusion"]["counts"] == [[8, 0], [2, 6]]
    assert model.digest == row.bundle_digest


def test_nothing_of_the_set_stays(place: Workplace) -> None:
    store = place.store
    row = evaluated(place, pack(class_folders(top="wrapped/")))
    assert row.state == "done"
    assert row.set_digest == ""
    assert sets_kept(store) == [row.report_digest]
    assert not (store.folder / FOLDER).exists()
    page = store.blobs.read(row.report_digest).decode()
    assert "<html" in page
    assert "<script" not in page
    assert not [f for f in check_store(store, deep=True) if f.count]


def test_it_comes_back_from_a_backup(place: Workplace, tmp_path: Path) -> None:
    """Also while its set waits: a row that names no file any more names none."""
    done = evaluated(place, pack(class_folders()))
    waits = put(place, pack(class_folders(wrong=1)))
    back_up(place.store, tmp_path / "copy")
    restored = Store(tmp_path / "restored")
    try:
        restore(tmp_path / "copy", restored)
        with restored.read() as connection:
            rows = connection.execute(sa.select(evaluations)).all()
        digests = {row.id: (row.set_digest, row.report_digest) for row in rows}
        assert digests[done.id] == ("", done.report_digest)
        assert digests[waits][0] != ""
        for digest in {done.report_digest, digests[waits][0]}:
            assert restored.blobs.path_of(digest).is_file()
        assert not [f for f in check_store(restored, deep=True) if f.count]
    finally:
        restored.close()


def test_a_table_of_labels_is_found_by_its_name(place: Workplace) -> None:
    files: dict[str, Any] = {
        f"images/i{at}.png": picture(BRIGHT if at % 2 else DARK, at) for at in range(12)
    }
    rows = [f"images/i{at}.png,{'blob' if at % 2 else 'normal'},p{at // 3}"
            for at in range(12)]  # fmt: skip
    files["tables/first.csv"] = "image,truth,person\n" + "\n".join(rows) + "\n"
    files["tables/second.csv"] = "something,else\n1,2\n"
    for labels in ("tables/first.csv", "first.csv"):
        row = evaluated(
            place, pack(files), labels=labels, label_column="truth",
            patient_column="person",
        )  # fmt: skip
        assert (row.state, row.failed) == ("done", [])
        split = row.metrics["splits"]["all"]
        assert (split["n_cases"], split["n_patients"]) == (12, 4)
        assert split["metrics"]["accuracy"]["value"] == 1.0
        assert row.options["failed_count"] == 0


def test_cases_that_cannot_be_read_are_listed(place: Workplace) -> None:
    files = class_folders() | {"blob/torn.png": picture(BRIGHT)[:60]}
    files |= {"__MACOSX/blob/._b1.png": b"note", ".DS_Store": b"note"}
    row = evaluated(place, pack(files))
    assert row.state == "done"
    (failed,) = row.failed
    assert failed["case"] == "blob/torn.png"
    assert row.options["failed_count"] == 1


UNUSABLE = {
    "no labels": (
        {f"a{at}.png": picture(DARK, at) for at in range(4)}, {}, "no labels",
    ),
    "other labels": (
        {n.replace("blob/", "cyst/"): data for n, data in class_folders().items()},
        {}, "cyst",
    ),
    "no such table": (class_folders(), {"labels": "mine.csv"}, "none of that name"),
    "no such column": (
        class_folders() | {"labels.csv": b"image,label\nblob/b1.png,blob\n"},
        {"labels": "labels.csv", "label_column": "truth"}, "truth",
    ),
    "no image": ({"blob/a.png": b"x", "normal/b.png": b"y"}, {}, "could be read"),
}  # fmt: skip


@pytest.mark.parametrize("name", UNUSABLE)
def test_a_set_that_cannot_be_used_is_told_so_to_readers(
    place: Workplace, name: str
) -> None:
    files, options, said = UNUSABLE[name]
    row = evaluated(place, pack(files), **options)
    assert row.state == "parked"  # it would be the same again
    assert row.error == (
        f"evaluation {row.id}: the set cannot be used; readers find the reason at "
        f"/api/v1/evaluations/{row.id}"
    )
    (reason,) = row.failed
    assert reason["case"] == ""
    assert said in reason["reason"], reason["reason"]
    store = place.store
    assert row.set_digest
    assert release_sets(store) == 1
    assert sets_kept(store) == []
    with store.begin() as connection:
        revive(connection, row.job_id, now=time.time())
    do(place, take(place))
    assert "send it again" in look(place, row.id).error


def test_no_name_goes_to_a_log(
    place: Workplace,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    files = {
        name.replace("/", f"/{TOKEN}-"): data for name, data in class_folders().items()
    }
    files[f"blob/{TOKEN}-torn.png"] = picture(BRIGHT)[:60]
    row = evaluated(place, pack(files))
    assert row.state == "done"
    assert TOKEN in row.failed[0]["case"]
    evaluated(place, pack({f"{TOKEN}/x.png": b"none"}))
    told = capfd.readouterr()
    assert TOKEN not in caplog.text + told.out + told.err


def test_one_that_is_cancelled_ends_at_once(place: Workplace) -> None:
    number = put(place, pack(class_folders(each=400)))
    job = take(place)
    thread = threading.Thread(target=do, args=(place, job))
    thread.start()
    wait_for(lambda: children_of(os.getpid()) != [])
    with place.store.begin() as connection:
        cancel(connection, job.id, now=time.time())
    thread.join(20)
    assert not thread.is_alive()
    assert children_of(os.getpid()) == []
    row = look(place, number)
    assert (row.state, row.metrics) == ("cancelled", None)
    assert not (place.store.folder / FOLDER).exists()
    assert release_sets(place.store) == 1
    assert sets_kept(place.store) == []


def test_after_a_kill_it_is_begun_anew(place: Workplace) -> None:
    number = put(place, pack(class_folders()))
    first = take(place)
    left = place.store.folder / FOLDER / f"{first.id}-{first.fence}" / "set"
    left.mkdir(parents=True)
    (left / "x.png").write_bytes(b"left by a worker that was killed")
    assert release_sets(place.store) == 0
    assert left.exists()  # for all that is known it is at work
    second = take(place, now=time.time() + 61)
    assert second.id == first.id
    do(place, second)
    do(place, first)  # the old one, should it still live, writes nothing
    row = look(place, number)
    assert (row.state, row.metrics["splits"]["all"]["n_cases"]) == ("done", 16)
    release_sets(place.store)
    assert not (place.store.folder / FOLDER).exists()


def test_the_process_ends_with_its_worker(tmp_path: Path) -> None:
    """Its line is the only thing that holds it."""
    code = (
        "import multiprocessing, sys, time\n"
        "from medlens.serve.work.evaluation_process import _watch\n"
        "def child(line):\n"
        "    open(sys.argv[1], 'w').write(str(__import__('os').getpid()))\n"
        "    _watch(line)\n"
        "if __name__ == '__main__':\n"
        "    ours, theirs = multiprocessing.Pipe()\n"
        "    made = multiprocessing.get_context('fork').Process(\n"
        "        target=lambda: (ours.close(), child(theirs)))\n"
        "    made.start(); theirs.close(); time.sleep(60)\n"
    )
    note = tmp_path / "pid"
    parent = subprocess.Popen([sys.executable, "-c", code, str(note)])
    wait_for(lambda: note.exists() and note.read_text() != "")
    pid = int(note.read_text())
    parent.kill()
    parent.wait()
    wait_for(lambda: not Path(f"/proc/{pid}/stat").exists() or is_zombie(pid))


def test_no_training_framework_is_loaded(tmp_path: Path) -> None:
    folder = put_bundle(tmp_path / "bundle")
    for name, data in class_folders().items():
        path = tmp_path / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "import medlens.serve.work.evaluations\n"
        "from medlens.experiment import Silent, evaluate_bundle\n"
        f"at = Path({str(tmp_path)!r})\n"
        "evaluate_bundle(at / 'bundle', at / 'data', out=at / 'o', narrator=Silent())\n"
        "print([m for m in ('torch', 'monai') if m in sys.modules])\n"
    )
    assert folder.is_dir()
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_the_same_twice_is_one_until_it_failed(place: Workplace) -> None:
    data = pack(class_folders())
    number = put(place, data)
    assert put(place, data) == number
    other = put(place, data, labels="other.csv")
    assert other != number
    with place.store.begin() as connection:
        cancel(connection, look(place, number).job_id, now=time.time())
    again = put(place, data)
    assert again not in (number, other)
    with place.store.read() as connection:
        left = set(connection.execute(sa.select(evaluations.c.id)).scalars())
    assert left == {again, other}


def test_one_that_is_removed_while_at_work_leaves_nothing(place: Workplace) -> None:
    number = put(place, pack(class_folders()))
    job = take(place)
    with place.store.begin() as connection:
        digests = remove_evaluation(connection, number)
        assert remove_evaluation(connection, number) is None
    assert digests is not None
    assert len(digests) == 1
    do(place, job)
    with place.store.read() as connection:
        assert connection.execute(sa.select(evaluations)).all() == []
        assert connection.execute(sa.select(jobs)).all() == []


def children_of(pid: int) -> list[int]:
    from tests.serve.running import below, is_alive

    return [
        each
        for each in below(pid)
        if is_alive(each)
        and b"spawn_main" in Path(f"/proc/{each}/cmdline").read_bytes()
    ]


def is_zombie(pid: int) -> bool:
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return True
    return text.rsplit(")", 1)[1].split()[0] == "Z"


def wait_for(is_so: Any, seconds: float = 30.0) -> None:
    until = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < until
        time.sleep(0.05)
