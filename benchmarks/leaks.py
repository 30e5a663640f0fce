"""Planted leaks: how many of 50 copies in 1,000 images does the audit find?

    python benchmarks/leaks.py [--data DIR] [--seeds 3] [--images 1000]

Fifty images of a data set are copied with a random change (flip, crop to 75 %
and more of the area, recompression, brightness, … and their combinations),
written as files among the others, and the audit is run on the folder. Found is
a copy that stands in one near-duplicate group with its source. A false alarm
is an image in a group although nothing was planted on it; real data holds true
repeats and neighbouring slices, so the alarms are listed for inspection.

DIR is the folder of development images (see docs/audit.md); the default is
MEDLENS_DATA or ../shared/data beside the repository.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from medlens.datasets.audit import audit
from medlens.datasets.manifest import Case, Manifest

SETS = {
    "xray_pneumonia": "xray_pneumonia/images/*.jpg",
    "xray_opacity_boxes": "xray_opacity_boxes/images/*.jpg",
    "xray_both": "xray_*/images/*.jpg",
    "ct_head_haemorrhage": "ct_head_haemorrhage/images/*.jpg",
    "mri_glioma_slices": "mri_glioma_slices/*/*[0-9].*",
    "mri_tumour_boxes": "mri_tumour_boxes/images/*.jpg",
}
COPIES = 50

Change = Callable[[np.ndarray, np.random.Generator], np.ndarray]


def flip(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Left-right, up-down or both."""
    return cv2.flip(image, int(rng.integers(-1, 2)))


