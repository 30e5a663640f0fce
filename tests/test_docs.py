"""The pages of the project hang together."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted(
    [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("benchmarks/*.md")]
)
LINK = re.compile(r"\]\(([^)#]+)(?:#[^)]*)?\)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_to_a_file_leads_somewhere(page: Path) -> None:
    for target in LINK.findall(page.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), target


def test_every_page_of_docs_is_linked_from_the_readme() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for page in ROOT.glob("docs/*.md"):
        assert f"docs/{page.name}" in readme, page.name


def test_both_readmes_show_the_same_commands() -> None:
    pages = [ROOT / "README.md", ROOT / "README.zh-CN.md"]
    blocks = [
        re.findall(r"^(?:sh|medlens|pip) \S.*?(?:\s{2,}#|$)", page.read_text(), re.M)
        for page in pages
    ]
    assert [b.split("#")[0].strip() for b in blocks[0]] == [
        b.split("#")[0].strip() for b in blocks[1]
    ]


def test_no_placeholder_is_left() -> None:
    for page in PAGES:
        assert "@@" not in page.read_text(encoding="utf-8"), page.name


def test_every_constraint_is_a_version_that_any_machine_can_fetch() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").split("\n")
    pins = [line for line in lines if line and not line.startswith("#")]
    odd = [pin for pin in pins if not re.fullmatch(r"[\w.-]+==[\w.+!]+", pin)]
    assert len(pins) > 50
    assert odd == []  # a path or URL would hold on one machine only
