"""Measurements outlive the tab, the line and the day, and go into the report."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.serve.running import Running
from tests.web.canvas import one_to_one, open_study, settle
from tests.web.measuring import place_of, press, reading, wait_for_place
from tests.web.studies import ANSWER_S, ct_series, forget_measurements, send


@pytest.fixture(scope="module")
def sent(service: Running) -> int:
    [study] = send(service.url, ct_series(861, slices=12))
    return study


@pytest.fixture
def ct(service: Running, sent: int) -> int:
    """A CT of 64 × 64 pixels, 0.5 mm from row to row, 0.25 mm from column to column.

    Nothing is measured on it.
    """
    forget_measurements(service.url, sent)
    return sent


def kept_count(service: Running, study: int, wanted: int) -> int:
    """How many measurements the service has; waits for as many as are wanted."""
    address = f"{service.url}/api/v1/studies/{study}/measurements"
    until = time.monotonic() + ANSWER_S
    count = -1
    while count != wanted and time.monotonic() < until:
        count = len(httpx.get(address, timeout=ANSWER_S).json()["shapes"])
        time.sleep(0.2)
    return count


def test_another_day_finds_what_was_measured(
    visit: Callable[..., Any], service: Running, ct: int
) -> None:
    first = visit()
    open_study(first, ct)
    press(first, "l", "Enter", "Enter", "Shift+ArrowRight", "Enter")
    press(first, "r", "Enter", "Enter", "Shift+ArrowRight", "Shift+ArrowDown", "Enter")
    assert kept_count(service, ct, 2) == 2
    said = reading(first)
    later = visit(locale="en-GB")  # another browser: no tab, no store
    open_study(later, ct)
    later.get_by_role("button", name="Measurements: 2").click()
    assert reading(later) == said
    kept = later.locator(".viewer-list-state")
    assert kept.inner_text() == "Kept on the service, for you alone."
    press(later, "Escape", "m", "Delete")
    assert kept_count(service, ct, 1) == 1


def test_a_lost_line_loses_no_measurement(
    page: Any, heard: Any, service: Running, ct: int
) -> None:
    heard.expect("Failed to load resource")
    heard.expect("net::ERR")
    open_study(page, ct)
    page.get_by_role("button", name="Measurements: 0").wait_for()
    page.route("**/measurements", lambda route: route.abort())
    press(page, "q", "Enter", "Enter")
    page.get_by_role(
        "button", name=re.compile("1. In this tab only: no conn")
    ).wait_for()
    assert kept_count(service, ct, 0) == 0
    page.unroute("**/measurements")
    assert kept_count(service, ct, 1) == 1
    page.get_by_role("button", name="Measurements: 1", exact=True).wait_for()


def test_a_report_takes_a_line_of_each_measurement(page: Any, ct: int) -> None:
    open_study(page, ct)
    press(page, "l", "Enter", "Enter", "Shift+ArrowRight", "Enter", "Escape")
    press(page, "a", "Enter", "Enter", "Shift+ArrowRight", "Enter")
    press(page, "Shift+ArrowDown", "Enter")
    page.get_by_role("tab", name="Report").click()
    page.locator(".report-insert summary").click()
    page.get_by_role("button", name="All 2 measurements").click()
    text = "Length 2.5 mm (series 1, image 1)\nAngle 90.0° (series 1, image 1)"
    assert text in [box.input_value() for box in page.locator("textarea").all()]


def test_a_shape_begun_on_one_image_does_not_end_on_another(page: Any, ct: int) -> None:
    open_study(page, ct)
    one_to_one(page, 64, 128)
    left, top, scale = place_of(page)
    press(page, "l")
    page.mouse.click(left + 10 * scale, top + 20 * scale)
    wait_for_place(page, 0, "Image 1 of 12")
    page.mouse.wheel(0, 120)
    wait_for_place(page, 0, "Image 2 of 12")
    settle(page)
    page.mouse.click(left + 30 * scale, top + 20 * scale)  # begins anew here
    settle(page)
    page.get_by_role("button", name="Measurements: 0").wait_for()
    page.mouse.move(left + 40 * scale, top + 20 * scale)
    page.mouse.click(left + 42 * scale, top + 20 * scale)
    settle(page)
    assert reading(page) == "3.0 mm"
