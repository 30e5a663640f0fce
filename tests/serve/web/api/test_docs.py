"""docs/api.md and docs/openapi.json say what the code does."""

from __future__ import annotations

import json
import re
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[4]
PAGE = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
# On pages of their own.
ELSEWHERE = ("log-in", "accounts", "monitor", "about")


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    """The description as the script writes it."""
    path = ROOT / "scripts" / "write_openapi.py"
    spec = spec_from_file_location("write_openapi", path)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    found: dict[str, Any] = json.loads(module.described())
    return found


def test_the_copy_is_what_the_code_says(schema: dict[str, Any]) -> None:
    path = ROOT / "docs" / "openapi.json"
    kept = json.loads(path.read_text(encoding="utf-8"))
    assert kept == schema, "run: python scripts/write_openapi.py"


def test_every_address_is_on_the_page(schema: dict[str, Any]) -> None:
    names = {
        "{study}": "N", "{result}": "N", "{job}": "N", "{number}": "M",
        "{evaluation}": "N",
        "{digest}": "DIGEST", "{name}": "NAME",
    }  # fmt: skip
    for path, methods in schema["paths"].items():
        tags = {tag for said in methods.values() for tag in said.get("tags", ())}
        if tags & set(ELSEWHERE):
            continue
        address = path.removeprefix("/api/v1")
        for name, short in names.items():
            address = address.replace(name, short)
        assert f"`{address}`" in PAGE, path


def test_every_operation_is_described(schema: dict[str, Any]) -> None:
    for path, methods in schema["paths"].items():
        for method, said in methods.items():
            assert said.get("description") or said.get("summary"), (path, method)
            assert "default" in said["responses"], (path, method)
            problem = said["responses"]["default"]["content"]
            assert list(problem) == ["application/problem+json"]


def test_every_metric_is_on_the_page() -> None:
    code = (ROOT / "src/medlens/serve/web/metrics.py").read_text(encoding="utf-8")
    found = set(re.findall(r'"(medlens_[a-z_]+)"', code))
    assert len(found) > 10
    for name in found:
        assert f"`{name}" in PAGE, name


def test_every_method_of_the_client_is_on_the_page() -> None:
    from medlens.client import Client

    for name in dir(Client):
        if not name.startswith("_") and name != "close":
            assert f"`{name}(" in PAGE or f" `{name}(" in PAGE, name
