"""Memory: planned before the start, and kept while it runs."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from medlens.core import Array, ResourceError, is_mapped, release
from medlens.predict import Sliding, check_memory
from medlens.predict.sliding_memory import BASE_MB, needed_mb

PROBE = """
import json, re, resource, sys
from pathlib import Path
import numpy as np
from medlens.predict import Sliding, predict_volume

def status(name):
    text = Path("/proc/self/status").read_text()
    return int(re.search(name + r":\\s+(\\d+)", text).group(1)) * 1024

folder = Path(sys.argv[1])
volume = np.load(folder / "volume.npy", mmap_mode="r")
K, shape = 3, volume.shape[1:]
out = np.lib.format.open_memmap(folder / "out.npy", "w+", np.uint8, shape)
chances = np.lib.format.open_memmap(folder / "p.npy", "w+", np.float16, (K, *shape))

def net(x):
    return np.concatenate([x * 0, x - 1, 1 - x], axis=1)

plan = Sliding(patch=(16, 64, 64), net_mb=5.0)
predict_volume(volume[:, :16, :64, :64], net, labels=K, settings=plan)  # all imported
limit = status("VmData") + 45_000_000
resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
before = status("VmHWM")
predict_volume(volume, net, labels=K, settings=plan, out=out, probabilities=chances)
grown = status("VmHWM") - before
try:
    whole = np.ones((K, *shape), np.float32)
except MemoryError:
    whole = None
print(json.dumps([grown, whole is None]))
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="no /proc here")
def test_a_long_volume_is_answered_where_its_logits_would_not_fit(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    shape = (1, 400, 192, 192)
    rng = np.random.default_rng(0)
    volume = rng.integers(-1, 3, shape).astype(np.int16)
    np.save(tmp_path / "volume.npy", volume)
    done = subprocess.run(
        [sys.executable, "-c", PROBE, str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
    )
    grown, whole_fails = json.loads(done.stdout)
    record_property("grown_mb", round(grown / 1e6))
    assert whole_fails  # 177 MB of float32 logits: the limit is a limit
    plan = Sliding(patch=(16, 64, 64), net_mb=5.0)
    mapped = np.load(tmp_path / "volume.npy", mmap_mode="r")
    planned = sum(needed_mb(mapped, plan, labels=3).values()) - BASE_MB
    # Pages of the files come on top until they are released: half a layer of the
    # volume and 16 slices of both answers.
    files = (16 * 2 + 16 * (1 + 3 * 2)) * 192 * 192
    assert grown <= planned * 1e6 + files
    wanted = np.stack([volume[0] * 0, volume[0] - 1, 1 - volume[0]]).argmax(axis=0)
    np.testing.assert_array_equal(np.load(tmp_path / "out.npy"), wanted)


def big(tmp_path: Path, dtype: type = np.int16) -> Array:
    """512×512×800, in a file with a hole in place of its voxels."""
    return np.memmap(tmp_path / "ct", dtype, "w+", shape=(1, 800, 512, 512))


def test_a_large_ct_with_three_labels_is_planned_within_2_gb(tmp_path: Path) -> None:
    volume = big(tmp_path)
    out = np.memmap(tmp_path / "out", np.uint8, "w+", shape=(800, 512, 512))
    total = check_memory(volume, Sliding(), labels=3, answers=(out,))
    assert 600 < total < 2000
    # By hand: 3 labels × 64 slices × 512 × 512 × 4 B.
    parts = needed_mb(volume, Sliding(), labels=3, answers=(out,))
    assert parts["slabs being blended"] == pytest.approx(201.3, abs=0.1)
    assert parts["arrays in memory"] == 0
    loaded = np.zeros((1, 80, 64, 64), np.int16)
    assert needed_mb(loaded, Sliding(), labels=3)["arrays in memory"] == 0.65536


@pytest.mark.parametrize(
    ("settings", "labels", "message"),
    [
        (
            Sliding(patch=(128, 128, 128), net_mb=300),
            4,
            # 150 + 300 + slabs 4·128·512²·4 B + patches 128³·15·4 B + slices
            # 8·4·512²·4 B
            r"scan 1: a volume of 800×512×512 voxels with 4 labels needs about 1146 "
            r"MB and 1000 MB may be used; most goes to slabs being blended \(537 MB\); "
            r"set sliding\.precision to float16 \(878 MB\); or set sliding\.patch to "
            r"\(64, 64, 64\) \(505 MB\); or raise sliding\.memory_mb to 1147",
        ),
        (
            Sliding(batch=4, net_mb=1000),
            3,
            r"most goes to the network \(1000 MB\); set sliding\.batch to 1 \(",
        ),
        (
            Sliding(patch=(128, 64, 64), net_mb=300),
            4,
            r"set sliding\.precision to float16 \(\d+ MB\); or set sliding\.patch to",
        ),
        (
            Sliding(patch=(1, 1, 1), net_mb=5000),
            3,
            r"most goes to the network \(5000 MB\); raise sliding\.memory_mb to \d+$",
        ),
    ],
)
def test_what_does_not_fit_is_told_with_figures_and_settings(
    tmp_path: Path, settings: Sliding, labels: int, message: str
) -> None:
    from dataclasses import replace

    started = time.perf_counter()
    with pytest.raises(ResourceError, match=message):
        check_memory(
            big(tmp_path),
            replace(settings, memory_mb=1000),
            labels=labels,
            case="scan 1",
        )
    assert time.perf_counter() - started < 5


def test_arrays_in_memory_are_sent_to_files() -> None:
    volume = np.broadcast_to(np.int16(0), (1, 800, 512, 512))
    settings = Sliding(net_mb=100, memory_mb=700)
    with pytest.raises(ResourceError, match="keep the volume and the answers in memo"):
        check_memory(volume, settings, labels=3)


def test_only_shared_mappings_let_go_of_their_pages(tmp_path: Path) -> None:
    shared = np.lib.format.open_memmap(tmp_path / "a.npy", "w+", np.uint8, (3, 4))
    shared[1:] = 7
    assert is_mapped(shared[1:, ::2])
    release(shared[1:])
    assert shared.sum() == 56
    private = np.load(tmp_path / "a.npy", mmap_mode="c")
    private[0] = 1
    release(private)
    assert private[0].sum() == 4  # letting go would have lost it
    assert not is_mapped(private)
    assert not is_mapped(np.zeros(3))
