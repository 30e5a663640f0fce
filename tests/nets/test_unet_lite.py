"""The U-Net on published weights: shapes, grey, gradients, graph, refusals."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from medlens.core import RecipeError, TrainError
from medlens.nets import ExportedMasks, LiteUNet, UNet, build_net, build_segmenter
from medlens.nets.unet_lite import BOTTOM, SKIPS, WIDTHS
from medlens.recipe import NetSettings
from tests.nets.onnx_graphs import Graph

DOCS = Path(__file__).resolve().parents[2] / "docs" / "nets.md"
FLAT = NetSettings("unet_lite0", "", channels=1, height=64, width=96, depth=1)
DEEP = NetSettings("unet_quarter", "", height=16, width=24, depth=8)


def images(*shape: int) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(0))


def build(net: NetSettings = FLAT, *, labels: int = 3, **changes: Any) -> nn.Module:
    return build_segmenter(net, labels=labels, **{"seed": 0, "deep": False, **changes})


@pytest.mark.parametrize("channels", [1, 3, 5])
@pytest.mark.parametrize("sides", [(32, 32), (64, 96), (160, 32)])
def test_logits_have_the_size_of_the_image(
    channels: int, sides: tuple[int, int]
) -> None:
    net = LiteUNet(channels, labels=4, deep=True).eval()
    with torch.inference_mode():
        assert net(images(2, channels, *sides)).shape == (2, 4, *sides)


def test_context_and_channels_multiply() -> None:
    net = build(replace(FLAT, channels=3, context=2)).eval()
    with torch.inference_mode():
        assert net(images(1, 15, 64, 96)).shape == (1, 3, 64, 96)


def test_skips_are_the_last_maps_of_their_resolution() -> None:
    """Sides are halved five times; each skip has the channels that are said, and the
    next block halves."""
    net = LiteUNet(1, labels=2, deep=False).eval()
    seen: list[tuple[int, int]] = []
    for block in net.body._blocks:
        block.register_forward_hook(
            lambda _, __, y: seen.append((y.shape[1], y.shape[2]))
        )
    with torch.inference_mode():
        found = net.decode(images(1, 1, 64, 64))
    for at, channels in SKIPS:
        assert seen[at][0] == channels
        assert seen[at + 1][1] == seen[at][1] // 2
    assert seen[-1] == (BOTTOM, 2)
    shapes = [(y.shape[1], y.shape[2]) for y in found]
    assert shapes == [*zip(reversed(WIDTHS), (64, 32, 16, 8, 4), strict=True), (320, 2)]


def test_coarser_stages_answer_when_deep() -> None:
    x = images(1, 1, 64, 64)
    deep = build(replace(FLAT, width=64), deep=True).eval()
    with torch.inference_mode():
        found = deep.supervise(x)
        assert [y.shape for y in found] == [(1, 3, s, s) for s in (64, 32, 16)]
        assert torch.equal(found[0], deep(x))
        assert len(build(replace(FLAT, width=64)).supervise(x)) == 1


@pytest.mark.parametrize("net", [FLAT, replace(DEEP, height=32, width=32, depth=32)])
def test_every_weight_of_a_deep_network_learns(net: NetSettings) -> None:
    built = build(net, deep=True)
    sides = (net.depth, net.height, net.width)[net.depth == 1 :]
    answers = built.supervise(images(2, 1, *sides))
    # the largest of two labels: a plain sum would have no gradient before a norm
    sum(y.square().mean() for y in answers).backward()
    lost = [
        name
        for name, p in built.named_parameters()
        if p.grad is None or not p.grad.abs().sum() > 0
    ]
    assert lost == []


def test_published_weights_are_the_classifier_s() -> None:
    net = build(replace(FLAT, pretrained="imagenet", channels=3))
    theirs = build_net(
        NetSettings("efficientnet_lite0", "imagenet", 3, 64, 64), labels=2, seed=0
    ).state_dict()
    mine = net.body.state_dict()
    blocks = [key for key in mine if key.startswith("_blocks") and "running" not in key]
    assert len(blocks) > 100
    for key in blocks:
        (match,) = [name for name in theirs if name.endswith(key)]
        assert torch.equal(mine[key], theirs[match]), key


@pytest.mark.parametrize("channels", [1, 2, 9])
def test_equal_channels_are_answered_as_a_grey_photograph(channels: int) -> None:
    grey = images(1, 1, 64, 64)

    def maps(count: int) -> Tensor:
        settings = replace(
            FLAT, pretrained="imagenet", channels=count, width=64, height=64
        )
        net = build(settings).eval()
        with torch.inference_mode():
            return net.decode(grey.expand(1, count, 64, 64))[-1]

    torch.testing.assert_close(maps(channels), maps(3), atol=1e-4, rtol=1e-3)


def test_the_seed_decides_all_that_is_not_published() -> None:
    one, same, other = (build(seed=seed).state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(one[key], same[key]) for key in one)
    assert not torch.equal(one["join.0.0.weight"], other["join.0.0.weight"])


@pytest.mark.parametrize(("name", "axes"), [("unet_half", 2), ("unet_quarter", 3)])
def test_a_name_without_published_weights_is_a_plain_u_net(
    name: str, axes: int
) -> None:
    net = NetSettings(name, "", height=32, width=32, depth=1 if axes == 2 else 16)
    built = build(net)
    assert isinstance(built, UNet)
    assert len(built.multiple) == axes


@pytest.mark.parametrize(
    ("net", "message"),
    [
        (
            replace(FLAT, height=72),
            r"2D network with sides in multiples of 32; .*×72×96",
        ),
        (replace(FLAT, depth=8), r"'unet_lite0' is a 2D network .* 8×64×96"),
        (
            replace(DEEP, context=1),
            r"net.context is 1 with net.depth 8; neighbours are",
        ),
        (
            replace(DEEP, pretrained="imagenet"),
            r"net.pretrained 'imagenet' does not exist for 'unet_quarter'",
        ),
        (replace(DEEP, name="vnet"), r"net.name 'vnet' is unknown; .*unet_lite0"),
        (
            replace(DEEP, depth=72, height=72, width=72),
            r"the patch is 72×72×72; 'unet_quarter' halves it until sides must be "
            r"multiples of 16×16×16: use 80×80×80",
        ),
        (
            replace(FLAT, pretrained="weights.pt"),
            r"net.pretrained 'weights.pt' does not exist for .*; wanted 'imagenet' or",
        ),
        (
            replace(FLAT, channels=16, context=2),
            r"net.channels · \(2 · context \+ 1\) is 80; wanted 1 to 64",
        ),
    ],
)
def test_a_setting_that_does_not_fit_is_refused(net: NetSettings, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        build(net)


@pytest.mark.parametrize("labels", [0, 1001])
def test_labels_are_limited(labels: int) -> None:
    with pytest.raises(RecipeError, match=rf"net.labels is {labels}; wanted 1 to 1000"):
        build(labels=labels)


@pytest.mark.parametrize(
    "shape", [(1, 2, 64, 64), (1, 1, 48, 64), (1, 1, 64, 33), (1, 64, 64)]
)
def test_an_input_that_does_not_fit_is_refused(shape: tuple[int, ...]) -> None:
    net = LiteUNet(1, labels=2, deep=False)
    wanted = r"wanted \(batch, 1, rows, columns\) with sides in multiples of 32"
    with pytest.raises(TrainError, match=wanted):
        net(torch.zeros(shape))


@pytest.mark.parametrize("net", [FLAT, DEEP])
def test_the_graph_gives_logits_and_the_mean_of_the_bottom(
    net: NetSettings, tmp_path: Path
) -> None:
    built = build(net, deep=True).eval()
    sides = (net.depth, net.height, net.width)[net.depth == 1 :]
    whole = ExportedMasks(built).eval()
    graph = Graph(
        whole,
        tmp_path / "m.onnx",
        (images(2, 1, *sides),),
        inputs=("image",),
        outputs=("logits", "embedding"),
        axes={"image": {0: "batch"}},
    )
    x = images(5, 1, *sides)
    assert graph.difference(x) < 1e-4
    with torch.inference_mode():
        logits, embedding = whole(x)
        assert torch.equal(logits, built(x))
        bottom = built.decode(x)[-1]
    assert embedding.shape == (5, bottom.shape[1])
    torch.testing.assert_close(embedding, bottom.flatten(2).mean(2))


def test_parameters_in_the_docs_are_those_of_the_network() -> None:
    count = sum(p.numel() for p in LiteUNet(1, labels=2, deep=False).parameters())
    assert f"| `unet_lite0` | {count / 1e6:.2f} M |" in DOCS.read_text(encoding="utf-8")
