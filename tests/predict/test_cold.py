"""A cold `medlens predict`: what it imports, how much memory it takes."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import pytest

from tests.tiny import blob_image

HEAVY = (
    "torch",
    "monai",
    "scipy",
    "sklearn",
    "skimage",
    "pandas",
    "pydicom",
    "nibabel",
)
PROBE = """
import json, pathlib, sys
from medlens.cli import main
sys.argv = ["medlens", "predict", *sys.argv[1:]]
try:
    main()
except SystemExit as stop:
    code = stop.code
status = pathlib.Path("/proc/self/status").read_text().split()
peak = int(status[status.index("VmHWM:") + 1]) / 1024  # ru_maxrss counts the parent too
print(json.dumps([code, peak, sorted({name.split(".")[0] for name in sys.modules})]))
"""


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("cold") / "x.png"
    data = cv2.imencode(".png", blob_image(0, shape=(512, 512)))[1]
    path.write_bytes(data.tobytes())
    return path


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="no /proc here")
def test_a_cold_prediction_stays_small(
    tiny_bundle: Path, image: Path, record_property: Callable[[str, object], None]
) -> None:
    started = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", PROBE, str(tiny_bundle), str(image), "--json"],
        capture_output=True,
        text=True,
        check=True,
    )
    seconds = time.perf_counter() - started
    *document, last = done.stdout.splitlines()
    code, peak_mb, modules = json.loads(last)
    record_property("seconds", round(seconds, 2))
    record_property("peak_mb", round(peak_mb))
    assert code in (0, None)
    assert json.loads("\n".join(document))["cases"][0]["case"] == "x.png"
    assert not [name for name in HEAVY if name in modules]
    assert peak_mb <= 300


def test_entering_the_room_is_cheap() -> None:
    code = "import sys, medlens.predict; print('onnxruntime' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout == "False\n"


def test_an_unknown_name_of_the_room_is_an_attribute_error() -> None:
    import medlens.predict

    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        medlens.predict.__getattr__("nothing")
