"""The command line as a newcomer meets it."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from tests.cli.command import medlens

VERBS = (
    "run",
    "audit",
    "plan",
    "train",
    "evaluate",
    "predict",
    "features",
    "compare",
    "info",
    "doctor",
    "data",
    "deidentify",
    "serve",
    "users",
    "trail",
)


def test_help_lists_every_verb_and_says_what_it_is() -> None:
    done = medlens("--help")
    assert done.returncode == 0
    for verb in VERBS:
        assert f"  {verb} " in done.stdout
    assert "not a medical device" in " ".join(done.stdout.split())


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_explains_itself(verb: str) -> None:
    done = medlens(verb, "--help")
    assert done.returncode == 0
    assert "Usage" in done.stdout


def test_help_is_quick_and_imports_nothing_heavy() -> None:
    code = (
        "import sys\n"
        "from medlens.cli import app\n"
        "import medlens.cli.app\n"
        "heavy = {'numpy','cv2','torch','scipy','sklearn','onnxruntime','pydicom'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
    best = min(_seconds() for _ in range(3))
    # 0.3 s on an idle machine; test machines are shared.
    assert best < 1.5


def _seconds() -> float:
    started = time.perf_counter()
    medlens("--help")
    return time.perf_counter() - started


def test_version_is_the_packages() -> None:
    import medlens as package

    assert medlens("--version").stdout.strip() == f"medlens {package.__version__}"


def test_unknown_verb_is_wrong_use() -> None:
    done = medlens("trian")
    assert done.returncode == 2
    assert "No such command" in done.stderr


def test_doctor_finds_this_installation_fit() -> None:
    done = medlens("doctor")
    assert "onnxruntime" in done.stdout
    assert done.returncode == 0, done.stdout


def test_data_list_names_what_can_be_fetched() -> None:
    done = medlens("data", "list")
    assert done.returncode == 0
    for name in ("br35h", "shapes", "pneumoniamnist"):
        assert name in done.stdout
