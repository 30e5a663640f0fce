"""The page and the card where voxels are labelled."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from medlens.core import UsageError
from medlens.evaluate import pick_cases
from medlens.evaluate.mask_split import mean_dice
from medlens.report import draw_outlines, find_telling_plane, write_card
from medlens.report.load import load_run
from medlens.report.mask_answer import write_mask_answer
from medlens.report.mask_caution import find_mask_notices
from medlens.report.mask_quantity import size_text
from medlens.report.outlines import ANSWER, REFERENCE, to_mask_pictures
from medlens.report.page import write_report
from medlens.report.subject import find_subject

from .phantom_forms import mask_examples, mask_table, write_mask_phantom
from .test_page import HOSTILE, read


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_mask_phantom(tmp_path_factory.mktemp("masks") / "run")


def test_page_is_whole_and_says_the_figures(folder: Path) -> None:
    page, outline = read(write_report(folder, examples=mask_examples()))
    assert outline.problems == []
    assert outline.open == []
    ids = [a["id"] for _, a in outline.seen if "id" in a]
    assert len(ids) == len(set(ids))
    anchors = {a["href"][1:] for _, a in outline.seen if "href" in a}
    assert anchors <= set(ids)
    assert {"results", "sizes", "trust", "examples", "learning"} <= set(ids)
    assert page.lower().count("not a medical device") == 1
    words = " ".join("".join(outline.text).split())
    dice = json.loads((folder / "metrics.json").read_text())["splits"]["test"][
        "metrics"
    ]["dice"]
    said = f"Dice of {dice['value']:.3f} (95% interval {dice['low']:.3f} to"
    assert said in words
    assert "Surface Dice at 1 mm" in words
    assert "95% limits of agreement" in words or "Lower limit" in words
    assert "“background”" not in words
    assert ">background<" not in page
    assert "probabilities" not in words.lower()
    assert len([1 for tag, _ in outline.seen if tag == "img"]) == 10


def test_leading_split_alone_is_drawn(folder: Path) -> None:
    run = load_run(folder)
    subject = find_subject(run)
    assert subject.labels == ("liver", "lesion")
    assert subject.noun == "volumes"
    answer = write_mask_answer(subject, run.masks, data_name="liver-ct")
    assert answer.headline == "Outlining “liver” and “lesion” in liver-ct"
    assert answer.verdict.startswith("On 24 test volumes, none of them seen")
    assert any("weakest label is “lesion”" in text for text in answer.sentences)
    assert any("Nothing at all was drawn" in text for text in answer.sentences)


def test_notices_name_what_weakens_the_outlines(folder: Path) -> None:
    run = load_run(folder)
    texts = [n.text for n in find_mask_notices(run.masks, find_subject(run))]
    assert any(
        "have a Dice below 0.5" in text or "has a Dice" in text for text in texts
    )
    assert any("“lesion” was left out altogether in" in text for text in texts)


def test_pixels_are_called_pixels(tmp_path: Path) -> None:
    folder = write_mask_phantom(tmp_path / "run", spacing=None, n=30)
    page, outline = read(write_report(folder))
    words = "".join(outline.text)
    assert " mm" not in words.replace("mm matter", "").replace("mm²", "")
    assert " ml" not in words
    assert "Surface Dice at 2 pixels" in words
    assert "carry no spacing" in words
    assert "(pixels)" in page


@pytest.mark.parametrize(
    "kept", [("metrics.json",), ("predictions.csv",), ("run.json",)]
)
def test_any_file_makes_a_page(
    tmp_path: Path, folder: Path, kept: tuple[str, ...]
) -> None:
    for name in ("metrics.json", *kept):
        if name in kept:
            (tmp_path / name).write_bytes((folder / name).read_bytes())
    if kept == ("predictions.csv",):
        (tmp_path / "metrics.json").write_text(
            '{"schema": "medlens/metrics/1", "task": {"form": "segment", '
            '"labels": ["b", "liver"]}, "splits": {}}'
        )
    _, outline = read(write_report(tmp_path))
    assert outline.problems == []


def test_wrong_types_everywhere_still_make_a_page(tmp_path: Path, folder: Path) -> None:
    metrics = json.loads((folder / "metrics.json").read_text())
    wrong: list[Any] = ["x", 3, None, [], {}, [[1], "a"], {"value": "nan"}, True, -1]
    places = [("test",), ("test", "per_label", "liver")]
    for place in places:
        held = metrics["splits"]
        for key in place:
            held = held[key]
        for count, key in enumerate(held):
            for value in (wrong[count % 9], wrong[(count + 4) % 9]):
                broken = json.loads(json.dumps(metrics))
                target = broken["splits"]
                for step in place:
                    target = target[step]
                target[key] = value
                (tmp_path / "metrics.json").write_text(json.dumps(broken))
                _, outline = read(write_report(tmp_path))
                assert outline.problems == [], key


def test_hostile_labels_stay_text(tmp_path: Path, folder: Path) -> None:
    for name in ("metrics.json", "predictions.csv"):
        text = (folder / name).read_text()
        hostile = json.dumps(HOSTILE)[1:-1]
        (tmp_path / name).write_text(
            text.replace('"lesion"', f'"{hostile}"').replace("liver/case", "<b>case")
        )
    shown = replace(
        mask_examples(1)[0], case=HOSTILE, dice={HOSTILE: 0.5}, note=HOSTILE
    )
    page, outline = read(write_report(tmp_path, examples=[shown]))
    assert outline.problems == []
    assert "<script" not in page
    assert "<b>case" not in page


def test_card_says_how_well_it_outlines(folder: Path) -> None:
    note = {"name": "liver", "input": {"channels": 1, "depth": 32, "height": 96}}
    note["input"]["width"] = 96
    note["task"] = {"form": "segment", "labels": ["background", "liver", "lesion"]}
    card = write_card(note, json.loads((folder / "metrics.json").read_text()))
    assert "An outliner of structures" in card
    assert "Patches are seen as grey at 32 × 96 × 96 voxels." in card
    assert "| Dice | 0." in card
    assert "measured on test: 24 volumes of 24 patients" in card
    assert "nineteen of twenty" in card.lower().replace("\n", " ")
    for line in card.splitlines():
        if line.startswith("| liver"):
            assert line.count("|") in (5, 6)


def test_outlines_lie_where_the_masks_end() -> None:
    """A disc in the reference alone: only its line has the reference's colour."""
    plane = np.zeros((100, 100), np.uint8)
    mask = np.zeros((100, 100), np.uint8)
    cv2.circle(mask, (50, 50), 20, 1, -1)
    empty = np.zeros_like(mask)
    for pair, colour in (((mask, empty), REFERENCE), ((empty, mask), ANSWER)):
        data = np.frombuffer(draw_outlines(plane, *pair), np.uint8)
        drawn = cv2.imdecode(data, cv2.IMREAD_COLOR)[:, :, ::-1].astype(int)
        assert drawn.shape[0] == drawn.shape[1] == 352
        near = (np.abs(drawn - np.array(colour)) < 12).all(axis=2)
        rows, columns = np.nonzero(near)
        assert len(rows) > 100
        radii = np.hypot(rows - 50.5 * 3.52, columns - 50.5 * 3.52) / 3.52
        assert radii.min() > 18
        assert radii.max() < 22


