"""`medlens serve --open` shows the page where somebody can see it."""

from __future__ import annotations

import webbrowser

import pytest

from medlens.cli.serve import _open

URL = "http://127.0.0.1:8000"


@pytest.mark.parametrize(
    ("display", "shown"),
    [("DISPLAY", [f"{URL}/"]), ("WAYLAND_DISPLAY", [f"{URL}/"]), ("", [])],
)
def test_a_browser_opens_where_there_is_a_display(
    monkeypatch: pytest.MonkeyPatch, display: str, shown: list[str]
) -> None:
    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", opened.append)
    monkeypatch.setattr("sys.platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    if display:
        monkeypatch.setenv(display, ":0")
    _open(URL)
    assert opened == shown
