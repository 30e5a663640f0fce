"""The residual network: shapes, size, and what its blocks do."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from torch import nn

from medlens.nets.residual import BasicBlock, Residual


@pytest.mark.parametrize(
    ("height", "width", "rows", "columns"),
    [(28, 28, 4, 4), (64, 32, 8, 4), (33, 16, 5, 2)],
)
@pytest.mark.parametrize("base", [8, 16])
def test_the_map_has_an_8th_of_each_side(
    height: int, width: int, rows: int, columns: int, base: int
) -> None:
    body = Residual(1, base=base).eval()
    with torch.inference_mode():
        found = body(torch.zeros(2, 1, height, width))
    assert found.shape == (2, 8 * base, rows, columns)
    assert body.width == 8 * base


def test_parameters_are_those_of_resnet_18_with_a_small_stem() -> None:
    """By hand: 3×3 stem, four stages of two blocks, 1×1 shortcuts in three."""

    def block(inputs: int, outputs: int) -> int:
        shortcut = inputs * outputs + 2 * outputs if inputs != outputs else 0
        return 9 * inputs * outputs + 9 * outputs * outputs + 4 * outputs + shortcut

    widths = [64, 64, 128, 256, 512]
    total = 3 * 9 * 64 + 2 * 64
    for inputs, outputs in pairwise(widths):
        total += block(inputs, outputs) + block(outputs, outputs)
    assert sum(p.numel() for p in Residual(3).parameters()) == total
    # torchvision's resnet18 has 11,689,512 with its 7×7 stem and 1000 classes
    assert total == 11_689_512 - (3 * 49 - 3 * 9) * 64 - 1000 * 513


def test_a_block_without_weights_passes_its_input_on() -> None:
    block = BasicBlock(4, 4, 1).eval()
    nn.init.zeros_(block.conv2.weight)
    x = torch.randn(1, 4, 6, 6, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(block(x), torch.relu(x))
