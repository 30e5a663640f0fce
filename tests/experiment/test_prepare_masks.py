"""Volumes for training: one at a time in memory, or refused by their headers."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import nibabel
import numpy as np
import pytest
from PIL import Image as Picture

from medlens.core import ResourceError
from medlens.datasets import Case, Manifest, read_manifest, size_of_case
from medlens.experiment.narrator import Silent
from medlens.experiment.prepare_masks import (
    BASE_MB,
    VOXEL_BYTES,
    prepare_masks,
    threads_that_fit,
)
from medlens.recipe import BudgetSettings, PrepSettings, Recipe, Step, TaskSettings
from tests.experiment.volumes import SHAPE, make_balls

STEPS = (
    Step("multi_window", {"presets": ("lung", "soft_tissue", "bone")}),
    Step("resample_volume", {"spacing": (2.0, 1.0, 1.0)}),
)


def header_only(path: Path, shape: tuple[int, int, int]) -> Case:
    """A NIfTI file whose header asks for more than there is."""
    file = nibabel.Nifti1Image(np.zeros((2, 2, 2), np.int16), np.eye(4))
    file.header.set_data_shape(shape[::-1])
    path.write_bytes(file.header.binaryblock + bytes(4))
    return Case("case 7", path, ())


def test_sizes_of_volumes_come_from_headers(tmp_path: Path) -> None:
    assert size_of_case(header_only(tmp_path / "a.nii", (800, 512, 300))) == (
        800, 512, 300,
    )  # fmt: skip
    manifest = read_manifest(make_balls(tmp_path / "balls", cases=4), task="segment")
    assert size_of_case(manifest.cases[0]) == SHAPE


def test_a_volume_too_large_is_refused_at_once(tmp_path: Path) -> None:
    case = header_only(tmp_path / "a.nii", (800, 512, 512))
    voxels = 800 * 512 * 512
    needed = BASE_MB + voxels * VOXEL_BYTES / 1e6
    assert needed < 2000  # such a CT can be learned from in 2 GB
    assert threads_that_fit([case], memory_mb=2000, threads=4) == 1
    assert threads_that_fit([case], memory_mb=4096, threads=4) == 2
    assert threads_that_fit([case], memory_mb=4096, threads=1) == 1
    started = time.monotonic()
    with pytest.raises(
        ResourceError,
        match=r"case 7: preparing 210 million voxels for training needs about 1859 MB "
        r"and 1000 MB may be used; raise budget.memory_mb to 1859",
    ):
        threads_that_fit([case], memory_mb=1000, threads=2)
    assert time.monotonic() - started < 5


def test_small_and_unreadable_cases_are_no_matter(tmp_path: Path) -> None:
    torn = tmp_path / "torn.nii"
    torn.write_bytes(b"no header")
    assert threads_that_fit([Case("c", torn, ())], memory_mb=700, threads=4) == 2
    assert threads_that_fit([], memory_mb=700, threads=4) == 2


def recipe_of(manifest: Manifest, *, memory_mb: int = 2000, bits: int = 8) -> Recipe:
    values = tuple(manifest.mask_values)
    task = TaskSettings("multiclass", manifest.labels, form="segment")
    return Recipe(
        task=replace(task, mask_values=values),
        prep=PrepSettings(STEPS, bits),
        budget=BudgetSettings(600.0, memory_mb),
    )


@pytest.mark.parametrize("bits", [8, 16])
def test_the_cache_holds_what_predicting_prepares(tmp_path: Path, bits: int) -> None:
    from medlens.datasets import open_case, open_mask
    from medlens.prep import build_pipeline, prepare_mask

    manifest = read_manifest(make_balls(tmp_path / "balls", cases=4), task="segment")
    recipe = recipe_of(manifest, bits=bits)
    cases = [manifest.cases[i] for i in (0, 2)]
    cache = prepare_masks(
        recipe,
        manifest,
        cases,
        work=tmp_path,
        data_digest="digest",
        narrator=Silent(),
    )
    assert cache.failed == ()
    for row, index in enumerate((0, 2)):
        case = manifest.cases[index]
        image = open_case(case)
        prepared = build_pipeline(STEPS)(image)
        mask = open_mask(case, manifest.mask_values, image=image)
        wanted = prepare_mask(mask, image, prepared)
        values, labels = cache.read_patch(row, (0, 0, 0), cache.entries[row].shape)
        np.testing.assert_allclose(
            values, prepared.array, rtol=0, atol=0.6 / (2**bits - 1)
        )
        np.testing.assert_array_equal(labels, wanted)
        assert cache.entries[row].spacing == image.geometry.spacing


def test_the_spacing_is_the_sources_whatever_training_sees(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for name, most in (("images", 255), ("masks", 1)):
        (tmp_path / name).mkdir()
        for case in range(2):
            pixels = rng.integers(0, most + 1, (40, 48)).astype(np.uint8)
            file = tmp_path / name / f"p{case}"
            Picture.fromarray(pixels).save(file.with_suffix(".png"))
    manifest = read_manifest(tmp_path, task="segment")
    half = Step("resize", {"height": 20, "width": 24, "mode": "stretch"})
    recipe = replace(recipe_of(manifest), prep=PrepSettings((Step("percentile"), half)))

    def spacings() -> list[object]:
        cache = prepare_masks(
            recipe, manifest, manifest.cases,
            work=tmp_path / "work", data_digest="digest", narrator=Silent(),
        )  # fmt: skip
        assert cache.failed == ()
        assert cache.entries[0].shape == (1, 20, 24)
        return [entry.spacing for entry in cache.entries]

    assert spacings() == [None, None]
    assert spacings() == [None, None]  # from the finished cache
    for case in range(2):
        for name in ("images", "masks"):
            file = tmp_path / name / f"p{case}.png"
            pixels = np.array(Picture.open(file))
            grid = nibabel.Nifti1Image(pixels.T[..., None], np.diag([0.5, 0.5, 3, 1]))
            nibabel.save(grid, file.with_suffix(".nii"))
            file.unlink()
    shutil.rmtree(tmp_path / "work")
    manifest = read_manifest(tmp_path, task="segment")
    assert spacings() == [(3.0, 0.5, 0.5)] * 2


CHILD = """
import re, sys
from pathlib import Path
import medlens.nets, medlens.train
from medlens.datasets import read_manifest
from medlens.experiment.narrator import Silent
from medlens.experiment.prepare_masks import prepare_masks
from tests.experiment.test_prepare_masks import recipe_of

