"""Sliding windows: a large CT in bounded memory, and time against MONAI's in torch.

    python -m benchmarks.sliding [--rounds 5] [--skip-large]

First a 512×512×800 volume with 3 labels and a network that costs nothing, in a process
of its own: its largest resident memory, and the seconds that blending takes. Then a
small 3D U-Net over a smaller volume, by ONNX Runtime with medlens and by torch with
MONAI's `sliding_window_inference`, in one process and in turns, with equal patches,
overlap, batch and threads; the answers are held against each other with equal weights.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

import medlens.nets  # noqa: F401  (before torch: how its threads wait)
from benchmarks.machine import keep, median_seconds

LARGE, LABELS = (800, 512, 512), 3
SMALL, PATCH, SEED = (96, 128, 128), (48, 64, 64), 0
THREADS = 2


def free(patches: np.ndarray) -> np.ndarray:
    """Three labels for next to nothing."""
    return np.concatenate([patches * 0, patches - 40, -patches - 200], axis=1)


def large(folder: Path) -> None:
    """Child process: prints seconds, memory and how many voxels are wrong."""
    from medlens.predict import Sliding, predict_volume

    volume = np.load(folder / "ct.npy", mmap_mode="r")
    out = np.lib.format.open_memmap(folder / "labels.npy", "w+", np.uint8, LARGE)
    chances = np.lib.format.open_memmap(
        folder / "chances.npy", "w+", np.float16, (LABELS, *LARGE)
    )
    started = time.perf_counter()
    predict_volume(
        volume, free, labels=LABELS, settings=Sliding(), out=out, probabilities=chances
    )
    seconds = time.perf_counter() - started
    status = Path("/proc/self/status").read_text()
    # ru_maxrss would count the process that started this one.
    found = re.search(r"VmHWM:\s+(\d+)", status)
    assert found is not None
    wrong = sum(
        int((free(volume[None, :, d])[0].argmax(axis=0) != out[d]).sum())
        for d in range(0, LARGE[0], 50)
    )
    peak = int(found.group(1)) * 1024 / 1e6
    print(json.dumps({"seconds": seconds, "peak_mb": peak, "wrong_voxels": wrong}))


def measure_large() -> dict[str, float]:
    """The large volume in a process of its own."""
    rng = np.random.default_rng(SEED)
    slices = rng.integers(-1000, 1000, (16, *LARGE[1:])).astype(np.int16)
    with tempfile.TemporaryDirectory() as name:
        volume = np.lib.format.open_memmap(
            Path(name) / "ct.npy", "w+", np.int16, (1, *LARGE)
        )
        for d in range(LARGE[0]):
            volume[0, d] = slices[d % len(slices)]
        del volume
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.sliding", "--large", name],
            capture_output=True,
            text=True,
            check=True,
        )
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def build(folder: Path):
    """MONAI's 3D U-Net, small, as the framework's module and as an ONNX graph."""
    import torch
    from monai.networks.nets import UNet

    torch.set_num_threads(THREADS)
    torch.manual_seed(SEED)
    net = UNet(3, 1, LABELS, (16, 32, 64, 128), (2, 2, 2), num_res_units=1).eval()
    example = torch.zeros(1, 1, *PATCH)
    path = folder / "net.onnx"
    torch.onnx.export(
        net, (example,), path, input_names=["image"], output_names=["logits"],
        dynamo=False, opset_version=17,
    )  # fmt: skip
    return net, path.read_bytes()


def compare(rounds: int) -> dict[str, object]:
    """Median seconds of both, in turns, and their largest difference."""
    import torch
    from monai.inferers import sliding_window_inference

    from medlens.predict import PatchNet, Sliding, sweep
    from medlens.predict.tiles import gaussian

    with tempfile.TemporaryDirectory() as name:
        net, model = build(Path(name))
    session = PatchNet(model, name="benchmark", threads=THREADS)
    rng = np.random.default_rng(SEED)
    volume = rng.standard_normal((1, *SMALL), dtype=np.float32)
    tensor = torch.from_numpy(volume)[None]
    settings = Sliding(patch=PATCH)
    inside = [0.0]

    def timed(patches: np.ndarray) -> np.ndarray:
        started = time.perf_counter()
        logits = session(patches)
        inside[0] += time.perf_counter() - started
        return logits

    def ours() -> np.ndarray:
        planes = sweep(volume, timed, labels=LABELS, settings=settings)
        return np.stack([plane for _, plane in planes], axis=1)

    d, h, w = (gaussian(n) for n in PATCH)
    weights = torch.from_numpy((d[:, None, None] * h[:, None] * w).astype(np.float32))

    def theirs(weights: torch.Tensor | None = None) -> np.ndarray:
        with torch.inference_mode():
            found = sliding_window_inference(
                tensor, PATCH, 1, net, overlap=0.5, mode="gaussian",
                roi_weight_map=weights,
            )  # fmt: skip
        return found[0].numpy()

    mine, wanted, floored = ours(), theirs(weights), theirs()
    inside[0] = 0.0
    started = time.perf_counter()
    ours()
    outside = 1 - inside[0] / (time.perf_counter() - started)
    seconds = median_seconds({"monai": theirs, "medlens": ours}, rounds=rounds)
    return {
        "seconds": seconds,
        "ratio_to_monai": seconds["medlens"] / seconds["monai"],
        "share_outside_the_network": outside,
        "largest_logit": float(np.abs(wanted).max()),
        "largest_difference": float(np.abs(mine - wanted).max()),
        "voxels_with_another_label": float((mine.argmax(0) != wanted.argmax(0)).mean()),
        # MONAI by itself raises small weights to 0.001 of the middle's.
        "largest_difference_by_monai_own_weights": float(
            np.abs(floored - wanted).max()
        ),
        "voxels_with_another_label_by_monai_own_weights": float(
            (floored.argmax(0) != wanted.argmax(0)).mean()
        ),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--skip-large", action="store_true")
    parser.add_argument("--large", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.large:
        large(chosen.large)
        return
    figures: dict[str, object] = {}
    if not chosen.skip_large:
        figures["large"] = measure_large()
        print(json.dumps(figures["large"], indent=1), flush=True)
    figures["small"] = compare(chosen.rounds)
    print(json.dumps(figures["small"], indent=1))
    print(f"kept in {keep('sliding', figures)}")


if __name__ == "__main__":
    main()
