"""The pages of models: what a bundle says, a threshold to try, alarms, roles."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from medlens.bundle import load_bundle
from medlens.serve.store.store import open_store
from medlens.serve.store.tables import bundles, looks
from tests.serve.running import Running
from tests.web.measured import put_many, put_measured, start_service
from tests.web.studies import put_bundle

WORDS = "four plain words here"


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the bundle whose curves are known by hand."""
    pytest.importorskip("onnx")
    return put_measured(tmp_path_factory.mktemp("measured") / "measured")


@pytest.fixture(scope="module")
def older(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a bundle without curves, as they were before these were kept."""
    return put_bundle(tmp_path_factory.mktemp("older") / "older", name="older")


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a bundle of two labels with curves known by hand, not calibrated."""
    return put_many(tmp_path_factory.mktemp("many") / "many")


@pytest.fixture(scope="module")
def service(
    tmp_path_factory: pytest.TempPathFactory, bundle: Path, older: Path, many: Path
) -> Iterator[Running]:
    """A demo with all three."""
    folders = [str(each) for each in (bundle, older, many)]
    one = start_service(tmp_path_factory.mktemp("service"), *folders)
    yield one
    assert one.stop() == 0


def digest_of(folder: Path) -> str:
    return load_bundle(folder).digest


def row(page: Any, name: str) -> list[str]:
    """Cells of the row of that name in the operating point's table."""
    found = page.locator("#moving tr", has=page.locator(f'th:text-is("{name}")'))
    return [str(each) for each in found.locator("td").all_inner_texts()]


def test_the_list_tells_what_each_is_for(
    page: Any, check_accessible: Callable[..., None]
) -> None:
    page.goto("/models")
    card = page.locator(".models-card", has_text="To be looked at by the tests.")
    card.get_by_text("0.845", exact=True).wait_for()
    said = card.inner_text()
    assert "AUROC" in said
    assert "on 20 cases of 20 patients (test)" in said
    assert "Active" in said
    assert "Open alarms: none" in said
    assert page.get_by_role("button", name="Add a bundle").count() == 0  # a guest
    check_accessible(page)
    card.get_by_role("link", name="measured").click()
    page.wait_for_url("**/models/*")


def test_a_page_says_intended_use_first_and_draws_the_curves(
    page: Any, bundle: Path, check_accessible: Callable[..., None]
) -> None:
    page.goto(f"/models/{digest_of(bundle)}")
    page.get_by_role("heading", name="measured").wait_for()
    headings = page.locator("h2").all_inner_texts()
    assert headings[:4] == [
        "Intended use", "Data it saw", "How good it was", "Operating point",
    ]  # fmt: skip
    assert page.locator("#use").inner_text().count("medical device") == 1
    names = page.get_by_role("img").evaluate_all(
        "all => all.map(each => each.querySelector('title').textContent)"
    )
    assert names == [
        "ROC curve: pneumonia",
        "Calibration: pneumonia",
        "Subgroups: AUROC",
        "pneumonia at every threshold",
        "Net benefit: pneumonia",
    ]
    matrix = page.get_by_role("table", name="Confusion matrix")
    matrix.wait_for()
    cells = [text.split() for text in matrix.locator("tbody td").all_inner_texts()]
    assert cells == [
        ["9", "90.0", "%"], ["1", "10.0", "%"], ["10"],
        ["4", "40.0", "%"], ["6", "60.0", "%"], ["10"],
    ]  # fmt: skip
    for folded in page.locator("details.models-data > summary").all():
        folded.click()
    check_accessible(page)


def test_moving_the_point_shows_what_it_would_do_and_changes_nothing(
    page: Any, bundle: Path
) -> None:
    page.goto(f"/models/{digest_of(bundle)}")
    panel = page.locator("#moving")
    panel.get_by_label("Prevalence, %").fill("10")
    # Of 100 studies 10 are ill: 6 found, 9 of 90 called wrongly, 4 missed.
    assert row(page, "Called positive") == ["15.0", "15.0", "0.0"]
    slider = panel.get_by_role("slider")
    slider.focus()
    page.keyboard.press("ArrowLeft")  # the thresholds are 0, 0.05, 0.5, 0.9, …
    assert "threshold 0.500" in (slider.get_attribute("aria-valuetext") or "").lower()
    assert row(page, "Called positive") == ["15.0", "36.0", "+21.0"]
    assert row(page, "… of these wrongly") == ["9.0", "27.0", "+18.0"]
    assert row(page, "Missed") == ["4.0", "1.0", "−3.0"]
    assert row(page, "PPV")[1].startswith("25.0 %")
    assert row(page, "Specificity")[2] == "−20.0 points"
    assert "9 of 10 with pneumonia are found and 7 of 10" in panel.inner_text()
    panel.get_by_role("button", name="Back to the bundle's point").click()
    assert row(page, "Called positive")[2] == "0.0"
    assert "the bundle's point is not changed" in panel.inner_text()


def test_net_benefit_weighs_false_alarms(page: Any, bundle: Path) -> None:
    page.goto(f"/models/{digest_of(bundle)}")
    chart = page.locator("figure", has_text="Net benefit: pneumonia")
    # At 50 % a false alarm costs a found case: (9 - 3) / 20, and (10 - 10) / 20 where
    # all are called. At 20 % a quarter: (9 - 3/4) / 20 and (10 - 10/4) / 20. From
    # 12.5 % on the model gains more than calling all; from 6/7 on less than nobody.
    assert "between 13 % and 85 %" in chart.inner_text()
    chart.get_by_text("Show as table").click()
    chart.locator("tbody tr").first.wait_for()
    lines = [
        [cell.strip() for cell in line.split("\t")]
        for line in chart.locator("tbody tr").all_inner_texts()
    ]
    told = {line[0]: (line[1], line[3]) for line in lines}
    assert told["50.0 %"] == ("30.0", "0.0")
    assert told["20.0 %"] == ("41.3", "37.5")
    assert told["90.0 %"] == ("-15.0", "-400.0")


def test_many_labels_stand_beside_each_other(
    page: Any, many: Path, check_accessible: Callable[..., None]
) -> None:
    page.goto(f"/models/{digest_of(many)}")
    table = page.get_by_role("region", name="Label by label")
    line = table.get_by_role("row").filter(has_text="effusion")
    line.wait_for()
    cells = [text.split("\n")[0] for text in line.locator("td").all_inner_texts()]
    # Of 10 with effusion 6 are found, of 10 without 9 are cleared, 6 of 7 calls right.
    assert cells[:2] == ["10", "0.845"]
    assert cells[3:6] == ["60.0 %", "90.0 %", "85.7 %"]
    line.get_by_role("button", name="effusion").click()
    page.get_by_role("heading", name="ROC curve: effusion").wait_for()
    page.get_by_role("heading", name="Net benefit: effusion").wait_for()
    assert page.locator("#unsure").inner_text().count("network's own") == 1
    check_accessible(page)


def test_the_card_is_text_whatever_its_maker_wrote(page: Any, bundle: Path) -> None:
    page.goto(f"/models/{digest_of(bundle)}")
    page.get_by_text("Show the card").click()
    card = page.locator(".models-markdown")
    card.get_by_role("cell", name="0.845").wait_for()
    assert card.locator("img, script").count() == 0
    assert "onerror" in card.inner_text()
    links = card.locator("a").evaluate_all("all => all.map(a => [a.href, a.rel])")
    assert links == [["https://example.org/paper", "noopener noreferrer nofollow"]]
    assert "hostile" not in page.title()


def test_an_older_bundle_says_that_it_has_no_curves(page: Any, older: Path) -> None:
    page.goto(f"/models/{digest_of(older)}")
    page.get_by_text("made before curves were kept").wait_for()
    assert page.locator("#moving").count() == 0
    parts = page.get_by_role("navigation", name="On this page").get_by_role("link")
    addresses = [str(each.get_attribute("href")) for each in parts.all()]
    assert "#moving" not in addresses  # no link leads nowhere
    assert [page.locator(address).count() for address in addresses] == [1] * len(
        addresses
    )


def test_an_alarm_is_seen_by_a_person_with_a_note(
    page: Any, service: Running, bundle: Path, check_accessible: Callable[..., None]
) -> None:
    digest = digest_of(bundle)
    store = open_store(service.data)
    try:
        _put_alarm(store, digest)
        page.goto(f"/models/{digest}")
        alarm = page.locator(".models-alarm")
        alarm.wait_for()
        assert "mean (0.51 → 0.43)" in alarm.inner_text()
        assert "61 patients against 200" in alarm.inner_text()
        assert "p < 0.001" in alarm.inner_text()
        check_accessible(page)
        alarm.get_by_label("What was found").fill("a new detector")
        page.reload()
        assert page.get_by_label("What was found").input_value() == "a new detector"
        page.get_by_role("button", name="Mark as seen").click()
        page.get_by_text("Alarms that were seen (1)").wait_for()
        with store.read() as connection:
            kept = connection.execute(sa.select(looks)).one()
        assert kept.note == "a new detector"
        assert kept.seen_at is not None
    finally:
        store.close()


def _put_alarm(store: Any, digest: str) -> None:
    share = {"n": 61, "value": 0.2, "low": 0.1, "high": 0.3}
    moved = {"name": "mean", "before": 0.51, "now": 0.43, "p_value": 0.0003}
    report = {
        "reference": 200,
        "images": {"p_value": 0.0003, "features": [moved]},
        "outside": share,
        "positive": share,
    }
    with store.begin() as connection:
        connection.execute(
            sa.insert(looks).values(
                bundle_digest=digest, site="", month="2026-10", number=4,
                state="drift", is_alarm=True, report=report, at=time.time(),
            )
        )  # fmt: skip


def test_chinese_on_a_tablet(
    visit: Callable[..., Any], bundle: Path, check_accessible: Callable[..., None]
) -> None:
    page = visit(viewport={"width": 768, "height": 1024}, locale="zh-CN")
    page.goto(f"/models/{digest_of(bundle)}")
    page.get_by_role("heading", name="预期用途").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= 768
    check_accessible(page)


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory, older: Path) -> Iterator[Running]:
    """A service with accounts and the older bundle at work."""
    one = start_service(tmp_path_factory.mktemp("guarded"), str(older), demo=False)
    yield one
    assert one.stop() == 0


