"""Study to result in the store: seconds after the quiet time, one chest radiograph.

python -m benchmarks.answer [--studies 40] [--bundle FOLDER]

A worker process as the service starts it, with an EfficientNet-Lite0 on 224 px (not
trained: weights do not change the time) unless a bundle is given. Each study is one
2000 x 2000 DX image of 12 bits, taken in through the intake; the next one comes when
the result of the last is in the store with all its objects.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import sqlalchemy as sa
from tests.serve.work.studies import of_study, take
from tests.tiny import CARD
from tests.write.dicom_sources import file_bytes, radiograph

from benchmarks.kill import work
from benchmarks.machine import keep
from medlens.serve.settings import Limits, ServeSettings
from medlens.serve.store.store import Store, open_store
from medlens.serve.store.tables import jobs, results, studies

SIDE, QUIET_S, PATIENCE_S = 2000, 1.0, 60.0


def make_bundle(folder: Path) -> Path:
    """EfficientNet-Lite0 of two labels on 224 px grey, as training would export it."""
    from tests.tiny import bundle_of

    from medlens.bundle import write_bundle
    from medlens.nets import build_net
    from medlens.recipe import NetSettings, Step
    from medlens.train import export_onnx

    settings = NetSettings(
        name="efficientnet_lite0", pretrained="", channels=1, height=224, width=224
    )
    net = build_net(settings, labels=2, seed=0).eval()
    examples = np.random.default_rng(0).random((4, 1, 224, 224), dtype=np.float32)
    graph = folder.with_name("net.onnx")
    export_onnx(net, graph, examples=examples)
    steps = (
        Step("display"),
        Step("to_grey"),
        Step("resize", {"height": 224, "width": 224, "mode": "stretch"}),
    )
    bundle = bundle_of(graph.read_bytes(), steps=steps, thresholds=(0.01,))
    write_bundle(folder, replace(bundle, height=224, width=224), card=CARD)
    return folder


def image_of(number: int) -> bytes:
    """A DX image of its own study, as large as a chest film."""
    image = of_study(radiograph(photometric="MONOCHROME1"), number)
    rng = np.random.default_rng(number)
    small = rng.integers(0, 4096, (50, 50)).astype(np.uint16)
    pixels = np.kron(small, np.ones((SIDE // 50, SIDE // 50), np.uint16))
    image.Rows = image.Columns = SIDE
    image.PixelData = pixels.tobytes()
    return file_bytes(image)


def wait_for(store: Store, study: int) -> tuple[float, float]:
    """Seconds from the end of the quiet time to the result, and of the job alone."""
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        with store.read() as connection:
            row = connection.execute(
                sa.select(results.c.created_at, studies.c.last_at, jobs.c.started_at)
                .join(studies, studies.c.id == results.c.study_id)
                .join(jobs, jobs.c.id == results.c.job_id)
                .where(results.c.study_id == study)
            ).first()
        if row is not None:
            # Seen from outside: after the commit, not when it was begun.
            return time.time() - row.last_at - QUIET_S, time.time() - row.started_at
        time.sleep(0.01)
    sys.exit(f"study {study} has no result after {PATIENCE_S} s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=40)
    parser.add_argument("--bundle", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        settings = ServeSettings(
            data=folder / "service",
            bundles=(given.bundle or make_bundle(folder / "bundle"),),
            quiet_s=QUIET_S,
            limits=Limits(free_mb=1),
        )
        store = open_store(settings.data)
        context = multiprocessing.get_context("spawn")
        worker = context.Process(target=work, args=(settings, "work-1"))
        worker.start()
        try:
            time.sleep(15)  # it loads its bundles and runs them once
            load = os.getloadavg()[0]
            seconds = []
            for number in range(1, given.studies + 1):
                study = take(store, image_of(number)).study_id
                assert study is not None
                seconds.append(wait_for(store, study))
        finally:
            worker.terminate()
            worker.join(30)
        store.close()
    whole, alone = np.array(seconds).T
    figures = {
        "studies": given.studies,
        "p50_s": round(float(np.percentile(whole, 50)), 3),
        "p95_s": round(float(np.percentile(whole, 95)), 3),
        "largest_s": round(float(whole.max()), 3),
        "job_p50_s": round(float(np.percentile(alone, 50)), 3),
        "load_before": round(load, 2),
    }
    for key, value in figures.items():
        print(f"{key:<12} {value}")
    print(f"kept in {keep('answer', figures)}")


if __name__ == "__main__":
    main()
