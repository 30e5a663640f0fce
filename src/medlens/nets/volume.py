"""Small residual 3D CNN for volumes of about 32³ to 64³, trained from scratch.

ResNet of He et al. 2016 with 3×3×3 convolutions: a stem of stride 2, then stages
at 1/2, 1/4, 1/8 and 1/8 of the input, so that a 32³ volume still has 4³ places
left and the evidence map can point at a small lesion.

Batches of volumes are tiny, so the norms do not look across the batch. Group
norm (Wu & He 2018) is the default. Instance norm sets the mean of every channel
of every case to the same value; what a mean feature can then still tell apart is
the shape of a channel's values, not their amount.
"""

from __future__ import annotations

from collections.abc import Callable

import torch.nn.functional as F
from torch import Tensor, nn

GROUPS = 8


def _group(channels: int) -> nn.Module:
    return nn.GroupNorm(GROUPS, channels)


def _instance(channels: int) -> nn.Module:
    return nn.InstanceNorm3d(channels, affine=True)


# name → norm of so many channels
NORMS: dict[str, Callable[[int], nn.Module]] = {
    "group": _group,
    "instance": _instance,
    "batch": nn.BatchNorm3d,
}


class Block3d(nn.Module):
    """Two 3×3×3 convolutions with a shortcut."""

    def __init__(self, inputs: int, outputs: int, stride: int, norm: str) -> None:
        super().__init__()
        build = NORMS[norm]
        self.conv1 = nn.Conv3d(inputs, outputs, 3, stride, 1, bias=False)
        self.norm1 = build(outputs)
        self.conv2 = nn.Conv3d(outputs, outputs, 3, 1, 1, bias=False)
        self.norm2 = build(outputs)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(
                nn.Conv3d(inputs, outputs, 1, stride, bias=False), build(outputs)
            )

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.norm1(self.conv1(x)))
        return F.relu(self.norm2(self.conv2(y)) + self.shortcut(x))


class Residual3d(nn.Module):
    """Body: (B, C, D, H, W) → (B, 8·base, ⌈D/8⌉, ⌈H/8⌉, ⌈W/8⌉).

    Args:
        channels: input channels.
        base: channels of the first stage, a multiple of 8.
        blocks: blocks in each of the four stages.
        norm: a key of `NORMS`.
    """

    def __init__(
        self, channels: int, *, base: int, blocks: int = 1, norm: str = "group"
    ) -> None:
        super().__init__()
        self.width = 8 * base
        self.stem = nn.Conv3d(channels, base, 3, 2, 1, bias=False)
        self.norm = NORMS[norm](base)
        stages: list[nn.Module] = []
        inputs = base
        for stage, first_stride in enumerate((1, 2, 2, 1)):
            outputs = base << stage
            for block in range(blocks):
                stride = first_stride if block == 0 else 1
                stages.append(Block3d(inputs, outputs, stride, norm))
                inputs = outputs
        self.stages = nn.Sequential(*stages)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.stages(F.relu(self.norm(self.stem(x))))
        return y
