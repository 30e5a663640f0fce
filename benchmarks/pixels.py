"""How far the viewer's pixels are from pydicom's own rendering, file by file.

    python -m benchmarks.pixels DATA --out benchmarks/results

DATA is the folder with `dicom_variety`. Needs Chromium and the test extra. Each file is
shown at one pixel of the image on one of the canvas, once with WebGL (SwiftShader) and
once with GPU and 3D switched off.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import httpx
import numpy as np
import pydicom
from tests.serve.running import Running
from tests.web.canvas import image_pixels, one_to_one, open_study, with_own_uids
from tests.web.reference import frames_by_place, rendered

from medlens.core import Array

WAYS = {
    "webgl": ("--use-angle=swiftshader", "--enable-unsafe-swiftshader"),
    "no-gpu": ("--disable-gpu", "--disable-3d-apis"),
}
"""Flags of Chromium for each way."""

LOSSLESS_JPEG = ("1.2.840.10008.1.2.4.57", "1.2.840.10008.1.2.4.70")
FIRST = 10  # numbers of two figures for UIDs


@contextmanager
def chromium(flags: Sequence[str]) -> Iterator[Any]:
    """Debian's Chromium without a window."""
    from playwright.sync_api import sync_playwright

    program = os.environ.get("CHROMIUM") or shutil.which("chromium")
    own = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as running:
        browser = running.chromium.launch(executable_path=program, args=[*own, *flags])
        yield browser
        browser.close()


def decodable(data: bytes) -> bytes:
    """The file; lossless JPEG, for which pydicom has no decoder here, by dcmtk."""
    header = pydicom.dcmread(io.BytesIO(data), stop_before_pixels=True, force=True)
    syntax = str(header.file_meta.get("TransferSyntaxUID", ""))
    if syntax not in LOSSLESS_JPEG or not shutil.which("dcmdjpeg"):
        return data
    with tempfile.TemporaryDirectory() as folder:
        before, after = Path(folder, "jpeg.dcm"), Path(folder, "plain.dcm")
        before.write_bytes(data)
        subprocess.run(
            ["dcmdjpeg", str(before), str(after)], check=True, capture_output=True
        )
        return after.read_bytes()


def compare(page: Any, study: int, data: bytes) -> dict[str, Any]:
    """The first image of a study against its file.

    Returns:
        "largest" and "mean" difference in steps of 255 and "differ", the share of
        samples that differ; or "viewer" and "reference", what each said instead.
    """
    try:
        expected = rendered(decodable(data), frame=frames_by_place(data)[0])
    except Exception as error:  # pydicom raises whatever its decoders raise
        expected, why = None, type(error).__name__
    state = open_study(page, study)
    if state != "shown" or expected is None:
        said = page.locator(".viewer-failure, .viewer .empty")
        words = " ".join(said.first.inner_text().split()) if said.count() else state
        return {"viewer": words, "reference": "shown" if expected is not None else why}
    expected, drawn = in_proportion(data, expected)
    rows, columns = expected.shape[:2]
    one_to_one(page, rows, columns)
    found = image_pixels(page, rows, columns).astype(int)
    difference = np.abs(found - expected.astype(int))
    return {
        "rows": rows,
        "columns": columns,
        "largest": int(difference.max()),
        "mean": round(float(difference.mean()), 4),
        "differ": round(float((difference > 0).mean()), 5),
        **drawn,
    }


def in_proportion(data: bytes, picture: Array) -> tuple[Array, dict[str, str]]:
    """The picture with pixels as high as the header says, and a word that it was done.

    Rows between those of the file are interpolated, by the browser in its own way: such
    a picture is not the same to the last step.
    """
    header = pydicom.dcmread(io.BytesIO(data), stop_before_pixels=True, force=True)
    high, wide = (float(side) for side in header.get("PixelAspectRatio", (1, 1)))
    if high == wide or "PixelSpacing" in header:
        return picture, {}
    rows, columns = picture.shape[:2]
    finer = min(high, wide)
    size = round(columns * wide / finer), round(rows * high / finer)
    resized = cv2.resize(picture, size, interpolation=cv2.INTER_LINEAR)
    return np.asarray(resized), {"pixels": f"{high:g} high, {wide:g} wide"}


def send(url: str, data: bytes) -> int:
    """Number of the study that a file becomes, 0 where it is not taken."""
    files = [("file", ("image.dcm", data))]
    reply = httpx.post(f"{url}/api/v1/uploads", files=files, timeout=300)
    studies = reply.json().get("studies", [])
    if not studies:
        print(reply.status_code, reply.text[:600], flush=True)
    return int(studies[0]) if studies else 0


def main() -> None:
    """Compare all files and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results"))
    parser.add_argument("--only", default="", help="part of the files' names")
    chosen = parser.parse_args()
    paths = sorted((chosen.data / "dicom_variety").glob("*.dcm"))
    paths = [path for path in paths if chosen.only in path.name]
    files = {
        path.stem: with_own_uids(path.read_bytes(), number)
        for number, path in enumerate(paths, start=FIRST)
    }
    out = chosen.out / "pixels.json"
    before = (
        json.loads(out.read_text(encoding="utf-8"))["files"] if out.exists() else {}
    )
    table: dict[str, dict[str, Any]] = {name: {} for name in files}
    with tempfile.TemporaryDirectory() as folder:
        service = Running(Path(folder))
        try:
            studies = {name: send(service.url, data) for name, data in files.items()}
            for way, flags in WAYS.items():
                with chromium(flags) as browser:
                    page = browser.new_page(base_url=service.url)
                    for name, data in files.items():
                        table[name][way] = (
                            compare(page, studies[name], data)
                            if studies[name]
                            else {"viewer": "not taken by the service"}
                        )
                        print(name, way, table[name][way], flush=True)
        finally:
            service.stop()
    chosen.out.mkdir(parents=True, exist_ok=True)
    kept = before if chosen.only else {}  # of the files that were not looked at
    text = json.dumps({"files": kept | table}, indent=1, sort_keys=True)
    out.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
