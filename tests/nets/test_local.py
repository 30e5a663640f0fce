"""Networks of local findings: reach, exact evidence, pooling, export by name."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from medlens.nets import Exported, build_net, build_sequence, build_volume_net
from medlens.nets.local import REACH, STRIDE, Local, LocalClassifier
from medlens.recipe import NetSettings

FLAT = NetSettings(name="local2d", pretrained="", height=32, width=32)


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("axes", [2, 3])
def test_a_place_sees_as_far_as_said_and_no_further(axes: int) -> None:
    """The gradient of one place of the map reaches REACH pixels a side."""
    body = Local(1, axes=axes).eval()
    side = 64 if axes == 2 else 48
    x = noise(1, 1, *(side,) * axes).requires_grad_()
    features = body(x)
    assert features.shape == (1, body.width, *(side // STRIDE,) * axes)
    middle = (0, slice(None), *(side // STRIDE // 2,) * axes)
    features[middle].sum().backward()
    assert x.grad is not None
    for axis in range(axes):
        others = tuple(a for a in range(axes) if a != axis)
        touched = x.grad[0, 0].abs().sum(dim=others).nonzero()
        assert int(touched.max() - touched.min()) + 1 == REACH


@pytest.mark.parametrize("labels", [1, 2, 4])
def test_mean_evidence_and_bias_are_the_logit(labels: int) -> None:
    net = build_volume_net("local3d", channels=1, labels=labels, seed=0).eval()
    assert isinstance(net, LocalClassifier)
    with torch.inference_mode():
        net.head.weight.normal_()
        net.head.bias.uniform_(-1, 1)
        x = noise(2, 1, 12, 16, 20)
        logits, evidence, embedding = Exported(net)(x)
        said = evidence.flatten(2).mean(dim=2) + net.head.bias
        assert torch.allclose(said, logits, atol=1e-5)
        assert torch.equal(net(x), logits)
        assert embedding.shape == (2, net.embedded)


def test_a_maximum_counts_where_it_is_and_is_shared_among_equals() -> None:
    """One feature with values 3, 3, 1, 0 on four places: weight 2 on its maximum
    gives 2·3 = 6, laid on the first two places; times 4 places, 12 each."""
    net = LocalClassifier(_Given(), labels=1, dropout=0.0).eval()
    features = torch.tensor([[[[3.0, 3.0], [1.0, 0.0]]]])
    with torch.inference_mode():
        net.head.weight[:] = torch.tensor([[2.0, 0.0]])
        found = net.evidence(features)
        assert torch.equal(found, torch.tensor([[[[12.0, 12.0], [0.0, 0.0]]]]))
        assert net.embed(features).tolist() == [[3.0, 1.75]]
        assert net.answer(net.embed(features)).item() == 6.0


class _Given(torch.nn.Module):
    width = 1


def test_a_series_of_local_slices_adds_up() -> None:
    """Slice logit = mean evidence + context + bias, as with every other body."""
    net = build_sequence(FLAT, labels=2, seed=0).eval()
    slices, lengths = noise(2, 3, 1, 32, 32), torch.tensor([3, 2])
    with torch.inference_mode():
        answer = net(slices, lengths)
        maps = net.plain.evidence(net.plain.features(slices[0]))
        said = maps.flatten(2).mean(dim=2) + answer.context[0] + net.plain.head.bias
    assert torch.allclose(said, answer.slice_logits[0], atol=1e-5)
    assert torch.equal(answer.slice_logits[1, 2], torch.zeros(2))


def test_a_bright_dot_is_learned_that_the_mean_would_drown() -> None:
    torch.manual_seed(0)
    net = build_net(FLAT, labels=2, seed=0)
    optimizer = torch.optim.AdamW(net.parameters(), 3e-3)
    rng = torch.Generator().manual_seed(3)
    for _ in range(60):
        images = torch.rand(16, 1, 32, 32, generator=rng) * 0.6
        targets = torch.randint(0, 2, (16,), generator=rng)
        for i in torch.nonzero(targets).flatten().tolist():
            row, column = torch.randint(2, 28, (2,), generator=rng).tolist()
            images[i, 0, row : row + 3, column : column + 3] = 0.9
        loss = torch.nn.functional.cross_entropy(net(images), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.2
