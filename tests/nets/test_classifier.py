"""Body and linear layer: the evidence law, normalisation, dropout."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from medlens.core import TrainError
from medlens.nets import Classifier, Exported, build_net
from medlens.nets.classifier import load_body
from medlens.recipe import NetSettings


class Pass(nn.Module):
    """A body that returns its input."""

    width = 2

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x


def classifier(dropout: float = 0.0) -> Classifier:
    net = Classifier(Pass(), labels=3, mean=0.25, std=0.5, dropout=dropout)
    torch.manual_seed(0)
    nn.init.normal_(net.head.weight)
    nn.init.normal_(net.head.bias)
    return net


def random_images(*shape: int) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(1))


def test_logits_are_the_linear_layer_on_the_mean_feature() -> None:
    net = classifier().eval()
    x = random_images(4, 2, 5, 7)
    mean = ((x - 0.25) / 0.5).mean(dim=(2, 3))
    wanted = mean @ net.head.weight.T + net.head.bias
    torch.testing.assert_close(net(x), wanted)


@pytest.mark.parametrize("name", ["residual18_half", "efficientnet_lite0"])
@pytest.mark.parametrize("labels", [1, 2, 5])
def test_mean_evidence_and_bias_are_the_logit(name: str, labels: int) -> None:
    settings = NetSettings(name=name, pretrained="", channels=1, height=64, width=64)
    net = build_net(settings, labels=labels, seed=0).eval()
    with torch.inference_mode():
        nn.init.normal_(net.head.weight)
        nn.init.normal_(net.head.bias)
        x = random_images(3, 1, 64, 64)
        logits, evidence, embedding = Exported(net).eval()(x)
        torch.testing.assert_close(
            evidence.mean(dim=(2, 3)) + net.head.bias, logits, rtol=1e-4, atol=1e-4
        )
        torch.testing.assert_close(net(x), logits)
        torch.testing.assert_close(net.head(embedding), logits)


def test_dropout_acts_in_training_alone() -> None:
    net = classifier(dropout=0.5)
    x = random_images(8, 2, 4, 4)
    net.eval()
    torch.testing.assert_close(net(x), net(x))
    net.train()
    torch.manual_seed(0)
    one = net(x)
    assert not torch.equal(one, net(x))
    torch.manual_seed(0)
    torch.testing.assert_close(net(x), one)


def test_a_fresh_classifier_starts_near_no_opinion() -> None:
    net = Classifier(Pass(), labels=4, mean=0.0, std=1.0, dropout=0.0)
    assert float(net.head.weight.detach().abs().max()) < 0.1
    assert not net.head.bias.detach().any()


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({}, r"weights do not fit this network \(.*Missing key"),
        ({"stem.weight": torch.zeros(1)}, "weights do not fit this network"),
        ({"x": 3}, "wanted a state dict saved from the same net.name and net.channels"),
    ],
)
def test_weights_of_another_network_are_refused(
    state: dict[str, torch.Tensor], message: str
) -> None:
    settings = NetSettings(name="residual18_half", pretrained="", height=32, width=32)
    net = build_net(settings, labels=2, seed=0)
    with pytest.raises(TrainError, match=message):
        load_body(net, state)
