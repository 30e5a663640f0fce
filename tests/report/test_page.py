"""The page: self-contained, well-formed, safe with hostile text, honest."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from medlens.core import DataError, ResourceError
from medlens.report import Example, write_report
from medlens.report.performance import metric_table
from medlens.report.subject import Subject

from .phantom_images import make_examples
from .phantom_run import TINY, write_evaluation, write_phantom

KINDS = ("binary", "multiclass", "multilabel")
VOID = {"meta", "img", "link", "br", "hr", "input"}
HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(2)>{{ 7 * 7 }}'


class Outline(HTMLParser):
    """Elements, ids and problems of a page."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str]]] = []
        self.problems: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, {k: v or "" for k, v in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, {k: v or "" for k, v in attrs}))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.problems.append(f"</{tag}> at line {self.getpos()[0]}")

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def read(path: Path) -> tuple[str, Outline]:
    page = path.read_text(encoding="utf-8")
    outline = Outline()
    outline.feed(page)
    outline.close()
    return page, outline


def folder_of(tmp_path: Path, kind: str) -> Path:
    if kind == "evaluation":
        return write_evaluation(tmp_path / "run")
    sizes = TINY if kind == "tiny" else None
    return write_phantom(
        tmp_path / "run", kind="binary" if kind == "tiny" else kind, sizes=sizes
    )


@pytest.mark.parametrize("kind", [*KINDS, "tiny", "evaluation"])
def test_page_is_whole_and_loads_nothing(tmp_path: Path, kind: str) -> None:
    path = write_report(folder_of(tmp_path, kind), examples=make_examples(6))
    page, outline = read(path)
    assert path.name == "report.html"
    assert page.startswith("<!DOCTYPE html>")
    assert outline.problems == []
    assert outline.open == []
    assert len(page.encode()) < 3_000_000
    tags = {tag for tag, _ in outline.seen}
    assert not tags & {"script", "link", "iframe", "object", "embed", "form", "base"}
    for tag, attributes in outline.seen:
        assert not [name for name in attributes if name.startswith("on")], tag
        assert "style" not in attributes, tag
        for name in ("src", "href", "xlink:href"):
            assert re.match(r"data:image/(png|webp);|#", attributes.get(name, "#"))
    ids = [attributes["id"] for _, attributes in outline.seen if "id" in attributes]
    assert len(ids) == len(set(ids))
    named = {
        name
        for _, attributes in outline.seen
        for name in attributes.get("aria-labelledby", "").split()
    }
    anchors = {a["href"][1:] for _, a in outline.seen if "href" in a}
    assert named | anchors <= set(ids)
    assert page.lower().count("not a medical device") == 1
    assert not [p for p in path.parent.iterdir() if p.suffix == ".part"]


