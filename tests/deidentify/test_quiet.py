"""Nothing of a file reaches a log, whichever threads are at work."""

from __future__ import annotations

import logging
import threading
import time

from medlens.deidentify.quiet import quiet


def test_a_thread_that_leaves_does_not_let_another_speak() -> None:
    log = logging.getLogger("pydicom")
    has_entered, may_leave = threading.Event(), threading.Event()
    seen: list[bool] = []

    def first() -> None:
        with quiet():
            has_entered.set()
            may_leave.wait(10)

    def second() -> None:
        with quiet():
            first_thread.join(0.2)
            seen.append(log.disabled)

    first_thread = threading.Thread(target=first)
    second_thread = threading.Thread(target=second)
    first_thread.start()
    assert has_entered.wait(10)
    second_thread.start()
    time.sleep(0.1)  # time for the second to come in, if it may
    may_leave.set()
    first_thread.join(10)
    second_thread.join(10)
    assert seen == [True]
    assert not log.disabled
