"""The first process: it starts again what dies, and nothing outlives it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]


class Running:
    """A first process with stand-ins below it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.serve.run.children", str(folder)],
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        assert self.process.stdout is not None
        self.port = int(self.process.stdout.readline())

    def ask(self) -> int:
        """Process id of what answers at the web side's port."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=20) as peer:
            return int(peer.recv(32))

    def ids(self) -> list[int]:
        return [int(path.suffix[1:]) for path in self.folder.glob("*.*")]


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    one = Running(tmp_path)
    yield one
    if one.process.poll() is None:
        one.process.terminate()
    one.process.communicate(timeout=40)


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    return state != "Z"


def wait_until_gone(pids: list[int], seconds: float) -> None:
    until = time.monotonic() + seconds
    while any(map(is_alive, pids)):
        assert time.monotonic() < until, "a process outlived the service"
        time.sleep(0.1)


def test_a_killed_process_is_started_again_and_no_connection_is_refused(
    running: Running,
) -> None:
    first = running.ask()
    os.kill(first, signal.SIGKILL)
    second = running.ask()  # waits in the queue of the socket meanwhile
    assert second != first


def test_a_process_that_fails_at_once_is_tried_with_growing_pauses(
    tmp_path: Path,
) -> None:
    (tmp_path / "fail").touch()
    one = Running(tmp_path)
    time.sleep(5)
    starts = len(list(tmp_path.glob("work-1.*")))
    one.process.terminate()
    one.process.communicate(timeout=40)
    assert 2 <= starts <= 5  # at 0, 0.5, 1.5 and 3.5 s, and the time to start


def test_sigterm_ends_all_and_the_exit_code_is_0(running: Running) -> None:
    running.ask()
    running.process.terminate()
    out, _ = running.process.communicate(timeout=40)
    assert "ended" in out
    assert running.process.returncode == 0
    wait_until_gone(running.ids(), 1)


def test_ctrl_c_ends_all(running: Running) -> None:
    running.ask()
    running.process.send_signal(signal.SIGINT)
    running.process.communicate(timeout=40)
    assert running.process.returncode == 0
    wait_until_gone(running.ids(), 1)


def test_nothing_outlives_a_killed_first_process(running: Running) -> None:
    running.ask()
    until = time.monotonic() + 20
    while len(pids := running.ids()) < 2:
        assert time.monotonic() < until
        time.sleep(0.1)
    running.process.kill()
    running.process.communicate(timeout=10)
    wait_until_gone(pids, 10)


def test_a_process_for_which_there_is_no_room_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Memory or process numbers may be short for a while: the others live on."""
    from medlens.serve.run.supervise import FIRST_PAUSE_S, Supervisor
    from medlens.serve.settings import ServeSettings

    one = Supervisor(ServeSettings(data=tmp_path, port=0, dicom_port=-1))
    tried: list[str] = []

    def no_room(child: Any) -> None:
        tried.append(child.role)
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(one, "_start", no_room)
    one._look_after()
    assert tried == ["web", "work-1"]
    one._look_after()  # not at once
    assert tried == ["web", "work-1"]
    time.sleep(FIRST_PAUSE_S)
    one._look_after()
    assert tried == ["web", "work-1"] * 2
    one._end()
