"""How a run looks in a terminal, and in a log that is none."""

from __future__ import annotations

import sys
import time
from typing import Any

LOG_EVERY_S = 15.0  # between progress lines where nothing can be redrawn


class Console:
    """Narrator on stderr: sentences, and a bar with the time left."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._quiet = quiet
        self._is_terminal = sys.stderr.isatty()
        self._bar: Any = None
        self._task: Any = None
        self._unit = ""
        self._started = self._logged = 0.0
        self._first = 0

    def step(self, title: str) -> None:
        """Announce the next step."""
        self.close()
        if not self._quiet:
            print(f"\n{title}", file=sys.stderr, flush=True)

    def say(self, sentence: str) -> None:
        """One finding, indented below its step."""
        if self._quiet:
            return
        if self._bar is not None:
            self._bar.console.print(f"  {sentence}", markup=False, highlight=False)
        else:
            print(f"  {sentence}", file=sys.stderr, flush=True)

    def progress(self, done: int, total: int, unit: str = "images") -> None:
        """Move the bar; the last call takes it away."""
        if self._quiet:
            return
        if self._is_terminal:
            self._paint(done, total, unit)
        else:
            self._log(done, total, unit)

    def _paint(self, done: int, total: int, unit: str) -> None:
        if self._bar is None:
            from rich.console import Console as RichConsole
            from rich.progress import (
                BarColumn,
                MofNCompleteColumn,
                Progress,
                TextColumn,
                TimeElapsedColumn,
                TimeRemainingColumn,
            )

            self._bar = Progress(
                TextColumn("  "),
                BarColumn(),
                MofNCompleteColumn(),
                TextColumn("{task.description}"),
                TimeElapsedColumn(),
                TextColumn("left"),
                TimeRemainingColumn(),
                console=RichConsole(stderr=True),
                transient=True,
            )
            self._bar.start()
            self._task = self._bar.add_task(unit, total=total)
        self._bar.update(self._task, completed=done, total=total, description=unit)
        if done >= total:
            self.close()

    def _log(self, done: int, total: int, unit: str) -> None:
        now = time.monotonic()
        if not self._started or unit != self._unit or done < self._first:
            self._started = self._logged = now
            self._first, self._unit = done, unit
            return
        self._first = min(self._first, done)
        if done >= total:
            self._started = 0.0
        elif now - self._logged >= LOG_EVERY_S and done > self._first:
            self._logged = now
            left = (now - self._started) / (done - self._first) * (total - done)
            print(
                f"  {done} of {total} {unit}, about {left:.0f} s left",
                file=sys.stderr,
                flush=True,
            )

    def close(self) -> None:
        """Take the bar away, also after an error."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = self._task = None
        self._started = 0.0


def tell_failed(case: str, reason: str) -> None:
    """One case that failed, on stderr; its key stands there once."""
    said = reason if f"{case}:" in reason else f"{case}: {reason}"
    print(f"medlens: failed: {said}", file=sys.stderr)
