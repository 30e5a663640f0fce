"""docs/metrics.md names everything that a user meets."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path
from typing import Any

import pytest

from medlens.evaluate import measure_mask_split, measure_split
from medlens.metrics.appearance import STATISTICS
from medlens.metrics.operating import RULES

from .mask_phantoms import random_table
from .phantoms import points_of, table_of

PAGE = Path(__file__).resolve().parents[2] / "docs" / "metrics.md"


@pytest.fixture(scope="module")
def page() -> str:
    return PAGE.read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", ["binary", "multiclass", "multilabel"])
def test_every_key_and_figure_is_described(page: str, kind: Any) -> None:
    table = table_of(kind, sets=None)
    entry = measure_split(table, points=points_of(table), resamples=20)
    names = (
        set(entry) | set(entry["metrics"]) | set(entry["per_label"][table.labels[0]])
    )
    names |= set(entry["operating_points"][0])
    missing = {name for name in names if f"`{name}`" not in page}
    assert not missing


def test_every_key_and_figure_of_masks_is_described(page: str) -> None:
    entry = measure_mask_split(random_table(), resamples=20)
    of_label = entry["per_label"]["head"]
    names = (
        set(entry) | set(entry["metrics"]) | set(of_label) | set(of_label["metrics"])
    )
    names |= set(of_label["agreement"]) | set(of_label["undefined"])
    assert not {name for name in names if f"`{name}`" not in page}


def test_every_rule_is_described(page: str) -> None:
    assert all(f"`{rule}`" in page for rule in RULES)


def test_every_interval_method_is_described(page: str) -> None:
    table = table_of(n=80, patients=tuple(f"p{index // 2}" for index in range(80)))
    entries = [measure_split(t, resamples=20) for t in (table, table_of())]
    methods = {
        metric["method"] for entry in entries for metric in entry["metrics"].values()
    }
    for method in methods:
        words = re.split(r"[;,]", method)[-1] if "reflected" in method else method
        first = re.split(r"[;,] ", words.strip())[0]
        known = first.split(" of two")[0].removeprefix("from the Jaccard index")
        assert known.strip() in page, method


def test_the_example_runs(page: str) -> None:
    code = re.search(r"```python\n(.*?)```", page, re.DOTALL)
    assert code is not None
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(code[1], "docs/metrics.md", "exec"), {})
    # 8 of 9 pairs are in order.
    assert "value=0.8888" in printed.getvalue()


def test_the_statistics_are_as_many_as_said(page: str) -> None:
    assert f"{len(STATISTICS)} plain statistics" in page
