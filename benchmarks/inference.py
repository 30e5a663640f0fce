"""Inference of one network in torch eager and in the engines of `medlens predict`.

    python benchmarks/inference.py

DenseNet121 at 224 px (MONAI's), batch 1 and 16, side by side in one process and in
turns; then start-up time and memory of each engine in a process of its own. "Same
answers" is checked, not assumed: the largest difference in probability is printed.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

import medlens.nets  # noqa: F401  (before torch: how its threads wait)
from benchmarks.machine import keep, median_seconds

SIZE, LABELS, SEED = 224, 2, 0
BATCHES = (1, 16)
ROUNDS = 9


def build(folder: Path):
    """The trained-like network, its bundle in memory and the framework's module."""
    import torch

    from medlens.bundle import Bundle
    from medlens.metrics import Calibration
    from medlens.nets import build_net
    from medlens.recipe import NetSettings, Step
    from medlens.train import export_onnx

    torch.set_num_threads(2)
    settings = NetSettings("densenet121", "", 1, SIZE, SIZE, 0.0)
    net = build_net(settings, labels=LABELS, seed=SEED).eval()
    rng = np.random.default_rng(SEED)
    export_onnx(
        net,
        folder / "model.onnx",
        examples=rng.random((4, 1, SIZE, SIZE), dtype=np.float32),
    )
    bundle = Bundle(
        name="benchmark",
        kind="binary",
        labels=("a", "b"),
        positive="b",
        channels=1,
        height=SIZE,
        width=SIZE,
        steps=(Step("display"),),
        calibration=Calibration.identity(LABELS, kind="binary"),
        operating_points=(),
        conformal=None,
        outlier=None,
        model=(folder / "model.onnx").read_bytes(),
    )
    return net, bundle


def compare(folder: Path) -> dict[str, object]:
    """Median seconds a batch for each engine, in turns, and the differences."""
    import torch

    from medlens.predict.session import open_session

    net, bundle = build(folder)
    engines = {"onnxruntime": open_session(bundle, engine="onnxruntime", threads=2)}
    try:
        engines["openvino"] = open_session(bundle, engine="openvino", threads=2)
    except Exception as error:
        print(f"openvino left out: {error}")
    rng = np.random.default_rng(1)
    found: dict[str, object] = {}
    for size in BATCHES:
        images = rng.random((size, 1, SIZE, SIZE), dtype=np.float32)
        tensor = torch.from_numpy(images)

        def eager(tensor=tensor) -> np.ndarray:
            with torch.inference_mode():
                return net(tensor).numpy()

        works = {"torch": eager}
        for name, engine in engines.items():
            works[name] = lambda e=engine, x=images: e.run(x)[0]
        wanted = torch.softmax(torch.from_numpy(eager()), 1).numpy()
        differences = {
            name: float(
                np.abs(
                    torch.softmax(torch.from_numpy(np.array(work())), 1).numpy()
                    - wanted
                ).max()
            )
            for name, work in works.items()
        }
        seconds = median_seconds(
            works, rounds=ROUNDS, warm_up=2, calls=5 if size == 1 else 2
        )
        found[f"batch_{size}"] = {
            "seconds": seconds,
            "ratio_to_torch": {n: seconds["torch"] / s for n, s in seconds.items()},
            "largest_probability_difference": differences,
        }
    return found


def cold(engine: str, folder: Path) -> None:
    """Child process: import, load, first answer; prints seconds and memory."""
    started = time.perf_counter()
    images = np.zeros((1, 1, SIZE, SIZE), np.float32)
    if engine == "torch":
        net, _ = build(folder)
        import torch

        with torch.inference_mode():
            net(torch.from_numpy(images))
    else:
        from medlens.bundle import Bundle
        from medlens.metrics import Calibration
        from medlens.predict.session import open_session

        bundle = Bundle(
            "cold", "binary", ("a", "b"), "b", 1, SIZE, SIZE, (),
            Calibration.identity(2, kind="binary"), (), None, None,
            model=(folder / "model.onnx").read_bytes(),
        )  # fmt: skip
        open_session(bundle, engine=engine, threads=2).run(images)  # type: ignore[arg-type]
    # ru_maxrss would count the process that started this one.
    status = Path("/proc/self/status").read_text()
    memory = int(status.split("VmHWM:")[1].split()[0]) / 1024
    print(json.dumps({"seconds": time.perf_counter() - started, "memory_mb": memory}))


def main() -> None:
    if len(sys.argv) == 4 and sys.argv[1] == "--cold":
        cold(sys.argv[2], Path(sys.argv[3]))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        figures = compare(folder)
        starts = {}
        for engine in ("onnxruntime", "openvino"):
            done = subprocess.run(
                [sys.executable, "-m", "benchmarks.inference", "--cold", engine, name],
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode == 0:
                starts[engine] = json.loads(done.stdout.splitlines()[-1])
        figures["cold_start"] = starts
    for size in BATCHES:
        row = figures[f"batch_{size}"]
        print(f"batch {size}")
        for engine, seconds in row["seconds"].items():
            print(
                f"  {engine:<12} {seconds * 1000:8.1f} ms  "
                f"{row['ratio_to_torch'][engine]:5.2f}x torch  largest probability "
                f"difference {row['largest_probability_difference'][engine]:.2g}"
            )
    for engine, row in figures["cold_start"].items():
        print(f"cold {engine:<12} {row['seconds']:.2f} s  {row['memory_mb']:.0f} MB")
    print(f"kept in {keep('inference', figures)}")


if __name__ == "__main__":
    main()
