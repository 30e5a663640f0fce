"""Nothing of a header reaches a log or a warning, whichever threads are at work."""

from __future__ import annotations

import logging
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor

import pytest

from medlens.core.quiet import LIBRARIES, quiet

NAMES = ("pydicom", "pydicom.pixels.utils", "highdicom", "highdicom.sr.sop")


def say(caplog: pytest.LogCaptureFixture, *names: str) -> list[str]:
    """Let libraries speak in every way that they have; what was heard."""
    caplog.clear()
    with warnings.catch_warnings(record=True) as heard:
        for name in names:
            logging.getLogger(name).critical("Doe^Jane")
            logging.getLogger(name).warning("Doe^Jane")
        warnings.warn("Doe^Jane", UserWarning, stacklevel=1)
    return [r.name for r in caplog.records] + [str(each.message) for each in heard]


def levels() -> list[int]:
    return [logging.getLogger(name).level for name in LIBRARIES]


def test_all_is_quiet_inside_and_as_before_outside(
    caplog: pytest.LogCaptureFixture,
) -> None:
    before, filters = levels(), list(warnings.filters)
    with quiet():
        assert say(caplog, *NAMES, "pydicom.made.inside") == []
        with quiet():
            assert say(caplog, *NAMES) == []
        assert say(caplog, *NAMES) == []
    assert (levels(), list(warnings.filters)) == (before, filters)
    with pytest.warns(UserWarning, match="Doe"):
        warnings.warn("Doe^Jane", UserWarning, stacklevel=1)
    logging.getLogger("pydicom.made.inside").warning("Doe^Jane")
    assert [record.name for record in caplog.records] == ["pydicom.made.inside"]


def test_others_go_on_speaking(caplog: pytest.LogCaptureFixture) -> None:
    with quiet():
        logging.getLogger("medlens.web").warning("a line")
    assert [record.message for record in caplog.records] == ["a line"]


def test_an_error_ends_the_quiet() -> None:
    before = levels()
    with pytest.raises(ValueError, match="broken"), quiet():
        raise ValueError("broken")
    assert levels() == before


def test_a_thread_that_leaves_does_not_let_another_speak(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The first goes while the second is inside, which did not wait for it."""
    first_is_in, second_is_in, first_is_out = (threading.Event() for _ in range(3))

    def first() -> None:
        with quiet():
            first_is_in.set()
            assert second_is_in.wait(10)
        first_is_out.set()

    def second() -> list[str]:
        assert first_is_in.wait(10)
        with quiet():
            second_is_in.set()
            assert first_is_out.wait(10)
            return say(caplog, *NAMES)

    before, filters = levels(), list(warnings.filters)
    with ThreadPoolExecutor(2) as pool:
        one, two = pool.submit(first), pool.submit(second)
        one.result(30)
        assert two.result(30) == []
    assert (levels(), list(warnings.filters)) == (before, filters)