def quarter_turn(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """By 90 or 270 degrees."""
    return np.ascontiguousarray(np.rot90(image, int(rng.choice([1, 3]))))


def crop(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """75 to 97 % of the area at any offset, half of them resized back."""
    rows, columns = image.shape[:2]
    area = rng.uniform(0.75, 0.97)
    height = area ** rng.uniform(0.2, 0.8)
    new = round(rows * height), round(columns * area / height)
    top = int(rng.integers(0, rows - new[0] + 1))
    left = int(rng.integers(0, columns - new[1] + 1))
    part = image[top : top + new[0], left : left + new[1]]
    return cv2.resize(part, (columns, rows)) if rng.random() < 0.5 else part


def recompress(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """JPEG of quality 20 to 90."""
    quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(20, 91))]
    return cv2.imdecode(cv2.imencode(".jpg", image, quality)[1], cv2.IMREAD_UNCHANGED)


def brighten(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Brightness by up to 40 levels, contrast 0.7 to 1.4, gamma 0.6 to 1.7."""
    unit = image.astype(np.float32) / 255
    unit = np.clip((unit - 0.5) * rng.uniform(0.7, 1.4) + 0.5, 0, 1)
    unit = unit ** np.exp(rng.uniform(np.log(0.6), np.log(1.7)))
    return np.clip(unit * 255 + rng.uniform(-40, 40), 0, 255).astype(np.uint8)


def add_noise(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Normal noise of 2 to 8 levels."""
    noise = rng.normal(0, rng.uniform(2, 8), image.shape)
    return np.clip(image + noise, 0, 255).astype(np.uint8)


def smooth(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Gaussian of 0.1 to 0.4 % of the longer side."""
    return cv2.GaussianBlur(image, (0, 0), rng.uniform(0.001, 0.004) * max(image.shape))


def resize(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """By a factor of 0.5 to 1.5."""
    factor = rng.uniform(0.5, 1.5)
    return cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)


def write_on(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A burned-in mark."""
    image, scale = image.copy(), image.shape[1] / 500
    place = (
        int(rng.uniform(0, 0.7) * image.shape[1]),
        int(rng.uniform(0.1, 1) * len(image)),
    )
    cv2.putText(
        image, f"L {rng.integers(9999)}", place, 0, scale, 255, max(1, int(scale * 2))
    )
    return image


RECIPES: dict[str, tuple[Change, ...]] = {
    "flip": (flip,),
    "quarter turn": (quarter_turn,),
    "crop": (crop,),
    "recompress": (recompress,),
    "brighten": (brighten,),
    "noise": (add_noise,),
    "blur": (smooth,),
    "resize": (resize,),
    "mark": (write_on,),
    "flip, crop, brighten": (flip, crop, brighten),
    "crop, brighten, recompress": (crop, brighten, recompress),
    "quarter turn, crop": (quarter_turn, crop),
    "flip, brighten, recompress": (flip, brighten, recompress),
    "crop, resize, recompress": (crop, resize, recompress),
}


def plant(paths: list[Path], folder: Path, seed: int) -> dict[str, tuple[str, str]]:
    """Link the images into a folder and add changed copies of some.

    Returns:
        Name of each copy → name of its source and what was done.
    """
    rng = np.random.default_rng(seed)
    for path in paths:
        (folder / _name(path)).symlink_to(path)
    chosen = rng.permutation(len(paths))[: min(COPIES, len(paths) // 2)]
    planted = {}
    for number, at in enumerate(chosen):
        recipe = list(RECIPES)[number % len(RECIPES)]
        image = cv2.imread(str(paths[at]), cv2.IMREAD_GRAYSCALE)
        for change in RECIPES[recipe]:
            image = change(image, rng)
        name = f"copy_{number:03d}.png"
        cv2.imwrite(str(folder / name), image)
        planted[name] = (_name(paths[at]), recipe)
    return planted


def _name(path: Path) -> str:
    return f"{path.parent.name}_{path.name}"


def measure(paths: list[Path], seed: int) -> dict[str, object]:
    """Plant, audit and count, once."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        planted = plant(paths, folder, seed)
        names = sorted(path.name for path in folder.iterdir())
        cases = tuple(Case(name, folder / name) for name in names)
        began = time.process_time()
        found = audit(Manifest(folder, cases, "binary", ()))
        seconds = time.process_time() - began
    home = {
        name: at for at, group in enumerate(found.near_duplicates) for name in group
    }
    missed = [
        f"{recipe} of {source}"
        for copy, (source, recipe) in planted.items()
        if home.get(copy, -1) != home.get(source, -2)
    ]
    involved = set(planted) | {source for source, _ in planted.values()}
    alarms = [[n for n in g if n not in planted] for g in found.near_duplicates]
    alarms = [g for g in alarms if len(g) > 1 or not involved.intersection(g)]
    false = {n for g in alarms for n in g}
    return {
        "images": len(paths),
        "planted": len(planted),
        "found": len(planted) - len(missed),
        "missed": missed,
        "alarms": len(false),
        "alarm_share": round(len(false) / len(paths), 4),
        "alarm_groups": sorted(alarms),
        "cpu_seconds": round(seconds, 1),
    }


def main() -> None:
    """Print one line a set and seed; write benchmarks/results/leaks.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    parser.add_argument(
        "--data", type=Path, default=os.environ.get("MEDLENS_DATA", beside)
    )
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--sets", nargs="*", default=list(SETS))
    given = parser.parse_args()
    results: dict[str, list[dict[str, object]]] = {}
    for name in given.sets:
        paths = sorted(
            p for p in Path(given.data).glob(SETS[name]) if "mask" not in p.name
        )
        for seed in range(given.seeds):
            order = np.random.default_rng(1000 + seed).permutation(len(paths))
            result = measure([paths[at] for at in order[: given.images]], seed)
            results.setdefault(name, []).append(result)
            print(
                f"{name:20s} seed {seed}: {result['found']}/{result['planted']} found "
                f"of {result['images']} images, {result['alarms']} others in groups "
                f"({100 * float(str(result['alarm_share'])):.1f} %), "
                f"{result['cpu_seconds']} CPU s; missed: {result['missed']}",
                flush=True,
            )
    out = Path(__file__).parent / "results" / "leaks.json"
    out.parent.mkdir(exist_ok=True)
    out.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
