"""Preparation of a 2048² radiograph of 16 bits, side by side in one run.

    python benchmarks/preparation.py

Median 5×5, CLAHE and resize to 224×224 by medlens, scikit-image and MONAI, each
library on the same phantom, in turns, so that all meet the same machine. Prints
a table and how far the results agree; writes benchmarks/results/preparation.json.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from medlens.core import Array, Geometry, Image
from medlens.prep import AUGMENT_PRESETS, build_augment, build_pipeline
from medlens.prep.clahe import equalise_tiles
from medlens.prep.denoise import median
from medlens.prep.resample import resize_plane
from medlens.recipe.settings import Step

SIDE, SMALL = 2048, 224
SPAN = (0.0, 65535.0)
RESULTS = Path(__file__).parent / "results" / "preparation.json"

Stages = dict[str, Callable[[Array], Array]]


def radiograph(side: int = SIDE) -> Array:
    """(side, side) uint16: soft shapes, fine structure and noise, 16 bits used."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:side, :side] / side - 0.5
    body = np.exp(-((x / 0.38) ** 4) - (y / 0.6) ** 4)
    lungs = sum(
        np.exp(-(((x - c) / 0.12) ** 2) - (y / 0.25) ** 2) for c in (-0.18, 0.18)
    )
    ribs = 0.05 * np.sin(60 * (y + 0.6 * x**2)) * body
    noise = cv2.GaussianBlur(rng.normal(0, 0.06, (side, side)), (0, 0), 0.8)
    values = 0.1 + 0.7 * body - 0.4 * lungs * body + ribs + noise
    values = (values - values.min()) / np.ptp(values)
    return np.rint(values * 65535).astype(np.uint16)


def medlens_stages() -> Stages:
    """What the pipeline's steps call, one plane at a time."""
    return {
        "median 5×5": lambda a: median(a[None, None], size=5)[0, 0],
        "CLAHE": lambda a: equalise_tiles(a, span=SPAN, clip=2.0, tiles=8),
        "resize": lambda a: resize_plane(a, height=SMALL, width=SMALL, kernel="linear"),
    }


def skimage_stages() -> Stages:
    """The same three by scikit-image, its own 16-bit to 0..1 conversion included."""
    from skimage.exposure import equalize_adapthist
    from skimage.filters import median as sk_median
    from skimage.transform import resize

    footprint = np.ones((5, 5), np.uint8)
    return {
        "median 5×5": lambda a: sk_median(a, footprint, mode="nearest"),
        # its clip limit is a share of a tile's pixels: 2 mean bins of 256
        "CLAHE": lambda a: equalize_adapthist(
            a, kernel_size=SIDE // 8, clip_limit=2 / 256, nbins=256
        ),
        "resize": lambda a: resize(a, (SMALL, SMALL), order=1, anti_aliasing=True),
    }


def monai_stages() -> Stages:
    """Median and resize by MONAI; it has no CLAHE."""
    import torch
    from monai.transforms import MedianSmooth, Resize

    smooth = MedianSmooth(radius=2)
    shrink = Resize((SMALL, SMALL), mode="bilinear", anti_aliasing=True)

    def plain(transform: Any) -> Callable[[Array], Array]:
        def run(array: Array) -> Array:
            tensor = torch.from_numpy(array.astype(np.float32))[None]
            return np.asarray(transform(tensor))[0]

        return run

    return {"median 5×5": plain(smooth), "resize": plain(shrink)}


def clock(run: Callable[[], Any]) -> tuple[float, float]:
    """Wall-clock and CPU milliseconds of one call."""
    wall, cpu = time.perf_counter(), time.process_time()
    run()
    return (time.perf_counter() - wall) * 1e3, (time.process_time() - cpu) * 1e3


def in_turns(candidates: dict[str, Callable[[], Any]], runs: int) -> dict[str, Any]:
    """Median wall-clock and CPU milliseconds of each, measured in turns."""
    for run in candidates.values():  # first calls load libraries and tables
        run()
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in candidates}
    for _ in range(runs):
        for name, run in candidates.items():
            times[name].append(clock(run))
    return {
        name: {
            "wall_ms": round(statistics.median(wall for wall, _ in found), 2),
            "cpu_ms": round(statistics.median(cpu for _, cpu in found), 2),
            "runs": runs,
        }
        for name, found in times.items()
    }


def chained(stages: Stages, image: Array) -> Array:
    """All stages, one after the other."""
    for stage in stages.values():
        image = stage(image)
    return image


