"""What the command says when a step ends, a case fails or the machine refuses."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

from medlens import cli
from medlens.cli import app as verbs
from medlens.cli.console import tell_failed
from medlens.datasets import make_shapes
from tests.cli.command import medlens


def test_the_next_command_is_accepted_as_it_is_printed(tmp_path: Path) -> None:
    """Options decide whose folder it is: one left out, and it would be refused."""
    make_shapes(tmp_path / "my data", n=60)
    options = ("--patient-column", "patient", "--budget", "60s", "--seed", "3")
    first = medlens("audit", "my data", *options, "--out", "a run", cwd=tmp_path)
    assert first.returncode == 0, first.stderr
    following = first.stdout.split("Next:")[1].strip()
    assert following == (
        "medlens plan 'my data' --budget 60s --seed 3 --patient-column patient "
        "--out 'a run'"
    )
    again = shlex.join(["audit", *shlex.split(following)[2:]])
    done = medlens(*shlex.split(again), cwd=tmp_path)
    assert done.returncode == 0, done.stderr


def test_a_case_that_failed_is_named_once(capsys: pytest.CaptureFixture[str]) -> None:
    tell_failed("a.png", "a.png: is text")
    tell_failed("b.png", "is text")
    assert capsys.readouterr().err == (
        "medlens: failed: a.png: is text\nmedlens: failed: b.png: is text\n"
    )


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(28, "No space left on device", "/home/jane/x.csv"), "x.csv: No space"),
        (PermissionError(13, "Permission denied"), "file: Permission denied; check"),
        (MemoryError(), "there is not enough memory"),
    ],
)
def test_a_refusal_of_the_machine_is_one_line(
    error: Exception,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(verbs, "app", refusing(error))
    with pytest.raises(SystemExit, match="1"):
        cli.main()
    told = capsys.readouterr().err
    assert told.startswith(f"medlens: {said}")
    assert told.count("\n") == 1
    assert "jane" not in told


def refusing(error: Exception) -> Callable[[], None]:
    """A program that ends with this error."""

    def program() -> None:
        raise error

    return program
