"""A whole CT of 512×512×800 through `medlens predict`, its planned U-Net included.

    python -m benchmarks.whole [--slices 800] [--engines openvino,onnxruntime] [--keep]

The CT is written as DICOM, one file a slice. The recipe is what the plan makes of a
study of such volumes; its U-Net learns a few steps from cut-outs, so that the masks
have parts of natural size, and is exported as training exports it. Then the command
itself runs under a watch: it is ended as soon as its resident memory, mapped files
included, passes the limit. Seconds by stage are what `predictions.json` says.
"""

from __future__ import annotations

import argparse
import json
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

import medlens.nets  # noqa: F401  (before torch: how its threads wait)
from benchmarks.machine import keep
from benchmarks.volumes import LABELS, SEED, THREADS, write_ct
from medlens.core import Array
from medlens.recipe import Recipe

LIMIT_MB = 2000.0
STEPS, CUT = 40, (32, 64, 64)


def plan_ct(slices: int, *, memory_mb: int = 4096) -> Recipe:
    """What the plan makes of a study of such volumes for that much memory."""
    from medlens.plan.facts import Facts
    from medlens.plan.schedule import Speed
    from medlens.plan.segment import plan_segment

    facts = Facts(
        kind="multiclass", labels=LABELS, positive="", train=20, validation=5, test=5,
        label_counts=(20, 20, 20), modality="CT", bits=16, is_rescaled=True,
        height=512, width=512, form="segment", depth=slices, spacing=(1.5, 0.75, 0.75),
        mask_values=(0, 1, 2), seconds=1e7, cores=THREADS,
        memory_mb=memory_mb,
    )  # fmt: skip
    return plan_segment(facts, lambda _: Speed(0.01, 0.01)).recipe


def teach_net(recipe: Recipe) -> Any:
    """The plan's network after a few steps on cut-outs of the same body."""
    import torch

    from medlens.nets import build_segmenter
    from medlens.train.mask_loss import mask_loss

    torch.set_num_threads(THREADS)
    net = build_segmenter(recipe.net, labels=len(LABELS), seed=SEED, deep=True)
    optimiser = torch.optim.AdamW(net.parameters(), 5e-3)
    rng = np.random.default_rng(SEED)
    for _ in range(STEPS):
        pairs = [cut_out(rng) for _ in range(2)]
        images = torch.from_numpy(np.stack([image for image, _ in pairs]))
        masks = torch.from_numpy(np.stack([mask for _, mask in pairs])).long()
        optimiser.zero_grad()
        mask_loss(net.supervise(images), masks).backward()
        optimiser.step()
    return net.eval()


def cut_out(rng: np.random.Generator) -> tuple[Array, Array]:
    """Three windows (3, D, H, W) of a corner where air, tissue and bone meet."""
    depth, height, width = CUT
    y, x = np.mgrid[:height, :width] - rng.integers(0, height, (2, 1, 1))
    tissue = x + y * rng.uniform(-1, 1) > 0
    bone = tissue & ((x - 12) ** 2 + (y - 12) ** 2 < 200)
    values = np.where(tissue, 40.0, -1000.0) + np.where(bone, 700.0, 0.0)
    noisy = values + rng.normal(0, 15, (depth, height, width))
    windows = [(-600, 1500), (40, 400), (480, 2500)]
    image = [np.clip((noisy - c) / w + 0.5, 0, 1) for c, w in windows]
    mask = np.broadcast_to(tissue.astype(np.int64) + bone, CUT)
    return np.stack(image).astype(np.float32), mask.copy()


def pack(folder: Path, recipe: Recipe) -> float:
    """The bundle; returns the MB that its network was measured to take."""
    from medlens.bundle import Bundle, Proof, write_bundle
    from medlens.metrics import Calibration
    from medlens.predict import measure_net_mb
    from medlens.train.mask_export import export_masks

    net = recipe.net
    shape = (net.channels, net.depth, net.height, net.width)
    examples = np.random.default_rng(SEED).random((2, *shape), dtype=np.float32)
    path = folder / "whole.onnx"
    export_masks(teach_net(recipe), path, examples=examples)
    model = path.read_bytes()
    net_mb = measure_net_mb(model, (1, *shape), threads=THREADS)
    bundle = Bundle(
        name="benchmark", kind="multiclass", labels=LABELS, positive="",
        channels=net.channels, depth=net.depth, height=net.height, width=net.width,
        steps=recipe.prep.steps,
        calibration=Calibration.identity(3, kind="multiclass"),
        operating_points=(), conformal=None, outlier=None, form="segment",
        engines={"openvino": Proof(0.0, "bf16")}, keep_largest=LABELS[1:],
        sliding=recipe.sliding, net_mb=net_mb, model=model,
    )  # fmt: skip
    write_bundle(folder / "bundle", bundle, card="# Benchmark\n", force=True)
    return net_mb or 0.0


