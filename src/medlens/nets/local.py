"""Networks that judge every small place alone and hear the strongest.

Where a finding is small, the mean over all places drowns it, and a network that sees
the whole image in each place learns the few training cases by heart instead. These
see 23 pixels or voxels a side (as BagNets do, Brendel & Bethge 2019); the classifier
is given the maximum of each feature over all places beside its mean.

The sum stays exact: what a maximum brings to a logit is laid where the maximum is
(shared where several places have it), what a mean brings where the feature is, and
the mean of that map plus the bias is the logit.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from medlens.nets.classifier import Classifier, evidence_map

STRIDE = 4  # of the map
REACH = 23  # pixels or voxels a side that a place sees

CONV = {2: nn.Conv2d, 3: nn.Conv3d}
NORM = {2: nn.BatchNorm2d, 3: nn.BatchNorm3d}


class LocalBlock(nn.Module):
    """Two convolutions of 3 a side with a shortcut."""

    def __init__(self, axes: int, inputs: int, outputs: int, *, stride: int) -> None:
        super().__init__()
        conv, norm = CONV[axes], NORM[axes]
        self.conv1 = conv(inputs, outputs, 3, stride, 1, bias=False)
        self.norm1 = norm(outputs)
        self.conv2 = conv(outputs, outputs, 3, 1, 1, bias=False)
        self.norm2 = norm(outputs)
        self.shortcut = nn.Sequential(
            conv(inputs, outputs, 1, stride, bias=False), norm(outputs)
        )

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.norm1(self.conv1(x)))
        return F.relu(self.norm2(self.conv2(y)) + self.shortcut(x))


class Local(nn.Module):
    """Body: (B, C, …) → (B, 4·base, …/4), a place seeing 23 a side.

    Args:
        channels: input channels.
        axes: 2 for images, 3 for volumes.
        base: channels at full resolution. Its two convolutions are what a small
            finding needs: with a stem of stride 2 instead it was not learned.
    """

    def __init__(self, channels: int, *, axes: int, base: int = 16) -> None:
        super().__init__()
        self.width = 4 * base
        conv, norm = CONV[axes], NORM[axes]
        self.stages = nn.Sequential(
            LocalBlock(axes, channels, base, stride=1),
            LocalBlock(axes, base, 2 * base, stride=2),
            LocalBlock(axes, 2 * base, 4 * base, stride=2),
        )
        self.mix = nn.Sequential(
            conv(self.width, self.width, 1, bias=False), norm(self.width), nn.ReLU()
        )

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.mix(self.stages(x))
        return y


class LocalClassifier(Classifier):
    """A classifier on the maximum and the mean of each feature over all places."""

    def __init__(self, body: nn.Module, *, labels: int, dropout: float) -> None:
        super().__init__(body, labels=labels, mean=0.5, std=0.25, dropout=dropout)
        self.head = nn.Linear(2 * body.width, labels)
        nn.init.normal_(self.head.weight, std=0.01)
        nn.init.zeros_(self.head.bias)

    def embed(self, features: Tensor) -> Tensor:
        """(B, 2·F): the maximum of each feature, then its mean."""
        flat = features.flatten(2)
        return torch.cat([flat.amax(dim=2), flat.mean(dim=2)], dim=1)

    def evidence(self, features: Tensor) -> Tensor:
        """(B, K, …) of a feature map; its mean plus the bias is the logit."""
        width = features.shape[1]
        strongest, mean = self.head.weight[:, :width], self.head.weight[:, width:]
        flat = features.flatten(2)
        is_top = (flat == flat.amax(dim=2, keepdim=True)).to(flat)
        tops = flat * is_top * (flat.shape[2] / is_top.sum(dim=2, keepdim=True))
        tops = tops.view_as(features)
        return evidence_map(tops, strongest) + evidence_map(features, mean)
