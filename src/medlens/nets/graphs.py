"""What a sequence network puts into ONNX graphs: whole, or in two parts.

One graph answers a series in one pass. Its memory grows with the number of
slices (the body sees them all at once); where a series is long, the two-part form
gives the same answer: `ExportedSlices` on a few slices at a time, then
`ExportedReading` on all embeddings.
"""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor, nn

from medlens.nets.classifier import evidence_map
from medlens.nets.sequence import SequenceNet, within

READING = (
    "slice_logits",
    "series_logits",
    "attention",
    "share",
    "context",
    "embedding",
)


class ExportedSlices(nn.Module):
    """(N, C, H, W) slices → their embeddings and evidence maps.

    Attributes:
        inputs, outputs: names of the graph's inputs and outputs, in order.
        axes: input → free axes and their names.
    """

    inputs: tuple[str, ...] = ("slices",)
    axes: ClassVar[dict[str, dict[int, str]]] = {"slices": {0: "slice"}}

    def __init__(self, net: SequenceNet) -> None:
        super().__init__()
        self.net = net
        own = net.series_head is not None
        self.outputs = (
            ("embeddings", "evidence", "series_evidence")
            if own
            else ("embeddings", "evidence")
        )

    def forward(self, slices: Tensor) -> tuple[Tensor, ...]:
        """(N, F) embeddings, (N, K, h, w) evidence and, where the series has a
        head of its own, (N, S, h, w) evidence for it."""
        features = self.net.plain.features(slices)
        maps = [self.net.plain.evidence(features)]
        if self.net.series_head is not None:
            own = self.net.series_head.weight[:, : features.shape[1]]
            maps.append(evidence_map(features, own))
        return self.net.plain.embed(features), *maps


class ExportedReading(nn.Module):
    """(B, T, F) embeddings and (B,) lengths → every answer but the maps."""

    inputs: tuple[str, ...] = ("embeddings", "lengths")
    outputs: tuple[str, ...] = READING
    axes: ClassVar[dict[str, dict[int, str]]] = {
        "embeddings": {0: "series", 1: "slice"},
        "lengths": {0: "series"},
    }

    def __init__(self, net: SequenceNet) -> None:
        super().__init__()
        self.net = net

    def forward(self, embeddings: Tensor, lengths: Tensor) -> tuple[Tensor, ...]:
        """The fields of `SequenceAnswer`, in the order of `outputs`."""
        answer = self.net.read(embeddings, lengths)
        return tuple(getattr(answer, name) for name in READING)


class ExportedSequence(nn.Module):
    """(B, T, C, H, W) slices and (B,) lengths → every answer of one pass."""

    inputs: tuple[str, ...] = ("slices", "lengths")
    axes: ClassVar[dict[str, dict[int, str]]] = {
        "slices": {0: "series", 1: "slice"},
        "lengths": {0: "series"},
    }

    def __init__(self, net: SequenceNet) -> None:
        super().__init__()
        self.slices = ExportedSlices(net)
        self.reading = ExportedReading(net)
        self.outputs = (*READING, *self.slices.outputs[1:])

    def forward(self, slices: Tensor, lengths: Tensor) -> tuple[Tensor, ...]:
        """The fields of `SequenceAnswer`, then evidence (B, T, K, h, w), 0 at
        padding, and the series head's where it has its own."""
        batch, steps = slices.shape[:2]
        # (B, T, C, H, W) -> (B*T, C, H, W) and back
        embeddings, *maps = self.slices(slices.flatten(0, 1))
        answers = self.reading(embeddings.unflatten(0, (batch, steps)), lengths)
        real = within(lengths, steps)[:, :, None, None, None]
        return *answers, *(m.unflatten(0, (batch, steps)) * real for m in maps)
