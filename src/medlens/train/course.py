"""What the loop teaches: the part that differs between images, series and masks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

import torch
from torch import Tensor, nn


class StepInput(Protocol):
    """What one step is shown; `step` counts from 0."""

    @property
    def step(self) -> int: ...

    @property
    def epoch(self) -> int: ...


class Course(Protocol):
    """A network, what it is shown, what counts as an error and how it is judged.

    Everything is a function of recipe and step, never of what came before, so
    that an interrupted run goes on as if it had not been.

    Attributes:
        steps_per_epoch: steps after which the network is judged.
        score: what `judge` gives beside the loss: "auroc" or "dice"; larger is
            better.
    """

    steps_per_epoch: int
    score: str

    def build(self) -> nn.Module:
        """The network with its starting weights, on the CPU."""
        ...

    def batches(self, start: int, stop: int) -> Iterator[Any]:
        """Inputs of steps `start` to `stop` - 1, in order, each a `StepInput`."""
        ...

    def loss(self, net: nn.Module, batch: Any, device: torch.device) -> Tensor:
        """Scalar loss of one step; the network is in training mode."""
        ...

    def settle(self, net: nn.Module, device: torch.device, *, final: bool) -> None:
        """Make averaged weights fit to be judged, or (final) to be shipped."""
        ...

    def judge(self, net: nn.Module, device: torch.device) -> tuple[float, float]:
        """Loss and score on validation cases."""
        ...

    def finish(self, net: nn.Module) -> None:
        """Last change of the weights that are shipped, on the CPU, in place."""
        ...
