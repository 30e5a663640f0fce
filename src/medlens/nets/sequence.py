"""A 2D network that reads the slices of a series in order (CNN + LSTM).

The body gives one embedding per slice. A bidirectional LSTM or GRU reads them in
order; attention (Ilse et al. 2018) weighs the slices into one answer per series.

What is an exact sum, and what is not. With e the mean feature of slice t, h what
the reader says of it and a its attention, the heads are linear on (e, h):

    slice logit  = mean over places of evidence + context + bias
    series logit = sum over slices of share + bias
                   (shared head: share = a · (mean of evidence + context))

Both hold to rounding. The evidence map is therefore exactly the part of a slice's
logit that its own picture brings, place by place. `context` is the part that the
order of the slices brings; it belongs to no place and is not split further. The
share of a slice is its term in the sum, not what the answer would lose without
it: its attention and context depend on the other slices too.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from medlens.core import TrainError
from medlens.nets.classifier import Classifier
from medlens.nets.reader import Attention, Reader


@dataclass(frozen=True)
class SequenceAnswer:
    """What the network says of a batch of series; padded slices answer 0.

    Attributes:
        slice_logits: (B, T, K).
        series_logits: (B, K), or (B, S) with a head of its own.
        attention: (B, T), 0 or more, sums to 1 over the slices of a series.
        share: (B, T, S), each slice's term in the series logits.
        context: (B, T, K), the reader's term in the slice logits; 0 without one.
        embedding: (B, F + R), attention-weighted mean of (e, h).
    """

    slice_logits: Tensor
    series_logits: Tensor
    attention: Tensor
    share: Tensor
    context: Tensor
    embedding: Tensor


class SequenceNet(nn.Module):
    """Body → reader → a head per slice and, after attention, per series.

    Args:
        plain: 2D classifier; its body and head are taken as they are, so that the
            network starts as that classifier, slice by slice, plus a small term.
        reader: a key of `READERS`, or "none" where each slice is judged alone and
            only attention looks at the series.
        hidden: reader's width in each direction.
        series_labels: S outputs of a series head of its own; None shares the
            slice head's weights (series logits with the same labels, own bias).
        dropout: on embeddings before reader and heads, in training only.
    """

    def __init__(
        self,
        plain: Classifier,
        *,
        reader: str,
        hidden: int,
        series_labels: int | None,
        dropout: float,
    ) -> None:
        super().__init__()
        width, labels = plain.embedded, plain.head.out_features
        self.plain = plain
        self.reader: Reader | None = None
        self.context: nn.Linear | None = None
        width_of_all = width
        if reader != "none":
            width_of_all += 2 * hidden
            self.reader = Reader(reader, inputs=width, hidden=hidden)
            self.context = nn.Linear(2 * hidden, labels, bias=False)
            nn.init.normal_(self.context.weight, std=0.01)
        self.attention = Attention(width_of_all)
        self.series_head: nn.Linear | None = None
        if series_labels is None:
            self.series_bias = nn.Parameter(torch.zeros(labels))
        else:
            self.series_head = nn.Linear(width_of_all, series_labels)
            nn.init.normal_(self.series_head.weight, std=0.01)
            nn.init.zeros_(self.series_head.bias)
        self.dropout = dropout

    def embed(self, slices: Tensor, lengths: Tensor) -> Tensor:
        """(B, T, F) embeddings of (B, T, C, H, W) slices in 0..1.

        Padding is not shown to the body: it would cost time, and in training it
        would be counted by the batch norms.
        """
        real = within(lengths, slices.shape[1])
        found = self.plain.embed(self.plain.features(slices[real]))
        whole = found.new_zeros(*real.shape, found.shape[1])
        return whole.masked_scatter(real[:, :, None], found)

    def read(self, embeddings: Tensor, lengths: Tensor) -> SequenceAnswer:
        """Answer for embeddings, padded at the end.

        Args:
            embeddings: (B, T, F) from `embed`; training may keep them when the
                body is frozen.
            lengths: (B,) int64, slices of each series, 1..T.
        """
        real = within(lengths, embeddings.shape[1])[:, :, None]
        e = self.plain.drop(embeddings)
        plain = self.plain.answer(e)
        z, context = e, torch.zeros_like(plain)
        if self.reader is not None and self.context is not None:
            h = F.dropout(self.reader(e, lengths), self.dropout, self.training)
            z, context = torch.cat([e, h], dim=2), self.context(h) * real
        slice_logits = (plain + context) * real
        attention = self.attention(z, real)
        terms, bias = self._series_terms(z, slice_logits)
        share = attention * terms * real
        return SequenceAnswer(
            slice_logits=slice_logits,
            series_logits=share.sum(dim=1) + bias,
            attention=attention[:, :, 0],
            share=share,
            context=context,
            embedding=(attention * z).sum(dim=1),
        )

    def _series_terms(self, z: Tensor, slice_logits: Tensor) -> tuple[Tensor, Tensor]:
        """What attention weighs, (B, T, S), and the bias, (S,)."""
        if self.series_head is None:
            return slice_logits - self.plain.head.bias, self.series_bias
        return F.linear(z, self.series_head.weight), self.series_head.bias

    def forward(self, slices: Tensor, lengths: Tensor) -> SequenceAnswer:
        """Answer for (B, T, C, H, W) slices in 0..1, padded at the end.

        Raises:
            TrainError: lengths are not (B,) whole numbers in 1..T.
        """
        check_lengths(slices, lengths)
        return self.read(self.embed(slices, lengths), lengths)


def within(lengths: Tensor, slices: int) -> Tensor:
    """(B, T) truth of a slice being there and not padding."""
    steps = torch.arange(slices, device=lengths.device)
    return steps[None] < lengths[:, None]


def check_lengths(slices: Tensor, lengths: Tensor) -> None:
    """Refuse lengths that do not go with the slices.

    Raises:
        TrainError: not (B,) whole numbers in 1..T.
    """
    if slices.ndim != 5:
        raise TrainError(
            f"sequence: slices have shape {tuple(slices.shape)}; wanted 5 axes: "
            "series, slice, channel, row, column"
        )
    batch, most = slices.shape[:2]
    if lengths.shape != (batch,) or lengths.dtype != torch.int64:
        raise TrainError(
            f"sequence: lengths are {lengths.dtype} of shape {tuple(lengths.shape)}; "
            f"wanted torch.int64 of shape ({batch},), one for each series"
        )
    if int(lengths.min()) < 1 or int(lengths.max()) > most:
        raise TrainError(
            f"sequence: lengths go from {int(lengths.min())} to {int(lengths.max())}; "
            f"wanted 1 to {most}, the slices given for each series"
        )