def peak():
    said = Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\\s+(\\d+)", said)[1]) * 1024 / 1e6

folder = Path(sys.argv[1])
manifest = read_manifest(folder, task="segment")
before = peak()
# just enough for one at a time
recipe = recipe_of(manifest, memory_mb=850)
cache = prepare_masks(recipe, manifest, manifest.cases[:2], work=folder / "work",
                      data_digest="d", narrator=Silent())
assert not cache.failed, cache.failed
print(peak() - before)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux")
def test_a_large_volume_needs_what_is_planned_for_it(tmp_path: Path) -> None:
    shape = (320, 320, 380)  # 39 million voxels; three windows as float32: 467 MB
    rng = np.random.default_rng(0)
    plane = rng.integers(-1000, 1000, shape[:2]).astype(np.int16)
    masks = np.zeros(shape, np.uint8)
    masks[40:280, 40:280] = 1  # over half of it: places of voxels are many
    for name, array in (
        ("images", np.repeat(plane[..., None], 380, 2)),
        ("masks", masks),
    ):
        (tmp_path / name).mkdir()
        file = nibabel.Nifti1Image(array, np.diag([1.0, 1.0, 2.0, 1.0]))
        file.header.set_slope_inter(1.0, -24.0)  # rescaled to float32
        for case in range(2):
            nibabel.save(file, tmp_path / name / f"p{case}.nii")
            file.header.set_slope_inter(1.0, 0.0)
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(tmp_path)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    voxels = 320 * 320 * 380
    assert float(done.stdout) < voxels * VOXEL_BYTES / 1e6 + 40