def test_policy_lets_through_this_style_sheet_only(tmp_path: Path) -> None:
    page, _ = read(write_report(write_phantom(tmp_path)))
    (style,) = re.findall(r"<style>(.*?)</style>", page, flags=re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    (policy,) = re.findall(r'Security-Policy" content="([^"]*)"', page)
    assert policy.startswith("default-src 'none';")
    assert f"style-src 'sha256-{digest}'" in policy.replace("&#39;", "'")
    assert "unsafe" not in policy


def test_hostile_text_stays_text(tmp_path: Path) -> None:
    folder = write_phantom(tmp_path, sizes=TINY)
    for name in ("metrics.json", "audit.json", "run.json", "bundle/bundle.json"):
        text = (folder / name).read_text()
        hostile = json.dumps(HOSTILE)[1:-1]
        for word in ("tumour", "train/t0000_0.png", "youden", "site", "AMD EPYC"):
            text = text.replace(f'"{word}"', f'"{hostile}"')
        (folder / name).write_text(text)
    (folder / "splits.csv").write_text(
        "case,patient,group,split\n"
        + f'"{HOSTILE}",p,g,"{HOSTILE}"\n'.replace('""', '"')
    )
    image = make_examples(1)[0].image
    shown = Example(HOSTILE, image, None, HOSTILE, HOSTILE, 0.5, False, HOSTILE)
    page, outline = read(write_report(folder, examples=[shown]))
    assert outline.problems == []
    assert "<script" not in page
    assert "<img src=x" not in page
    assert "{{ 7 * 7 }}" in "".join(outline.text)
    assert all(
        a.get("src", "").startswith("data:image/")
        for t, a in outline.seen
        if t == "img"
    )


@pytest.mark.parametrize(
    "left",
    [
        ("metrics.json",),
        ("audit.json",),
        ("history.csv", "bundle/bundle.json"),
        ("run.json", "audit.json"),
    ],
)
def test_any_few_files_make_a_page(tmp_path: Path, left: tuple[str, ...]) -> None:
    folder = write_phantom(tmp_path)
    for path in [p for p in folder.rglob("*") if p.is_file()]:
        if str(path.relative_to(folder)) not in left:
            path.unlink()
    page, outline = read(write_report(folder))
    assert outline.problems == []
    assert page.count(" is not in the folder, so this page leaves out ") == 8 - len(
        left
    )
    if "metrics.json" not in left:
        assert "Nothing was measured yet" in page


@pytest.mark.parametrize("kind", KINDS)
def test_wrong_types_everywhere_still_make_a_page(tmp_path: Path, kind: str) -> None:
    folder = write_phantom(tmp_path, kind=kind, sizes=TINY)
    (folder / "predictions.csv").unlink()  # read in other tests; bands take time
    metrics = json.loads((folder / "metrics.json").read_text())
    wrong = ["x", 3, None, [], {}, [[1], "a"], {"value": "nan", "low": []}, True, -1]
    for count, key in enumerate(metrics["splits"]["test"]):
        for value in (wrong[count % len(wrong)], wrong[(count + 3) % len(wrong)]):
            broken = json.loads(json.dumps(metrics))
            broken["splits"]["test"][key] = value
            (folder / "metrics.json").write_text(json.dumps(broken))
            _, outline = read(write_report(folder))
            assert outline.problems == [], key
    for name in ("audit.json", "run.json", "bundle/bundle.json"):
        content = json.loads((folder / name).read_text())
        changed = {
            key: value if key == "schema" else wrong[count % len(wrong)]
            for count, (key, value) in enumerate(content.items())
        }
        (folder / name).write_text(json.dumps(changed))
        read(write_report(folder))


def test_no_folder_names_and_no_patients_on_the_page(tmp_path: Path) -> None:
    folder = write_phantom(tmp_path / "secret-place")
    text = (folder / "splits.csv").read_text().replace(",t0000,", ",Ann Smith,")
    (folder / "splits.csv").write_text(text)
    page, _ = read(write_report(folder))
    assert "someone" not in page
    assert str(tmp_path) not in page
    assert "Ann Smith" not in page


def test_same_folder_same_page(tmp_path: Path) -> None:
    folder = write_phantom(tmp_path)
    first = write_report(folder).read_bytes()
    assert write_report(folder).read_bytes() == first


def test_nothing_to_report_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="run medlens run or medlens evaluate first"):
        write_report(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_a_clear_error_and_keeps_the_old_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "run"
    write_phantom(folder, sizes=TINY)
    old = write_report(folder).read_text(encoding="utf-8")

    def refuse(*_given: object, **_more: object) -> int:
        raise OSError(28, "No space left on device", str(folder / "x"))

    monkeypatch.setattr(Path, "write_text", refuse)
    with pytest.raises(ResourceError, match=r"report\.html: .*No space left") as caught:
        write_report(folder)
    assert str(tmp_path) not in str(caught.value)
    assert (folder / "report.html").read_text(encoding="utf-8") == old
    assert not list(folder.glob(".report*"))


def test_methods_are_told_once_each_and_by_what_was_drawn() -> None:
    """Without patients the drawn units are groups, and the page must say so."""
    words = {
        "auroc": "clustered DeLong (Obuchowski), logit scale",
        "sensitivity": "Wilson clustered by patient, 300 cases with it, 37 patients",
        "specificity": "Wilson clustered by patient, 300 cases without, 27 patients",
        "brier": "patient bootstrap, 1000 resamples",
        "ece": "15 equal-width bins; patient bootstrap, 1000 resamples, reflected",
    }
    metrics = {
        name: {"value": 0.9, "low": 0.8, "high": 0.95, "method": method}
        for name, method in words.items()
    }
    leading = {"metrics": metrics, "unit": "group", "n_patients": 64}
    subject = Subject(
        "binary", ("no", "yes"), "yes", "test", leading, {"test": leading}
    )
    table = metric_table(subject)
    assert table is not None
    assert table.note == (
        "95% intervals by: clustered DeLong (Obuchowski), logit scale (AUROC); Wilson "
        "clustered by group (sensitivity and specificity); group bootstrap, 1000 "
        "resamples (Brier score); 15 equal-width bins, group bootstrap, 1000 "
        "resamples, reflected (calibration error (ECE))."
    )