def watch(command: list[str], log: Path, limit_mb: float = LIMIT_MB) -> dict[str, Any]:
    """Run it; its largest resident memory, ended where that passes the limit.

    Each line of the log is seconds, resident MB, of it in files, and the peak.
    """
    started, peak, is_ended = time.perf_counter(), 0.0, False
    with (
        subprocess.Popen(command, stdout=subprocess.DEVNULL) as process,
        log.open("w", encoding="utf-8") as lines,
    ):
        while process.poll() is None:
            found = status_mb(process.pid)
            peak = max(peak, found.get("VmHWM", 0.0))
            resident, in_files = found.get("VmRSS", 0.0), found.get("RssFile", 0.0)
            now = time.perf_counter() - started
            print(f"{now:.1f} {resident:.0f} {in_files:.0f} {peak:.0f}", file=lines)
            lines.flush()
            if peak > limit_mb and not is_ended:
                process.send_signal(signal.SIGTERM)
                is_ended = True
            time.sleep(0.2)
    return {
        "seconds": round(time.perf_counter() - started, 1),
        "peak_mb": round(peak),
        "limit_mb": limit_mb,
        "exit_code": process.returncode,
        "is_ended_for_memory": is_ended,
    }


def status_mb(pid: int) -> dict[str, float]:
    """MB (10^6 bytes) of a process as Linux tells them; {} once it has ended."""
    try:
        text = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    except OSError:
        return {}
    rows = re.findall(r"(Vm\w+|Rss\w+):\s+(\d+) kB", text)
    return {name: int(kb) * 1024 / 1e6 for name, kb in rows}


def predict_whole(folder: Path, engine: str) -> dict[str, Any]:
    """`medlens predict` on the CT, watched."""
    out = folder / f"out_{engine}"
    command = [
        *(sys.executable, "-m", "medlens", "predict", str(folder / "bundle")),
        *(str(folder / "ct"), "--out", str(out), "--format", "json,nifti,png"),
        *("--engine", engine, "--timing", "--force"),
    ]
    figures = watch(command, folder / f"{engine}.log")
    said = out / "predictions.json"
    if figures["exit_code"] or not said.exists():
        return figures
    document = json.loads(said.read_text(encoding="utf-8"))
    return figures | {
        "timing": document.get("timing"),
        "parts": [found["parts"] for found in document["cases"][0]["findings"]],
    }


def measure(folder: Path, slices: int, engines: list[str]) -> dict[str, Any]:
    """Write, plan, teach a little, predict with each engine."""
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "ct").exists():
        write_ct(folder / "ct", slices)
    recipe = plan_ct(slices)
    net = recipe.net
    figures: dict[str, Any] = {
        "slices": slices,
        "patch": [net.depth, net.height, net.width],
        "spacing": list(net.spacing),
        "net_mb": pack(folder, recipe),
    }
    for engine in engines:
        figures[engine] = predict_whole(folder, engine)
        print(json.dumps({engine: figures[engine]}), file=sys.stderr, flush=True)
    return figures


def main() -> None:
    """Parse, measure, keep."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--slices", type=int, default=800)
    parser.add_argument("--engines", default="openvino,onnxruntime")
    parser.add_argument("--folder", type=Path, help="kept; a temporary one without")
    parser.add_argument("--keep", action="store_true")
    given = parser.parse_args()
    engines = given.engines.split(",")
    with tempfile.TemporaryDirectory() as name:
        figures = measure(given.folder or Path(name), given.slices, engines)
    print(json.dumps(figures, indent=1))
    if given.keep:
        keep("whole", figures)


if __name__ == "__main__":
    main()
