"""A process of the service ends soon: at once while it loads, after its work else."""

from __future__ import annotations

import atexit
import multiprocessing
import threading
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

from medlens.serve.run import child
from medlens.serve.settings import ServeSettings

LONG_S, SOON_S = 60.0, 10.0


def load(role: str, settings: ServeSettings, *_: object) -> None:
    """Something that takes long to load."""
    (settings.data / role).touch()
    time.sleep(LONG_S)


def work(role: str, settings: ServeSettings, _: None, end: child.End) -> None:
    """Work that is finished when the end comes, and modules that are slow to go."""
    atexit.register(time.sleep, LONG_S)
    threading.Thread(target=time.sleep, args=(LONG_S,)).start()
    end.begin()
    (settings.data / role).touch()
    end.stop.wait(LONG_S)
    (settings.data / "finished").touch()


def break_down(*_: object) -> None:
    raise RuntimeError("broken")


def main(role: str, settings: ServeSettings, lifeline: Connection) -> None:
    works: dict[str, Any] = {"load": load, "work": work, "break": break_down}
    child._work_of = works.__getitem__
    child.start_child(role, settings, None, lifeline)


class Started:
    """A process below this one."""

    def __init__(self, role: str, folder: Path) -> None:
        context = multiprocessing.get_context("spawn")
        theirs, self.lifeline = context.Pipe(duplex=False)
        self.process = context.Process(
            target=main, args=(role, ServeSettings(data=folder), theirs)
        )
        self.process.start()
        theirs.close()
        until = time.monotonic() + LONG_S
        while role != "break" and not (folder / role).exists():
            assert time.monotonic() < until
            time.sleep(0.05)


@pytest.fixture
def started(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Started]:
    one = Started(request.param, tmp_path)
    yield one
    one.process.kill()
    one.process.join(SOON_S)
    one.lifeline.close()


@pytest.mark.parametrize("started", ["load", "work"], indirect=True)
def test_sigterm_ends_it_soon(started: Started, tmp_path: Path) -> None:
    started.process.terminate()
    started.process.join(SOON_S)
    assert started.process.exitcode == 0
    assert (tmp_path / "finished").exists() is (tmp_path / "work").exists()


@pytest.mark.parametrize("started", ["load", "work"], indirect=True)
def test_so_does_the_end_of_the_first_process(started: Started, tmp_path: Path) -> None:
    started.lifeline.close()
    started.process.join(SOON_S)
    assert started.process.exitcode == 0
    assert (tmp_path / "finished").exists() is (tmp_path / "work").exists()


@pytest.mark.parametrize("started", ["break"], indirect=True)
def test_a_failure_is_no_end(started: Started) -> None:
    started.process.join(LONG_S)
    assert started.process.exitcode == 1
