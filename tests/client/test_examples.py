"""The examples in curl, Python and Java, each against a whole service."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
LIMIT_S = 120


def run(command: list[str | Path], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run an example with no token and no proxy."""
    kept = {
        k: v
        for k, v in os.environ.items()
        if not k.lower().endswith(("proxy", "token"))
    }
    return subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        env={**kept, "NO_PROXY": "127.0.0.1"},
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
    )


def commands(url: str, file: Path) -> dict[str, list[str | Path]]:
    """Language → command line."""
    return {
        "sh": ["sh", EXAMPLES / "api.sh", url, file],
        "python": [sys.executable, EXAMPLES / "client.py", url, file],
        "java": [
            "java",
            "-Xmx256m",
            EXAMPLES / "java" / "MedlensExample.java",
            url,
            file,
        ],
    }


@pytest.mark.parametrize("language", ["sh", "python", "java"])
def test_an_example_prints_the_diagnosis(
    service: str, radiograph_file: Path, tmp_path: Path, language: str
) -> None:
    needs = {"sh": "curl", "java": "java"}.get(language)
    if needs and shutil.which(needs) is None:
        pytest.skip(f"{needs} is not installed")
    done = run(commands(service, radiograph_file)[language], tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Blob: present" in done.stdout
    assert "Research software, not a medical device" in done.stdout
    if language == "python":
        assert sorted(p.suffix for p in tmp_path.glob("result-*"))[0] == ".dcm"


@pytest.mark.parametrize("language", ["sh", "python", "java"])
def test_an_example_says_what_is_wrong(
    service: str, tmp_path: Path, language: str
) -> None:
    needs = {"sh": "curl", "java": "java"}.get(language)
    if needs and shutil.which(needs) is None:
        pytest.skip(f"{needs} is not installed")
    bad = tmp_path / "bad.dcm"
    bad.write_bytes(b"no image at all")
    done = run(commands(service, bad)[language], tmp_path)
    assert done.returncode != 0
    assert "nothing was taken" in done.stdout + done.stderr
