"""The examples run as a reader would run them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

EXAMPLES = Path(__file__).parents[2] / "examples"


def run(*words: object) -> str:
    done = subprocess.run(
        [sys.executable, *map(str, words)],
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_examples_run_one_after_the_other(tmp_path: Path) -> None:
    said = run(EXAMPLES / "whole_road.py", tmp_path)
    assert "AUROC" in said
    images = tmp_path / "shapes" / "images"
    said = run(EXAMPLES / "predict_folder.py", tmp_path / "run" / "bundle", images)
    assert len(said.splitlines()) == 120
    assert said.startswith("00000.png: ")


def test_every_example_is_run_here() -> None:
    names = {path.name for path in EXAMPLES.glob("*.py")}
    names -= {"client.py"}  # asks a service: see tests/client/test_examples.py
    assert names == {"whole_road.py", "predict_folder.py"}
