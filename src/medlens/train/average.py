"""The weight average that is shipped, and its batch-norm statistics."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn


def update_average(
    average: nn.Module, net: nn.Module, *, decay: float, step: int
) -> None:
    """Exponential moving average of the weights, in place.

    The decay grows from 0.1 to `decay` over the first steps, so that the
    random start is forgotten.
    """
    now = min(decay, (1 + step) / (10 + step))
    with torch.no_grad():
        for kept, fresh in zip(average.parameters(), net.parameters(), strict=True):
            kept.lerp_(fresh, 1 - now)
        for kept, fresh in zip(average.buffers(), net.buffers(), strict=True):
            kept.copy_(fresh)


def renew_norms(net: nn.Module, batches: Iterable[Tensor]) -> None:
    """Batch-norm statistics measured anew on clean images, in place.

    Training sees augmented images through changing weights; the running
    statistics of such a run are biased for the averaged weights on clean
    images, which shifts every probability. The mean over clean training batches,
    each weighted by its cases, mends it.
    """
    norms = [m for m in net.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
    if not norms:
        return
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
    was_training = net.training
    net.eval()
    for norm in norms:
        norm.train()
    seen = 0
    with torch.no_grad():
        for batch in batches:
            seen += len(batch)
            for norm in norms:  # the weight of this batch in the mean so far
                norm.momentum = len(batch) / seen
            net(batch)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    net.train(was_training)
