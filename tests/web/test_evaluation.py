"""A bundle evaluated on a set of one's own, from the choice of files to its removal."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from medlens.bundle import load_bundle
from tests.serve.running import Running
from tests.web.measured import put_measured, start_service

DONE_MS = 300_000
"""The job gives way to all else: on a busy machine it takes its time."""
CASES = [("sick", 200)] * 5 + [("sick", 2)] + [("well", 2)] * 5 + [("well", 200)]
"""Word and brightness of each picture: bright ones are called. Five of six sick ones
are found, five of six well ones are cleared."""


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the bundle whose shipped figures are known by hand."""
    pytest.importorskip("onnx")
    return put_measured(tmp_path_factory.mktemp("measured") / "measured")


@pytest.fixture(scope="module")
def service(
    tmp_path_factory: pytest.TempPathFactory, bundle: Path
) -> Iterator[Running]:
    """A demo with that bundle."""
    one = start_service(tmp_path_factory.mktemp("service"), str(bundle))
    yield one
    assert one.stop() == 0


def picture(level: int) -> bytes:
    """A PNG of 32 × 32, even in all pixels."""
    held = io.BytesIO()
    Image.fromarray(np.full((32, 32), level, np.uint8)).save(held, "PNG")
    return held.getvalue()


def lay_out(folder: Path) -> list[Path]:
    """A set with a table, one picture of which is broken; its files."""
    folder.mkdir()
    rows = ["image,patient,truth"]
    for at, (word, level) in enumerate(CASES):
        (folder / f"{at}.png").write_bytes(picture(level))
        label = "pneumonia" if word == "sick" else "normal"
        rows.append(f"{at}.png,P{at},{label}")
    (folder / "broken.png").write_bytes(picture(2)[:40])
    rows.append("broken.png,P99,normal")
    (folder / "labels.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return sorted(folder.iterdir())


def go_to_form(page: Any, bundle: Path) -> Any:
    page.goto(f"/models/{load_bundle(bundle).digest}")
    form = page.locator("#evaluate")
    form.get_by_text("None yet.").or_(form.get_by_role("table")).wait_for()
    return form


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_from_files_to_figures_beside_the_shipped_ones(
    page: Any,
    service: Running,
    bundle: Path,
    tmp_path: Path,
    check_accessible: Callable[..., None],
) -> None:
    form = go_to_form(page, bundle)
    form.locator("input[type=file]").first.set_input_files(lay_out(tmp_path / "set"))
    form.get_by_text("14 files").wait_for()
    assert form.get_by_label("Table of labels").input_value() == "labels.csv"
    assert form.get_by_label("Column that tells patients").input_value() == "patient"
    form.get_by_label("truth pneumonia, normal").check()
    form.get_by_label("Title").fill("Twelve squares")
    check_accessible(page)
    form.get_by_role("button", name="Start the evaluation").click()
    page.wait_for_url("**/evaluations/*")
    page.locator(".chip-good", has_text="Done").wait_for(timeout=DONE_MS)
    table = page.get_by_role("region", name="Here, against where it was made")
    table.locator("tr", has_text="Sensitivity").first.wait_for()
    cells = table.locator("tr", has_text="Sensitivity").locator("td").all_inner_texts()
    assert cells[0].startswith("83.3 %\n")  # 5 of 6
    assert cells[1].startswith("60.0 %\n")  # 6 of 10, as shipped
    matrix = page.get_by_role("table", name="Confusion matrix")
    matrix.wait_for()
    counts = [text.split()[0] for text in matrix.locator("tbody td").all_inner_texts()]
    assert counts == ["5", "1", "6", "1", "5", "6"]
    failed = page.get_by_role("region", name="Cases without an answer")
    assert "broken.png" in failed.last.inner_text()
    assert "12 cases of 12 patients" in page.locator("#figures").inner_text()
    check_accessible(page)
    with page.expect_download() as held:
        page.get_by_role("link", name="Download the report").click()
    text = held.value.path().read_text(encoding="utf-8")
    assert "<html" in text
    assert "<script" not in text
    page.get_by_role("button", name="Remove…").click()
    page.get_by_role("button", name="Do it").click()
    page.wait_for_url("**/models/*")
    told = httpx.get(f"{service.url}/api/v1/evaluations", timeout=60).json()
    assert told["items"] == []


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_set_without_labels_is_refused_in_words(
    page: Any, bundle: Path, tmp_path: Path
) -> None:
    packed = tmp_path / "pictures.zip"
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.png", picture(2))
        archive.writestr("b.png", picture(200))
    form = go_to_form(page, bundle)
    form.locator("input[type=file]").first.set_input_files(packed)
    form.get_by_text("pictures.zip").wait_for()
    assert form.get_by_label("Table of labels").count() == 0  # it has no table
    assert form.get_by_label("Title").input_value() == "pictures"
    form.get_by_role("button", name="Start the evaluation").click()
    page.get_by_text("It could not be done").wait_for(timeout=DONE_MS)
    assert "label" in page.locator(".failure").inner_text()


def test_tables_in_a_dropped_archive_are_offered(page: Any, bundle: Path) -> None:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("set/labels.csv", "image,diagnosis\na.png,0\nb.png,1\n")
        archive.writestr("set/notes.csv", "word\nnothing\n")
    form = go_to_form(page, bundle)
    data = page.evaluate_handle(
        """bytes => {
            const held = new DataTransfer();
            const file = new File([new Uint8Array(bytes)], "dropped.zip");
            held.items.add(file);
            return held;
        }""",
        list(held.getvalue()),
    )
    form.locator(".models-drop").dispatch_event("drop", {"dataTransfer": data})
    form.get_by_text("dropped.zip").wait_for()
    assert form.get_by_label("Table of labels").input_value() == "set/labels.csv"
    assert form.get_by_label("diagnosis 0, 1").is_checked()
    form.get_by_label("Table of labels").select_option("set/notes.csv")
    assert form.get_by_label("word nothing").is_checked() is False
    form.get_by_role("button", name="Another set").click()
    form.locator(".models-drop").wait_for()
