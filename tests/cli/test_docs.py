"""docs/commands.md names every command and every option."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer

from medlens.cli.app import app

PAGE = Path(__file__).parents[2] / "docs" / "commands.md"


def commands() -> list[tuple[str, object]]:
    root = typer.main.get_command(app)
    found: list[tuple[str, object]] = []
    for name, command in root.commands.items():  # type: ignore[attr-defined]
        inner = getattr(command, "commands", None)
        if inner is None:
            found.append((name, command))
        else:
            found += [(f"{name} {sub}", entry) for sub, entry in inner.items()]
    return found


@pytest.mark.parametrize(("name", "command"), commands(), ids=lambda v: str(v)[:20])
def test_command_and_options_are_documented(name: str, command: object) -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert f"medlens {name}" in text
    for parameter in command.params:  # type: ignore[attr-defined]
        for option in parameter.opts:
            if option.startswith("--") and option != "--help":
                assert f"`{option}" in text, f"{name} {option}"


def test_there_are_as_many_commands_as_the_help_shows() -> None:
    assert len(commands()) >= 11