@pytest.mark.slow
def test_an_administrator_adds_promotes_and_rolls_back(
    browser: Any, guarded: Running, bundle: Path, older: Path, tmp_path: Path
) -> None:
    """From a broken archive to the bundle at work, and back."""
    page = browser.new_context(base_url=guarded.url, locale="en-GB").new_page()
    invitation = re.search(r"http\S+#\S+", guarded.said)
    assert invitation
    page.goto(invitation[0])
    page.fill("#name", "Chief")
    page.fill("#password", WORDS)
    page.click("button")
    page.wait_for_url(f"{guarded.url}/")
    page.goto("/models")
    page.get_by_role("button", name="Add a bundle").click()
    broken = tmp_path / "broken.zip"
    broken.write_bytes(b"PK\x03\x04 no archive")
    picker = page.locator("input[type=file]").first
    picker.set_input_files(broken)
    page.get_by_text("That did not work").wait_for()
    archive = shutil.make_archive(
        str(tmp_path / "measured"), "zip", bundle.parent, bundle.name
    )
    picker.set_input_files(archive)
    page.wait_for_url(f"**/models/{digest_of(bundle)}")
    page.get_by_text("Rests. It can be promoted again.").wait_for()
    page.get_by_role("button", name="Promote…").click()
    page.get_by_label("Takes the place of").select_option(digest_of(older))
    page.get_by_role("button", name="Do it").click()
    page.get_by_text("Its answers count.").wait_for()
    _wait_for_roles(guarded, {"measured": "active", "older": "retired"})
    page.get_by_role("button", name="Roll back…").click()
    page.get_by_role("button", name="Do it").click()
    page.get_by_text("Rests. It can be promoted again.").wait_for()
    _wait_for_roles(guarded, {"measured": "retired", "older": "active"})
    page.context.close()


def _wait_for_roles(service: Running, wanted: dict[str, str]) -> None:
    until = time.monotonic() + 30
    while _roles(service) != wanted and time.monotonic() < until:
        time.sleep(0.2)
    assert _roles(service) == wanted


def _roles(service: Running) -> dict[str, str]:
    store = open_store(service.data)
    try:
        with store.read() as connection:
            rows = connection.execute(sa.select(bundles.c.name, bundles.c.role)).all()
    finally:
        store.close()
    return {row.name: row.role for row in rows}
