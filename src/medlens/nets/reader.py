"""Reading slices in both directions, and weighing them."""

from __future__ import annotations

import torch
from torch import Tensor, nn

# name → torch's layer; both hold gates that let a signal pass many slices
READERS: dict[str, type[nn.Module]] = {"lstm": nn.LSTM, "gru": nn.GRU}


class Reader(nn.Module):
    """Bidirectional LSTM or GRU over series of different length.

    Equal to torch's bidirectional layer on a packed sequence (held by a test),
    but built of two one-way layers: the second reads each series turned round
    within its own length, so padding at the end is never read before a slice.
    Packing cannot be written to ONNX; this can.

    Args:
        kind: a key of `READERS` (LSTM: Hochreiter & Schmidhuber 1997; GRU: Cho
            et al. 2014, three quarters of the weights).
        inputs: F.
        hidden: width of each direction.
    """

    def __init__(self, kind: str, *, inputs: int, hidden: int) -> None:
        super().__init__()
        # Embeddings of different bodies differ in scale; gates want about 1.
        self.norm = nn.LayerNorm(inputs)
        self.onward = READERS[kind](inputs, hidden, batch_first=True)
        self.backward_ = READERS[kind](inputs, hidden, batch_first=True)
        if kind == "lstm":
            for layer in (self.onward, self.backward_):
                _remember(layer, hidden)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        """(B, T, 2·hidden); what stands at padding has no meaning."""
        x = self.norm(x)
        order = torch.arange(x.shape[1], device=x.device)[None].expand(x.shape[:2])
        last = lengths[:, None] - 1
        turned = torch.where(order <= last, last - order, order)
        onward, _ = self.onward(x)
        back, _ = self.backward_(pick(x, turned))
        # Picking in order changes nothing but tells the exporter that the number
        # of slices is free; it takes the layer's own output for a fixed one.
        return torch.cat([pick(onward, order), pick(back, turned)], dim=2)


class Attention(nn.Module):
    """Gated attention over slices (Ilse et al. 2018, equation 9).

    The last layer starts at 0, so that training starts from the plain mean.
    """

    def __init__(self, inputs: int, *, inner: int = 64) -> None:
        super().__init__()
        # Mean features and gate states differ in scale; tanh wants about 1.
        self.norm = nn.LayerNorm(inputs)
        self.content = nn.Linear(inputs, inner)
        self.gate = nn.Linear(inputs, inner)
        self.score = nn.Linear(inner, 1, bias=False)
        nn.init.zeros_(self.score.weight)

    def forward(self, z: Tensor, real: Tensor) -> Tensor:
        """(B, T, 1) weights of (B, T, Z) slices; 0 where `real` (B, T, 1) is false."""
        z = self.norm(z)
        inner = torch.tanh(self.content(z)) * torch.sigmoid(self.gate(z))
        score = self.score(inner)
        # The lowest finite number, not -inf: a row of padding stays free of NaN.
        score = score.masked_fill(~real, torch.finfo(score.dtype).min)
        return torch.softmax(score, dim=1)


def pick(x: Tensor, order: Tensor) -> Tensor:
    """(B, T, F) with the slices of each series in the given (B, T) order."""
    return torch.gather(x, 1, order[:, :, None].expand(-1, -1, x.shape[2]))


def _remember(layer: nn.Module, hidden: int) -> None:
    """Open the forget gates: bias 1 (Jozefowicz et al. 2015).

    torch keeps the gates in the order input, forget, cell, output and adds two
    biases; one of them is set to 1 and the other to 0.
    """
    with torch.no_grad():
        layer.bias_ih_l0[hidden : 2 * hidden] = 1.0
        layer.bias_hh_l0[hidden : 2 * hidden] = 0.0
