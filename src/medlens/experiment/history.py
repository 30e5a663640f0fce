"""The course of training: told while it runs, kept in history.csv."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from medlens.experiment.narrator import Narrator

if TYPE_CHECKING:
    from medlens.train import EpochResult


def report_epochs(
    narrator: Narrator, *, score: str = "AUROC"
) -> Callable[[int, int, EpochResult | None], None]:
    """Progress of the loop, with a line for each epoch; `score` is its name."""

    def report(step: int, steps: int, ended: EpochResult | None) -> None:
        narrator.progress(step, steps, "steps")
        if ended is not None:
            narrator.say(
                f"Epoch {ended.epoch}: validation loss {ended.validation_loss:.4f}, "
                f"{score} {ended.validation_score:.4f}"
            )

    return report


def write_history(
    path: Path, history: list[EpochResult], *, score: str = "auroc"
) -> None:
    """One line an epoch; the column of the score is called `validation_<score>`."""
    names = (
        "epoch",
        "step",
        "learning_rate",
        "train_loss",
        "validation_loss",
        "validation_score",
        "seconds",
    )
    unfinished = path.with_name(path.name + ".part")
    with unfinished.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, names)
        shown = {"validation_score": f"validation_{score}"}
        writer.writerow({name: shown.get(name, name) for name in names})
        writer.writerows({k: f"{v:.8g}" for k, v in asdict(r).items()} for r in history)
    unfinished.replace(path)
