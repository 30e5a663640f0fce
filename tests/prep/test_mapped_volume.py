"""Volumes that lie in files pass through preparation and leave memory again."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

CODE = """
import re, sys
import numpy as np
from pathlib import Path
from medlens.core import Geometry, Image
from medlens.prep import build_pipeline
from medlens.recipe.settings import Step

def peak():
    said = Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\\s+(\\d+)", said)[1]) * 1024 / 1e6

folder = Path(sys.argv[1])
shape = (1, 320, 400, 400)  # 102 MB of int16; 307 MB of three windows in float16
array = np.lib.format.open_memmap(folder / "a.npy", "w+", np.int16, shape)
for d in range(320):
    array[0, d] = d
array.flush()
del array
array = np.load(folder / "a.npy", mmap_mode="r")
image = Image(array, Geometry.from_parts(spacing=(1.0, 0.7, 0.7)), modality="CT",
              stage="rescaled", bits_stored=16)
steps = [Step("multi_window", {"presets": ["lung", "soft_tissue", "bone"]}),
         Step("resample_volume", {"spacing": [1.0, 0.7, 0.7]})]
pipeline = build_pipeline(steps)
before = peak()
result = pipeline.run_volume(image, allocate=lambda wanted: np.lib.format.open_memmap(
    folder / "b.npy", "w+", np.float16, wanted))
print(peak() - before)
assert float(result.array[0, 319, 5, 5]) > float(result.array[0, 0, 5, 5])
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux")
def test_pages_of_source_and_result_do_not_gather(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", CODE, str(tmp_path)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    # both files whole would be 410 MB; a slab and its float32 copies stay
    assert float(done.stdout) < 120
