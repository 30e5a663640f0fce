"""How much that is heavy is done at a time: memory is the sum of it."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_places = threading.BoundedSemaphore(min(2, os.cpu_count() or 1))


@contextmanager
def heavy() -> Iterator[None]:
    """A place for decoding or converting; others wait for theirs."""
    with _places:
        yield
