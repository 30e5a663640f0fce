"""How long a row of features takes, beside scikit-image for the parts it has.

    python benchmarks/features_speed.py [--json FILE] [--repeats 15]

Each figure is the median and the best of several runs in one process, and the
median processor time; on a busy machine the last is nearest the truth.
Images are made here from a fixed seed.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from medlens.features import FEATURES, fit_baseline, measure
from medlens.features.edges import measure_edges, measure_hog
from medlens.features.intensity import measure_statistics
from medlens.features.levels import discretise
from medlens.features.patterns import (
    local_binary_patterns,
    measure_gabor,
    measure_lbp,
    measure_wavelets,
)
from medlens.features.region import read_region
from medlens.features.shape import find_foreground, measure_shape
from medlens.features.texture import measure_texture

Image = NDArray[np.float64]


def make_image(side: int) -> Image:
    """Smooth structure with noise, in the range of a 12-bit radiograph."""
    rng = np.random.default_rng(0)
    smooth = cv2.GaussianBlur(rng.normal(size=(side, side)), (0, 0), side / 30)
    image = smooth / smooth.std() * 600 + rng.normal(size=(side, side)) * 40 + 2000
    return np.asarray(image, dtype=np.float64)


def time_calls(call: Callable[[], Any], repeats: int) -> dict[str, float]:
    """Median and best wall-clock time and median processor time of a call, ms."""
    call()
    spent, worked = [], []
    for _ in range(repeats):
        start, begun = time.perf_counter(), time.process_time()
        call()
        spent.append((time.perf_counter() - start) * 1000)
        worked.append((time.process_time() - begun) * 1000)
    return {
        "median_ms": round(float(np.median(spent)), 2),
        "best_ms": round(float(min(spent)), 2),
        "cpu_ms": round(float(np.median(worked)), 2),
    }


def list_families(image: Image) -> dict[str, Callable[[], Any]]:
    region = read_region(image, None, case="benchmark")
    levels = discretise(region.grey, region.mask, bins=32)
    foreground = find_foreground(region.grey)
    return {
        "intensity statistics": lambda: measure_statistics(region.inside),
        "texture matrices": lambda: measure_texture(levels),
        "edges": lambda: measure_edges(region),
        "HOG": lambda: measure_hog(region),
        "LBP": lambda: measure_lbp(region),
        "Gabor": lambda: measure_gabor(region),
        "wavelets": lambda: measure_wavelets(region),
        "shape": lambda: measure_shape(foreground),
    }


def list_comparisons(
    image: Image,
) -> dict[str, tuple[Callable[[], Any], Callable[[], Any]]]:
    """Ours and scikit-image's way to the same numbers."""
    from skimage.feature import hog, local_binary_pattern
    from skimage.filters import gabor_kernel
    from skimage.measure import perimeter_crofton, regionprops_table

    region = read_region(image, None, case="benchmark")
    foreground = find_foreground(region.grey)
    side, whole = image.shape[0] // 3, image.astype(np.int32)
    filters = [
        gabor_kernel(1 / length, theta=turn * np.pi / 4, sigma_x=length / 2)
        for length in (4, 8, 16)
        for turn in range(4)
    ]

    def gabor() -> None:
        for kernel in filters:
            for part in (kernel.real, kernel.imag):
                cv2.filter2D(image.astype(np.float32), cv2.CV_32F, part)

    def shape() -> None:
        regionprops_table(
            foreground.astype(np.uint8),
            properties=(
                "area",
                "axis_major_length",
                "axis_minor_length",
                "eccentricity",
                "euler_number",
                "extent",
                "feret_diameter_max",
                "solidity",
            ),
        )
        perimeter_crofton(foreground)

    def histogram_of_gradients() -> None:
        hog(
            image,
            orientations=8,
            pixels_per_cell=(side, side),
            cells_per_block=(3, 3),
        )

    return {
        "LBP": (
            lambda: local_binary_patterns(image),
            lambda: local_binary_pattern(whole, 8, 1, method="uniform"),
        ),
        "Gabor bank": (lambda: measure_gabor(region), gabor),
        "HOG": (lambda: measure_hog(region), histogram_of_gradients),
        "shape": (lambda: measure_shape(foreground), shape),
    }


def time_baseline() -> dict[str, float]:
    """Fit on 5,000 cases of 150 features and of the default set."""
    rng = np.random.default_rng(0)
    answer = {}
    for n_features in (150, len(FEATURES)):
        table = rng.normal(size=(5000, n_features))
        positive = table[:, 0] + table[:, 1] + rng.normal(size=5000) > 0
        targets = np.eye(2, dtype=np.int8)[positive.astype(int)]
        start = time.perf_counter()
        fit_baseline(table, targets, "binary", seed=0)
        spent = time.perf_counter() - start
        answer[f"5000 × {n_features}, s"] = round(spent, 2)
    return answer


def run(repeats: int) -> dict[str, Any]:
    image = make_image(224)
    result: dict[str, Any] = {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "load": round(os.getloadavg()[0], 1),
        "features": len(FEATURES),
        "measure": {},
        "families, 224 px": {},
        "against scikit-image or OpenCV, 224 px": {},
    }
    for side in (28, 224, 512):
        picture = make_image(side)
        timing = time_calls(lambda picture=picture: measure(picture), repeats)
        result["measure"][f"{side} px"] = timing
    for name, call in list_families(image).items():
        result["families, 224 px"][name] = time_calls(call, repeats)
    for name, (ours, theirs) in list_comparisons(image).items():
        here, there = time_calls(ours, repeats), time_calls(theirs, repeats)
        result["against scikit-image or OpenCV, 224 px"][name] = {
            "ours_cpu_ms": here["cpu_ms"],
            "theirs_cpu_ms": there["cpu_ms"],
            "ratio": round(there["cpu_ms"] / here["cpu_ms"], 1),
        }
    result["baseline fit"] = time_baseline()
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="write the figures here as well")
    parser.add_argument("--repeats", type=int, default=15)
    options = parser.parse_args()
    text = json.dumps(run(options.repeats), indent=2, ensure_ascii=False)
    print(text)
    if options.json:
        options.json.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
