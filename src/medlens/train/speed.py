"""How fast a network learns and answers on this machine, in seconds an image."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import torch

from medlens.nets import build_net
from medlens.plan import Speed
from medlens.prep import build_augment
from medlens.recipe.settings import Recipe
from medlens.train.batches import to_tensor
from medlens.train.device import choose_device, prepare_torch
from medlens.train.loop import build_optimizer
from medlens.train.losses import build_loss

WARM_UP = 2
ROUNDS = 7


def measure_speed(recipe: Recipe, *, labels: int) -> Speed:
    """Time a few real steps of the recipe on made-up images.

    Lower quartiles, so that disturbed steps on a shared machine do not count.
    """
    prepare_torch(recipe)
    device = choose_device()
    size = recipe.train.batch_size
    rng = np.random.default_rng(0)
    shape = (size, recipe.net.channels, recipe.net.height, recipe.net.width)
    images = rng.random(shape, dtype=np.float32)
    targets = np.eye(max(labels, 2), labels, dtype=np.int8)[
        rng.integers(0, labels, size)
    ]
    settings = replace(recipe.net, pretrained="")
    net = build_net(settings, labels=labels, seed=0).to(device)
    net.to(memory_format=torch.channels_last)
    optimizer = build_optimizer(net, recipe)
    kind = "multilabel" if labels == 1 else recipe.task.kind
    loss_of = build_loss(targets, kind=kind, balance=0.0, label_smoothing=0.0)
    augment = build_augment(recipe.augment.steps, seed=0)
    wanted = torch.from_numpy(targets).to(device)

    def make() -> torch.Tensor:
        made = [augment(image, epoch=0, index=i) for i, image in enumerate(images)]
        return to_tensor(np.stack(made))

    def step() -> None:
        batch = waiting.pop().result()
        waiting.append(pool.submit(make))  # beside the network, as in training
        net.train()
        with torch.autocast(
            device.type, torch.bfloat16, enabled=recipe.train.precision == "bf16"
        ):
            logits = net(batch.to(device))
        loss = loss_of(logits, wanted)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        loss.detach().item()  # waits for a GPU

    def forward() -> None:
        net.eval()
        with torch.inference_mode():
            net(to_tensor(images).to(device)).cpu()

    with ThreadPoolExecutor(1) as pool:
        waiting = [pool.submit(make)]
        train = _typical(step) / size
    return Speed(train=train, forward=_typical(forward) / size)


def _typical(work: Callable[[], None]) -> float:
    for _ in range(WARM_UP):
        work()
    seconds = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - started)
    return float(np.quantile(seconds, 0.25))
