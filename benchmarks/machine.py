"""What a benchmark writes beside its figures, and where it keeps them."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from medlens.experiment.machine import machine_facts, versions

RESULTS = Path(__file__).parent / "results"


def keep(name: str, figures: dict[str, Any]) -> Path:
    """Write benchmarks/results/NAME.json with machine and versions."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    document = {"machine": machine_facts(), "versions": versions(), **figures}
    path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    return path


def median_seconds(
    works: dict[str, Callable[[], object]],
    *,
    rounds: int,
    warm_up: int = 1,
    calls: int = 1,
) -> dict[str, float]:
    """Median wall-clock of each work, taken in turns (A B A B …).

    In turns, because a shared machine drifts: a ratio then holds although the
    seconds do not. Each turn is `warm_up` calls that are not timed, so that no work
    pays for what the one before left in the caches, and `calls` that are.
    """
    seconds: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            for _ in range(warm_up):
                work()
            for _ in range(calls):
                started = time.perf_counter()
                work()
                seconds[name].append(time.perf_counter() - started)
    return {name: statistics.median(values) for name, values in seconds.items()}
