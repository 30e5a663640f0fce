"""The 3D residual network: shapes, size, evidence, norms, and that it learns."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from medlens.nets import VOLUME_NETS, Exported, build_volume_net
from medlens.nets.volume import NORMS, Block3d, Residual3d


def volumes(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(
    ("shape", "places"),
    [((32, 32, 32), (4, 4, 4)), ((64, 48, 33), (8, 6, 5)), ((9, 16, 40), (2, 2, 5))],
)
def test_the_map_has_an_8th_of_each_side(
    shape: tuple[int, ...], places: tuple[int, ...]
) -> None:
    body = Residual3d(2, base=8).eval()
    with torch.inference_mode():
        assert body(torch.zeros(1, 2, *shape)).shape == (1, 64, *places)
    assert body.width == 64


@pytest.mark.parametrize(("base", "blocks"), [(16, 1), (32, 1), (16, 2)])
def test_parameters_add_up_by_hand(base: int, blocks: int) -> None:
    """Stem 27·base; per block 27 (in·out + out²) + 4·out for two norms, and a 1×1×1
    shortcut with its norm in the first block of stages 2 to 4."""
    total, inputs = 27 * base + 2 * base, base
    for stage in range(4):
        outputs = base * 2**stage
        for _ in range(blocks):
            total += 27 * (inputs * outputs + outputs * outputs) + 4 * outputs
            total += inputs * outputs + 2 * outputs if inputs != outputs else 0
            inputs = outputs
    found = Residual3d(1, base=base, blocks=blocks)
    assert sum(p.numel() for p in found.parameters()) == total


@pytest.mark.parametrize("name", sorted(VOLUME_NETS))
@pytest.mark.parametrize("labels", [1, 3])
def test_mean_evidence_and_bias_are_the_logit(name: str, labels: int) -> None:
    net = build_volume_net(name, channels=1, labels=labels, seed=0).eval()
    with torch.inference_mode():
        nn.init.normal_(net.head.weight)
        nn.init.normal_(net.head.bias)
        x = volumes(2, 1, 16, 24, 32)
        logits, evidence, embedding = Exported(net).eval()(x)
        assert evidence.shape == (2, labels, 2, 3, 4)
        torch.testing.assert_close(
            evidence.mean(dim=(2, 3, 4)) + net.head.bias, logits, rtol=1e-4, atol=1e-4
        )
        torch.testing.assert_close(net(x), logits)
        torch.testing.assert_close(net.head(embedding), logits)


@pytest.mark.parametrize("norm", ["group", "instance"])
def test_a_case_answers_alike_whatever_else_is_in_the_batch(norm: str) -> None:
    net = build_volume_net(
        "residual3d", channels=1, labels=2, seed=0, norm=norm, dropout=0.0
    ).train()
    x = volumes(3, 1, 16, 16, 16)
    torch.testing.assert_close(net(x)[:1], net(x[:1]), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("norm", sorted(NORMS))
def test_a_block_without_weights_passes_its_input_on(norm: str) -> None:
    block = Block3d(8, 8, 1, norm).eval()
    nn.init.zeros_(block.conv2.weight)
    x = volumes(1, 8, 4, 4, 4) - 0.5
    torch.testing.assert_close(block(x), torch.relu(x))


def test_a_small_lesion_is_learned() -> None:
    """Half of the volumes hold a bright cube of 4³ among noise of 16³."""
    torch.manual_seed(0)
    x = torch.rand(24, 1, 16, 16, 16) * 0.5
    corner = torch.randint(0, 2, (12, 3)) * 8
    for row, (d, h, w) in enumerate(corner.tolist()):
        x[row, 0, d + 2 : d + 6, h + 2 : h + 6, w + 2 : w + 6] += 0.5
    labels = (torch.arange(24) < 12).float()[:, None]
    net = build_volume_net("residual3d", channels=1, labels=1, seed=0, dropout=0.0)
    optimiser = torch.optim.Adam(net.parameters(), lr=2e-3)
    for _ in range(25):
        loss = nn.functional.binary_cross_entropy_with_logits(net(x), labels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    with torch.inference_mode():
        assert torch.equal(net.eval()(x) > 0, labels > 0.5)


def test_a_place_of_the_map_sees_79_voxels() -> None:
    """By hand: 3, then two convolutions a stage, each adding twice its step:
    2·2·2, 2·2 + 2·4, 2·4 + 2·8, 2·8 + 2·8 → 79 (the first of a stage steps as the
    stage above)."""
    body = Residual3d(1, base=8, norm="batch").eval()
    x = volumes(1, 1, 160, 8, 8).requires_grad_()
    body(x)[0, :, 10].sum().backward()
    assert x.grad is not None
    felt = x.grad.abs().amax(dim=(0, 1, 3, 4)).nonzero().flatten()
    assert int(felt[-1] - felt[0]) + 1 == 79
