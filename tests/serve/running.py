"""`medlens serve` as a person starts it, for tests from end to end."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

STARTED_S, STOPPED_S = 90.0, 60.0


class Running:
    """A service in processes of its own.

    Args:
        folder: for data, settings file and log.
        arguments: further ones of the command.
        config: text of the settings file, "" for none.
        demo: no account is needed.
        port: of HTTP; 0 takes a free one.
    """

    def __init__(
        self,
        folder: Path,
        *arguments: str,
        config: str = "",
        demo: bool = True,
        port: int = 0,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.data = folder, folder / "data"
        self.log_path = folder / "service.log"
        command = [sys.executable, "-m", "medlens", "serve", *arguments]
        command += ["--data", str(self.data)]
        command += ["--port", str(port), "--dicom-port", "0"]
        command += ["--quiet", "0.5"]
        if demo:
            command.append("--demo")
        if config:
            (folder / "service.toml").write_text(config, encoding="utf-8")
            command += ["--config", str(folder / "service.toml")]
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=log, text=True
            )
        self.said = self._read_start()
        self.url = _found(r"http://\S+?(?=[/\s])", self.said)
        self.dicom_port = int(_found(r" at \S+:(\d+)", self.said))

    def _read_start(self) -> str:
        assert self.process.stdout is not None
        said, until = "", time.monotonic() + STARTED_S
        while "Stop with" not in said and time.monotonic() < until:
            line = self.process.stdout.readline()
            if not line:
                raise AssertionError(f"did not start: {self.log()[-2000:]}")
            said += line
        return said

    def log(self) -> str:
        """All log lines so far."""
        return self.log_path.read_text(encoding="utf-8")

    def process_id(self, role: str) -> int:
        """Of "web", "listen" or "work-1", by the name that the process gave itself."""
        until = time.monotonic() + STARTED_S
        while time.monotonic() < until:
            for pid in below(self.process.pid):
                if name_of(pid) == f"medlens-{role}":
                    return pid
            time.sleep(0.1)
        raise AssertionError(f"no process {role} runs")

    def stop(self) -> int:
        """End it as a service manager does; its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self.process.communicate(timeout=STOPPED_S)
        return self.process.returncode


def below(pid: int) -> list[int]:
    """Processes that one started, and those that these did."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(path.read_text().rsplit(")", 1)[1].split()[1])
        except (OSError, IndexError):
            continue
        if parent == pid:
            child = int(path.parent.name)
            found += [child, *below(child)]
    return found


def name_of(pid: int) -> str:
    """The name of a process, "" if it has gone."""
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def is_alive(pid: int) -> bool:
    """True while a process runs."""
    try:
        os.kill(pid, 0)
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (ProcessLookupError, FileNotFoundError):
        return False
    return state != "Z"


def _found(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    assert match, text
    return match[match.lastindex or 0]
