"""Same seed, same weights; killed at any moment, still the same weights."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from medlens.core import TrainError
from medlens.train import drop_checkpoint, train_network
from tests.train.lessons import blob_lesson, digest_of, small_recipe

ROOT = Path(__file__).resolve().parents[2]
STEPS = 12


def start(folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "tests.train.learner", str(folder)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


def run_to_the_end(folder: Path) -> list[str]:
    with start(folder) as process:
        lines = process.communicate(timeout=120)[0].splitlines()
    assert process.returncode == 0
    return lines


def kill_after(folder: Path, steps: int, delay: float) -> list[str]:
    """Lines of a run that gets SIGKILL `delay` seconds after so many of its steps."""
    process = start(folder)
    seen: list[str] = []
    assert process.stdout is not None
    with process:
        for line in process.stdout:
            seen.append(line.strip())
            if len(seen) > steps:  # "start" is the first line
                time.sleep(delay)
                process.send_signal(signal.SIGKILL)
                break
    assert process.returncode == -signal.SIGKILL
    return seen


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    return run_to_the_end(tmp_path_factory.mktemp("undisturbed"))


def test_two_processes_learn_the_same_weights(
    undisturbed: list[str], tmp_path: Path
) -> None:
    net, history = train_network(
        small_recipe(), blob_lesson(tmp_path), tmp_path, digest="d"
    )
    assert undisturbed[-1] == f"weights {digest_of(net)}"
    losses = " ".join(repr(epoch.validation_loss) for epoch in history)
    assert undisturbed[-2] == f"history {losses}"


def test_killed_runs_end_with_the_weights_of_an_undisturbed_one(
    undisturbed: list[str], tmp_path: Path
) -> None:
    rng = random.Random(time.time_ns())  # other moments each time
    reached = 0
    for _ in range(3):
        seen = kill_after(tmp_path, rng.randint(0, 3), rng.uniform(0, 0.15))
        taken = steps_of(seen)
        # A step is told before it is saved: at most the last one is taken twice.
        assert not taken or taken[0] >= reached
        reached = max([reached, *taken])
    lines = run_to_the_end(tmp_path)
    assert lines[-2:] == undisturbed[-2:]
    taken = steps_of(lines)
    assert taken == list(range(STEPS + 1 - len(taken), STEPS + 1))
    assert len(taken) <= STEPS + 1 - reached


def steps_of(lines: list[str]) -> list[int]:
    return [int(line.split()[1]) for line in lines if line.startswith("step ")]


def test_a_finished_run_is_not_learned_again(tmp_path: Path) -> None:
    lesson, recipe = blob_lesson(tmp_path), small_recipe(steps=4)
    steps: list[int] = []

    def learn() -> str:
        net, _ = train_network(
            recipe,
            lesson,
            tmp_path,
            digest="d",
            report=lambda step, *_: steps.append(step),
            checkpoint_seconds=-1,
        )
        return digest_of(net)

    first = learn()
    assert steps == [1, 2, 3, 4]
    assert learn() == first
    assert steps == [1, 2, 3, 4]
    drop_checkpoint(tmp_path)
    assert learn() == first
    assert steps == [1, 2, 3, 4] * 2


def test_a_stopped_run_goes_on_in_the_same_process(tmp_path: Path) -> None:
    lesson = blob_lesson(tmp_path)

    def stop(step: int, *_: object) -> None:
        if step == 6:
            raise KeyboardInterrupt("at step 6")

    whole, _ = train_network(small_recipe(), lesson, tmp_path / "whole", digest="d")
    with pytest.raises(KeyboardInterrupt, match="at step 6"):
        train_network(
            small_recipe(),
            lesson,
            tmp_path,
            digest="d",
            report=stop,
            checkpoint_seconds=-1,
        )
    found, history = train_network(small_recipe(), lesson, tmp_path, digest="d")
    assert digest_of(found) == digest_of(whole)
    assert [epoch.step for epoch in history] == [4, 8, 12]


def test_another_recipe_does_not_go_on_from_this_checkpoint(tmp_path: Path) -> None:
    lesson = blob_lesson(tmp_path)
    recipe = small_recipe(steps=1)
    train_network(recipe, lesson, tmp_path, digest="one", checkpoint_seconds=-1)
    with pytest.raises(
        TrainError, match=r"belongs to another recipe or other data; ch"
    ):
        train_network(recipe, lesson, tmp_path, digest="other")


@pytest.mark.parametrize("change", [{"seed": 4}, {"ema": 0.0}, {"learning_rate": 1e-3}])
def test_other_settings_give_other_weights(
    tmp_path: Path, change: dict[str, float]
) -> None:
    lesson = blob_lesson(tmp_path)
    one, _ = train_network(small_recipe(steps=2), lesson, tmp_path / "1", digest="d")
    recipe = small_recipe(**{"steps": 2, **change})
    other, _ = train_network(recipe, lesson, tmp_path / "2", digest="d")
    assert digest_of(one) != digest_of(other)
