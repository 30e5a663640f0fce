"""The weight average and its batch-norm statistics."""

from __future__ import annotations

import copy
import math

import pytest
import torch
from torch import nn

from medlens.train.average import renew_norms, update_average


def line(value: float) -> nn.Linear:
    net = nn.Linear(2, 1)
    nn.init.constant_(net.weight, value)
    nn.init.constant_(net.bias, value)
    return net


def test_the_average_follows_its_law() -> None:
    """a ← d·a + (1 - d)·w with d = min(0.9, (1 + step) / (10 + step))."""
    average, wanted = line(0.0), 0.0
    for step, value in enumerate([1.0, 3.0, -2.0, 5.0, 5.0, 0.5] * 30):
        update_average(average, line(value), decay=0.9, step=step)
        decay = min(0.9, (1 + step) / (10 + step))
        wanted = decay * wanted + (1 - decay) * value
        assert float(average.bias.detach()) == pytest.approx(wanted, abs=1e-5)
    assert decay == 0.9


def test_no_decay_copies_the_weights() -> None:
    average = line(0.0)
    update_average(average, line(7.0), decay=0.0, step=100)
    assert float(average.bias.detach()) == 7.0


def test_the_random_start_is_soon_forgotten() -> None:
    """Of it remains 1·2·…·30 / (10·11·…·39) = 1 / C(39, 9) after 30 steps."""
    average = line(1000.0)
    for step in range(30):
        update_average(average, line(1.0), decay=0.999, step=step)
    left = 999 / math.comb(39, 9)
    assert float(average.bias.detach()) - 1 == pytest.approx(left, rel=0.1)


def test_statistics_are_copied_not_averaged() -> None:
    net, average = nn.BatchNorm1d(1), nn.BatchNorm1d(1)
    net.running_mean.fill_(4.0)
    net.num_batches_tracked.fill_(9)
    update_average(average, net, decay=0.9, step=50)
    assert float(average.running_mean) == 4.0
    assert int(average.num_batches_tracked) == 9


def images(cases: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    scale = torch.tensor([1.0, 5.0]).reshape(1, 2, 1, 1)
    return 3.0 + scale * torch.randn(cases, 2, 4, 4, generator=generator)


@pytest.mark.parametrize("sizes", [[16, 16, 16], [20, 20, 8], [48], [1, 47]])
def test_renewed_statistics_are_those_of_the_data(sizes: list[int]) -> None:
    """The mean is the data's; the variance is the mean of the batches' (unbiased) by
    their cases, which for like batches is the data's up to their own difference."""
    net = nn.Sequential(nn.BatchNorm2d(2), nn.ReLU())
    net[0].running_mean.fill_(99.0)
    data = images(sum(sizes))
    parts = data.split(sizes)
    renew_norms(net, parts)
    torch.testing.assert_close(net[0].running_mean, data.mean(dim=(0, 2, 3)))
    within = sum(len(p) * p.var(dim=(0, 2, 3)) for p in parts) / len(data)
    torch.testing.assert_close(net[0].running_var, within)
    torch.testing.assert_close(
        net[0].running_var, data.var(dim=(0, 2, 3)), rtol=0.05, atol=0
    )


def test_only_statistics_change() -> None:
    net = nn.Sequential(
        nn.Conv2d(2, 3, 1), nn.BatchNorm2d(3), nn.Dropout(0.9), nn.BatchNorm2d(3)
    )
    for mode in (True, False):
        net.train(mode)
        before = copy.deepcopy(net)
        renew_norms(net, images(32).split(16))
        for name, value in net.named_parameters():
            assert torch.equal(value, dict(before.named_parameters())[name])
        assert [m.training for m in net.modules()] == [mode] * 5
        assert [net[1].momentum, net[3].momentum] == [0.1, 0.1]
    # the dropout of 0.9 was off: the second norm saw the first one's output as it is
    net.eval()
    with torch.inference_mode():
        passed = net[1](net[0](images(32)))
    torch.testing.assert_close(
        net[3].running_mean, passed.mean(dim=(0, 2, 3)), rtol=0, atol=0.1
    )


def test_a_network_without_norms_is_left_alone() -> None:
    renew_norms(line(1.0), [torch.zeros(1, 2)])
