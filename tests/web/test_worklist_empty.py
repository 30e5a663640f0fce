"""The worklist of a service that has no study yet: how one comes in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.serve.running import Running
from tests.web.studies import chest, send

LINE = "[role=row][id]"


def test_a_service_without_studies_says_how_they_come(
    page: Any, service: Running, check_accessible: Callable[..., None]
) -> None:
    page.goto("/")
    page.wait_for_selector("text=There are no studies yet")
    page.wait_for_selector(".worklist-node")
    facts = page.locator(".worklist-node").inner_text().split()
    # The port is the one that the service took when it was started with 0.
    assert facts == [
        "AE", "title", "MEDLENS", "Host", "127.0.0.1", "Port", str(service.dicom_port),
    ]  # fmt: skip
    assert f"{service.url}/dicom-web/studies" in page.locator("main").inner_text()
    assert "medlens serve BUNDLE --demo --samples DIR" in page.inner_text("main")
    check_accessible(page)
    page.get_by_role("link", name="Try it").last.click()
    page.wait_for_url("**/try")


def test_the_tablet_shows_it_whole_in_chinese(
    visit: Callable[..., Any], check_accessible: Callable[..., None]
) -> None:
    page = visit(viewport={"width": 768, "height": 1024}, locale="zh-CN")
    page.goto("/")
    page.wait_for_selector(".worklist-node")
    assert "AE 标题" in page.inner_text(".worklist-node")
    assert page.evaluate("document.documentElement.scrollWidth") <= 768
    check_accessible(page)


def test_where_filters_are_set_it_is_they_that_leave_nothing(page: Any) -> None:
    page.goto("/?advice=outside")
    page.wait_for_selector("text=No study matches these filters")
    assert page.locator(".worklist-node").count() == 0


def test_the_first_study_comes_in_by_itself(page: Any, service: Running) -> None:
    page.goto("/")
    page.wait_for_selector(".worklist-node")
    send(service.url, [chest(1)])
    page.wait_for_selector(LINE)
    assert page.locator(".worklist-node").count() == 0
