"""docs/serve.md names every setting with its default."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from medlens.serve.settings import Limits, OpenIdSettings, Peer, ServeSettings

PAGE = (Path(__file__).parents[3] / "docs" / "serve.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("kind", "before"),
    [(ServeSettings, ""), (Limits, "limits."), (Peer, "peers."),
     (OpenIdSettings, "openid.")],
)  # fmt: skip
def test_every_setting_is_documented(kind: type, before: str) -> None:
    for field in fields(kind):
        if field.name in ("limits", "openid", "peers"):
            continue
        row = next(
            (line for line in PAGE.splitlines()
             if line.startswith("| `") and f"`{before}{field.name}`" in line),
            "",
        )  # fmt: skip
        assert row, f"{before}{field.name}"
        if isinstance(field.default, int | float) and field.default is not False:
            assert f"`{field.default}`" in row, row
