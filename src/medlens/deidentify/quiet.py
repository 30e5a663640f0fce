"""pydicom kept quiet: its warnings and its log quote values of the file."""

from __future__ import annotations

import logging
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

# Logger and warning filters belong to the whole process: two threads inside at a time
# would undo each other's, and a value could be logged.
_turn = threading.RLock()


@contextmanager
def quiet() -> Iterator[None]:
    """No warning and no log line of pydicom inside the block."""
    log = logging.getLogger("pydicom")
    with _turn, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        before, log.disabled = log.disabled, True
        try:
            yield
        finally:
            log.disabled = before
