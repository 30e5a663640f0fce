"""The training loop, from top to bottom with nothing hidden."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import nn

from medlens.core import TrainError
from medlens.nets import Classifier
from medlens.recipe.settings import Recipe
from medlens.train.average import update_average
from medlens.train.checkpoint import load_checkpoint, save_checkpoint
from medlens.train.classify import ClassifierCourse
from medlens.train.course import Course
from medlens.train.device import choose_device, prepare_torch
from medlens.train.judge import EpochResult
from medlens.train.lesson import Lesson
from medlens.train.schedule import learning_rate

GRADIENT_NORM = 1.0
CHECKPOINT_SECONDS = 30.0
FRESH = (  # names of what no published weights are for
    "head.",
    "plain.head.",
    "reader.",
    "context.",
    "attention.",
    "series_head.",
    "series_bias",
)


Report = Callable[[int, int, EpochResult | None], None]
"""Called as (steps done, steps in all, the epoch that just ended or None)."""


def train_network(
    recipe: Recipe,
    lesson: Lesson,
    folder: Path,
    *,
    digest: str,
    report: Report | None = None,
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
) -> tuple[Classifier, list[EpochResult]]:
    """Learn a classifier of images or volumes; arguments as for `follow`."""
    net, history = follow(
        ClassifierCourse(recipe, lesson),
        recipe,
        folder,
        digest=digest,
        report=report,
        checkpoint_seconds=checkpoint_seconds,
    )
    return cast(Classifier, net), history


def follow(
    course: Course,
    recipe: Recipe,
    folder: Path,
    *,
    digest: str,
    report: Report | None = None,
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
) -> tuple[nn.Module, list[EpochResult]]:
    """Learn; an interrupted run goes on where it stopped, to the same weights.

    Args:
        course: what is learned.
        recipe: everything that decides the result.
        folder: where the checkpoint lives while the run is under way.
        digest: of recipe and data; a checkpoint of another is refused.
        report: progress.
        checkpoint_seconds: wall-clock between checkpoints; never changes the
            weights.

    Returns:
        The averaged network at the end of the schedule, where the rate has
        fallen to nothing (of the best epoch where early stopping ended it), on
        the CPU in evaluation mode, and the history.

    Raises:
        TrainError: no steps, a loss that is not finite, or a checkpoint that
            is damaged or of another run.
        ResourceError: the disk is full.
    """
    settings = recipe.train
    if settings.steps < 1:
        raise TrainError(
            "training: train.steps is 0; wanted the number of steps to train "
            "(`medlens plan` fills it in from the budget)"
        )
    prepare_torch(recipe)
    device = choose_device()
    net = course.build()
    net.to(device=device)
    if recipe.task.form == "image":
        net.to(memory_format=torch.channels_last)
    run = _Run(net, build_optimizer(net, recipe))
    run.restore(folder, digest=digest)
    progress = run.progress

    resumed_at, seconds_before = time.monotonic(), progress.seconds
    saved_at, saved_step = resumed_at, progress.step
    for batch in course.batches(progress.step, settings.steps):
        if progress.stopped:
            break
        rate = learning_rate(
            batch.step,
            steps=settings.steps,
            peak=settings.learning_rate,
            warmup=settings.warmup,
        )
        set_rate(run.optimizer, rate)
        torch.manual_seed(settings.seed * 1_000_003 + batch.step)  # dropout
        net.train()
        with torch.autocast(
            device.type, torch.bfloat16, enabled=settings.precision == "bf16"
        ):
            loss = course.loss(net, batch, device)
        if not torch.isfinite(loss):
            raise _not_finite("loss", batch.step + 1, recipe)
        run.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), GRADIENT_NORM)
        run.optimizer.step()
        update_average(run.average, net, decay=settings.ema, step=batch.step)

        progress.step = batch.step + 1
        progress.losses.append(float(loss.detach()))
        progress.seconds = seconds_before + time.monotonic() - resumed_at
        epoch, place = divmod(batch.step, course.steps_per_epoch)
        ended = None
        if place + 1 == course.steps_per_epoch or progress.step == settings.steps:
            candidate = copy.deepcopy(run.average)
            course.settle(candidate, device, final=False)
            validation_loss, validation_score = course.judge(candidate, device)
            if not math.isfinite(validation_loss):
                raise _not_finite("validation loss", batch.step + 1, recipe)
            ended = EpochResult(
                epoch=epoch + 1,
                step=progress.step,
                learning_rate=rate,
                train_loss=float(np.mean(progress.losses)),
                validation_loss=validation_loss,
                validation_score=validation_score,
                seconds=progress.seconds,
            )
            if progress.note(ended, patience=settings.patience):
                run.best = copy.deepcopy(run.average.state_dict())
        if report is not None:
            report(progress.step, settings.steps, ended)
        if time.monotonic() - saved_at > checkpoint_seconds:
            run.save(folder, digest=digest)
            saved_at, saved_step = time.monotonic(), progress.step

    if saved_step < progress.step:
        run.save(folder, digest=digest)  # what follows may be stopped as well
    if progress.stopped and progress.step < settings.steps:
        run.average.load_state_dict(run.best)
    course.settle(run.average, device, final=True)
    shipped = run.average.cpu().eval()
    course.finish(shipped)
    return shipped, progress.history


def _not_finite(what: str, step: int, recipe: Recipe) -> TrainError:
    settings = recipe.train
    return TrainError(
        f"training: the {what} is not finite at step {step} of {settings.steps}; "
        f"lower train.learning_rate (now {settings.learning_rate:g}) or set "
        "train.precision to 'fp32'"
    )


class _Run:
    """All that changes while a network learns; a checkpoint holds the whole of it."""

    def __init__(self, net: nn.Module, optimizer: torch.optim.AdamW) -> None:
        self.net, self.optimizer = net, optimizer
        self.average = copy.deepcopy(net)
        self.best = copy.deepcopy(self.average.state_dict())
        self.progress = _Progress()

    def save(self, folder: Path, *, digest: str) -> None:
        """See `save_checkpoint`."""
        state = {
            "digest": digest,
            "net": self.net.state_dict(),
            "average": self.average.state_dict(),
            "best": self.best,
            "optimizer": self.optimizer.state_dict(),
            "progress": self.progress.to_state(),
        }
        save_checkpoint(folder, state)

    def restore(self, folder: Path, *, digest: str) -> None:
        """Go on where an interrupted run was, if there was one."""
        state = load_checkpoint(folder, digest=digest)
        if state is None:
            return
        self.net.load_state_dict(state["net"])
        self.average.load_state_dict(state["average"])
        self.best = state["best"]
        self.optimizer.load_state_dict(state["optimizer"])
        self.progress = _Progress.from_state(state["progress"])


class _Progress:
    """How far a run has come; all of it goes into the checkpoint."""

    def __init__(self) -> None:
        self.step = 0
        self.seconds = 0.0
        self.losses: list[float] = []
        self.history: list[EpochResult] = []
        self.best_loss = float("inf")
        self.waited = 0
        self.stopped = False

    def note(self, result: EpochResult, *, patience: int) -> bool:
        """Add an epoch; True when it is the best so far."""
        self.history.append(result)
        self.losses = []
        if result.validation_loss < self.best_loss:
            self.best_loss, self.waited = result.validation_loss, 0
            return True
        self.waited += 1
        self.stopped = 0 < patience <= self.waited
        return False

    def to_state(self) -> dict[str, Any]:
        return {
            **vars(self),
            "losses": list(self.losses),
            "history": [asdict(result) for result in self.history],
        }

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> _Progress:
        progress = cls()
        vars(progress).update(state)
        progress.history = [EpochResult(**row) for row in state["history"]]
        return progress


def build_optimizer(net: nn.Module, recipe: Recipe) -> torch.optim.AdamW:
    """AdamW; biases and norms do not decay, fresh layers have their own rate.

    All that stands behind the body of a network over slices is as fresh as a
    classifier's head: reader, attention and their heads share its rate. With its
    default of 1 nothing differs.
    """
    settings = recipe.train
    groups: dict[tuple[bool, bool], list[nn.Parameter]] = {}
    for name, parameter in net.named_parameters():
        is_head, decays = name.startswith(FRESH), parameter.ndim > 1
        groups.setdefault((is_head, decays), []).append(parameter)
    return torch.optim.AdamW(
        [
            {
                "params": parameters,
                "weight_decay": settings.weight_decay if decays else 0.0,
                "factor": settings.head_rate if is_head else 1.0,
            }
            for (is_head, decays), parameters in groups.items()
        ],
        lr=settings.learning_rate,
    )


def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Give every parameter group its share of the rate."""
    for group in optimizer.param_groups:
        group["lr"] = rate * group["factor"]
