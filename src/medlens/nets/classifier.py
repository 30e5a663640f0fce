"""A body with one linear layer on its mean feature: logits and their evidence."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from medlens.core import TrainError


class Classifier(nn.Module):
    """Body → global mean → linear. The linear layer applied before the mean
    instead gives the class activation map (Zhou et al. 2016), whose spatial
    mean plus the bias is the logit exactly.

    Args:
        body: (B, C, H, W) → (B, F, h, w), with attribute `width` = F; for volumes
            (B, C, D, H, W) → (B, F, d, h, w).
        labels: K.
        mean, std: the network input is (x - mean) / std for x in 0..1.
        dropout: on the mean feature, in training only.
    """

    def __init__(
        self, body: nn.Module, *, labels: int, mean: float, std: float, dropout: float
    ) -> None:
        super().__init__()
        self.body = body
        self.head = nn.Linear(body.width, labels)
        self.dropout = dropout
        self.mean, self.std = mean, std
        nn.init.normal_(self.head.weight, std=0.01)
        nn.init.zeros_(self.head.bias)

    def features(self, x: Tensor) -> Tensor:
        """(B, F, h, w) or (B, F, d, h, w) feature map of prepared images in 0..1."""
        y: Tensor = self.body((x - self.mean) / self.std)
        return y

    @property
    def embedded(self) -> int:
        """Length of an embedding."""
        width: int = self.head.in_features
        return width

    def embed(self, features: Tensor) -> Tensor:
        """(B, E) of a feature map: its mean."""
        return mean_of_places(features)

    def answer(self, embedding: Tensor) -> Tensor:
        """(…, K) logits of (…, E) embeddings."""
        logits: Tensor = self.head(embedding)
        return logits

    def evidence(self, features: Tensor) -> Tensor:
        """(B, K, …) of a feature map; its mean plus the bias is the logit."""
        return evidence_map(features, self.head.weight)

    def drop(self, embedding: Tensor) -> Tensor:
        """An embedding with features left out at random, in training."""
        return F.dropout(embedding, self.dropout, self.training)

    def forward(self, x: Tensor) -> Tensor:
        """(B, K) logits."""
        return self.answer(self.drop(self.embed(self.features(x))))


class Exported(nn.Module):
    """What goes into the bundle: all three answers of one forward pass."""

    def __init__(self, net: Classifier) -> None:
        super().__init__()
        self.net = net

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Logits (B, K), evidence (B, K, h, w) or (B, K, d, h, w), embedding (B, F)."""
        features = self.net.features(x)
        embedding = self.net.embed(features)
        return self.net.answer(embedding), self.net.evidence(features), embedding


def mean_of_places(features: Tensor) -> Tensor:
    """(B, F) mean over the 2 or 3 axes of places."""
    return features.mean(dim=tuple(range(2, features.ndim)))


def evidence_map(features: Tensor, weight: Tensor) -> Tensor:
    """(B, K, …) linear layer (K, F) at each place of (B, F, …) features."""
    conv = F.conv2d if features.ndim == 4 else F.conv3d
    kernel = weight[(..., *[None] * (features.ndim - 2))]
    evidence: Tensor = conv(features, kernel)
    return evidence


def load_body(net: Classifier, state: dict[str, Tensor]) -> None:
    """Copy weights into the body; every key must match.

    Raises:
        TrainError: a key or shape does not fit.
    """
    try:
        net.body.load_state_dict(state)
    except (RuntimeError, TypeError, AttributeError) as error:
        found = str(error).splitlines()[-1].strip()[:200]
        raise TrainError(
            f"net.pretrained: weights do not fit this network ({found}); "
            "wanted a state dict saved from the same net.name and net.channels"
        ) from error
