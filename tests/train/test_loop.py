"""The loop: what it learns, when it stops, what it refuses."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from medlens.core import TrainError
from medlens.metrics import auroc
from medlens.nets import build_net, build_sequence
from medlens.train import EpochResult, classify, train_network
from medlens.train.judge import clean_logits
from medlens.train.loop import build_optimizer, set_rate
from tests.train.lessons import blob_lesson, digest_of, small_recipe

CPU = torch.device("cpu")


def test_the_loop_learns_a_plain_rule(tmp_path: Path) -> None:
    lesson = blob_lesson(tmp_path)
    net, history = train_network(small_recipe(steps=24), lesson, tmp_path, digest="d")
    logits = clean_logits(net, lesson, lesson.validation_rows, CPU)
    margin = logits[:, 1] - logits[:, 0]
    assert auroc(lesson.validation_targets[:, 1], margin) == 1.0
    assert history[-1].validation_score == 1.0
    assert not net.training


def test_history_tells_each_epoch(tmp_path: Path) -> None:
    _, history = train_network(
        small_recipe(steps=10), blob_lesson(tmp_path), tmp_path, digest="d"
    )
    assert [(e.epoch, e.step) for e in history] == [(1, 4), (2, 8), (3, 10)]
    assert all(np.isfinite([e.train_loss, e.validation_loss]).all() for e in history)
    seconds = [e.seconds for e in history]
    assert seconds == sorted(seconds)
    assert seconds[0] > 0


def scripted(monkeypatch: pytest.MonkeyPatch, losses: list[float]) -> list[Any]:
    """Let the judge say these losses; the averages that it saw."""
    seen: list[Any] = []

    def say(average: Any, *_: object, **__: object) -> tuple[float, float]:
        seen.append({k: v.clone() for k, v in average.state_dict().items()})
        return losses[len(seen) - 1], 0.5

    monkeypatch.setattr(classify, "judge", say)
    return seen


def test_early_stop_ships_the_best_epoch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = scripted(monkeypatch, [0.5, 0.3, 0.4, 0.35, 0.1])
    recipe = small_recipe(steps=20, patience=2)
    net, history = train_network(recipe, blob_lesson(tmp_path), tmp_path, digest="d")
    assert [e.validation_loss for e in history] == [0.5, 0.3, 0.4, 0.35]
    for name, parameter in net.named_parameters():
        assert torch.equal(parameter.detach(), seen[1][name])


def test_without_patience_all_steps_are_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = scripted(monkeypatch, [0.5, 0.9, 0.8, 0.7, 0.6])
    recipe = small_recipe(steps=20, patience=0)
    net, history = train_network(recipe, blob_lesson(tmp_path), tmp_path, digest="d")
    assert len(history) == 5
    assert torch.equal(net.head.weight.detach(), seen[-1]["head.weight"])


def test_a_stop_is_remembered_by_the_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lesson, recipe = blob_lesson(tmp_path), small_recipe(steps=40, patience=1)
    scripted(monkeypatch, [0.1, 0.2])
    first, _ = train_network(
        recipe, lesson, tmp_path, digest="d", checkpoint_seconds=-1
    )
    again, history = train_network(recipe, lesson, tmp_path, digest="d")
    assert len(history) == 2
    assert digest_of(again) == digest_of(first)


def test_a_loss_that_is_not_finite_says_what_to_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> Any:
        return lambda logits, targets: logits.sum() * float("nan") + 0 * targets.sum()

    monkeypatch.setattr(classify, "build_loss", broken)
    wanted = (
        r"^training: the loss is not finite at step 1 of 12; lower "
        r"train.learning_rate \(now 0.002\) or set train.precision to 'fp32'$"
    )
    with pytest.raises(TrainError, match=wanted):
        train_network(small_recipe(), blob_lesson(tmp_path), tmp_path, digest="d")


def test_a_validation_loss_that_is_not_finite_is_no_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripted(monkeypatch, [float("nan")])
    with pytest.raises(TrainError, match="the validation loss is not finite at step 4"):
        train_network(small_recipe(), blob_lesson(tmp_path), tmp_path, digest="d")


def test_no_steps_would_ship_an_untrained_network(tmp_path: Path) -> None:
    with pytest.raises(
        TrainError, match=r"train.steps is 0; wanted the number of steps"
    ):
        train_network(
            small_recipe(steps=0), blob_lesson(tmp_path), tmp_path, digest="d"
        )


def test_bf16_learns_and_ships_float32(tmp_path: Path) -> None:
    recipe = small_recipe(steps=2, precision="bf16")
    net, _ = train_network(recipe, blob_lesson(tmp_path), tmp_path, digest="d")
    assert {p.dtype for p in net.parameters()} == {torch.float32}


def test_decay_spares_biases_and_norms_and_the_head_has_its_rate() -> None:
    recipe = small_recipe(head_rate=10.0, weight_decay=0.3)
    net = build_net(recipe.net, labels=2, seed=0)
    optimizer = build_optimizer(net, recipe)
    set_rate(optimizer, 0.5)
    names = {id(p): name for name, p in net.named_parameters()}
    told: dict[str, tuple[float, float]] = {}
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            told[names[id(parameter)]] = (group["weight_decay"], group["lr"])
    assert len(told) == len(names)
    assert told["head.weight"] == (0.3, 5.0)
    assert told["head.bias"] == (0.0, 5.0)
    assert told["body.stem.weight"] == (0.3, 0.5)
    assert told["body.norm.weight"] == (0.0, 0.5)
    assert told["body.norm.bias"] == (0.0, 0.5)


@pytest.mark.parametrize("series_labels", [None, 3])
def test_all_that_reads_slices_has_the_rate_of_the_head(
    series_labels: int | None,
) -> None:
    recipe = small_recipe(head_rate=10.0)
    net = build_sequence(
        recipe.net, labels=2, seed=0, hidden=8, series_labels=series_labels
    )
    optimizer = build_optimizer(net, recipe)
    set_rate(optimizer, 0.5)
    names = {id(p): name for name, p in net.named_parameters()}
    rates = {
        names[id(p)]: group["lr"] for group in optimizer.param_groups
        for p in group["params"]
    }  # fmt: skip
    assert set(rates) == set(names.values())
    body = {name for name in rates if name.startswith("plain.body.")}
    assert {rates[name] for name in body} == {0.5}
    assert {rates[name] for name in set(rates) - body} == {5.0}
    assert {name.split(".")[0] for name in set(rates) - body} == {
        "plain", "reader", "context", "attention",
        "series_head" if series_labels else "series_bias",
    }  # fmt: skip


def test_a_cold_start_does_not_move_the_norms_of_the_average(tmp_path: Path) -> None:
    """One step at a rate of almost nothing: the average is the start."""
    recipe = small_recipe(steps=1, learning_rate=1e-8, weight_decay=0.0)
    net, _ = train_network(recipe, blob_lesson(tmp_path), tmp_path, digest="d")
    fresh = build_net(recipe.net, labels=2, seed=recipe.train.seed)
    for (name, found), wanted in zip(
        net.named_parameters(), fresh.parameters(), strict=True
    ):
        torch.testing.assert_close(found, wanted, rtol=0, atol=1e-6, msg=name)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no GPU")
def test_a_gpu_learns_the_same_rule_and_hands_back_cpu_weights(tmp_path: Path) -> None:
    lesson = blob_lesson(tmp_path)
    recipe = small_recipe(steps=24)
    ended: list[EpochResult | None] = []
    net, _ = train_network(
        replace(recipe),
        lesson,
        tmp_path,
        digest="d",
        report=lambda *a: ended.append(a[2]),
    )
    again, _ = train_network(recipe, lesson, tmp_path / "again", digest="d")
    assert {p.device.type for p in net.parameters()} == {"cpu"}
    assert ended[-1] is not None
    assert ended[-1].validation_score == 1.0
    assert digest_of(net) == digest_of(again)
