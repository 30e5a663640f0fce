"""How the cost of the audit grows: 3,000, 30,000 and 300,000 synthetic hashes.

    python benchmarks/audit.py [--sizes 3000 30000 300000] [--folder IMAGES]

Descriptors with planted pairs are made, indexed and asked as the audit does it
(8 orientations x 22 windows each); CPU seconds, the growth exponent between
neighbouring sizes and the share of planted pairs that were named are printed.
Thumbnails of synthetic texture go through the whole search at the two smaller
sizes. With --folder, real images are audited as well. Results go to
benchmarks/results/audit.json.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import resource
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
from threadpoolctl import threadpool_limits

from medlens.datasets import audit, read_manifest
from medlens.datasets.duplicates import CANDIDATES, find_copies, join_pairs
from medlens.datasets.hashes import (
    DIMENSIONS,
    FIRST_LOOK,
    ORIENTATIONS,
    QUERIES,
    WINDOWS,
    make_thumbnail,
)
from medlens.datasets.hashes_index import (
    build_index,
    find_neighbours,
    order_by_likeness,
)

PLANTED = 0.05
"""Share of the hashes that are a changed copy of another."""


def make_descriptors(
    count: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Unit descriptors with planted copies.

    Directions differ in strength as those of real images do. A copy answers
    to one of its source's queries with a cosine of 0.75 to 1, median 0.94: real
    copies on the development sets had 0.7 to 1, median 0.98.

    Returns:
        (n, D) descriptors, (QUERIES, D, D) rotations that stand for the views,
        (p, 2) planted pairs.
    """
    strength = np.linspace(2.0, 0.5, DIMENSIONS)
    found = _unit(rng.standard_normal((count, DIMENSIONS)) * strength)
    turns = [_rotation(rng, math.inf) for _ in range(ORIENTATIONS)]
    windows = [_rotation(rng, 0.08) for _ in WINDOWS]
    turns[0] = windows[0] = np.eye(DIMENSIONS)
    views = np.stack([window @ turn for turn in turns for window in windows])
    views = views.astype(np.float32)
    pairs = rng.permutation(count)[: int(count * PLANTED) * 2].reshape(-1, 2)
    for source, copy in pairs:
        view = views[rng.integers(QUERIES)]
        cosine = 1 - 0.25 * rng.random() ** 2
        noise = _unit(rng.standard_normal(DIMENSIONS)) * math.tan(math.acos(cosine))
        found[copy] = _unit(found[source] @ view + noise)
    return found.astype(np.float32), views, pairs


def _rotation(rng: np.random.Generator, size: float) -> np.ndarray:
    """A rotation: any, or near the identity for a small size."""
    noise = rng.standard_normal((DIMENSIONS, DIMENSIONS))
    base = noise if math.isinf(size) else np.eye(DIMENSIONS) + size * noise
    vectors, triangle = np.linalg.qr(base)
    return vectors * np.sign(np.diag(triangle))


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def measure_index(count: int) -> dict[str, float]:
    """Index and ask for `count` synthetic hashes, and group the answers."""
    descriptors, views, pairs = make_descriptors(count, np.random.default_rng(count))
    flat_views = np.ascontiguousarray(views.transpose(1, 0, 2)).reshape(DIMENSIONS, -1)
    began, wall = time.process_time(), time.monotonic()
    with threadpool_limits(1, user_api="blas"):
        order = order_by_likeness(descriptors)
        descriptors = descriptors[order]
        pairs = np.argsort(order)[pairs]
        index = build_index(descriptors, FIRST_LOOK)
        built = time.process_time() - began

        def ask(start: int) -> list[tuple[int, int]]:
            some = descriptors[start : start + index.chunk]
            questions = (some @ flat_views).reshape(len(some), QUERIES, DIMENSIONS)
            asker, answer = find_neighbours(
                index, questions, start, keep=CANDIDATES, least=0.4
            )
            return list(zip(asker.tolist(), answer.tolist(), strict=True))

        named: set[tuple[int, int]] = set()
        candidates = 0
        wanted = {(min(p), max(p)) for p in pairs.tolist()}
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            for part in pool.map(ask, range(0, count, index.chunk)):
                candidates += len(part)
                named |= wanted.intersection((min(p), max(p)) for p in part)
    join_pairs(count, sorted(named))
    return {
        "hashes": count,
        "build_cpu_s": round(built, 2),
        "cpu_s": round(time.process_time() - began, 2),
        "wall_s": round(time.monotonic() - wall, 2),
        "candidates_per_hash": round(candidates / count, 2),
        "planted_named": round(len(named) / max(1, len(wanted)), 4),
        "peak_memory_mb": _peak_mb(),
    }


def measure_search(count: int) -> dict[str, float]:
    """The whole search for copies, on thumbnails of synthetic texture."""
    rng = np.random.default_rng(count)
    thumbnails = np.stack([_texture(rng) for _ in range(count)])
    began, wall = time.process_time(), time.monotonic()
    found = find_copies(thumbnails)
    return {
        "images": count,
        "cpu_s": round(time.process_time() - began, 1),
        "wall_s": round(time.monotonic() - wall, 1),
        "pairs_compared_per_image": round(found.compared / count, 2),
        "pairs_found": len(found.pairs),
        "peak_memory_mb": _peak_mb(),
    }


def _texture(rng: np.random.Generator) -> np.ndarray:
    """Smooth noise of two scales under a shape that all images share."""
    fine = cv2.GaussianBlur(rng.standard_normal((96, 96)), (0, 0), 2.0)
    coarse = cv2.GaussianBlur(rng.standard_normal((96, 96)), (0, 0), 8.0)
    rows, columns = np.mgrid[-1:1:96j, -1:1:96j]
    body = np.exp(-2 * (rows**2 + columns**2))
    return make_thumbnail((body * (1 + fine + 2 * coarse)).astype(np.float32))


def measure_folder(folder: Path) -> dict[str, float]:
    """A whole audit of real images."""
    manifest = read_manifest(folder)
    began, wall = time.process_time(), time.monotonic()
    found = audit(manifest)
    return {
        "images": len(manifest.cases),
        "cpu_s": round(time.process_time() - began, 1),
        "wall_s": round(time.monotonic() - wall, 1),
        "near_duplicates": sum(map(len, found.near_duplicates)),
        "groups": len(set(found.groups)),
        "peak_memory_mb": _peak_mb(),
    }


def _peak_mb() -> int:
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def main() -> None:
    """Print each measurement; write benchmarks/results/audit.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="*", default=[3000, 30_000, 300_000])
    parser.add_argument("--search", type=int, nargs="*", default=[3000, 30_000])
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args()
    result: dict[str, object] = {
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, Python "
        f"{platform.python_version()}"
    }
    out = Path(__file__).parent / "results" / "audit.json"
    if given.folder:
        result["folder"] = measure_folder(given.folder)
        print("folder", result["folder"], flush=True)
    for name, sizes, deed in (
        ("index", given.sizes, measure_index),
        ("search", given.search, measure_search),
    ):
        rows: list[dict[str, float]] = []
        for size in sizes:
            rows.append(deed(size))
            if len(rows) > 1:
                before = rows[-2]
                growth = math.log(rows[-1]["cpu_s"] / before["cpu_s"])
                step = math.log(sizes[len(rows) - 1] / sizes[len(rows) - 2])
                rows[-1]["exponent"] = round(growth / step, 3)
            print(name, rows[-1], flush=True)
        result[name] = rows
    out.parent.mkdir(exist_ok=True)
    out.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
