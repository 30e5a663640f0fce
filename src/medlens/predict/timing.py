"""Where the seconds of a prediction go, stage by stage."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from threading import Lock

STAGES = ("load", "read", "prepare", "network", "answer", "write")
"""Bundle and engine; files and headers; the recipe's steps; the network alone;
joining patches, clean-up and measuring; masks and pictures."""


@dataclass
class Stopwatch:
    """Seconds of each stage since it was started.

    A stage within another counts for itself alone. Stages of threads side by side
    count in full, so that their sum may pass the time on the wall.
    """

    seconds: dict[str, float] = field(
        default_factory=lambda: dict.fromkeys(STAGES, 0.0)
    )
    started: float = field(default_factory=time.perf_counter)
    lock: Lock = field(default_factory=Lock)

    def add(self, name: str, seconds: float) -> None:
        """More seconds of a stage; from any thread."""
        with self.lock:
            self.seconds[name] += seconds

    def told(self) -> dict[str, float]:
        """ "total" on the wall and the seconds of each stage, to the microsecond."""
        total = time.perf_counter() - self.started
        return {
            "total": round(total, 6),
            **{name: round(spent, 6) for name, spent in self.seconds.items()},
        }


@dataclass
class _Open:
    """A stage that has begun, and the seconds of stages within it."""

    watch: Stopwatch
    inner: float = 0.0


_innermost: ContextVar[_Open | None] = ContextVar("innermost", default=None)


@contextmanager
def measured() -> Iterator[Stopwatch]:
    """Every `stage` within is counted on the stopwatch that this gives."""
    watch = Stopwatch()
    token = _innermost.set(_Open(watch))
    try:
        yield watch
    finally:
        _innermost.reset(token)


@contextmanager
def stage(name: str) -> Iterator[None]:
    """Count what happens within; costs next to nothing where nobody measures.

    Args:
        name: one of `STAGES`.
    """
    outer = _innermost.get()
    if outer is None:
        yield
        return
    here = _Open(outer.watch)
    token = _innermost.set(here)
    started = time.perf_counter()
    try:
        yield
    finally:
        spent = time.perf_counter() - started
        _innermost.reset(token)
        outer.inner += spent
        outer.watch.add(name, spent - here.inner)