def agreement(ours: Stages, theirs: Stages, image: Array) -> dict[str, Any]:
    """How near the results of two libraries are, stage by stage, in 0..1."""
    found = {}
    for name, stage in theirs.items():
        a, b = ours[name](image).astype(float), stage(image).astype(float)
        a /= 65535  # ours keeps the unit; theirs is in 0..1 or in the unit
        b = b / 65535 if b.max() > 1.5 else b
        found[name] = {
            "correlation": round(float(np.corrcoef(a.ravel(), b.ravel())[0, 1]), 5),
            "largest_difference": round(float(np.abs(a - b).max()), 5),
        }
    return found


def augmentation(runs: int) -> dict[str, float]:
    """Milliseconds of one case for each preset and size, one core."""
    threads, found = cv2.getNumThreads(), {}
    cv2.setNumThreads(1)
    for side in (96, SMALL):
        case = np.random.default_rng(0).random((1, side, side), dtype=np.float32)
        for name, steps in AUGMENT_PRESETS.items():
            augment = build_augment(steps, seed=0)
            augment(case, epoch=0, index=0)
            times = []
            for epoch in range(runs):
                start = time.perf_counter()
                for index in range(200):
                    augment(case, epoch=epoch, index=index)
                times.append((time.perf_counter() - start) / 200 * 1e3)
            found[f"{name} {side}"] = round(statistics.median(times), 3)
    cv2.setNumThreads(threads)
    return found


def measure(runs: int) -> dict[str, Any]:
    """The whole comparison, as it is written to the results."""
    image = radiograph()
    ours, skimage, monai = medlens_stages(), skimage_stages(), monai_stages()
    libraries = {"medlens": ours, "scikit-image": skimage, "MONAI": monai}
    stages = {
        stage: in_turns(
            {
                name: lambda table=table, stage=stage: table[stage](image)
                for name, table in libraries.items()
                if stage in table
            },
            runs,
        )
        for stage in ours
    }
    whole = Image(image[None, None], Geometry.uncalibrated(), bits_stored=16)
    recipe = [Step("median", {"size": 5}), Step("clahe"), Step("resize"), Step("unit")]
    pipeline = build_pipeline(recipe)
    totals = in_turns(
        {
            "medlens": lambda: chained(ours, image),
            "medlens pipeline": lambda: pipeline(whole),
            "scikit-image": lambda: chained(skimage, image),
        },
        runs,
    )
    stages["median 5×5 + CLAHE + resize"] = totals
    stages["median 5×5 + resize"] = in_turns(
        {
            "medlens": lambda: ours["resize"](ours["median 5×5"](image)),
            "MONAI": lambda: chained(monai, image),
        },
        runs,
    )
    return {
        "schema": "medlens/benchmark/1",
        "what": f"{SIDE}×{SIDE} uint16 → {SMALL}×{SMALL}",
        "machine": machine(),
        "stages": stages,
        "ratios": {
            "scikit-image / medlens": ratio(totals, "scikit-image"),
            "MONAI / medlens": ratio(stages["median 5×5 + resize"], "MONAI"),
        },
        "agreement": {
            "scikit-image": agreement(ours, skimage, image),
            "MONAI": agreement(ours, monai, image),
        },
        "augmentation_ms_one_core": augmentation(runs),
    }


def ratio(times: dict[str, Any], other: str) -> dict[str, float]:
    """How many times as long another library takes."""
    return {
        clock: round(times[other][f"{clock}_ms"] / times["medlens"][f"{clock}_ms"], 1)
        for clock in ("wall", "cpu")
    }


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = [x for x in cpuinfo.read_text().splitlines() if "model name" in x]
        model = lines[0].split(":")[1].strip() if lines else model
    packages = ("numpy", "opencv-python-headless", "scikit-image", "monai", "torch")
    return {
        "processor": model,
        "cores": os.cpu_count(),
        "opencv_threads": cv2.getNumThreads(),
        "python": platform.python_version(),
        **{package: version(package) for package in packages},
    }


def show(results: dict[str, Any]) -> None:
    """A table of the results, for people."""
    print(f"{results['what']}, {results['machine']['processor']}")
    print(f"{'':30}{'wall ms':>10}{'CPU ms':>10}")
    for stage, times in results["stages"].items():
        print(stage)
        for name, found in times.items():
            print(f"  {name:28}{found['wall_ms']:10.1f}{found['cpu_ms']:10.1f}")
    for name, found in results["ratios"].items():
        print(f"{name}: {found['wall']}× wall, {found['cpu']}× CPU")
    for name, found in results["agreement"].items():
        for stage, near in found.items():
            print(f"agreement with {name}, {stage}: {near}")
    slow = max(results["augmentation_ms_one_core"].items(), key=lambda item: item[1])
    print(
        f"augmentation, slowest preset: {slow[0]} px, {slow[1]} ms a case on one core"
    )


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=5, help="timings of each")
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    results = measure(options.runs)
    show(results)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(results, indent=2, ensure_ascii=False) + "\n")
    print(f"written: {options.out}")


if __name__ == "__main__":
    main()
