"""U-Net for masks, in 2D and 3D, of the stages that `plan_topology` chose.

Ronneberger et al. 2015 in the plain form of nnU-Net (Isensee et al. 2021): two
convolutions a stage, each with instance norm and leaky ReLU; strided convolutions
down, transposed convolutions up; optional logits at coarser stages, which training
compares with coarser masks (deep supervision).
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from medlens.core import TrainError
from medlens.nets.topology import Axes, Topology

SLOPE = 0.01  # of leaky ReLU below 0

CONV = {2: nn.Conv2d, 3: nn.Conv3d}
UP = {2: nn.ConvTranspose2d, 3: nn.ConvTranspose3d}
NORM = {2: nn.InstanceNorm2d, 3: nn.InstanceNorm3d}


def _conv(inputs: int, outputs: int, *, kernel: Axes, stride: Axes) -> nn.Sequential:
    axes = len(kernel)
    pad = tuple(size // 2 for size in kernel)
    return nn.Sequential(
        CONV[axes](inputs, outputs, kernel, stride, pad, bias=False),
        NORM[axes](outputs, affine=True),
        nn.LeakyReLU(SLOPE),
    )


def _stage(inputs: int, outputs: int, *, kernel: Axes, stride: Axes) -> nn.Sequential:
    return nn.Sequential(
        _conv(inputs, outputs, kernel=kernel, stride=stride),
        _conv(outputs, outputs, kernel=kernel, stride=(1,) * len(kernel)),
    )


class UNet(nn.Module):
    """(B, C, *patch) images in 0..1 → (B, K, *patch) logits.

    Args:
        topology: kernels and strides; 2 or 3 axes.
        channels: input channels; neighbouring slices as channels make a 2D net
            a 2.5D one.
        labels: K, background included when they exclude each other.
        base: channels of the finest stage; they double at every halving.
        most: ceiling of the channels.
        deep: whether coarser stages answer too, in training.
    """

    def __init__(
        self,
        topology: Topology,
        *,
        channels: int,
        labels: int,
        base: int,
        most: int,
        deep: bool,
    ) -> None:
        super().__init__()
        kernels, strides = topology.kernels, topology.strides
        widths = [min(base << stage, most) for stage in range(len(kernels))]
        axes = len(kernels[0])
        self.multiple, self.channels = topology.multiple, channels
        self.down = nn.ModuleList(
            _stage(a, b, kernel=kernel, stride=stride)
            for (a, b), kernel, stride in zip(
                pairwise([channels, *widths]), kernels, strides, strict=True
            )
        )
        # Decoder, coarsest first; a stage has the kernel of the skip it joins.
        rising = list(reversed(list(enumerate(pairwise(widths)))))
        self.up = nn.ModuleList(
            UP[axes](b, a, strides[i + 1], strides[i + 1], bias=False)
            for i, (a, b) in rising
        )
        self.join = nn.ModuleList(
            _stage(2 * a, a, kernel=kernels[i], stride=(1,) * axes)
            for i, (a, _) in rising
        )
        self.head = CONV[axes](widths[0], labels, 1)
        # All but the two lowest resolutions (the bottom and the stage above it).
        answering = [a for _, (a, _) in rising][1:-1] if deep else []
        self.deep_heads = nn.ModuleList(CONV[axes](a, labels, 1) for a in answering)
        self.apply(_start)

    def decode(self, x: Tensor) -> list[Tensor]:
        """Feature maps of the decoder, finest first; the last is the bottom's."""
        self._check(x)
        skips: list[Tensor] = []
        for stage in self.down:
            x = stage(x)
            skips.append(x)
        found = [skips.pop()]
        for up, join in zip(self.up, self.join, strict=True):
            found.append(join(torch.cat([up(found[-1]), skips.pop()], dim=1)))
        return found[::-1]

    def forward(self, x: Tensor) -> Tensor:
        """(B, K, *patch) logits.

        Raises:
            TrainError: channels or sides do not fit.
        """
        logits: Tensor = self.head(self.decode(x)[0])
        return logits

    def supervise(self, x: Tensor) -> list[Tensor]:
        """Logits at full size, then at each coarser stage that answers.

        Without `deep` the full size alone. Sides are the patch's, divided by the
        strides down to the stage.
        """
        finest, *coarser = self.decode(x)
        heads = reversed(self.deep_heads)
        return [
            self.head(finest),
            *(head(y) for head, y in zip(heads, coarser, strict=False)),
        ]

    def _check(self, x: Tensor) -> None:
        fits = len(x.shape) == len(self.multiple) + 2 and all(
            size % m == 0 for size, m in zip(x.shape[2:], self.multiple, strict=True)
        )
        if not fits or x.shape[1] != self.channels:
            raise TrainError(
                f"U-Net: input has shape {tuple(x.shape)}; wanted (batch, "
                f"{self.channels}, …) with sides in multiples of {self.multiple}; "
                "pad the patch to Topology.patch"
            )


class ExportedMasks(nn.Module):
    """What goes into the bundle: a logit for each voxel, and features of the patch."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (B, K, …) and the mean of the coarsest features, (B, F)."""
        found = self.net.decode(x)
        bottom = found[-1]
        return self.net.head(found[0]), bottom.mean(dim=tuple(range(2, bottom.ndim)))


def _start(module: nn.Module) -> None:
    """Random start for leaky ReLU (He et al. 2015); norms keep torch's."""
    convolutions = (nn.Conv2d, nn.Conv3d, nn.ConvTranspose2d, nn.ConvTranspose3d)
    if isinstance(module, convolutions):
        nn.init.kaiming_normal_(module.weight, a=SLOPE)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