def test_a_hidden_label_keeps_its_outline_and_pixels_are_square() -> None:
    plane = np.zeros((20, 40), np.uint8)
    data = draw_outlines(plane, plane, plane, spacing=(2.0, 1.0))
    drawn = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert drawn.shape == (352, 352, 3)
    needle = draw_outlines(np.zeros((1, 500), np.uint8), *np.zeros((2, 1, 500), int))
    assert needle.startswith(b"\x89PNG")


def test_the_telling_plane() -> None:
    reference, answer = np.zeros((2, 5, 4, 4), np.uint8)
    assert find_telling_plane(reference, answer) == 2
    reference[3, :2] = answer[3, :2] = 1
    assert find_telling_plane(reference, answer) == 3
    answer[1, 0, 0] = 1
    assert find_telling_plane(reference, answer) == 1


def test_pictures_come_worst_first_and_a_dozen_at_most() -> None:
    pictures, note = to_mask_pictures(mask_examples(14))
    assert len(pictures) == 12
    assert "2 more" in note
    assert [p.title.split(":")[0] for p in pictures[:2]] == ["Among the worst"] * 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"plane": np.zeros((4, 4), np.float32)}, "plane is float32"),
        ({"reference": np.zeros((4, 4), np.uint8)}, "reference mask is uint8 of shape"),
        ({"predicted": np.zeros((40, 40))}, "predicted mask is float64"),
        ({"spacing": (0.0, 1.0)}, "two numbers above 0"),
    ],
)
def test_examples_refuse_what_cannot_be_drawn(
    change: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        replace(mask_examples(1)[0], **change)


def test_cases_are_picked_by_their_dice() -> None:
    table = mask_table(30)
    scores = mean_dice(table)
    picked = pick_cases(table, worst=2, median=1, best=1)
    assert [rank for _, rank in picked] == ["worst", "worst", "best", "median"]
    order = np.argsort(scores)
    assert [index for index, _ in picked[:2]] == order[:2].tolist()
    assert scores[picked[2][0]] == scores.max()
    assert scores[picked[3][0]] == pytest.approx(np.median(scores), abs=0.05)
    one = replace(table, patients=("p",) * 30)
    assert len(pick_cases(one)) == 1


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0384, "+0.038 ml"),
        (-0.0984, "−0.098 ml"),
        (3.284, "+3.28 ml"),
        (45.67, "+45.7 ml"),
        (1234.5, "+1,234 ml"),
        (None, "–"),
    ],
)
def test_sizes_have_digits_that_fit(value: float | None, text: str) -> None:
    assert size_text(value, "ml", sign=True) == text
