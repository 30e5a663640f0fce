"""Reading in both directions, and attention, against torch's packed layer."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from medlens.nets.reader import READERS, Attention, Reader

LENGTHS = torch.tensor([5, 1, 3])


def values(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


def reader(kind: str) -> Reader:
    torch.manual_seed(0)
    return Reader(kind, inputs=6, hidden=4).eval()


@pytest.mark.parametrize("kind", sorted(READERS))
def test_reading_equals_torch_s_packed_bidirectional_layer(kind: str) -> None:
    ours = reader(kind)
    theirs = READERS[kind](6, 4, batch_first=True, bidirectional=True)
    state = dict(ours.onward.state_dict())
    state |= {f"{k}_reverse": v for k, v in ours.backward_.state_dict().items()}
    theirs.load_state_dict(state)
    x = values(3, 5, 6)
    with torch.inference_mode():
        packed = pack_padded_sequence(
            ours.norm(x), LENGTHS, batch_first=True, enforce_sorted=False
        )
        wanted, _ = pad_packed_sequence(theirs(packed)[0], batch_first=True)
        found = ours(x, LENGTHS)
    for row, length in enumerate(LENGTHS.tolist()):
        torch.testing.assert_close(found[row, :length], wanted[row, :length])


@pytest.mark.parametrize("kind", sorted(READERS))
def test_turning_a_series_round_swaps_the_two_directions(kind: str) -> None:
    net = reader(kind)
    net.backward_.load_state_dict(net.onward.state_dict())
    x, lengths = values(2, 7, 6), torch.tensor([7, 7])
    with torch.inference_mode():
        found = net(x, lengths)
        turned = net(x.flip(1), lengths).flip(1)
    torch.testing.assert_close(torch.cat([turned[..., 4:], turned[..., :4]], 2), found)


def test_an_lstm_starts_with_open_forget_gates() -> None:
    bias = reader("lstm").onward.bias_ih_l0.detach()
    assert bias[4:8].tolist() == [1.0] * 4
    assert bias[:4].abs().max() <= 0.5  # torch's own ±1/√hidden
    assert reader("lstm").onward.bias_hh_l0.detach()[4:8].tolist() == [0.0] * 4


def test_attention_starts_as_the_mean_over_slices_that_are_there() -> None:
    real = torch.tensor([[True, True, True, False], [True, False, False, False]])
    weights = Attention(6)(values(2, 4, 6), real[:, :, None])[:, :, 0]
    torch.testing.assert_close(
        weights, torch.tensor([[1 / 3, 1 / 3, 1 / 3, 0], [1, 0, 0, 0]])
    )


def test_attention_is_the_published_formula() -> None:
    """Ilse et al. 2018: softmax of w·(tanh(Vz) ⊙ σ(Uz)), on normalised z."""
    net = Attention(6, inner=3)
    nn.init.normal_(net.score.weight, generator=torch.Generator().manual_seed(1))
    z = values(1, 4, 6)
    n = (z - z.mean(-1, keepdim=True)) / (
        z.var(-1, keepdim=True, correction=0) + 1e-5
    ) ** 0.5
    v, u = net.content, net.gate
    inner = (n @ v.weight.T + v.bias).tanh() * (n @ u.weight.T + u.bias).sigmoid()
    e = (inner @ net.score.weight.T).exp()
    found = net(z, torch.ones(1, 4, 1, dtype=torch.bool))
    torch.testing.assert_close(found, e / e.sum(1, keepdim=True))
