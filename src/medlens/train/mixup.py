"""Mixup: a network that learns blends of two cases answers less rashly.

Zhang et al. 2018, eq. 1, with one share a batch and the larger part always the
case itself. Where few families of images stand behind many files it keeps the
network from learning them by heart: see docs/train.md for what it was worth.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from medlens.train.losses import Loss


@dataclass(frozen=True)
class Mix:
    """How the cases of one step are blended.

    Attributes:
        share: of the case itself, 0.5..1; the rest is its partner's.
        partner: (B,) position of each case's partner in the batch.
    """

    share: float
    partner: Tensor

    def images(self, images: Tensor) -> Tensor:
        """(B, C, H, W) blends; the layout stays."""
        mixed: Tensor = images * self.share
        return mixed.add_(images[self.partner], alpha=1 - self.share)

    def loss(self, loss_of: Loss, logits: Tensor, targets: Tensor) -> Tensor:
        """The loss on both targets, each by its share."""
        own, other = loss_of(logits, targets), loss_of(logits, targets[self.partner])
        return self.share * own + (1 - self.share) * other


def draw_mix(step: int, *, cases: int, strength: float, seed: int) -> Mix | None:
    """The blend of a step, a function of seed and step alone; None for none.

    Args:
        step: from 0.
        cases: in the batch.
        strength: a of the Beta(a, a) that the share is drawn from; 0 for no
            mixup, 1 draws all shares alike.
        seed: of the run.
    """
    if strength <= 0 or cases < 2:
        return None
    rng = np.random.default_rng([seed, 13, step])
    share = float(rng.beta(strength, strength))
    partner = torch.from_numpy(rng.permutation(cases))
    return Mix(max(share, 1 - share), partner)
