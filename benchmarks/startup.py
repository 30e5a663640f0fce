"""`medlens predict` on one image in a cold process: seconds and memory.

python -m benchmarks.startup BUNDLE IMAGE
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time

from benchmarks.machine import keep

ROUNDS = 7


def once(words: list[str]) -> tuple[float, float]:
    """Wall-clock seconds and peak memory in MB of one process."""
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "medlens", *words], stdout=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        sys.exit(f"medlens {' '.join(words)} failed")
    return time.perf_counter() - started, usage.ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bundle")
    parser.add_argument("image")
    given = parser.parse_args()
    figures = {}
    for name, words in {
        "predict": ["predict", given.bundle, given.image, "--json"],
        "help": ["--help"],
    }.items():
        runs = [once(words) for _ in range(ROUNDS)]
        figures[name] = {
            "seconds": statistics.median(seconds for seconds, _ in runs),
            "peak_mb": max(memory for _, memory in runs),
        }
        row = figures[name]
        print(f"{name:<8} {row['seconds']:.2f} s  {row['peak_mb']:.0f} MB")
    print(f"kept in {keep('startup', figures)}")


if __name__ == "__main__":
    main()
