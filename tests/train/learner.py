"""A training run in a process of its own: `python -m tests.train.learner FOLDER`.

Prints "start" once it learns, "step N" after each step, "weights DIGEST" at the end.
"""

from __future__ import annotations

import sys
from pathlib import Path

from medlens.train import EpochResult, train_network
from tests.train.lessons import blob_lesson, digest_of, small_recipe


def main(folder: Path) -> None:
    def report(step: int, steps: int, ended: EpochResult | None) -> None:
        del steps, ended
        sys.stdout.write(f"step {step}\n")
        sys.stdout.flush()

    lesson = blob_lesson(folder)
    sys.stdout.write("start\n")
    sys.stdout.flush()
    net, history = train_network(
        small_recipe(), lesson, folder, digest="d", report=report, checkpoint_seconds=0
    )
    losses = " ".join(repr(epoch.validation_loss) for epoch in history)
    sys.stdout.write(f"history {losses}\nweights {digest_of(net)}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
