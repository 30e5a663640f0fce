"""The report panel: nothing typed is lost, versions stay, signing says its meaning."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.serve.running import Running
from tests.web.conftest import Heard
from tests.web.studies import chest, send, wait_for_end

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def numbers() -> Callable[[], int]:
    """Counts studies, so that each test has its own."""
    counter = iter(range(1, 1000))
    return lambda: next(counter)


@pytest.fixture
def study(service: Running, numbers: Callable[[], int]) -> int:
    """Our number of a radiograph that shows pneumonia by the tiny bundle."""
    (study,) = send(service.url, [chest(numbers())])
    assert wait_for_end(service.url, study) == "answered"
    return study


def open_report(page: Any, study: int) -> Any:
    """The text area of the findings, with the focus."""
    page.goto(f"/studies/{study}")
    page.wait_for_selector("[data-finding]")
    page.keyboard.press("Alt+r")
    field = page.locator(".report").get_by_label("Findings", exact=True)
    field.wait_for()
    page.wait_for_selector(".report textarea:focus")
    return field


def draft_of(url: str, study: int) -> dict[str, Any] | None:
    found: dict[str, Any] | None = httpx.get(
        f"{url}/api/v1/studies/{study}/report"
    ).json()["draft"]
    return found


def wait_until(holds: Callable[[], bool]) -> None:
    until = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.2)


def test_the_draft_comes_from_the_findings_and_is_saved_as_it_is_typed(
    page: Any, service: Running, study: int, check_accessible: Callable[..., None]
) -> None:
    field = open_report(page, study)
    assert "neumonia" in field.input_value()
    assert draft_of(service.url, study) is None  # looking is no draft
    check_accessible(page)
    field.fill("Left lower lobe.")
    page.wait_for_selector(".report-saved >> text=/Saved \\d\\d:\\d\\d:\\d\\d/")
    kept = draft_of(service.url, study)
    assert kept is not None
    assert kept["content"]["sections"]["findings"] == "Left lower lobe."
    page.reload()
    assert open_report(page, study).input_value() == "Left lower lobe."
    line = httpx.get(f"{service.url}/api/v1/studies/{study}").json()
    assert line["reading"] == "begun"


def test_a_lost_line_loses_nothing(
    page: Any, service: Running, study: int, heard: Heard
) -> None:
    heard.expect("ERR_INTERNET_DISCONNECTED")
    field = open_report(page, study)
    page.context.set_offline(True)
    field.fill("Typed while the line was down.")
    page.wait_for_selector("text=Not saved: no connection")
    page.context.set_offline(False)
    page.wait_for_selector(".report-saved >> text=/^Saved/")
    kept = draft_of(service.url, study)
    assert kept is not None
    assert kept["content"]["sections"]["findings"] == "Typed while the line was down."


def test_two_tabs_do_not_write_over_each_other(
    visit: Callable[..., Any], service: Running, study: int, heard: Heard
) -> None:
    heard.expect("409")
    one, two = visit(), visit()
    first, second = open_report(one, study), open_report(two, study)
    first.fill("From the first tab.")
    one.wait_for_selector(".report-saved >> text=/^Saved/")
    second.fill("From the second tab.")
    two.wait_for_selector(".report-conflict")
    said = two.inner_text(".report-conflict")
    assert "first" in said
    assert "second" in said
    kept = draft_of(service.url, study)
    assert kept is not None
    assert kept["content"]["sections"]["findings"] == "From the first tab."
    two.get_by_role("button", name="Keep mine").click()
    two.wait_for_selector(".report-saved >> text=/^Saved/")
    kept = draft_of(service.url, study)
    assert kept is not None
    assert kept["content"]["sections"]["findings"] == "From the second tab."


def test_signing_in_one_tab_drops_no_newer_draft_of_another(
    visit: Callable[..., Any], service: Running, study: int, heard: Heard
) -> None:
    heard.expect("409")
    one, two = visit(), visit()
    open_report(one, study)
    open_report(two, study).fill("Newer words.")
    two.wait_for_selector(".report-saved >> text=/^Saved/")
    one.keyboard.press("Control+Enter")
    one.wait_for_selector("dialog[open] .button-main:focus")
    one.keyboard.press("Enter")
    one.wait_for_selector("dialog[open] [role=alert] >> text=saved a newer draft")
    assert one.locator("dialog[open] .button-main").is_disabled()
    one.keyboard.press("Escape")
    assert one.inner_text(".report-conflict del") == "Newer words."
    whole = httpx.get(f"{service.url}/api/v1/studies/{study}/report").json()
    assert whole["versions"] == []
    assert whole["draft"]["content"]["sections"]["findings"] == "Newer words."
    one.get_by_role("button", name="Take the other one").click()
    one.keyboard.press("Control+Enter")
    one.wait_for_selector("dialog[open] .button-main:focus")
    one.keyboard.press("Enter")
    one.wait_for_selector(".report-signed")
    assert "Newer words." in one.inner_text(".report-version")


def test_the_other_language_offers_its_draft_and_edits_stay(
    page: Any, study: int
) -> None:
    field = open_report(page, study)
    field.fill("My own English words.")
    page.locator(".report-language >> text=中文").click()
    wait_until(lambda: "肺炎" in field.input_value())
    page.locator(".report-language >> text=English").click()
    wait_until(lambda: field.input_value() == "My own English words.")


def test_a_finding_goes_in_where_the_cursor_is(page: Any, study: int) -> None:
    field = open_report(page, study)
    field.fill("Left: and nothing else.")
    field.evaluate("field => field.setSelectionRange(5, 5)")
    page.locator(".report-insert summary").click()
    page.locator(".report-insert-body button").first.click()
    text = field.input_value()
    assert text.startswith("Left: ")
    assert "neumonia" in text
    assert text.endswith(" and nothing else.")


def test_signed_amended_compared_and_taken_away(
    page: Any, service: Running, study: int, check_accessible: Callable[..., None]
) -> None:
    field = open_report(page, study)
    field.fill("A small shadow.")
    page.keyboard.press("Control+Enter")
    page.wait_for_selector("dialog[open]")
    said = page.inner_text("dialog[open]")
    assert "every sentence is yours" in said
    assert "version 1, signed by guest" in said
    assert "1 finding" in said  # nobody has judged it
    check_accessible(page)
    page.wait_for_selector("dialog[open] .button-main:focus")
    page.keyboard.press("Enter")
    page.wait_for_selector(".report-signed")
    assert "Signed by guest" in page.inner_text(".report-signed")
    assert page.locator(".report textarea").count() == 0
    check_accessible(page)
    page.get_by_role("button", name="Amend").click()
    field = page.locator(".report").get_by_label("Findings", exact=True)
    field.fill("A large shadow.")
    page.keyboard.press("Control+Enter")
    page.wait_for_selector("dialog[open] input:focus")
    page.keyboard.press("Control+Enter")
    assert "Say why" in page.inner_text("dialog[open] [role=alert]")
    page.keyboard.type("Measured again.")
    page.keyboard.press("Control+Enter")
    page.wait_for_selector("#report-version >> text=Version 2")
    page.click("text=Changes against version 1")
    page.wait_for_selector(".report-changes ins")
    assert page.inner_text(".report-changes del") == "small"
    assert page.inner_text(".report-changes ins") == "large"
    assert page.locator(".report-version-line").count() == 2
    for name, start in (("PDF", b"%PDF"), ("Text", b""), ("FHIR", b"{")):
        with page.expect_download() as got:
            page.locator(".report-downloads").get_by_text(name, exact=True).click()
        assert got.value.path().read_bytes().startswith(start)
    page.locator(".report-version-line >> text=Version 1").click()
    page.wait_for_selector("#report-version >> text=Version 1")
    assert "A small shadow." in page.inner_text(".report-version")
    lines = httpx.get(f"{service.url}/api/v1/studies/{study}/report").json()["versions"]
    assert [(each["version"], each["reason"]) for each in lines] == [
        (2, "Measured again."),
        (1, ""),
    ]


def test_a_version_without_a_signature_is_written_on(
    page: Any, service: Running, study: int
) -> None:
    field = open_report(page, study)
    field.fill("First thoughts.")
    page.get_by_role("button", name="Save version").click()
    page.wait_for_selector("text=Version 1 saved, not signed")
    page.reload()
    assert open_report(page, study).input_value() == "First thoughts."
    (line,) = httpx.get(f"{service.url}/api/v1/studies/{study}/report").json()[
        "versions"
    ]
    assert line["is_signed"] is False


def test_on_paper_there_is_the_report_alone(page: Any, study: int) -> None:
    field = open_report(page, study)
    field.fill("For the paper.")
    page.emulate_media(media="print")
    page.wait_for_selector(".report-paper", state="visible")
    shown = page.evaluate("document.body.innerText")
    assert "For the paper." in shown
    assert "DRAFT, not signed" in shown
    assert "Research software, not a medical device." in shown
    assert "Worklist" not in shown
    assert "Sign" not in shown.replace("not signed", "")
    assert not page.evaluate("document.querySelector('.viewer').checkVisibility()")
