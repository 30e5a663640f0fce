"""How every page behaves: titles, focus, lost lines, languages, narrow screens."""

from __future__ import annotations

from typing import Any

from tests.serve.running import Running
from tests.web.studies import NOT_SEEN, chest, clip, ct_series, send, wait_for_end


def test_the_frame_stands(page: Any) -> None:
    page.goto("/")
    page.wait_for_selector("nav a[aria-current=page]")


def test_the_studies_of_the_tests_end_as_they_say(service: Running) -> None:
    bright, dark, series, frames = (
        send(service.url, images)[0]
        for images in ([chest(1)], [chest(2, level=NOT_SEEN)], ct_series(3), [clip(4)])
    )
    assert wait_for_end(service.url, bright) == "answered"
    assert wait_for_end(service.url, dark) == "answered"
    assert wait_for_end(service.url, series) == "refused"
    assert wait_for_end(service.url, frames) in ("answered", "refused")
