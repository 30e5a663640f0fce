"""Residual CNN for images of 28 to 64 pixels, trained from scratch.

ResNet-18 of He et al. 2016 with the CIFAR stem (3×3, stride 1, no pooling), so
that a 28 px image still has 4×4 places left at the end.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn


class BasicBlock(nn.Module):
    """Two 3×3 convolutions with a shortcut."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(outputs)
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False),
                nn.BatchNorm2d(outputs),
            )

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.norm1(self.conv1(x)))
        return F.relu(self.norm2(self.conv2(y)) + self.shortcut(x))


class Residual(nn.Module):
    """Body: (B, C, H, W) → (B, 8·base, ⌈H/8⌉, ⌈W/8⌉).

    Args:
        channels: input channels.
        base: channels of the first stage; 64 is the published network, 32 a
            quarter of its cost.
        blocks: blocks in each of the four stages.
    """

    def __init__(self, channels: int, *, base: int = 64, blocks: int = 2) -> None:
        super().__init__()
        self.width = 8 * base
        self.stem = nn.Conv2d(channels, base, 3, 1, 1, bias=False)
        self.norm = nn.BatchNorm2d(base)
        stages: list[nn.Module] = []
        inputs = base
        for stage in range(4):
            outputs = base << stage
            for block in range(blocks):
                stride = 2 if stage > 0 and block == 0 else 1
                stages.append(BasicBlock(inputs, outputs, stride))
                inputs = outputs
        self.stages = nn.Sequential(*stages)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.stages(F.relu(self.norm(self.stem(x))))
        return y
