"""Keeps the log lines of parsers quiet while this room uses them.

Their texts may quote header values, a patient's name among them; what matters
reaches the caller as a `ReadError`.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_depth = threading.local()


class _Silence(logging.Filter):
    """Drops records of the threads that are inside `silence`."""

    def filter(self, _record: logging.LogRecord) -> bool:
        return not getattr(_depth, "value", 0)


_filter = _Silence()


@contextmanager
def silence(name: str) -> Iterator[None]:
    """Drop what the logger `name` says on this thread until the block ends."""
    logging.getLogger(name).addFilter(_filter)  # adding it twice changes nothing
    _depth.value = getattr(_depth, "value", 0) + 1
    try:
        yield
    finally:
        _depth.value -= 1
