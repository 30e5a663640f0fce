"""The findings panel: cautions before numbers, words of readers, corrections."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.serve.running import Running
from tests.web.conftest import Heard
from tests.web.studies import chest, send, wait_for_end

HELD_S = 4.0  # a word can be taken back for so long
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


def result_of(url: str, study: int) -> int:
    return int(httpx.get(f"{url}/api/v1/studies/{study}").json()["result_id"])


def words_on(url: str, study: int) -> list[dict[str, Any]]:
    found = httpx.get(f"{url}/api/v1/results/{result_of(url, study)}/feedback").json()
    assert isinstance(found, list)
    return found


def wait_for_words(url: str, study: int, count: int) -> list[dict[str, Any]]:
    until = time.monotonic() + 20
    while time.monotonic() < until:
        words = words_on(url, study)
        if len(words) >= count:
            return words
        time.sleep(0.2)
    raise AssertionError(f"{count} words never came")


def open_findings(page: Any, study: int) -> Any:
    """The row of pneumonia, picked by its key."""
    page.goto(f"/studies/{study}")
    row = page.locator("[data-finding='0/1']")
    row.wait_for()
    page.keyboard.press("n")
    page.wait_for_selector(".findings-row.is-selected")
    return row


def test_a_finding_shows_what_it_rests_on(
    page: Any, study: int, check_accessible: Callable[..., None]
) -> None:
    row = open_findings(page, study)
    said = row.inner_text()
    assert "pneumonia" in said
    assert "present" in said
    assert "operating point 90.0 %" in said
    tick = row.locator(".findings-bar-tick").get_attribute("x1")
    assert float(tick) == pytest.approx(90)
    assert "It is no outline of disease" in page.inner_text(".findings-layers")
    page.wait_for_selector("[aria-label*='layers: pneumonia']")
    check_accessible(page)


def test_the_caution_stands_before_any_number(
    page: Any, service: Running, study: int, check_accessible: Callable[..., None]
) -> None:
    """Images unlike the training images: figures only for whoever asks for them."""

    def outside(route: Any) -> None:
        reply = route.fetch()
        view = reply.json()
        (assessment,) = view["diagnosis"]["assessments"]
        assessment["advice"] = "outside"
        assessment["out_of_distribution"] = {
            "score": 9.25,
            "threshold": 2.5,
            "is_outlier": True,
        }
        route.fulfill(response=reply, body=json.dumps(view))

    page.route(f"**/api/v1/results/{result_of(service.url, study)}", outside)
    page.goto(f"/studies/{study}")
    page.wait_for_selector(".findings-card .findings-caution")
    said = page.inner_text(".findings")
    assert "Outside what this model knows" in said
    assert "9.25, limit 2.5" in said
    assert "%" not in said
    assert page.locator("[data-finding]").count() == 0
    page.keyboard.press("n")  # such a finding is no stop on the way
    assert page.locator(".findings-row.is-selected").count() == 0
    check_accessible(page)
    page.click("text=Show the figures all the same")
    page.wait_for_selector("[data-finding='0/1']")
    said = page.inner_text(".findings")
    assert said.index("Outside what this model knows") < said.index("%")


def test_a_word_is_shown_at_once_and_can_be_taken_back(
    page: Any, service: Running, study: int
) -> None:
    row = open_findings(page, study)
    page.keyboard.press("y")
    row.locator(".findings-verdict.is-accept").wait_for()
    page.keyboard.press("u")
    row.locator(".findings-verdict").wait_for(state="detached")
    time.sleep(HELD_S + 1)
    assert words_on(service.url, study) == []
    page.keyboard.press("x")
    row.locator(".findings-verdict.is-reject").wait_for()
    (word,) = wait_for_words(service.url, study, 1)
    assert (word["verdict"], word["finding"], word["reader"]) == (
        "reject",
        "1",
        "guest",
    )


def test_a_reply_that_is_lost_doubles_nothing(
    page: Any, service: Running, study: int, heard: Heard
) -> None:
    heard.expect("ERR_CONNECTION_RESET")
    keys: list[str] = []

    def lose_first(route: Any) -> None:
        if route.request.method != "POST":
            route.continue_()
            return
        keys.append(route.request.headers["idempotency-key"])
        if len(keys) == 1:
            route.fetch()  # it arrives there, and nothing comes back
            route.abort("connectionreset")
            return
        route.continue_()

    row = open_findings(page, study)
    page.route("**/feedback", lose_first)
    page.keyboard.press("y")
    row.locator(".findings-trouble").wait_for()
    assert "no connection" in row.inner_text()
    row.locator(".findings-trouble").wait_for(state="detached")
    assert len(keys) == 2
    assert keys[0] == keys[1]
    assert len(words_on(service.url, study)) == 1


def test_what_is_typed_survives_a_reload(
    page: Any, service: Running, study: int
) -> None:
    open_findings(page, study)
    page.keyboard.press("Shift+C")
    page.keyboard.type("Retrocardiac.")
    page.reload()
    open_findings(page, study)
    page.keyboard.press("Shift+C")
    field = page.get_by_label("Comment on pneumonia")
    assert field.input_value() == "Retrocardiac."
    page.get_by_role("button", name="Comment and accept").click()
    page.reload()  # a word that was held is sent by the next page
    (word,) = wait_for_words(service.url, study, 1)
    assert (word["verdict"], word["comment"]) == ("accept", "Retrocardiac.")
    row = open_findings(page, study)
    assert "Retrocardiac." in row.inner_text()
    page.keyboard.press("Shift+C")
    assert page.get_by_label("Comment on pneumonia").input_value() == ""


def draw(page: Any) -> None:
    """Drag a box over the middle of the image."""
    page.get_by_role("button", name="Draw box").click()
    place = page.locator(".viewer-panes").bounding_box()
    x, y = place["x"] + place["width"] / 2, place["y"] + place["height"] / 2
    page.mouse.move(x - 40, y - 30)
    page.mouse.down()
    page.mouse.move(x + 40, y + 30, steps=4)
    page.mouse.up()
    page.wait_for_selector(r".findings-draw >> text=/\d.*–.*across/")


def test_a_correction_becomes_an_sr_and_training_data(
    page: Any, service: Running, study: int, check_accessible: Callable[..., None]
) -> None:
    row = open_findings(page, study)
    page.wait_for_selector(".viewer canvas")
    page.keyboard.press("Shift+E")
    page.get_by_label("Label", exact=True).select_option("\0other")
    page.get_by_label("Label in your own words").fill("effusion")
    draw(page)
    check_accessible(page)
    page.get_by_role("button", name="Save the correction").click()
    row.locator(".findings-verdict.is-correct").wait_for()
    (word,) = wait_for_words(service.url, study, 1)
    assert (word["verdict"], word["label"]) == ("correct", "effusion")
    assert word["box"]["right"] > word["box"]["left"]
    assert word["image"]["frame"] is None
    page.get_by_role("button", name="Save corrections as DICOM SR").click()
    with page.expect_download() as got:
        page.click("text=Download the SR")
    assert got.value.path().read_bytes()[128:132] == b"DICM"
    page.get_by_role("button", name="Export as training data").click()
    with page.expect_download() as got:
        page.click(".findings-export a")
    assert got.value.path().read_bytes()[:2] == b"PK"


def test_a_missed_finding_is_added_and_taken_back(
    page: Any, service: Running, study: int
) -> None:
    open_findings(page, study)
    page.wait_for_selector(".viewer canvas")
    page.keyboard.press("Shift+A")
    page.get_by_role("button", name="Save the correction").click()
    assert "Say what it is." in page.inner_text(".findings-problem")
    page.get_by_label("Label", exact=True).select_option("\0other")
    page.get_by_label("Label in your own words").fill("nodule")
    draw(page)
    page.get_by_role("button", name="Save the correction").click()
    (word,) = wait_for_words(service.url, study, 1)
    assert (word["verdict"], word["label"]) == ("add", "nodule")
    page.get_by_role("button", name="Reject: nodule").click()
    words = wait_for_words(service.url, study, 2)
    assert [each["verdict"] for each in words] == ["add", "reject"]
    assert words[0]["finding"] == words[1]["finding"] != ""


def test_a_mask_is_painted_and_kept_as_a_segmentation(
    page: Any, service: Running, study: int
) -> None:
    open_findings(page, study)
    page.wait_for_selector(".viewer canvas")
    page.keyboard.press("Shift+E")
    page.get_by_role("button", name="Paint mask").click()
    place = page.locator(".viewer-panes").bounding_box()
    x, y = place["x"] + place["width"] / 2, place["y"] + place["height"] / 2
    page.mouse.move(x - 30, y)
    page.mouse.down()
    page.mouse.move(x + 30, y, steps=6)
    page.mouse.up()
    page.wait_for_selector("text=1 slices painted")
    page.get_by_role("button", name="Save the correction").click()
    (word,) = wait_for_words(service.url, study, 1)
    assert word["verdict"] == "correct"
    assert word["mask"] != ""
    series = httpx.get(f"{service.url}/api/v1/studies/{study}").json()["series"]
    assert "SEG" in [each["modality"] for each in series]


def test_in_chinese_names_and_reasons_are_chinese(
    visit: Callable[..., Any], study: int, check_accessible: Callable[..., None]
) -> None:
    page = visit(locale="zh-CN")
    row = open_findings(page, study)
    assert "肺炎" in row.inner_text()
    assert "判定阈值" in row.inner_text()
    assert "建议由医师阅片确认" in page.inner_text(".findings")
    check_accessible(page)


def test_a_study_without_an_answer_says_why(
    page: Any, service: Running, numbers: Callable[[], int]
) -> None:
    """No bundle takes a film: the reason, and a way to try again."""
    from tests.web.studies import clip

    (study,) = send(service.url, [clip(numbers())])
    assert wait_for_end(service.url, study) == "refused"
    page.goto(f"/studies/{study}")
    page.wait_for_selector(".study-tabs")
    page.keyboard.press("Alt+s")
    page.wait_for_selector(".study-tab >> text=Not looked at")
    said = page.inner_text(".study-side")
    assert "film" in said
    assert (
        page.get_by_role("tab", name="Study").get_attribute("aria-selected") == "true"
    )
