"""How fast a network learns and answers on this machine."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from medlens.nets import build_segmenter
from medlens.plan import Speed
from medlens.prep import build_augment, build_volume_augment
from medlens.recipe.settings import Recipe
from medlens.train.batches import spacing_of_net, to_tensor
from medlens.train.classify import build_classifier
from medlens.train.device import choose_device, prepare_torch
from medlens.train.loop import build_optimizer
from medlens.train.losses import build_loss
from medlens.train.mask_batches import to_tensors
from medlens.train.mask_loss import mask_loss

WARM_UP = 2
ROUNDS = 7


@dataclass(frozen=True)
class _Trial:
    """Real steps of a recipe on made-up images.

    Attributes:
        net: with random weights; speed does not depend on them.
        make: one batch, augmented as in training.
        loss: (network, batch) → scalar.
        answer: (network) → answers to a batch of clean images.
    """

    net: nn.Module
    make: Callable[[], Any]
    loss: Callable[[nn.Module, Any], Tensor]
    answer: Callable[[nn.Module], Tensor]


def measure_speed(recipe: Recipe, *, labels: int) -> Speed:
    """Seconds an image, a volume, a slice (form "sequence") or a patch ("segment").

    Lower quartiles of a few real steps, so that disturbed steps on a shared
    machine do not count.
    """
    prepare_torch(recipe)
    device = choose_device()
    if recipe.task.form == "segment":
        trial = _mask_trial(recipe, labels, device)
    elif recipe.task.form == "volume":
        trial = _volume_trial(recipe, labels, device)
    else:
        trial = _image_trial(recipe, labels, device)
    net = trial.net.to(device)
    optimizer = build_optimizer(net, recipe)

    def step() -> None:
        batch = waiting.pop().result()
        waiting.append(pool.submit(trial.make))  # beside the network, as in training
        net.train()
        with torch.autocast(
            device.type, torch.bfloat16, enabled=recipe.train.precision == "bf16"
        ):
            loss = trial.loss(net, batch)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        loss.detach().item()  # waits for a GPU

    def forward() -> None:
        net.eval()
        with torch.inference_mode():
            trial.answer(net).cpu()

    size = recipe.train.batch_size
    with ThreadPoolExecutor(1) as pool:
        waiting = [pool.submit(trial.make)]
        train = _typical(step) / size
    return Speed(train=train, forward=_typical(forward) / size)


def _image_trial(recipe: Recipe, labels: int, device: torch.device) -> _Trial:
    net = recipe.net
    images = _noise(recipe.train.batch_size, net.channels, net.height, net.width)
    augment = build_augment(recipe.augment.steps, seed=0)
    settings = replace(recipe, net=replace(net, pretrained=""))
    built = build_classifier(settings, labels=labels)
    built.to(memory_format=torch.channels_last)
    return _classifier_trial(
        recipe,
        built,
        labels,
        images,
        lambda i: augment(images[i], epoch=0, index=i),
        device,
    )


def _volume_trial(recipe: Recipe, labels: int, device: torch.device) -> _Trial:
    net = recipe.net
    sides = (net.depth, net.height, net.width)
    volumes = _noise(recipe.train.batch_size, net.channels, *sides)
    augment = build_volume_augment(
        recipe.augment.steps, seed=0, spacing=spacing_of_net(net)
    )
    return _classifier_trial(
        recipe,
        build_classifier(recipe, labels=labels),
        labels,
        volumes,
        lambda i: augment(volumes[i], epoch=0, index=i)[0],
        device,
    )


def _classifier_trial(
    recipe: Recipe,
    net: nn.Module,
    labels: int,
    images: NDArray[np.float32],
    augmented: Callable[[int], Any],
    device: torch.device,
) -> _Trial:
    size = len(images)
    rng = np.random.default_rng(0)
    targets = np.eye(max(labels, 2), labels, dtype=np.int8)[
        rng.integers(0, labels, size)
    ]
    kind = "multilabel" if labels == 1 else recipe.task.kind
    loss_of = build_loss(targets, kind=kind, balance=0.0, label_smoothing=0.0)
    wanted = torch.from_numpy(targets).to(device)
    return _Trial(
        net,
        make=lambda: to_tensor(np.stack([augmented(i) for i in range(size)])),
        loss=lambda net, batch: loss_of(net(batch.to(device)), wanted),
        answer=lambda net: net(to_tensor(images).to(device)),
    )


def _mask_trial(recipe: Recipe, labels: int, device: torch.device) -> _Trial:
    net, size = recipe.net, recipe.train.batch_size
    channels = net.channels * (2 * net.context + 1)
    sides = (net.depth, net.height, net.width)
    patches = _noise(size, channels, *sides)
    rng = np.random.default_rng(0)
    masks = rng.integers(0, labels, (size, *sides)).astype(np.uint8)
    augment = build_volume_augment(
        recipe.augment.steps, seed=0, spacing=spacing_of_net(net)
    )

    def make() -> tuple[Tensor, Tensor]:
        changed = [augment(patches[i], masks[i], epoch=0, index=i) for i in range(size)]
        return to_tensors([(v, m) for v, m in changed if m is not None], net)

    def loss(net: nn.Module, batch: tuple[Tensor, Tensor]) -> Tensor:
        images, wanted = batch
        return mask_loss(net.supervise(images.to(device)), wanted.to(device))

    clean = to_tensors(list(zip(patches, masks, strict=True)), net)[0]
    built = build_segmenter(
        replace(net, pretrained=""), labels=labels, seed=0, deep=True
    )
    return _Trial(built, make, loss, lambda net: net(clean.to(device)))


def _noise(*shape: int) -> NDArray[np.float32]:
    return np.random.default_rng(0).random(shape, dtype=np.float32)


def _typical(work: Callable[[], None]) -> float:
    for _ in range(WARM_UP):
        work()
    seconds = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - started)
    return float(np.quantile(seconds, 0.25))
