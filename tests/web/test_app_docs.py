"""docs/app.md names every key that the app's own help page shows."""

from __future__ import annotations

import re
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import pytest

from tests.serve.running import Running
from tests.web.studies import ct_series, send

ROOT = Path(__file__).parents[2]


def writer() -> ModuleType:
    """The script that writes the table."""
    path = ROOT / "scripts" / "write_keys.py"
    spec = spec_from_file_location("write_keys", path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_every_key_of_the_app_is_in_the_docs(page: Any, service: Running) -> None:
    study = send(service.url, ct_series(1))[0]
    digest = httpx.get(f"{service.url}/api/v1/bundles", timeout=60).json()[0]["digest"]
    keys = writer().read_keys(
        page, ["/", f"/studies/{study}", "/models", f"/models/{digest}"]
    )
    assert len(keys) >= 6  # places
    text = (ROOT / "docs" / "app.md").read_text(encoding="utf-8")
    sections = dict(
        part.split("\n", 1) for part in text.split("\n### ")[1:] if "\n" in part
    )
    missing = [
        row
        for place, lines in keys.items()
        for row in writer().table_of({place: lines}).split("\n")[4:]
        if row not in sections.get(place, "").split("\n")
    ]
    assert missing == [], "run: python scripts/write_keys.py URL STUDY"


@pytest.mark.parametrize(
    "places",
    [
        ("Everywhere", "Worklist"),
        ("Everywhere", "Viewer", "Tools", "Findings", "Report"),
        ("Everywhere", "Models"),
    ],
    ids=["worklist", "reading", "models"],
)
def test_no_key_does_two_things_on_a_page(places: tuple[str, ...]) -> None:
    text = (ROOT / "docs" / "app.md").read_text(encoding="utf-8")
    table = text.split("<!-- keys:")[1].split("<!-- end of keys")[0]
    sections = dict(part.split("\n", 1) for part in table.split("\n### ")[1:])
    found: dict[str, list[str]] = {}
    for place in places:
        for line in sections[place].split("\n"):
            cells = re.split(r"(?<!\\) \| ", line.strip("| "))
            if len(cells) != 2 or cells[0] in ("key", "---"):
                continue
            for key in [","] if cells[0] == "," else cells[0].split(", "):
                found.setdefault(key, []).append(cells[1])
    assert len(found) > 10
    assert {key: what for key, what in found.items() if len(what) > 1} == {}
