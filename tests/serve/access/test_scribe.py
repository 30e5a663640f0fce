"""Lines of many requests: all written, in one chain, in few commits."""

from __future__ import annotations

import threading
from typing import Any

import pytest
import sqlalchemy as sa

from medlens.serve.access.caller import RIGHTS, Caller
from medlens.serve.access.scribe import Scribe
from medlens.serve.access.trail import Line, append, line_of, verify_trail
from medlens.serve.store.store import Store
from medlens.serve.store.tables import trail

APPEND = "medlens.serve.access.scribe.append"
ANNA = Caller(None, "anna", "reader", RIGHTS["reader"], "10.0.0.7")


def line(study_id: int) -> Line:
    return line_of(ANNA, "view", study_id=study_id, detail={"as": "frames"})


def count(store: Store) -> int:
    with store.read() as connection:
        return connection.scalar(sa.select(sa.func.count()).select_from(trail)) or 0


def test_a_line_is_there_on_return(store: Store) -> None:
    scribe = Scribe(store)
    for number in range(1, 4):
        scribe.write(line(number))
        assert count(store) == number
    assert verify_trail(store).is_whole


def test_nothing_to_write_writes_nothing(store: Store) -> None:
    Scribe(store).write()
    assert count(store) == 0


def test_lines_of_the_same_moment_share_a_commit(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    is_first, may_go_on = threading.Event(), threading.Event()

    def held(connection: Any, lines: list[Line]) -> None:
        sizes.append(len(lines))
        is_first.set()
        may_go_on.wait(10)
        append(connection, lines)

    monkeypatch.setattr(APPEND, held)
    scribe = Scribe(store)
    writers = [
        threading.Thread(target=scribe.write, args=(line(n),)) for n in range(20)
    ]
    writers[0].start()
    assert is_first.wait(10)
    for writer in writers[1:]:
        writer.start()
    while len(scribe._queue) < 19:  # the others have come while the first waits
        assert may_go_on.wait(0.01) is False
    may_go_on.set()
    for writer in writers:
        writer.join(20)
    assert sizes == [1, 19]
    assert count(store) == 20
    assert verify_trail(store).is_whole


def test_a_line_that_cannot_be_written_is_told_to_its_request(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise OSError("no space")

    scribe = Scribe(store)
    with monkeypatch.context() as patch:
        patch.setattr(APPEND, fail)
        with pytest.raises(OSError, match="no space"):
            scribe.write(line(1))
    scribe.write(line(2))  # and the next one is not held up
    assert count(store) == 1


def test_two_processes_make_one_chain(store: Store) -> None:
    scribes = [Scribe(store), Scribe(store)]  # neither knows of the other

    def work(scribe: Scribe) -> None:
        for number in range(30):
            scribe.write(line(number), line(number))

    threads = [
        threading.Thread(target=work, args=(each,)) for each in scribes for _ in "ab"
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert count(store) == 240
    assert verify_trail(store).is_whole
