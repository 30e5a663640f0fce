"""How every page behaves: titles, keys, looks, languages, narrow screens, log-in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.serve.running import Running
from tests.web.conftest import Heard
from tests.web.studies import NOT_SEEN, chest, clip, ct_series, send, wait_for_end

PHONE = {"width": 390, "height": 800}


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
def test_a_phone_shows_it_without_a_sideways_scroll(
    visit: Callable[..., Any],
    path: str,
    check_accessible: Callable[..., None],
) -> None:
    page = visit(viewport=PHONE, has_touch=True)
    page.goto(path)
    page.wait_for_selector("h1")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    check_accessible(page)
