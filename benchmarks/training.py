"""Time to a target AUROC on PneumoniaMNIST: medlens against the plain loop.

    python -m benchmarks.training PNEUMONIAMNIST.npz [--epochs 3] [--plain-epochs 8]

The plain loop is the one published with the data set (Yang et al. 2023): ResNet-18 for
28 px, Adam at 1e-3, batches of 128, fp32, no augmentation. It is stopped at the first
epoch whose test AUROC reaches the target, or after the given number of epochs, and
then its time is a lower bound. medlens trains the recipe of its plan, shortened to a
few epochs, and is measured once, at its end; reading and preparing are in its time.
Both use the same cores and the same settings of torch, one after the other.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np

import medlens.nets  # noqa: F401  (before torch: how its threads wait)
from benchmarks.machine import keep
from medlens.metrics import auroc

TARGET = 0.96


def plain_loop(data: dict[str, np.ndarray], *, epochs: int, seed: int) -> dict:
    """Seconds until the test AUROC reaches the target, test time left out."""
    import torch

    from medlens.nets.residual import Residual

    torch.manual_seed(seed)
    torch.set_num_threads(2)
    body = Residual(1)
    net = torch.nn.Sequential(
        body, torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), torch.nn.Linear(512, 2)
    )
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    images, labels = data["train"]
    tensor = (torch.from_numpy(images).float() / 255 - 0.5) / 0.5
    wanted = torch.from_numpy(labels)
    spent, curve = 0.0, []
    for epoch in range(epochs):
        started = time.perf_counter()
        net.train()
        for chosen in torch.randperm(len(tensor)).split(128):
            optimizer.zero_grad()
            logits = net(tensor[chosen][:, None])
            torch.nn.functional.cross_entropy(logits, wanted[chosen]).backward()
            optimizer.step()
        spent += time.perf_counter() - started
        found = _test_auroc(net, data)
        curve.append({"epoch": epoch + 1, "seconds": spent, "test_auroc": found})
        print(f"plain loop, epoch {epoch + 1}: {spent:.0f} s, test AUROC {found:.4f}")
        if found >= TARGET:
            break
    return {
        "seconds": spent,
        "reached": curve[-1]["test_auroc"] >= TARGET,
        "curve": curve,
    }


def _test_auroc(net, data: dict[str, np.ndarray]) -> float:
    import torch

    images, labels = data["test"]
    net.eval()
    with torch.inference_mode():
        tensor = (torch.from_numpy(images).float() / 255 - 0.5) / 0.5
        logits = torch.cat([net(part[:, None]) for part in tensor.split(256)])
    return auroc(labels.astype(np.int8), (logits[:, 1] - logits[:, 0]).numpy())


def medlens_loop(path: Path, *, epochs: int, seed: int) -> dict:
    """Seconds of a whole recipe of `epochs` and the test AUROC at its end."""
    from medlens.datasets import read_manifest
    from medlens.experiment.collect import open_case
    from medlens.experiment.teach import lesson_of
    from medlens.plan import Facts
    from medlens.plan.rules import (
        choose_augment,
        choose_balance,
        choose_net,
        choose_prep,
        choose_size,
    )
    from medlens.plan.schedule import MIXUP, MIXUP_EPOCHS
    from medlens.prep import build_pipeline
    from medlens.recipe import Recipe, TaskSettings, TrainSettings
    from medlens.train import build_cache, train_network
    from medlens.train.judge import clean_logits
    from medlens.train.loop import choose_device

    manifest = read_manifest(path)
    splits = [case.split for case in manifest.cases]
    facts = Facts("binary", manifest.labels, manifest.positive, 4708, 524, 624,
                  (1214, 3494), height=28, width=28)  # fmt: skip
    size, _ = choose_size(facts)
    prep, _ = choose_prep(facts, size)
    recipe = Recipe(
        task=TaskSettings("binary", manifest.labels, manifest.positive),
        prep=prep,
        augment=choose_augment(facts)[0],
        net=choose_net(facts, size)[0],
        train=TrainSettings(
            epochs=epochs,
            steps=epochs * (4708 // 32),
            batch_size=32,
            mixup=MIXUP if epochs >= MIXUP_EPOCHS else 0.0,
            balance=choose_balance(facts)[0],
            seed=seed,
        ),
    )
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        started = time.perf_counter()
        everyone = range(len(manifest.cases))
        cache = build_cache(
            work,
            [case.key for case in manifest.cases],
            lambda i: open_case(manifest.cases[i]),
            build_pipeline(recipe.prep.steps),
            settings=recipe.prep,
            data_digest="benchmark",
            threads=2,
        )
        lesson = lesson_of(manifest, splits, list(everyone), list(everyone), cache)
        net, _ = train_network(recipe, lesson, work, digest="benchmark")
        spent = time.perf_counter() - started
        test = np.array([i for i in everyone if splits[i] == "test"])
        rows = np.array([cache.rows[manifest.cases[i].key] for i in test])
        logits = clean_logits(net.to(choose_device()), lesson, rows, choose_device())
    labels = manifest.targets()[test, 1]
    found = auroc(labels, logits[:, 1] - logits[:, 0])
    print(
        f"medlens, {epochs} epochs, seed {seed}: {spent:.0f} s, test AUROC {found:.4f}"
    )
    return {"seconds": spent, "epochs": epochs, "seed": seed, "test_auroc": found}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("npz", type=Path)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--plain-epochs", type=int, default=8)
    parser.add_argument("--seeds", type=int, default=3)
    given = parser.parse_args()
    with np.load(given.npz, allow_pickle=False) as arrays:
        data = {
            name: (
                arrays[f"{name}_images"],
                arrays[f"{name}_labels"].ravel().astype(int),
            )
            for name in ("train", "test")
        }
    ours = [
        medlens_loop(given.npz, epochs=given.epochs, seed=seed)
        for seed in range(given.seeds)
    ]
    plain = plain_loop(data, epochs=given.plain_epochs, seed=0)
    seconds = float(np.median([run["seconds"] for run in ours]))
    figures = {
        "target_test_auroc": TARGET,
        "medlens": ours,
        "plain_loop": plain,
        "ratio": seconds / plain["seconds"],
        "ratio_is_upper_bound": not plain["reached"],
    }
    words = "at most " if not plain["reached"] else ""
    print(f"medlens needs {words}{figures['ratio']:.3f} of the plain loop's time")
    print(f"kept in {keep('training', figures)}")


if __name__ == "__main__":
    main()
