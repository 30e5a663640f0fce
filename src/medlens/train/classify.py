"""The course of a classifier of images or whole volumes."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from medlens.nets import Classifier, build_net, build_volume_net
from medlens.recipe.settings import Recipe
from medlens.train.batches import Batch, training_batches
from medlens.train.judge import NORM_CASES_FINAL, NORM_CASES_WITHIN, judge, renew
from medlens.train.lesson import Lesson
from medlens.train.losses import build_loss, without_balance
from medlens.train.mixup import draw_mix
from medlens.train.order import steps_per_epoch


def build_classifier(recipe: Recipe, *, labels: int) -> Classifier:
    """The classifier that a recipe names, in 2D or 3D, with its starting weights."""
    net, seed = recipe.net, recipe.train.seed
    if recipe.task.form != "volume":
        return build_net(net, labels=labels, seed=seed)
    return build_volume_net(
        net.name,
        channels=net.channels,
        labels=labels,
        seed=seed,
        dropout=net.dropout,
    )


class ClassifierCourse:
    """See `Course`; one answer for each case of a lesson."""

    score = "auroc"

    def __init__(self, recipe: Recipe, lesson: Lesson) -> None:
        settings = recipe.train
        self._recipe, self._lesson = recipe, lesson
        self._loss_of = build_loss(
            lesson.train_targets,
            kind=lesson.kind,
            balance=settings.balance,
            label_smoothing=settings.label_smoothing,
        )
        self.steps_per_epoch = steps_per_epoch(
            len(lesson.train_rows), settings.batch_size
        )

    def build(self) -> nn.Module:
        """The recipe's classifier."""
        return build_classifier(self._recipe, labels=len(self._lesson.labels))

    def batches(self, start: int, stop: int) -> Iterator[Batch]:
        """Augmented images or volumes."""
        return training_batches(self._lesson, self._recipe, start=start, stop=stop)

    def loss(self, net: nn.Module, batch: Batch, device: torch.device) -> Tensor:
        """Cross-entropy, on blends of two cases where the recipe says so."""
        settings = self._recipe.train
        images, targets = batch.images.to(device), batch.targets.to(device)
        mix = draw_mix(
            batch.step, cases=len(images), strength=settings.mixup, seed=settings.seed
        )
        if mix is None:
            return self._loss_of(net(images), targets)
        return mix.loss(self._loss_of, net(mix.images(images)), targets)

    def settle(self, net: nn.Module, device: torch.device, *, final: bool) -> None:
        """Batch-norm statistics of clean images."""
        cases = NORM_CASES_FINAL if final else NORM_CASES_WITHIN
        renew(net, self._lesson, device, self._recipe.train.seed, cases)

    def judge(self, net: nn.Module, device: torch.device) -> tuple[float, float]:
        """Loss in nats and macro AUROC on validation cases."""
        return judge(net, self._lesson, device, self._loss_of)

    def finish(self, net: nn.Module) -> None:
        """Take the label weights out of the logits."""
        with torch.no_grad():
            net.head.bias.copy_(
                without_balance(
                    net.head.bias,
                    self._lesson.train_targets,
                    kind=self._lesson.kind,
                    balance=self._recipe.train.balance,
                )
            )
