"""Losses against values worked out by hand and against torch's own."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from medlens.train.losses import (
    MAX_WEIGHT,
    build_loss,
    label_weights,
    without_balance,
)


def one_hot(
    labels: list[int], classes: int
) -> np.ndarray[tuple[int, ...], np.dtype[np.int8]]:
    return np.eye(classes, dtype=np.int8)[labels]


def random_logits(n: int, k: int) -> torch.Tensor:
    return torch.randn(n, k, generator=torch.Generator().manual_seed(0))


def test_no_opinion_costs_the_logarithm_of_the_number_of_classes() -> None:
    targets = one_hot([0, 1, 2], 3)
    loss = build_loss(targets, kind="multiclass", balance=0.0, label_smoothing=0.0)
    found = loss(torch.zeros(3, 3), torch.from_numpy(targets))
    assert float(found) == pytest.approx(math.log(3))


def test_class_weights_by_hand() -> None:
    """Nine cases of one class and one of the other: weights 10/18 and 5 at balance 1,
    so both classes weigh the same in the mean."""
    targets = one_hot([0] * 9 + [1], 2)
    loss = build_loss(targets, kind="binary", balance=1.0, label_smoothing=0.0)
    logits = torch.tensor([[2.0, 0.0]] * 10)
    right, wrong = math.log(1 + math.exp(-2)), math.log(1 + math.exp(2))
    found = float(loss(logits, torch.from_numpy(targets)))
    assert found == pytest.approx((right + wrong) / 2)


@pytest.mark.parametrize("balance", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_softmax_loss_is_torch_s(balance: float, smoothing: float) -> None:
    labels = [0, 0, 0, 0, 1, 1, 2, 0]
    counts = np.bincount(labels)
    weight = torch.tensor((8 / (3 * counts)) ** balance, dtype=torch.float32)
    wanted = torch.nn.CrossEntropyLoss(weight=weight, label_smoothing=smoothing)
    targets, logits = one_hot(labels, 3), random_logits(8, 3)
    loss = build_loss(
        targets, kind="multiclass", balance=balance, label_smoothing=smoothing
    )
    torch.testing.assert_close(
        loss(logits, torch.from_numpy(targets)), wanted(logits, torch.tensor(labels))
    )


def test_labels_that_nobody_read_do_not_count() -> None:
    targets = np.array([[1, -1], [0, 1], [-1, 0]], dtype=np.int8)
    loss = build_loss(targets, kind="multilabel", balance=0.0, label_smoothing=0.0)
    logits = random_logits(3, 2)
    known = [(0, 0, 1.0), (1, 0, 0.0), (1, 1, 1.0), (2, 1, 0.0)]
    each = [
        F.binary_cross_entropy_with_logits(logits[i, k], torch.tensor(y))
        for i, k, y in known
    ]
    wanted = torch.stack(each).mean()
    torch.testing.assert_close(loss(logits, torch.from_numpy(targets)), wanted)
    changed = logits.clone()
    changed[0, 1], changed[2, 0] = 50.0, -50.0
    torch.testing.assert_close(loss(changed, torch.from_numpy(targets)), wanted)


def test_a_batch_that_nobody_read_costs_nothing_and_teaches_nothing() -> None:
    targets = np.full((2, 2), -1, dtype=np.int8)
    loss = build_loss(targets, kind="multilabel", balance=1.0, label_smoothing=0.1)
    logits = random_logits(2, 2).requires_grad_()
    found = loss(logits, torch.from_numpy(targets))
    found.backward()
    assert float(found.detach()) == 0.0
    assert logits.grad is not None
    assert not logits.grad.any()


def test_rare_positives_weigh_by_the_ratio_to_the_negatives() -> None:
    """4 negatives and 1 positive: the positive weighs √4 = 2 at balance 0.5."""
    targets = np.array([[1], [0], [0], [0], [0], [-1]], dtype=np.int8)
    loss = build_loss(targets, kind="multilabel", balance=0.5, label_smoothing=0.0)
    found = float(loss(torch.zeros(6, 1), torch.from_numpy(targets)))
    assert found == pytest.approx((2 + 4) * math.log(2) / 5)


def test_smoothing_moves_sigmoid_targets_towards_one_half() -> None:
    targets = np.array([[1], [0]], dtype=np.int8)
    loss = build_loss(targets, kind="multilabel", balance=0.0, label_smoothing=0.2)
    logits = torch.tensor([[1.5], [-0.5]])
    wanted = F.binary_cross_entropy_with_logits(logits, torch.tensor([[0.9], [0.1]]))
    torch.testing.assert_close(loss(logits, torch.from_numpy(targets)), wanted)


def test_a_handful_of_cases_does_not_drown_the_others() -> None:
    targets = one_hot([0] * 9999 + [1], 2)
    loss = build_loss(targets, kind="binary", balance=1.0, label_smoothing=0.0)
    pair = one_hot([0, 1], 2)
    logits = torch.tensor([[30.0, 0.0], [30.0, 0.0]])
    share = MAX_WEIGHT / (MAX_WEIGHT + 10_000 / (2 * 9999))
    assert float(loss(logits, torch.from_numpy(pair))) == pytest.approx(30 * share)


def test_classes_without_cases_do_not_break_the_weights() -> None:
    targets = one_hot([0, 0, 1], 3)
    loss = build_loss(targets, kind="multiclass", balance=1.0, label_smoothing=0.0)
    assert torch.isfinite(loss(random_logits(3, 3), torch.from_numpy(targets)))


@given(st.floats(-3, 3), st.integers(2, 5))
def test_softmax_loss_ignores_a_shift_of_all_logits(shift: float, classes: int) -> None:
    targets = one_hot([0, 1], classes)
    loss = build_loss(targets, kind="multiclass", balance=0.5, label_smoothing=0.1)
    logits = random_logits(2, classes)
    torch.testing.assert_close(
        loss(logits + shift, torch.from_numpy(targets)),
        loss(logits, torch.from_numpy(targets)),
        rtol=1e-4,
        atol=1e-5,
    )


def test_half_precision_logits_are_judged_in_single_precision() -> None:
    targets = one_hot([0, 1], 2)
    loss = build_loss(targets, kind="binary", balance=0.0, label_smoothing=0.0)
    logits = random_logits(2, 2).bfloat16()
    found = loss(logits, torch.from_numpy(targets))
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, loss(logits.float(), torch.from_numpy(targets)))


@pytest.mark.parametrize("balance", [0.0, 0.5, 1.0])
def test_what_the_weights_add_to_the_logits_is_taken_away(balance: float) -> None:
    """A network that sees nothing learns the weighted prior, not the plain one."""
    counts = [60, 30, 10]
    targets = one_hot([k for k in range(3) for _ in range(counts[k])], 3)
    loss = build_loss(targets, kind="multiclass", balance=balance, label_smoothing=0.0)
    bias = torch.zeros(3, requires_grad=True)
    optimizer = torch.optim.LBFGS([bias], max_iter=100, tolerance_change=1e-12)

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        value = loss(bias.expand(100, 3), torch.from_numpy(targets))
        value.backward()
        return value

    optimizer.step(closure)
    plain = without_balance(bias.detach(), targets, kind="multiclass", balance=balance)
    found = torch.softmax(plain, dim=0)
    torch.testing.assert_close(found, torch.tensor([0.6, 0.3, 0.1]), rtol=0, atol=1e-3)


def test_presence_weights_are_taken_away_label_by_label() -> None:
    targets = np.array([[1, -1], [0, 1], [0, 1], [0, 1], [0, 0]], dtype=np.int8)
    weights = label_weights(targets, kind="multilabel", balance=1.0)
    assert weights.tolist() == pytest.approx([4, 1 / 3])
    bias = without_balance(torch.zeros(2), targets, kind="multilabel", balance=1.0)
    assert bias.tolist() == pytest.approx([-math.log(4), math.log(3)])
