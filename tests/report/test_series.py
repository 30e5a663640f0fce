"""The section on series: figures, verdict, curves over slices."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from medlens.core import UsageError
from medlens.report import SeriesExample, write_card
from medlens.report.load import load_run
from medlens.report.page import write_report
from medlens.report.series import _runs, describe_series, draw_slices
from medlens.report.subject import find_subject

from .phantom_forms import series_examples, write_sequence_phantom
from .phantom_run import TINY, write_phantom
from .test_page import HOSTILE, read


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_sequence_phantom(tmp_path_factory.mktemp("series") / "run")


def test_page_shows_slices_then_series(folder: Path) -> None:
    page, outline = read(write_report(folder, examples=series_examples()))
    assert outline.problems == []
    ids = [a["id"] for _, a in outline.seen if "id" in a]
    assert len(ids) == len(set(ids))
    words = " ".join("".join(outline.text).split())
    assert "On 240 test slices of 24 patients" in words
    assert "Metrics on the test split (24 series)" in words
    verdict = json.loads((folder / "metrics.json").read_text())["splits"]["test"][
        "readers"
    ]["verdict"]
    assert verdict in words
    assert "on the same 240 slices of 24 patients" in words
    assert page.index('id="results"') < page.index('id="series"')
    assert page.count('id="series-') >= 3


def test_wrong_series_come_first() -> None:
    told = describe_series(find_subject(load_run_of_nothing()), series_examples())
    assert [f.title.split(":")[0] for f in told.curves] == ["Wrong", "Right", "Right"]
    assert told.has_wrong


def load_run_of_nothing() -> Any:
    from medlens.report.load import RunFolder

    return RunFolder(name="")


def test_nothing_about_series_in_a_classification(tmp_path: Path) -> None:
    page, _ = read(write_report(write_phantom(tmp_path, sizes=TINY)))
    assert 'id="series"' not in page


def test_bands_lie_over_the_slices_of_the_reference() -> None:
    assert _runs(np.array([0, 1, 1, -1, 0, 1])) == [(1, 3), (5, 6)]
    assert _runs(np.array([], dtype=int)) == []
    whole = series_examples()[0]
    drawn = draw_slices(whole, number=1)
    assert str(drawn.svg).count('class="shade"') == 2
    assert "label in slices 3 to 4, 7 to 7" in drawn.svg
    assert drawn.table is not None
    assert drawn.table.rows[2] == ("3", "0.700", "0.800", "present", "0.226")


def test_a_thousand_slices_stay_small() -> None:
    rng = np.random.default_rng(0)
    long = SeriesExample(
        "p", "x", 0.5, "x", True, rng.random(1000), attention=rng.random(1000)
    )
    drawn = draw_slices(long, number=1)
    assert drawn.table is not None
    assert len(drawn.table.rows) <= 60


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"probabilities": [0.1, 0.2], "reference": [1]}, "one number a slice"),
        ({"reference": [1, 0]}, "neither probabilities nor attention"),
        ({"probabilities": [0.1, 1.2]}, r"probabilities leave 0\.\.1"),
        ({"probabilities": [0.1, np.nan]}, r"probabilities leave 0\.\.1"),
        ({"attention": [0.1, -1.0]}, "attention is below 0"),
        ({"probabilities": [[0.1], [0.2]]}, "one number a slice"),
    ],
)
def test_examples_refuse_what_cannot_be_drawn(
    change: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        SeriesExample("p", "x", 0.5, "x", True, **change)


def test_hostile_words_stay_text(tmp_path: Path, folder: Path) -> None:
    metrics = json.loads((folder / "metrics.json").read_text())
    metrics["splits"]["test"]["readers"]["verdict"] = HOSTILE
    (tmp_path / "metrics.json").write_text(json.dumps(metrics))
    shown = SeriesExample(
        HOSTILE, HOSTILE, 0.5, HOSTILE, True, [0.1, 0.2], note=HOSTILE
    )
    page, outline = read(write_report(tmp_path, examples=[shown]))
    assert outline.problems == []
    assert "<script" not in page
    wrong: list[Any] = ["x", 3, None, [], {}, [[1], "a"], {"value": "nan"}, True, -1]
    for key in ("series", "readers"):
        for value in wrong:
            metrics["splits"]["test"][key] = value
            (tmp_path / "metrics.json").write_text(json.dumps(metrics))
            _, outline = read(write_report(tmp_path))
            assert outline.problems == []


def test_card_holds_series_and_verdict(folder: Path) -> None:
    note = {"name": "head", "task": {"form": "sequence", "kind": "binary"}}
    note["input"] = {"channels": 1, "depth": 24, "height": 96, "width": 96}  # type: ignore[assignment]
    card = write_card(note, json.loads((folder / "metrics.json").read_text()))
    assert "A two-way classifier of series, read slice by slice" in card
    assert "Whole series (24 of 24 patients):" in card
    assert "eading the slices in order" in card
    assert "Slices are seen as grey at 96 × 96 pixels, in their order." in card


def test_an_older_run_still_reads(tmp_path: Path) -> None:
    run = load_run(write_phantom(tmp_path, sizes=TINY))
    assert find_subject(run).form == "image"
