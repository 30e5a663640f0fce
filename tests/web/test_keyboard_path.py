"""From the worklist to a signed report, and on to the next study: keys alone."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.serve.running import Running
from tests.web.studies import chest, send, wait_for_end

pytestmark = pytest.mark.slow


def test_from_the_worklist_to_the_next_study_by_keys(
    page: Any, service: Running
) -> None:
    studies = []
    for number in (71, 72):
        studies += send(service.url, [chest(number)])
    for study in studies:
        assert wait_for_end(service.url, study) == "answered"
    page.goto("/")
    page.wait_for_selector("text=/pneumonia/i")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url("**/studies/*")
    first = int(page.url.rsplit("/", 1)[1].partition("?")[0])
    assert first in studies
    page.wait_for_selector("[data-finding='0/1']")
    page.keyboard.press("n")
    page.wait_for_selector(".findings-row.is-selected")
    page.keyboard.press("y")
    page.wait_for_selector(".findings-verdict.is-accept")
    page.keyboard.press("Control+Enter")  # the report is seen before it is signed
    page.wait_for_selector(".report textarea")
    assert page.locator("dialog[open]").count() == 0
    page.keyboard.press("Control+Enter")
    page.wait_for_selector("dialog[open] .button-main:focus")
    page.keyboard.press("Enter")
    page.wait_for_selector(".report-signed")
    page.wait_for_selector(".report > .button-main:focus")
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: not url.endswith(f"/{first}"))
    second = int(page.url.rsplit("/", 1)[1].partition("?")[0])
    assert second in studies
    assert second != first
    line = httpx.get(f"{service.url}/api/v1/studies/{first}").json()
    assert line["reading"] == "signed"
    (word,) = httpx.get(
        f"{service.url}/api/v1/results/{line['result_id']}/feedback"
    ).json()
    assert word["verdict"] == "accept"
    report = httpx.get(f"{service.url}/api/v1/studies/{first}/report").json()
    assert report["versions"][0]["is_signed"] is True
