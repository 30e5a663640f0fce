"""What the loop hears from the validation split."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from medlens.nets import build_net
from medlens.train import judge as room
from medlens.train.judge import clean_logits, judge, macro_auroc, renew, spread
from medlens.train.losses import build_loss
from tests.train.lessons import blob_lesson, small_recipe

CPU = torch.device("cpu")


def eye(
    labels: list[int], classes: int
) -> np.ndarray[tuple[int, ...], np.dtype[np.int8]]:
    return np.eye(classes, dtype=np.int8)[labels]


def test_macro_auroc_by_hand() -> None:
    """Pairs in the right order: label 0 has 3 of 4, label 1 has 1 of 2."""
    targets = np.array([[1, 1], [1, 0], [0, 0], [0, -1]], dtype=np.int8)
    logits = np.array(
        [[0.9, 0.5], [0.3, 0.1], [0.5, 0.7], [0.1, 9.0]], dtype=np.float32
    )
    assert macro_auroc(targets, logits, kind="multilabel") == pytest.approx(
        (3 / 4 + 1 / 2) / 2
    )


def test_softmax_labels_are_held_against_the_best_other() -> None:
    targets = eye([0, 1, 2, 0], 3)
    logits = np.array([[3, 0, 1], [0, 2, 1], [1, 0, 3], [2, 1, 0]], dtype=np.float32)
    shift = np.array([[0], [100], [-50], [7]], dtype=np.float32)
    assert macro_auroc(targets, logits, kind="multiclass") == 1.0
    assert macro_auroc(targets, logits + shift, kind="multiclass") == 1.0


@pytest.mark.parametrize(
    "targets", [eye([0, 0], 2), np.full((3, 2), -1, dtype=np.int8)]
)
def test_one_side_only_says_nothing(
    targets: np.ndarray[tuple[int, ...], np.dtype[np.int8]],
) -> None:
    logits = np.zeros(targets.shape, dtype=np.float32)
    assert macro_auroc(targets, logits, kind="multilabel") == 0.5


@given(st.integers(1, 5000), st.integers(1, 300))
def test_what_is_looked_at_lies_evenly_over_all(cases: int, most: int) -> None:
    found = spread(cases, most)
    assert len(found) == min(cases, most)
    assert len(set(found.tolist())) == len(found)
    assert found[0] == 0
    if most > 1:
        assert found[-1] == cases - 1
        assert np.ptp(np.diff(found)) <= 1 if len(found) > 1 else True


def test_folders_that_come_class_by_class_are_judged_on_all_classes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "VALIDATION_CASES", 6)
    lesson = blob_lesson(tmp_path, cases=8, validation=24)
    order = np.argsort(lesson.validation_targets[:, 1], kind="stable")
    lesson = replace(
        lesson,
        validation_rows=lesson.validation_rows[order],
        validation_targets=lesson.validation_targets[order],
    )
    net = build_net(small_recipe().net, labels=2, seed=0)
    told: list[int] = []

    def loss_of(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        told.extend(targets[:, 1].tolist())
        return logits.sum() * 0

    judge(net, lesson, CPU, loss_of)
    assert told == [0, 0, 0, 1, 1, 1]


def test_the_loss_is_that_of_all_cases_together(tmp_path: Path) -> None:
    lesson = blob_lesson(tmp_path, cases=8, validation=70)  # two batches
    net = build_net(small_recipe().net, labels=2, seed=0)
    loss_of = build_loss(
        lesson.train_targets, kind="binary", balance=0.0, label_smoothing=0.0
    )
    loss, auroc = judge(net, lesson, CPU, loss_of)
    with torch.inference_mode():
        images = torch.from_numpy(lesson.cache.read(lesson.validation_rows))
        logits = net.eval()(images)
    wanted = torch.nn.functional.cross_entropy(
        logits, torch.from_numpy(lesson.validation_targets).argmax(dim=1)
    )
    assert loss == pytest.approx(float(wanted), rel=1e-4)
    assert 0 <= auroc <= 1
    found = clean_logits(net, lesson, lesson.validation_rows, CPU)
    np.testing.assert_allclose(found, logits.numpy(), atol=1e-4)


def test_renewing_takes_the_same_cases_each_time_and_never_one_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "CLEAN_BATCH", 8)
    lesson = blob_lesson(tmp_path, cases=17, validation=2)
    net = build_net(small_recipe().net, labels=2, seed=0)
    sizes: list[int] = []
    net.register_forward_hook(lambda _, given, __: sizes.append(len(given[0])))
    means = []
    for _ in range(2):
        renew(net, lesson, CPU, 5, 1000)
        means.append(net.body.norm.running_mean.clone())
    assert sizes == [8, 8] * 2
    assert torch.equal(*means)
