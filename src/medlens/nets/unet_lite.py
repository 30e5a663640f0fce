"""A 2D U-Net whose way down is EfficientNet-Lite0 with ImageNet weights.

Where few patients have masks, features learned from photographs spare most of the
way (Iglovikov & Shvets 2018, for a VGG). The skips are the last maps of each
resolution; the way up halves its channels at each stage.
"""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from medlens.core import TrainError
from medlens.nets.lite import Lite0, published_weights

STRIDE = 32  # of the body's last stage; patch sides are multiples of it
# Blocks after which the map is the last of its resolution, and its channels.
SKIPS = ((0, 16), (2, 24), (4, 40), (10, 112))
BOTTOM = 320
WIDTHS = (160, 96, 64, 40, 24)  # of the way up, coarsest first


def load_encoder(net: LiteUNet) -> None:
    """Copy the published weights into the way down.

    The stem of another number of channels than three sees each with the mean of
    the published ones: equal channels are answered as a grey photograph.

    Raises:
        MissingExtraError: the package with the weights is not installed.
    """
    state = published_weights()
    stem = state["_conv_stem.weight"]
    if net.channels != 3:
        grey = stem.sum(dim=1, keepdim=True) / net.channels
        state["_conv_stem.weight"] = grey.repeat(1, net.channels, 1, 1)
    used = net.body.state_dict().keys()
    net.body.load_state_dict({key: state[key] for key in used})


def _join(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, 1, 1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
        nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )


class LiteUNet(nn.Module):
    """(B, C, H, W) images in 0..1 → (B, K, H, W) logits.

    Args:
        channels: of the input.
        labels: K, background included.
        deep: whether the stages at half and a quarter of the size answer too,
            in training.
    """

    def __init__(self, channels: int, *, labels: int, deep: bool) -> None:
        super().__init__()
        self.multiple, self.channels = (STRIDE, STRIDE), channels
        self.body = Lite0(channels)
        del self.body._conv_head, self.body._bn1  # the classifier's, never used
        skips = [width for _, width in reversed(SKIPS)] + [channels]
        self.join = nn.ModuleList(
            _join(below + skip, width)
            for (below, width), skip in zip(
                pairwise([BOTTOM, *WIDTHS]), skips, strict=True
            )
        )
        self.head = nn.Conv2d(WIDTHS[-1], labels, 1)
        self.deep_heads = nn.ModuleList(
            nn.Conv2d(width, labels, 1) for width in (WIDTHS[-3:-1] if deep else ())
        )

    def decode(self, x: Tensor) -> list[Tensor]:
        """Maps of the way up, finest first; the last is the bottom's."""
        self._check(x)
        y = (x - 0.498) / 0.502  # as the ImageNet weights were trained
        skips, ends = [y], {block for block, _ in SKIPS}
        y = F.relu6(self.body._bn0(self.body._conv_stem(y)))
        for number, block in enumerate(self.body._blocks):
            y = block(y)
            if number in ends:
                skips.append(y)
        found = [y]
        for join in self.join:
            skip = skips.pop()
            up = F.interpolate(found[-1], size=skip.shape[2:], mode="nearest")
            found.append(join(torch.cat([up, skip], dim=1)))
        return found[::-1]

    def forward(self, x: Tensor) -> Tensor:
        """(B, K, H, W) logits.

        Raises:
            TrainError: channels or sides do not fit.
        """
        logits: Tensor = self.head(self.decode(x)[0])
        return logits

    def supervise(self, x: Tensor) -> list[Tensor]:
        """Logits at full size, then at half and at a quarter if `deep`."""
        finest, *coarser = self.decode(x)
        heads = reversed(self.deep_heads)
        return [
            self.head(finest),
            *(head(y) for head, y in zip(heads, coarser, strict=False)),
        ]

    def _check(self, x: Tensor) -> None:
        fits = x.ndim == 4 and not any(size % STRIDE for size in x.shape[2:])
        if not fits or x.shape[1] != self.channels:
            raise TrainError(
                f"U-Net: input has shape {tuple(x.shape)}; wanted (batch, "
                f"{self.channels}, rows, columns) with sides in multiples of {STRIDE}"
            )
