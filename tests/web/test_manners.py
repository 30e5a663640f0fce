"""How every page behaves: titles, keys, looks, languages, narrow screens, log-in."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.serve.running import Running
from tests.web.conftest import WAIT_MS, Heard
from tests.web.measured import start_service
from tests.web.studies import NOT_SEEN, chest, clip, ct_series, send, wait_for_end
from tests.write.dicom_sources import file_bytes

PHONE = {"width": 390, "height": 800}
ZOOMED = {"width": 320, "height": 256}
"""1280 × 1024 at 400 % (WCAG 1.4.10)."""
WORDS = "four plain words here"


def test_the_studies_of_the_tests_end_as_they_say(service: Running) -> None:
    bright, dark, series, frames = (
        send(service.url, images)[0]
        for images in ([chest(1)], [chest(2, level=NOT_SEEN)], ct_series(3), [clip(4)])
    )
    assert wait_for_end(service.url, bright) == "answered"
    assert wait_for_end(service.url, dark) == "answered"
    assert wait_for_end(service.url, series) == "refused"
    assert wait_for_end(service.url, frames) in ("answered", "refused")


def test_title_and_focus_follow_the_page(page: Any) -> None:
    page.goto("/?order=newest")
    page.wait_for_selector("h1")
    assert page.title() == "Worklist – medlens"
    page.keyboard.press("Alt+y")
    page.wait_for_selector("h1:focus:has-text('Try it')")
    assert page.title() == "Try it – medlens"
    page.keyboard.press("Alt+w")
    page.wait_for_url("**/?order=newest")  # the list as it was left


def test_the_skip_link_leads_to_the_content(page: Any) -> None:
    page.goto("/try")
    page.wait_for_selector("h1")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('main') !== null")


def test_keys_are_shown_and_can_be_mapped(
    page: Any, check_accessible: Callable[..., None]
) -> None:
    page.goto("/")
    page.wait_for_selector("h1")
    page.keyboard.press("?")
    page.wait_for_selector("dialog h2:has-text('Keyboard shortcuts')")
    check_accessible(page)
    page.get_by_role("button", name="Change: Newest first").click()
    page.keyboard.press("u")
    assert "U is already “Most urgent first”" in page.inner_text("dialog")
    page.keyboard.press("q")
    page.keyboard.press("Escape")
    page.wait_for_selector("dialog", state="detached")
    page.reload()
    page.wait_for_selector("h1")
    page.keyboard.press("n")
    assert "order=newest" not in page.url
    page.keyboard.press("q")
    page.wait_for_url("**/?order=newest")


def test_looks_and_language_are_remembered(page: Any) -> None:
    page.goto("/")
    page.wait_for_selector("h1")
    page.emulate_media(color_scheme="dark")
    page.wait_for_selector("html[data-theme=dark]")
    page.locator("summary").click()
    page.get_by_role("button", name="Light").click()
    page.get_by_role("button", name="中文").click()
    page.reload()
    page.wait_for_selector("h1:has-text('工作列表')")
    assert page.evaluate("document.documentElement.dataset.theme") == "light"
    assert page.evaluate("document.documentElement.lang") == "zh-CN"
    assert page.title() == "工作列表 – medlens"


def test_a_log_in_that_ended_leads_back_to_where_one_was(
    page: Any, heard: Heard
) -> None:
    heard.expect("401")
    page.goto("/")
    page.wait_for_selector("h1")
    problem = {"type": "/api/v1/problems/unauthorized", "status": 401, "detail": "x"}
    page.route(
        "**/api/v1/studies?*", lambda route: route.fulfill(status=401, json=problem)
    )
    page.keyboard.press("n")
    page.wait_for_url("**/login")
    page.unroute("**/api/v1/studies?*")
    page.goto("/")  # what a log-in leads to
    page.wait_for_url("**/?order=newest")


@pytest.mark.parametrize("path", ["/", "/try", "/models"])
@pytest.mark.parametrize("size", [PHONE, ZOOMED], ids=["phone", "at 400 percent"])
def test_a_narrow_page_has_no_sideways_scroll(
    visit: Callable[..., Any],
    path: str,
    size: dict[str, int],
    check_accessible: Callable[..., None],
) -> None:
    page = visit(viewport=size, has_touch=True)
    page.goto(path)
    page.wait_for_selector("h1")
    assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    # Nothing is cut off below: what does not fit can be scrolled to.
    foot = page.locator(".foot")
    foot.scroll_into_view_if_needed()
    assert foot.bounding_box()["y"] < size["height"]
    check_accessible(page)


def test_forced_colours_show_what_is_chosen(visit: Callable[..., Any]) -> None:
    page = visit(forced_colors="active")
    page.goto("/models")
    page.wait_for_selector("h1")
    chosen, other = (
        page.locator(f".nav a{which}").first.evaluate(
            "each => getComputedStyle(each).outlineStyle"
        )
        for which in ("[aria-current]", ":not([aria-current])")
    )
    assert (chosen, other) == ("solid", "none")


REJECT = """window.dispatchEvent(new PromiseRejectionEvent("unhandledrejection", {
  promise: new Promise(() => {}), reason: new Error("the disk is full"),
}))"""


def test_a_failure_is_said_where_it_can_be_read(page: Any) -> None:
    page.goto("/")
    page.wait_for_selector("h1")
    page.keyboard.press("?")
    page.wait_for_selector("dialog h2")
    page.evaluate(REJECT)
    # All but the dialog is inert: a message beside it could not be dismissed.
    page.wait_for_selector("dialog .toast:has-text('the disk is full')")
    assert page.locator(".toast").count() == 1
    page.keyboard.press("Escape")
    page.wait_for_selector("dialog", state="detached")
    page.get_by_role("button", name="Dismiss").click()
    page.wait_for_selector(".toast", state="detached")


def test_a_file_dropped_beside_its_mark_changes_nothing(page: Any) -> None:
    page.goto("/models")
    page.wait_for_selector("h1")
    is_left_to_the_browser = page.evaluate(
        """() => ["dragover", "drop"].map(kind => {
          const transfer = new DataTransfer();
          transfer.items.add(new File(["x"], "x.dcm"));
          return document.querySelector("h1").dispatchEvent(new DragEvent(kind, {
            dataTransfer: transfer, bubbles: true, cancelable: true,
          }));
        })"""
    )
    assert is_left_to_the_browser == [False, False]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_log_in_in_another_tab_holds_up_nothing(
    browser: Any, tmp_path: Path, bundle: Path
) -> None:
    """The same person logs in anew: an open page goes on. Another one: it says so."""
    guarded = start_service(tmp_path, str(bundle), demo=False)
    context = browser.new_context(base_url=guarded.url, locale="en-GB")
    context.set_default_timeout(WAIT_MS)
    try:
        first, second = context.new_page(), context.new_page()
        invitation = re.search(r"http\S+#\S+", guarded.said)
        assert invitation
        first.goto(invitation[0])
        _fill_in(first, "Anna", guarded)
        first.goto("/try")
        first.wait_for_selector(".trial-drop")
        second.goto("/login")
        second.get_by_role("button", name="Log out").click()
        _fill_in(second, "Anna", guarded, path="/login")
        image = file_bytes(chest(71))
        file = {"name": "a.dcm", "mimeType": "application/dicom", "buffer": image}
        first.set_input_files("[data-files=files]", [file])
        first.wait_for_selector(".upload-stored")
        # On its way before the log-in ends: a page that sends nothing goes to log in.
        held: list[Any] = []
        first.route("**/api/v1/uploads", lambda route: held.append(route), times=1)
        with first.expect_request("**/api/v1/uploads"):
            first.set_input_files("[data-files=files]", [file | {"name": "b.dcm"}])
        second.goto("/login")
        with second.expect_response("**/logout"):
            second.get_by_role("button", name="Log out").click()
        [upload] = held
        upload.continue_()
        first.get_by_text("Your log-in has ended.").first.wait_for()
        assert first.url.endswith("/try")  # what is left to send is still there
        _fill_in(second, "Anna", guarded, path="/login")
        first.bring_to_front()
        first.evaluate("dispatchEvent(new Event('focus'))")
        first.wait_for_selector(".upload-duplicate")
        assert first.get_by_text("Your log-in has ended.").count() == 0
    finally:
        context.close()
        assert guarded.stop() == 0


def _fill_in(page: Any, name: str, service: Running, *, path: str = "") -> None:
    if path:
        page.goto(path)
    page.fill("#name", name)
    page.fill("#password", WORDS)
    page.click("button")
    page.wait_for_url(f"{service.url}/")
