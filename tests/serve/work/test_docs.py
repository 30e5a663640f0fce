"""docs/jobs.md names what there is."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

from medlens.serve.work.ready import STATES
from medlens.serve.work.rule import Rule
from medlens.serve.work.rules import load_rules

PAGE = Path(__file__).resolve().parents[3] / "docs" / "jobs.md"


def test_every_key_of_a_rule_has_its_words() -> None:
    text = PAGE.read_text()
    missing = [field.name for field in fields(Rule) if f"`{field.name}`" not in text]
    assert missing == []


def test_every_state_has_its_row() -> None:
    text = PAGE.read_text()
    for state in (*STATES, *STATES.values(), "receiving"):
        assert f"| {state} |" in text


def test_the_example_can_be_loaded(tmp_path: Path) -> None:
    block = PAGE.read_text().split("```toml\n")[1].split("```")[0]
    path = tmp_path / "rules.toml"
    path.write_text(block)
    assert [rule.name for rule in load_rules(path).rules] == [
        "dose reports", "chest", "thin CT of the chest",
    ]  # fmt: skip
