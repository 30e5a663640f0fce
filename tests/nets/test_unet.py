"""U-Nets: MONAI's, parameters by hand, shapes, what is refused, one mask learned."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from medlens.core import TrainError
from medlens.nets import UNet, build_unet, plan_topology

CUBE = plan_topology((16, 16, 16), (1.0, 1.0, 1.0))
FLAT = plan_topology((8, 32, 32), (6.0, 1.0, 1.0))
PLANE = plan_topology((64, 48), (1.0, 1.0))


def images(*shape: int) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("topology", [CUBE, FLAT, PLANE])
def test_logits_have_the_size_of_the_patch(topology: object) -> None:
    assert topology in (CUBE, FLAT, PLANE)
    net = build_unet("unet_quarter", topology, channels=2, labels=3, seed=0)
    x = images(2, 2, *topology.patch)
    with torch.inference_mode():
        assert net(x).shape == (2, 3, *topology.patch)
        larger = [2 * side for side in topology.patch]
        assert net(images(1, 2, *larger)).shape == (1, 3, *larger)


@pytest.mark.parametrize("axes", [2, 3])
def test_the_network_is_monai_s_dynunet(axes: int) -> None:
    """Same stages, same weights in the same order, same answer."""
    nets = pytest.importorskip("monai.networks.nets.dynunet")
    topology = plan_topology((32,) * axes, (1.0,) * axes)
    net = build_unet("unet_quarter", topology, channels=2, labels=3, seed=0).eval()
    stages = len(topology.kernels)
    theirs = nets.DynUNet(
        spatial_dims=axes,
        in_channels=2,
        out_channels=3,
        kernel_size=list(topology.kernels),
        strides=list(topology.strides),
        upsample_kernel_size=list(topology.strides[1:]),
        filters=[min(8 << i, 80) for i in range(stages)],
        norm_name=("INSTANCE", {"affine": True}),
    ).eval()
    source = dict(theirs.named_parameters())
    names = [name for name in source if "skip_layers" not in name]
    blocks = ["input_block", *(f"downsamples.{i}" for i in range(stages - 2))]
    wanted: list[str] = []
    for block in (*blocks, "bottleneck"):
        wanted += [n for n in _sorted(names) if n.startswith(f"{block}.")]
    wanted += [n for n in names if n.endswith("transp_conv.conv.weight")]
    wanted += [
        n
        for i in range(stages - 1)
        for n in _sorted(names)
        if n.startswith(f"upsamples.{i}.conv_block")
    ]
    wanted += [n for n in names if n.startswith("output_block")]
    ours = list(net.parameters())
    assert len(ours) == len(wanted)
    with torch.inference_mode():
        for parameter, name in zip(ours, wanted, strict=True):
            parameter.copy_(source[name])
        x = images(1, 2, *topology.patch)
        torch.testing.assert_close(net(x), theirs(x), rtol=1e-4, atol=1e-4)


def _sorted(names: list[str]) -> list[str]:
    """Names with each convolution followed by its norm, as ours are."""
    order = ["conv1.conv.weight", "norm1.weight", "norm1.bias"]
    order += ["conv2.conv.weight", "norm2.weight", "norm2.bias"]
    return [n for end in order for n in names if n.endswith(end)]


def test_parameters_add_up_by_hand() -> None:
    """Three stages of 8, 16, 32 channels on 16³: two convolutions of 27 weights and
    two norms a stage, 8 weights a transposed one, a 1×1×1 head."""

    def stage(inputs: int, outputs: int) -> int:
        return 27 * (inputs * outputs + outputs * outputs) + 4 * outputs

    total = stage(1, 8) + stage(8, 16) + stage(16, 32)
    total += 8 * 32 * 16 + 8 * 16 * 8 + stage(32, 16) + stage(16, 8)
    total += 8 * 2 + 2
    net = build_unet("unet_quarter", CUBE, channels=1, labels=2, seed=0)
    assert sum(p.numel() for p in net.parameters()) == total


def test_thick_slices_do_not_mix_until_the_plane_has_caught_up() -> None:
    """At 6:1 the first three stages have kernels 1×3×3 and strides 1×2×2; cut there,
    a change in one slice is felt (outside the norms) in that slice alone."""
    assert FLAT.kernels[:2] == ((1, 3, 3), (1, 3, 3))
    assert FLAT.strides[1] == (1, 2, 2)
    net = build_unet("unet_quarter", FLAT, channels=1, labels=1, seed=0).eval()
    stage = net.down[0]
    x = images(1, 1, *FLAT.patch)
    other = x.clone()
    other[0, 0, 3] += 1
    with torch.inference_mode():
        first = stage[0][0]
        felt = (first(other) - first(x)).abs().amax(dim=(0, 1, 3, 4))
    assert (felt > 0).tolist() == [i == 3 for i in range(FLAT.patch[0])]


def test_deep_supervision_answers_at_coarser_stages() -> None:
    topology = plan_topology((64, 64), (1.0, 1.0))
    net = build_unet(
        "unet_quarter", topology, channels=1, labels=2, seed=0, deep=True
    ).eval()
    x = images(1, 1, 64, 64)
    with torch.inference_mode():
        found = net.supervise(x)
        # 64, 32, 16, 8, 4: all but the two lowest resolutions
        assert [y.shape for y in found] == [(1, 2, s, s) for s in (64, 32, 16)]
        assert torch.equal(found[0], net(x))
        plain = build_unet("unet_quarter", topology, channels=1, labels=2, seed=0)
        assert len(plain.supervise(x)) == 1


def test_every_weight_of_a_deep_network_learns() -> None:
    net = build_unet("unet_quarter", PLANE, channels=1, labels=2, seed=0, deep=True)
    sum(y.square().sum() for y in net.supervise(images(2, 1, 64, 48))).backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in net.parameters())


@pytest.mark.parametrize(
    ("shape", "found"),
    [
        ((1, 1, 16, 16, 18), r"shape \(1, 1, 16, 16, 18\)"),
        ((1, 2, 16, 16, 16), r"shape \(1, 2, 16, 16, 16\)"),
        ((1, 1, 16, 16), r"shape \(1, 1, 16, 16\)"),
    ],
)
def test_an_input_that_does_not_fit_is_refused(
    shape: tuple[int, ...], found: str
) -> None:
    net = build_unet("unet_quarter", CUBE, channels=1, labels=1, seed=0)
    wanted = found + r"; wanted \(batch, 1, …\) with sides in multiples of \(4, 4, 4\)"
    with pytest.raises(TrainError, match=wanted):
        net(torch.zeros(shape))


@pytest.mark.parametrize("topology", [CUBE, PLANE])
def test_a_ball_is_learned_from_noise(topology: object) -> None:
    assert topology in (CUBE, PLANE)
    torch.manual_seed(0)
    grid = torch.meshgrid(*(torch.arange(s) for s in topology.patch), indexing="ij")
    centre = [side / 2 for side in topology.patch]
    apart = sum((g - c) ** 2 for g, c in zip(grid, centre, strict=True)) ** 0.5
    mask = (apart < 5).float()[None, None]
    x = 0.5 * mask + 0.5 * torch.rand(1, 1, *topology.patch)
    net: UNet = build_unet("unet_quarter", topology, channels=1, labels=1, seed=0)
    optimiser = torch.optim.Adam(net.parameters(), lr=5e-3)
    for _ in range(30):
        loss = nn.functional.binary_cross_entropy_with_logits(net(x), mask)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    found = (net.eval()(x) > 0).float()
    dice = 2 * (found * mask).sum() / (found.sum() + mask.sum())
    assert float(dice) > 0.95
