"""The service is started anew while somebody reads: nothing that was typed is lost."""

from __future__ import annotations

import json
import re
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.serve.running import Running
from tests.web.studies import chest, send, wait_for_end

BEFORE, MEANWHILE = "No effusion. ", "Heart of normal size."
SAVED = re.compile(r"^Saved \d")


def _get(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=30) as reply:
        return json.load(reply)


@pytest.fixture
def own(tmp_path: Path, bundle: Path) -> Iterator[list[Running]]:
    """A service of this test alone; the last one of the list is the one that runs."""
    running = [Running(tmp_path, str(bundle))]
    yield running
    running[-1].stop()


@pytest.mark.slow
def test_a_report_outlives_a_restart_of_the_service(
    browser: Any, own: list[Running], tmp_path: Path, bundle: Path
) -> None:
    url = own[0].url
    (study,) = send(url, [chest(1)])
    assert wait_for_end(url, study) == "answered"
    page = browser.new_context(base_url=url, locale="en-GB").new_page()
    page.set_default_timeout(30_000)
    page.goto(f"/studies/{study}")
    page.get_by_role("tab", name="Report").click()
    impression = page.get_by_role("textbox", name="Impression")
    impression.fill(BEFORE)
    page.get_by_text(SAVED).wait_for()

    assert own[0].stop() == 0
    page.get_by_role("alert").filter(has_text="No connection").wait_for()
    impression.press("End")
    impression.press_sequentially(MEANWHILE)
    page.get_by_text("Not saved: no connection").wait_for()

    port = urlsplit(url).port or 0
    own.append(Running(tmp_path, str(bundle), port=port))
    page.get_by_text(SAVED).wait_for()
    page.get_by_role("alert").filter(has_text="No connection").wait_for(
        state="detached"
    )
    kept = _get(f"{url}/api/v1/studies/{study}/report")["draft"]
    assert kept["content"]["sections"]["impression"] == BEFORE + MEANWHILE

    page.reload()
    page.get_by_role("tab", name="Report").click()
    assert impression.input_value() == BEFORE + MEANWHILE
    page.keyboard.press("Control+Enter")
    page.get_by_role("dialog").get_by_role("button", name="Sign", exact=True).click()
    page.get_by_text("Signed by guest, ").first.wait_for()
    (version,) = _get(f"{url}/api/v1/studies/{study}/report")["versions"]
    assert version["is_signed"] is True
    assert _get(f"{url}/api/v1/studies/{study}")["reading"] == "signed"
    page.context.close()
