"""Memory of a whole `medlens run` at growing numbers of images.

    python -m benchmarks.memory [--counts 1000 10000 30000]

Made images of 64 px, a fixed short recipe, one run a size, each in a process of its
own; the figure is the largest resident memory that the operating system saw. What
may grow is the list of cases (about 1 kB each); pixels must not.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.machine import keep
from medlens.datasets import make_shapes

RECIPE = """
[prep]
steps = [
  {name = "display"},
  {name = "to_grey"},
  {name = "resize", height = 64, width = 64, mode = "stretch"},
]
[augment]
steps = [{name = "affine", rotate = 8.0}]
[net]
name = "efficientnet_lite0"
pretrained = "imagenet"
channels = 1
height = 64
width = 64
[train]
path = "fine_tune"
steps = 100
batch_size = 32
[export]
engines = []
"""


def measure(count: int, folder: Path) -> dict[str, float]:
    """Peak memory in MB and seconds of one run."""
    data = make_shapes(folder / f"shapes-{count}", n=count)
    recipe = folder / "recipe.toml"
    recipe.write_text(RECIPE)
    log = folder / f"run-{count}.log"
    started = time.perf_counter()
    with log.open("w") as out:
        process = subprocess.Popen(
            [
                *(sys.executable, "-m", "medlens", "run", str(data)),
                *("--recipe", str(recipe), "--out", str(folder / f"run-{count}")),
            ],
            stdout=out,
            stderr=out,
        )
        _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        sys.exit(log.read_text()[-2000:])
    return {
        "images": count,
        "peak_mb": usage.ru_maxrss / 1024,
        "seconds": time.perf_counter() - started,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--counts", type=int, nargs="+", default=[1000, 10000, 30000])
    rows = []
    with tempfile.TemporaryDirectory() as name:
        for count in parser.parse_args().counts:
            row = measure(count, Path(name))
            rows.append(row)
            print(
                f"{row['images']:>7,} images  peak {row['peak_mb']:6.0f} MB  "
                f"{row['seconds']:6.0f} s",
                flush=True,
            )
    growth = (rows[-1]["peak_mb"] - rows[0]["peak_mb"]) / (
        rows[-1]["images"] - rows[0]["images"]
    )
    print(f"{growth * 1024:.1f} kB for each further image")
    print(f"kept in {keep('memory', {'runs': rows, 'kb_per_image': growth * 1024})}")


if __name__ == "__main__":
    main()
