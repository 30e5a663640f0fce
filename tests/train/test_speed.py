"""How fast this machine is: positive, and larger work takes longer."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from medlens.recipe import NetSettings, TaskSettings
from medlens.train import measure_speed, speed
from tests.train.lessons import small_recipe


@pytest.mark.parametrize(
    ("kind", "labels"), [("binary", 2), ("multiclass", 4), ("multilabel", 1)]
)
def test_speed_is_measured_for_every_kind_of_task(
    monkeypatch: pytest.MonkeyPatch, kind: str, labels: int
) -> None:
    monkeypatch.setattr(speed, "ROUNDS", 1)
    recipe = replace(small_recipe(), task=TaskSettings(kind))  # type: ignore[arg-type]
    found = measure_speed(recipe, labels=labels)
    assert 0 < found.forward < found.train


def test_more_pixels_take_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speed, "ROUNDS", 3)
    recipe = replace(small_recipe(), augment=replace(small_recipe().augment, steps=()))
    times = [
        measure_speed(
            replace(recipe, net=NetSettings("residual18_half", "", 1, side, side)),
            labels=2,
        ).train
        for side in (16, 64)
    ]
    assert times[1] > 1.5 * times[0]  # sixteen times the pixels; machines are busy


def test_measuring_does_not_depend_on_weights_that_are_not_there(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(speed, "ROUNDS", 1)
    recipe = replace(
        small_recipe(), net=replace(small_recipe().net, pretrained="none.pt")
    )
    assert measure_speed(recipe, labels=2).train > 0
    assert torch.get_num_threads() == recipe.train.threads
