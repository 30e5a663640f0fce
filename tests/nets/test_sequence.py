"""CNN + LSTM over slices: sums that are exact, padding, learning from neighbours."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from medlens.core import TrainError
from medlens.nets import (
    READERS,
    ExportedSequence,
    SequenceAnswer,
    SequenceNet,
    build_net,
    build_sequence,
)
from medlens.nets.classifier import Classifier
from medlens.recipe import NetSettings

SETTINGS = NetSettings(
    name="residual18_half", pretrained="", height=16, width=16, dropout=0.0
)
LENGTHS = torch.tensor([4, 2, 1])


def slices(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def trained_like(net: SequenceNet) -> SequenceNet:
    """Weights far from their start, so that no term hides at zero."""
    torch.manual_seed(3)
    for layer in (net.plain.head, net.context, net.attention.score, net.series_head):
        if layer is not None:
            for weight in layer.parameters():
                nn.init.normal_(weight)
    if net.series_head is None:
        nn.init.normal_(net.series_bias)
    return net.eval()


def sequence(reader: str = "lstm", series_labels: int | None = None) -> SequenceNet:
    net = build_sequence(
        SETTINGS,
        labels=3,
        seed=0,
        reader=reader,
        hidden=8,
        series_labels=series_labels,
    )
    return trained_like(net)


def as_dict(answer: SequenceAnswer) -> dict[str, Tensor]:
    return vars(answer)


@pytest.mark.parametrize("reader", [*sorted(READERS), "none"])
def test_the_sums_that_are_promised_exact_are(reader: str) -> None:
    net = sequence(reader)
    with torch.inference_mode():
        graph = ExportedSequence(net).eval()
        out = dict(
            zip(graph.outputs, graph(slices(3, 4, 1, 16, 16), LENGTHS), strict=True)
        )
    for row, length in enumerate(LENGTHS.tolist()):
        places = out["evidence"][row, :length].mean(dim=(2, 3))
        brought = places + out["context"][row, :length]
        torch.testing.assert_close(
            brought + net.plain.head.bias, out["slice_logits"][row, :length]
        )
        weighed = out["attention"][row, :length, None] * brought
        torch.testing.assert_close(weighed, out["share"][row, :length])
        torch.testing.assert_close(
            weighed.sum(0) + net.series_bias, out["series_logits"][row]
        )


def test_a_series_head_of_its_own_splits_by_slice_and_by_place() -> None:
    net = sequence(series_labels=2)
    head = net.series_head
    assert head is not None
    with torch.inference_mode():
        graph = ExportedSequence(net).eval()
        out = dict(
            zip(graph.outputs, graph(slices(3, 4, 1, 16, 16), LENGTHS), strict=True)
        )
        torch.testing.assert_close(
            out["share"].sum(1) + head.bias, out["series_logits"]
        )
        torch.testing.assert_close(head(out["embedding"]), out["series_logits"])
    assert out["series_logits"].shape == (3, 2)
    assert out["slice_logits"].shape == (3, 4, 3)
    # What is left of a share after its map is linear in the reader's state alone.
    maps = out["series_evidence"].mean(dim=(3, 4))
    rest = out["share"][0] / out["attention"][0, :, None] - maps[0]
    with torch.inference_mode():
        e = net.embed(slices(3, 4, 1, 16, 16), LENGTHS)
        h = net.reader(e, LENGTHS)[0]
        wanted = h @ head.weight[:, e.shape[2] :].T
    torch.testing.assert_close(rest, wanted, rtol=1e-4, atol=1e-4)


def test_the_graph_answers_as_the_network() -> None:
    net = sequence()
    x = slices(3, 4, 1, 16, 16)
    with torch.inference_mode():
        whole = as_dict(net(x, LENGTHS))
        graph = ExportedSequence(net)
        out = dict(zip(graph.outputs, graph(x, LENGTHS), strict=False))
    for name, wanted in whole.items():
        torch.testing.assert_close(out[name], wanted, rtol=1e-4, atol=1e-4)


def test_without_order_the_slices_answer_as_the_plain_classifier() -> None:
    net = sequence()
    nn.init.zeros_(net.context.weight)
    x = slices(2, 4, 1, 16, 16)
    with torch.inference_mode():
        found = net(x, torch.tensor([4, 4])).slice_logits
        torch.testing.assert_close(
            found.flatten(0, 1), net.plain(x.flatten(0, 1)), rtol=1e-4, atol=1e-5
        )


@pytest.mark.parametrize("reader", sorted(READERS))
def test_a_series_answers_alike_alone_and_padded(reader: str) -> None:
    net = sequence(reader)
    x = slices(3, 4, 1, 16, 16)
    other = x.clone()
    other[1, 2:], other[2, 1:] = 9.0, -5.0  # what stands at padding is never read
    with torch.inference_mode():
        whole, changed = net(x, LENGTHS), net(other, LENGTHS)
        for name, value in as_dict(whole).items():
            assert torch.equal(value, as_dict(changed)[name])
        for row, length in enumerate(LENGTHS.tolist()):
            alone = net(x[row : row + 1, :length], LENGTHS[row : row + 1])
            for name, value in as_dict(alone).items():
                found = as_dict(whole)[name][row]
                found = (
                    found if value.ndim == 2 and name != "attention" else found[:length]
                )
                torch.testing.assert_close(found, value[0], rtol=1e-4, atol=1e-5)
        assert not whole.slice_logits[1, 2:].any()
        assert not whole.attention[1, 2:].any()
        torch.testing.assert_close(whole.attention.sum(1), torch.ones(3))


def test_padding_is_not_counted_by_the_batch_norms() -> None:
    x = slices(2, 3, 1, 16, 16)
    padded = torch.cat([x, torch.full((2, 5, 1, 16, 16), 50.0)], dim=1)
    means = []
    for given in (x, padded):
        net = build_sequence(SETTINGS, labels=1, seed=0, hidden=8).train()
        net(given, torch.tensor([3, 3]))
        means.append(net.plain.body.norm.running_mean.clone())
    assert torch.equal(means[0], means[1])


def test_the_seed_decides_the_weights() -> None:
    def state(seed: int) -> Tensor:
        net = build_sequence(SETTINGS, labels=2, seed=seed, hidden=8)
        return torch.cat([p.detach().flatten() for p in net.parameters()])

    assert torch.equal(state(1), state(1))
    assert not torch.equal(state(1), state(2))


class Ramp(nn.Module):
    """Brightness and its opposite, so that a layer norm leaves something."""

    width = 3

    def forward(self, x: Tensor) -> Tensor:
        level = x.mean(dim=(1, 2, 3))[:, None, None, None]
        return torch.cat([level, -level, torch.ones_like(level)], dim=1)


@pytest.mark.parametrize("reader", sorted(READERS))
def test_neighbours_are_learned_from_in_both_directions(reader: str) -> None:
    """A slice is positive when both its neighbours are bright: its own picture
    says nothing, so a network without the reader cannot beat the base rate."""
    torch.manual_seed(0)
    plain = Classifier(Ramp(), labels=1, mean=0.5, std=0.5, dropout=0.0)
    net = SequenceNet(plain, reader=reader, hidden=12, series_labels=None, dropout=0.0)
    bright = (torch.rand(64, 12) < 0.5).float()
    ahead, behind = nn.functional.pad(bright, (1, 0))[:, :-1], bright[:, 1:]
    labels = ahead * nn.functional.pad(behind, (0, 1))
    x = bright[:, :, None, None, None].expand(-1, -1, 1, 2, 2)
    lengths = torch.full((64,), 12)
    optimiser = torch.optim.Adam(net.parameters(), lr=0.02)
    for _ in range(120):
        loss = nn.functional.binary_cross_entropy_with_logits(
            net(x, lengths).slice_logits[:, :, 0], labels
        )
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    found = (net.eval()(x, lengths).slice_logits[:, :, 0] > 0).float()
    assert float((found == labels).float().mean()) > 0.97


def test_attention_finds_the_slice_that_decides_a_series() -> None:
    """One bright slice among dark ones makes a series positive; no slice labels."""
    torch.manual_seed(0)
    plain = Classifier(Ramp(), labels=1, mean=0.5, std=0.5, dropout=0.0)
    net = SequenceNet(plain, reader="gru", hidden=8, series_labels=None, dropout=0.0)
    x = torch.rand(48, 10, 1, 1, 1) * 0.4
    place = torch.randint(0, 10, (24,))
    x[torch.arange(24), place] = 1.0
    labels = (torch.arange(48) < 24).float()[:, None]
    lengths = torch.full((48,), 10)
    optimiser = torch.optim.Adam(net.parameters(), lr=0.02)
    for _ in range(120):
        loss = nn.functional.binary_cross_entropy_with_logits(
            net(x, lengths).series_logits, labels
        )
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    answer = net.eval()(x, lengths)
    assert torch.equal(answer.series_logits > 0, labels > 0.5)
    near = (answer.share[:24, :, 0].argmax(1) - place).abs() <= 1
    assert float(near.float().mean()) > 0.9


@pytest.mark.parametrize(
    ("shape", "lengths", "message"),
    [
        ((4, 1, 16, 16), [4], r"slices have shape \(4, 1, 16, 16\); wanted 5 axes"),
        ((2, 4, 1, 16, 16), [4], r"of shape \(1,\); wanted torch.int64 of shape \(2,"),
        ((1, 4, 1, 16, 16), [4.0], r"lengths are torch.float32 of shape"),
        ((2, 4, 1, 16, 16), [4, 0], r"lengths go from 0 to 4; wanted 1 to 4"),
        ((2, 4, 1, 16, 16), [5, 1], r"lengths go from 1 to 5; wanted 1 to 4"),
    ],
)
def test_lengths_that_do_not_go_with_the_slices_are_refused(
    shape: tuple[int, ...], lengths: list[float], message: str
) -> None:
    with pytest.raises(TrainError, match=message):
        sequence()(torch.zeros(shape), torch.tensor(lengths))


def test_a_plain_classifier_s_weights_are_taken_as_they_are() -> None:
    plain = build_net(SETTINGS, labels=3, seed=5)
    net = SequenceNet(plain, reader="gru", hidden=8, series_labels=None, dropout=0.1)
    assert net.plain is plain


def test_without_a_reader_a_slice_is_judged_alone() -> None:
    net = sequence("none")
    x = slices(1, 4, 1, 16, 16)
    with torch.inference_mode():
        answer = net(x, torch.tensor([4]))
        wanted = net.plain(x[0])
    torch.testing.assert_close(answer.slice_logits[0], wanted)
    assert not answer.context.any()
    assert net.reader is None
