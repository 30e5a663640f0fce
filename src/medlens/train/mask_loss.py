"""Dice and cross-entropy together, at every resolution that answers.

Dice (Milletari et al. 2016) does not care how rare a label is; cross-entropy gives
even gradients where Dice has none. Their sum is what nnU-Net trains with (Isensee et
al. 2021). Dice is taken over the voxels of the whole batch, so that a patch without
a label does not throw it from 0 to 1.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

SMOOTH = 1e-5


def mask_loss(answers: list[Tensor], masks: Tensor) -> Tensor:
    """Mean of Dice loss and cross-entropy; coarser answers weigh half as much each.

    Args:
        answers: (B, K, …) logits at full size, then at coarser sizes.
        masks: (B, …) int64 label indices at full size.

    Returns:
        Scalar, 0 at best; the Dice part lies in 0..1.
    """
    weights = [0.5**stage for stage in range(len(answers))]
    parts = [
        weight * _one(logits.float(), _shrunk(masks, logits.shape[2:]))
        for weight, logits in zip(weights, answers, strict=True)
    ]
    return torch.stack(parts).sum() / sum(weights)


def soft_dice(probabilities: Tensor, masks: Tensor) -> Tensor:
    """(K - 1,) soft Dice of the labels but the background, over the whole batch."""
    labels = probabilities.shape[1]
    wanted = F.one_hot(masks, labels).movedim(-1, 1)[:, 1:].to(probabilities)
    found = probabilities[:, 1:]
    axes = (0, *range(2, probabilities.ndim))
    both = (found * wanted).sum(axes)
    return (2 * both + SMOOTH) / (found.sum(axes) + wanted.sum(axes) + SMOOTH)


def _one(logits: Tensor, masks: Tensor) -> Tensor:
    dice = soft_dice(torch.softmax(logits, dim=1), masks)
    return 1 - dice.mean() + F.cross_entropy(logits, masks)


def _shrunk(masks: Tensor, size: torch.Size) -> Tensor:
    """The mask at a coarser size: one voxel of each cell, which keeps labels whole."""
    if masks.shape[1:] == size:
        return masks
    picked: Tensor = F.interpolate(masks[:, None].float(), size=size, mode="nearest")
    return picked[:, 0].long()
