"""Statistics of volumes: of all slices together, and no larger than a slab."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from medlens.core import PrepError
from medlens.prep import build_pipeline, fit_nyul
from medlens.prep.stream import Stream
from medlens.prep.volume_values import NYUL_SHARES, moments, percentiles
from medlens.recipe.settings import Step

from .test_volume import volume_of

RNG = np.random.default_rng(5)
BODY = np.where(RNG.random((12, 20, 20)) < 0.4, 0, RNG.normal(500, 100, (12, 20, 20)))
BODY[6:] *= 1.5


@pytest.fixture(autouse=True)
def small_slabs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("medlens.prep.stream.SLAB_BYTES", 4 * 20 * 20 * 5)


@pytest.mark.parametrize("dtype", ["int16", "uint16", "float32"])
def test_statistics_are_those_of_the_whole_volume(dtype: str) -> None:
    values = np.abs(BODY).astype(dtype)
    stream = Stream.of(volume_of(values))
    front = values[values > 0].astype(np.float64)
    for above, wanted in ((None, values.astype(np.float64)), (0.0, front)):
        mean, deviation = moments(stream, above=above)
        assert mean == pytest.approx(wanted.mean(), rel=1e-6)
        assert deviation == pytest.approx(wanted.std(), rel=1e-6)
        found = percentiles(stream, (1, 50, 99), above=above)
        method = "linear" if dtype == "float32" else "inverted_cdf"
        near = np.percentile(wanted, (1, 50, 99), method=method)
        np.testing.assert_allclose(found, near, rtol=1e-5)


def test_slices_keep_their_brightness_to_one_another() -> None:
    for step in (Step("percentile", {"foreground": True}), Step("z_score")):
        shown = build_pipeline([step])(volume_of(BODY.astype(np.float32))).array[0]
        assert shown[6:].mean() > shown[:6].mean() + 0.05


def test_headroom_keeps_a_small_bright_finding_from_being_cut_flat() -> None:
    values = np.linspace(0, 1, 40**3, dtype=np.float32).reshape(1, 40, 40, 40)
    values[0, 5:8, 5:8, 5:8] = np.array([1.2, 1.4, 1.6], np.float32)  # 27 voxels
    volume, cut = volume_of(values[0]), {"low": 1, "high": 99}
    flat = build_pipeline([Step("percentile", cut)])(volume).array
    roomy = Step("percentile", {**cut, "headroom": 0.4})
    found = build_pipeline([roomy])(volume).array
    assert np.unique(flat[0, 5:8, 5:8, 5:8]).tolist() == [1.0]
    # percentile 1 (0.01) lies on 0, percentile 99 (0.99) on 0.6
    wanted = (np.array([1.2, 1.4, 1.6]) - 0.01) / 0.98 * 0.6
    np.testing.assert_allclose(found[0, 5, 5, 5:8], wanted, atol=2e-3)


def test_nyul_undoes_what_a_scanner_does_to_the_scale() -> None:
    images = [volume_of((BODY * gain).astype(np.float32)) for gain in (0.3, 1, 7)]
    landmarks = fit_nyul(images)
    assert len(landmarks) == len(NYUL_SHARES)
    assert (landmarks[0], landmarks[-1]) == (0.05, 0.95)
    pipeline = build_pipeline([Step("nyul", {"landmarks": list(landmarks)})])
    shown = [pipeline(image).array for image in images]
    for other in shown[1:]:
        np.testing.assert_allclose(other, shown[0], atol=2e-3)
    # the scale's own percentiles lie on the landmarks
    counted = shown[0][0][BODY.mean() < BODY]
    found = np.percentile(counted, NYUL_SHARES)
    np.testing.assert_allclose(found, landmarks, atol=0.01)
    bent = volume_of((np.sqrt(np.maximum(BODY, 0)) * 40).astype(np.float32))
    np.testing.assert_allclose(pipeline(bent).array, shown[0], atol=0.2)


def test_nyul_is_refused_where_nothing_can_be_learned() -> None:
    flat = volume_of(np.ones((3, 4, 4), np.float32))
    with pytest.raises(PrepError, match="fit_nyul: found no volume with more than one"):
        fit_nyul([flat])
    wrong = build_pipeline([Step("nyul", {"landmarks": [0.5] * 11})])
    with pytest.raises(
        PrepError, match="case 1: step 'nyul' has landmarks that do not"
    ):
        wrong(flat)
    landmarks = [k / 10 for k in range(11)]
    assert (
        build_pipeline([Step("nyul", {"landmarks": landmarks})])(flat).array.max() == 0
    )


@pytest.mark.parametrize("dtype", ["float32", "float16", "uint8", "uint16"])
def test_the_caller_gives_the_memory(dtype: str) -> None:
    image = volume_of(np.rint(BODY).astype(np.int16))
    pipeline = build_pipeline(
        [Step("percentile"), Step("resample_volume", {"spacing": [2.0, 1.5, 1.5]})]
    )
    given = []

    def allocate(shape: tuple[int, int, int, int]) -> np.ndarray:
        given.append(np.zeros(shape, dtype))
        return given[0]

    prepared = pipeline.run_volume(image, allocate=allocate)
    assert prepared.array is given[0]
    wanted = pipeline(image)
    largest = {"uint8": 255, "uint16": 65535}.get(dtype, 1)
    assert prepared.valid_max == largest
    np.testing.assert_allclose(
        prepared.array / np.float64(largest),
        wanted.array,
        atol=0.51 / min(largest, 1000),
    )
    # as stored values they mean the same: unit brings them back
    if largest > 1:
        again = build_pipeline([Step("unit")])(prepared)
        np.testing.assert_allclose(again.array, wanted.array, atol=0.51 / largest)
    with pytest.raises(ValueError, match=r"allocate gave .* of int64; wanted"):
        pipeline.run_volume(image, allocate=lambda shape: np.zeros(shape, np.int64))


def test_invalid_voxels_are_refused_in_slabs_too() -> None:
    values = BODY.astype(np.float32)
    values[7, 3, 3] = np.nan
    with pytest.raises(PrepError, match="case 1: 1 of 4800 pixels are NaN or infinite"):
        build_pipeline([]).run_volume(volume_of(values))


def test_a_large_ct_needs_little_memory_beside_itself() -> None:
    code = """
import re, numpy as np
from pathlib import Path
from medlens.core import Geometry, Image
from medlens.prep import build_pipeline
from medlens.recipe.settings import Step
array = np.zeros((1, 400, 512, 512), np.int16)
array[:, :, 100:400, 100:400] = 40
array[:, :, ::2] -= 1000
image = Image(array, Geometry.from_parts(spacing=(1.0, 0.7, 0.7)), stage="rescaled",
              bits_stored=16)
steps = [Step("window", {"center": 0.0, "width": 2000.0}), Step("crop_body"),
         Step("percentile"), Step("resample_volume", {"spacing": [1.5, 1.4, 1.4]})]
def peak():  # in MB; getrusage would tell the peak of whoever started this process
    said = Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\\s+(\\d+)", said)[1]) / 1024
before = peak()
result = build_pipeline(steps).run_volume(
    image, allocate=lambda shape: np.empty(shape, np.float16))
print(peak() - before - result.array.nbytes / 2**20)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    # as float32 this volume would take 400 MB at once
    assert float(done.stdout) < 120
