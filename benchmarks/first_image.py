"""From navigation to the first pixels of a study, beside OHIF on the same server.

    python -m benchmarks.first_image DATA --ohif ohif-app-3.12.10.tgz

DATA is the folder with `ct_head_series_dicom` and `xray_pneumonia`. OHIF comes from
`npm pack @ohif/app@3.12.10`. Both pages are served by one process with the same index;
each visit has a browser context of its own, so nothing is cached. An image is there
when a canvas of the viewer has pixels that differ, looked at before every frame. Both
are visited with WebGL, which a machine without GPU computes on its cores for all that
the browser paints, and as Chromium is there of its own: without GPU and WebGL.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from tests.serve.web.dicomweb.conftest import run_server
from tests.serve.web.dicomweb.test_ohif import serving_with

from benchmarks.pixels import WAYS, chromium
from medlens.serve.settings import Limits, ServeSettings
from medlens.serve.store.store import Store, open_store
from medlens.serve.web.app import create_app

WAIT_MS = 60_000
WATCH = """
(() => {
  const small = document.createElement("canvas");
  small.width = small.height = 48;
  const context = small.getContext("2d", { willReadFrequently: true });
  const look = () => {
    const seen = document.querySelector(".cornerstone-canvas, .viewer-canvas");
    if (seen && seen.width > 60 && seen.height > 60) {
      context.drawImage(seen, 0, 0, 48, 48);
      const { data } = context.getImageData(0, 0, 48, 48);
      let [low, high] = [255, 0];
      for (let at = 0; at < data.length; at += 4) {
        low = Math.min(low, data[at]);
        high = Math.max(high, data[at]);
      }
      if (high - low > 60) {
        window.firstImage = performance.now();
        document.documentElement.dataset.firstImage = "there";
        return;
      }
    }
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
})();
"""
"""Notes when a viewer's canvas first has an image, in ms from the navigation on."""


@contextmanager
def serving(store: Store) -> Iterator[str]:
    """The service with its own page; its address."""
    settings = ServeSettings(data=store.folder, demo=True, limits=Limits(free_mb=1))
    application = create_app(store, settings)
    config = uvicorn.Config(application, log_config=None, lifespan="off", ws="none")
    with run_server(config) as url:
        yield url


def fill(url: str, data: Path) -> dict[str, tuple[int, str]]:
    """Put a CT series and a radiograph in; number and UID of each study."""
    slices = sorted((data / "ct_head_series_dicom").glob("*.dcm"))
    chest = next(iter(sorted((data / "xray_pneumonia").rglob("*.jp*g"))))
    fields = {"patient_id": "P1", "modality": "DX", "study": "chest"}
    found = {
        "CT series, 28 slices of 512 x 512": _send(url, slices, {}),
        "radiograph, one image": _send(url, [chest], fields),
    }
    return {name: (number, _uid(url, number)) for name, number in found.items()}


def _send(url: str, paths: list[Path], fields: dict[str, str]) -> int:
    files = [("file", (path.name, path.read_bytes())) for path in paths]
    reply = httpx.post(f"{url}/api/v1/uploads", data=fields, files=files, timeout=120)
    return int(reply.json()["studies"][0])


def _uid(url: str, number: int) -> str:
    reply = httpx.get(f"{url}/api/v1/studies/{number}", timeout=60)
    return str(reply.json()["study_uid"])


def visit(browser: Any, address: str) -> dict[str, float]:
    """Milliseconds to the first image, and kilobytes that came until then."""
    with closing(
        browser.new_context(viewport={"width": 1280, "height": 720})
    ) as context:
        page = context.new_page()
        page.add_init_script(WATCH)
        page.goto(address, wait_until="commit", timeout=WAIT_MS)
        there = page.locator("html[data-first-image]")
        there.wait_for(timeout=WAIT_MS, state="attached")
        found = page.evaluate(
            "() => [window.firstImage, performance.getEntriesByType('resource')"
            ".reduce((sum, each) => sum + each.transferSize, 0) / 1000]"
        )
    return {"ms": round(found[0]), "kB": round(found[1])}


def measure(browser: Any, address: str, times: int) -> dict[str, Any]:
    """The median of some visits, after one that warms the server and the disk.

    None where that one had no image in time: OHIF 3.12 has none without WebGL.
    """
    from playwright.sync_api import TimeoutError as NoImage

    try:
        visit(browser, address)
    except NoImage:
        return {"median_ms": None}
    visits = [visit(browser, address) for _ in range(times)]
    every = sorted(each["ms"] for each in visits)
    return {
        "median_ms": statistics.median(every),
        "all_ms": every,
        "kB": statistics.median(each["kB"] for each in visits),
    }


def main() -> None:
    """Measure both and write what was found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument(
        "--ohif", type=Path, help="ohif-app-….tgz; without it, ours alone"
    )
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results"))
    chosen = parser.parse_args()
    table: dict[str, Any] = {}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        store = open_store(folder / "service")
        stack.callback(store.close)
        url = stack.enter_context(serving(store))
        studies = fill(url, chosen.data)
        pages = {"medlens": url + "/studies/{number}"}
        if chosen.ohif:
            with tarfile.open(chosen.ohif) as packed:
                packed.extractall(folder / "ohif", filter="data")
            dist = folder / "ohif" / "package" / "dist"
            other = stack.enter_context(serving_with(dist, store))
            pages["OHIF 3.12"] = other + "/viewer?StudyInstanceUIDs={uid}"
        for way, flags in WAYS.items():
            with chromium(flags) as browser:
                for study, (number, uid) in studies.items():
                    for name, address in pages.items():
                        where = address.format(number=number, uid=uid)
                        found = measure(browser, where, chosen.times)
                        found["load"] = round(os.getloadavg()[0], 1)
                        table.setdefault(study, {}).setdefault(way, {})[name] = found
                        print(study, way, name, found, flush=True)
    chosen.out.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"studies": table}, indent=1, sort_keys=True)
    (chosen.out / "first_image.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
