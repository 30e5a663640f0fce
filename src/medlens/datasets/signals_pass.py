"""The one pass over all pixels: every case → its `Signal` or the reason why not."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from medlens.core import reason_of
from medlens.datasets.manifest import Case
from medlens.datasets.mask_labels import hold_alone
from medlens.datasets.signals import Signal
from medlens.datasets.signals_volume import measure_case

Progress = Callable[[int, int], None]
Outcome = Signal | str

_AHEAD = 2
"""Images in work a thread: bounds memory whatever the number of cases."""


def measure_signals(
    cases: Sequence[Case],
    *,
    mask_values: Sequence[int] = (),
    progress: Progress | None = None,
) -> list[Outcome]:
    """Look at every image once, and at its mask where masks are the labels.

    Threads are enough: decoding and resizing happen outside Python's lock.

    Args:
        cases: in the order of the data set.
        mask_values: of each label in the masks; () where they are no labels.
        progress: called with (cases done, cases in all) after each.

    Returns:
        For each case its signal, or the reason why it cannot be read.
    """
    outcomes: list[Outcome] = []
    for outcome in _in_order(cases, mask_values, os.cpu_count() or 1):
        outcomes.append(outcome)
        if progress is not None:
            progress(len(outcomes), len(cases))
    return outcomes


def _in_order(
    cases: Sequence[Case], mask_values: Sequence[int], threads: int
) -> Iterator[Outcome]:
    waiting: deque[Future[Outcome]] = deque()
    with ThreadPoolExecutor(threads, thread_name_prefix="audit") as pool:
        try:
            for case in cases:
                waiting.append(pool.submit(_measure, case, mask_values))
                if len(waiting) >= threads * _AHEAD:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def _measure(case: Case, mask_values: Sequence[int]) -> Outcome:
    try:
        with hold_alone(case.path):
            return measure_case(case, mask_values=mask_values)
    except MemoryError:
        return "is too large for the free memory; scale it down"
    except Exception as error:  # one hostile file must not end the others
        # Without the case key that the message may start with: it is listed beside.
        return reason_of(error).removeprefix(f"{case.key}: ")
