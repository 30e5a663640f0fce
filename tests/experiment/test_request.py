"""Durations and requests."""

from __future__ import annotations

from pathlib import Path

import pytest

from medlens.core import UsageError
from medlens.experiment import Request, parse_budget


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("10m", 600), ("90s", 90), ("1.5h", 5400), ("120", 120), (" 2 H ", 7200)],
)
def test_durations(text: str, seconds: float) -> None:
    assert parse_budget(text) == seconds


@pytest.mark.parametrize("text", ["", "m", "ten", "1d", "1m30s", "nan", "inf"])
def test_no_duration(text: str) -> None:
    with pytest.raises(UsageError, match="is no duration; wanted a number with s, m"):
        parse_budget(text)


@pytest.mark.parametrize("text", ["5s", "0m", "999h"])
def test_durations_out_of_range(text: str) -> None:
    with pytest.raises(UsageError, match="wanted 20 s to a week"):
        parse_budget(text)


def test_identity_depends_on_what_decides_the_result(tmp_path: Path) -> None:
    base = Request(tmp_path)
    assert base.identity() == Request(tmp_path, out=Path("elsewhere")).identity()
    assert base.identity() != Request(tmp_path, seed=1).identity()
    assert base.identity() != Request(tmp_path, budget=60).identity()
