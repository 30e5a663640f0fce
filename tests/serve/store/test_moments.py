"""When a study was made: DA and TM as headers write them (PS3.5 6.2)."""

from __future__ import annotations

import time as clock
from collections.abc import Iterator
from datetime import time

import pytest

from medlens.serve.store.moments import date_of, moment_of_study, time_of
from medlens.serve.web.api.fields import moment


@pytest.fixture(params=["Asia/Shanghai"])
def zone(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """The service stands eight hours before UTC, without summer time, or elsewhere."""
    monkeypatch.setenv("TZ", request.param)
    clock.tzset()
    yield
    monkeypatch.undo()
    clock.tzset()


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("09", time(9)),
        ("0930", time(9, 30)),
        ("093015.999999", time(9, 30, 15)),
        ("235960", time(23, 59, 59)),
        ("", None),
        ("24", None),
        ("0960", None),
        ("093", None),
        ("٠٩٣٠", None),
        ("09 0", None),
    ],
)
def test_a_time_is_read_to_the_second(text: str, wanted: time | None) -> None:
    assert time_of(text) == wanted


@pytest.mark.parametrize("text", ["", "2026030", "20261345", "00000000", "2026 3 4"])
def test_what_is_no_day_is_none(text: str) -> None:
    assert date_of(text) is None


@pytest.mark.usefixtures("zone")
def test_a_study_is_as_new_as_the_clock_at_its_device_said() -> None:
    # 2026-03-04 09:30:15 at UTC+8 is 01:30:15 UTC; worked out with `date -u -d`.
    assert moment_of_study("20260304", "093015", otherwise=7.0) == 1772587815.0
    assert moment_of_study("20260304", "", otherwise=7.0) == 1772587815.0 - 34215
    assert moment_of_study("", "093015", otherwise=7.0) == 7.0


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "America/New_York"], indirect=True)
@pytest.mark.parametrize("day", ["00010101", "99991231"])
@pytest.mark.usefixtures("zone")
def test_a_day_at_the_edge_of_all_calendars_stops_nobody(day: str) -> None:
    """No list of studies fails for one of them, whose date is a placeholder."""
    assert moment(moment_of_study(day, "235959", otherwise=7.0)).year in (1, 9999, 1970)
