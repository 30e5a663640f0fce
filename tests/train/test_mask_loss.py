"""Dice and cross-entropy: by hand, as MONAI has them, and at coarser stages."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from medlens.train.mask_loss import mask_loss, soft_dice


def test_a_case_by_hand() -> None:
    """Four pixels, two labels; every pixel says label 1 with p = 3/4, half are.

    Soft Dice of label 1: 2 · (2 · 3/4) / (4 · 3/4 + 2) = 0.6. Cross-entropy: half
    the pixels cost ln 4/3, half ln 4.
    """
    logits = torch.zeros(1, 2, 2, 2)
    logits[:, 1] = math.log(3)
    masks = torch.tensor([[[1, 1], [0, 0]]])
    assert soft_dice(torch.softmax(logits, 1), masks).tolist() == [
        pytest.approx(0.6, abs=1e-5)
    ]
    expected = 0.4 + (math.log(4 / 3) + math.log(4)) / 2
    assert float(mask_loss([logits], masks)) == pytest.approx(expected, abs=1e-5)


def test_a_perfect_answer_costs_nothing_and_the_opposite_much() -> None:
    masks = torch.randint(
        0, 3, (2, 4, 8, 8), generator=torch.Generator().manual_seed(0)
    )
    right = 30.0 * F.one_hot(masks, 3).movedim(-1, 1).float()
    assert float(mask_loss([right], masks)) == pytest.approx(0, abs=1e-5)
    assert float(mask_loss([right], (masks + 1) % 3)) > 20


def test_a_label_that_is_nowhere_and_found_nowhere_costs_nothing() -> None:
    masks = torch.zeros(1, 4, 4, dtype=torch.long)
    logits = torch.zeros(1, 3, 4, 4)
    logits[:, 0] = 40.0
    assert float(mask_loss([logits], masks)) == pytest.approx(0, abs=1e-4)


@given(
    st.integers(0, 10_000),
    st.integers(2, 4),
    st.sampled_from([(2, 6, 6), (1, 3, 4, 5), (3, 2, 2, 2)]),
)
@settings(max_examples=40, deadline=None)
def test_it_is_monai_s_dice_and_cross_entropy(
    seed: int, labels: int, shape: tuple[int, ...]
) -> None:
    losses = pytest.importorskip("monai.losses")
    rng = torch.Generator().manual_seed(seed)
    logits = torch.randn(shape[0], labels, *shape[1:], generator=rng) * 2
    masks = torch.randint(0, labels, shape, generator=rng)
    dice = losses.DiceLoss(
        include_background=False,
        to_onehot_y=True,
        softmax=True,
        batch=True,
        smooth_nr=1e-5,
        smooth_dr=1e-5,
    )
    theirs = dice(logits, masks[:, None]) + F.cross_entropy(logits, masks)
    assert float(mask_loss([logits], masks)) == pytest.approx(float(theirs), abs=1e-5)


def test_with_all_labels_counted_it_is_monai_s_joint_loss() -> None:
    """MONAI leaves the background out of neither part or both; with a background
    that is nowhere the Dice parts differ by the constant of one label of three."""
    losses = pytest.importorskip("monai.losses")
    rng = torch.Generator().manual_seed(1)
    logits, masks = torch.randn(2, 2, 8, 8, generator=rng), torch.ones(2, 8, 8).long()
    both: Any = losses.DiceCELoss(
        to_onehot_y=True, softmax=True, batch=True, smooth_nr=1e-5, smooth_dr=1e-5
    )
    theirs = float(both(logits, masks[:, None]))
    dice = float(soft_dice(torch.softmax(logits, 1), masks)[0])
    # theirs: 1 - (dice + 0) / 2 + ce; ours: 1 - dice + ce
    ours = float(mask_loss([logits], masks))
    assert ours == pytest.approx(theirs - dice / 2, abs=1e-4)


def test_coarser_answers_weigh_half_as_much_each() -> None:
    rng = torch.Generator().manual_seed(0)
    masks = torch.randint(0, 2, (2, 8, 8, 8), generator=rng)
    answers = [torch.randn(2, 2, s, s, s, generator=rng) for s in (8, 4, 2)]
    coarse = [masks, masks[:, ::2, ::2, ::2], masks[:, ::4, ::4, ::4]]
    each = [float(mask_loss([a], m)) for a, m in zip(answers, coarse, strict=True)]
    expected = (each[0] + each[1] / 2 + each[2] / 4) / 1.75
    assert float(mask_loss(answers, masks)) == pytest.approx(expected, abs=1e-6)


def test_half_precision_answers_are_summed_in_full() -> None:
    """65536 voxels: a sum in float16 would be infinite."""
    logits = torch.zeros(1, 2, 256, 256, dtype=torch.float16, requires_grad=True)
    masks = torch.zeros(1, 256, 256, dtype=torch.long)
    masks[:, :128] = 1
    loss = mask_loss([logits], masks)
    assert float(loss.detach()) == pytest.approx(0.5 + math.log(2), abs=1e-4)
    loss.backward()
    assert logits.grad is not None
    assert torch.isfinite(logits.grad).all()
