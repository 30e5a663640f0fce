"""The DICOM libraries kept quiet: what they warn and log quotes values of a header.

Warning filters and loggers belong to the whole process. So the first block that is
entered, on whichever thread, silences it, and the last that is left gives back what
was there; blocks do not wait for each other.
"""

from __future__ import annotations

import logging
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

LIBRARIES = ("pydicom", "highdicom")
_ABOVE_ALL = logging.CRITICAL + 1


class _Peace:
    """How many blocks there are, and how the process was before the first."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._blocks = 0
        self._filters = warnings.catch_warnings()
        self._levels: dict[str, int] = {}

    def begin(self) -> None:
        with self._turn:
            self._blocks += 1
            if self._blocks > 1:
                return
            self._filters = warnings.catch_warnings()
            self._filters.__enter__()
            warnings.simplefilter("ignore")
            for name in LIBRARIES:  # loggers below them follow, those to come as well
                log = logging.getLogger(name)
                self._levels[name] = log.level
                log.setLevel(_ABOVE_ALL)

    def end(self) -> None:
        with self._turn:
            self._blocks -= 1
            if self._blocks:
                return
            for name, level in self._levels.items():
                logging.getLogger(name).setLevel(level)
            self._filters.__exit__(None, None, None)


_peace = _Peace()


@contextmanager
def quiet() -> Iterator[None]:
    """No warning, and no log line of pydicom or highdicom, inside the block."""
    _peace.begin()
    try:
        yield
    finally:
        _peace.end()
