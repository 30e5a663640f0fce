"""Networks that judge every small place alone and let the strongest speak.

Where a finding is small, the mean over all places drowns it, and a network that sees
the whole image in each place learns the few training cases by heart instead. These
see 23 pixels or voxels a side (as BagNets do, Brendel & Bethge 2019), and the places
are joined by auto-pooling (McFee et al. 2018): a softmax of the place's own logit,
whose sharpness is learned for each label, from the mean (0) to the maximum.

The sum stays exact: with z the logit of a place and a its share, the map a · z times
the number of places has the logit, less the bias, as its mean.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from medlens.nets.classifier import Classifier, evidence_map

SHARPNESS = 3.0  # at the start
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
    """A classifier whose places are joined by auto-pooling, label by label.

    An embedding is the maximum of each feature over all places, then the K joined
    logits without their bias.
    """

    def __init__(self, body: nn.Module, *, labels: int, dropout: float) -> None:
        super().__init__(body, labels=labels, mean=0.5, std=0.25, dropout=dropout)
        nn.init.normal_(self.head.weight, std=0.1)
        self.sharpness = nn.Parameter(torch.full((labels,), SHARPNESS))

    @property
    def embedded(self) -> int:
        """Length of an embedding."""
        width: int = self.head.in_features + self.head.out_features
        return width

    def features(self, x: Tensor) -> Tensor:
        """(B, F, …) feature map of prepared images in 0..1; some left out in
        training, place by place."""
        return F.dropout(super().features(x), self.dropout, self.training)

    def embed(self, features: Tensor) -> Tensor:
        """(B, F + K): the strongest of each feature, and the joined logits."""
        z = evidence_map(features, self.head.weight).flatten(2)
        joined = (self._shares(z) * z).sum(dim=2)
        return torch.cat([features.flatten(2).amax(dim=2), joined], dim=1)

    def answer(self, embedding: Tensor) -> Tensor:
        """(…, K) logits of (…, F + K) embeddings."""
        joined = embedding[..., self.head.in_features :]
        logits: Tensor = joined + self.head.bias
        return logits

    def evidence(self, features: Tensor) -> Tensor:
        """(B, K, …) of a feature map; its mean plus the bias is the logit."""
        z = evidence_map(features, self.head.weight)
        flat = z.flatten(2)
        shares = self._shares(flat) * flat.shape[2]
        return z * shares.view_as(z)

    def drop(self, embedding: Tensor) -> Tensor:
        """Nothing: features were left out place by place."""
        return embedding

    def _shares(self, z: Tensor) -> Tensor:
        """(B, K, N) of (B, K, N) logits, summing to 1 over the places."""
        return torch.softmax(self.sharpness[None, :, None] * z, dim=2)
