"""Prepared images on disk."""

from __future__ import annotations

import json
import os
import resource
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from medlens.core import Array, Image, ReadError, RecipeError, ResourceError, TrainError
from medlens.recipe import PrepSettings, Step
from medlens.train import PreparedCache, build_cache
from medlens.train.cache import AHEAD, whole_numbers
from tests.tiny import as_image


def images(count: int, shape: tuple[int, ...] = (1, 6, 5)) -> Array:
    return np.random.default_rng(0).random((count, *shape), dtype=np.float32)


class Source:
    """Prepared images that count how often they are opened."""

    def __init__(self, arrays: Array) -> None:
        self.arrays = arrays
        self.opened: list[int] = []

    def open_one(self, index: int) -> Image:
        self.opened.append(index)
        if np.isnan(self.arrays[index]).any():
            raise ReadError(f"case {index}: cannot be read")
        return as_image(np.zeros((2, 2), dtype=np.uint8), f"{index}")

    def prepare(self, image: Image) -> Image:
        return image.with_array(self.arrays[int(image.case)][:, None])


def build(
    folder: Path, source: Source, *, bits: int = 8, digest: str = "d", **more: Any
) -> PreparedCache:
    return build_cache(
        folder,
        [f"case {i}" for i in range(len(source.arrays))],
        source.open_one,
        source.prepare,
        settings=PrepSettings((Step("display"),), bits),
        data_digest=digest,
        threads=2,
        **more,
    )


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("shape", [(1, 6, 5), (3, 4, 4)])
def test_read_gives_back_what_was_prepared(
    tmp_path: Path, bits: int, shape: tuple[int, ...]
) -> None:
    arrays = images(150, shape)  # more than one round of the reading threads
    arrays[0], arrays[1] = 0.0, 1.0
    cache = build(tmp_path, Source(arrays), bits=bits)
    assert cache.shape == shape
    rows = [7, 0, 149, 1, 7]
    found = cache.read(rows)
    assert found.dtype == np.float32
    half = 0.5 / (2**bits - 1)
    assert np.abs(found - arrays[rows]).max() <= half * (1 + 1e-3)
    assert (found[1] == 0).all()
    assert (found[3] == 1).all()
    assert [cache.rows[f"case {i}"] for i in (0, 149)] == [0, 149]


def test_a_finished_cache_is_used_again(tmp_path: Path) -> None:
    first = build(tmp_path, Source(images(5)))
    again = Source(images(5))
    assert build(tmp_path, again) == first
    assert again.opened == []


@pytest.mark.parametrize("change", [{"digest": "other"}, {"bits": 16}])
def test_other_data_or_depth_is_prepared_anew(
    tmp_path: Path, change: dict[str, Any]
) -> None:
    build(tmp_path, Source(images(5)))
    again = Source(images(5))
    build(tmp_path, again, **change)
    assert sorted(again.opened) == list(range(5))


def truncate(folder: Path) -> None:
    path = folder / "cache.bin"
    path.write_bytes(path.read_bytes()[:-1])


def flip_a_bit(folder: Path) -> None:
    data = bytearray((folder / "cache.bin").read_bytes())
    data[17] ^= 1
    (folder / "cache.bin").write_bytes(data)


def garble_note(folder: Path) -> None:
    (folder / "cache.json").write_text('{"digest": ')


def forget_keys(folder: Path) -> None:
    note = json.loads((folder / "cache.json").read_text())
    (folder / "cache.json").write_text(json.dumps({**note, "keys": None}))


def remove_data(folder: Path) -> None:
    (folder / "cache.bin").unlink()


@pytest.mark.parametrize(
    "damage", [truncate, flip_a_bit, garble_note, forget_keys, remove_data]
)
def test_a_damaged_cache_is_made_anew(tmp_path: Path, damage: Any) -> None:
    arrays = images(5)
    first = build(tmp_path, Source(arrays)).read(range(5))
    damage(tmp_path)
    again = Source(arrays)
    assert np.array_equal(build(tmp_path, again).read(range(5)), first)
    assert sorted(again.opened) == list(range(5))


def test_cases_that_fail_are_listed_and_the_others_go_on(tmp_path: Path) -> None:
    arrays = images(5)
    arrays[[1, 4]] = np.nan
    for _ in range(2):  # the second time from the finished cache
        cache = build(tmp_path, Source(arrays))
        assert cache.failed == (
            ("case 1", "case 1: cannot be read"),
            ("case 4", "case 4: cannot be read"),
        )
        assert cache.rows == {"case 0": 0, "case 2": 1, "case 3": 2}
        np.testing.assert_allclose(cache.read([2])[0], arrays[3], atol=0.5 / 255 + 1e-6)


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
def test_values_outside_of_0_to_1_do_not_wrap_round(bits: int, kind: Any) -> None:
    top = 2**bits - 1
    values = np.array([-1e4, -0.004, 0, 0.5, 1, 1.004, 1e4], kind)
    found = whole_numbers(values, bits)
    assert not isinstance(found, str)
    assert found.dtype == (np.uint8 if bits == 8 else np.uint16)
    assert found.tolist() == [0, 0, 0, round(top / 2), top, top, top]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_no_numbers_fail_their_case_alone(
    tmp_path: Path, value: float
) -> None:
    source = Source(images(3))

    def prepare(image: Image) -> Image:
        prepared = source.prepare(image)
        array = prepared.array.copy()
        if image.case == "1":
            array[0, 0, :2, 0] = value
        return prepared.with_array(array)

    cache = build_cache(
        tmp_path, [f"case {i}" for i in range(3)], source.open_one, prepare,
        settings=PrepSettings((Step("display"),), 8), data_digest="d", threads=1,
    )  # fmt: skip
    assert list(cache.rows) == ["case 0", "case 2"]
    ((key, reason),) = cache.failed
    assert key == "case 1"
    assert reason.startswith("2 of 30 values are NaN or infinite after preparation")


def test_a_volume_or_a_crash_of_a_reader_fails_one_case_alone(tmp_path: Path) -> None:
    """A reader's own error must not end the others, nor may its words go on."""
    source = Source(images(4))

    def open_one(index: int) -> Image:
        if index == 1:
            raise IndexError("/home/someone/patient.dcm: list index out of range")
        return source.open_one(index)

    def prepare(image: Image) -> Image:
        prepared = source.prepare(image)
        slices = 3 if image.case == "2" else 1
        return prepared.with_array(np.repeat(prepared.array, slices, axis=1))

    cache = build_cache(
        tmp_path,
        [f"case {i}" for i in range(4)],
        open_one,
        prepare,
        settings=PrepSettings((Step("display"),), 8),
        data_digest="d",
        threads=2,
    )
    assert list(cache.rows) == ["case 0", "case 3"]
    (_, crash), (_, volume) = cache.failed
    assert crash.startswith("cannot be read or prepared: IndexError; the file may be")
    assert "someone" not in crash
    assert volume.startswith("3 slices in one case; wanted a single image")


def test_images_of_two_shapes_are_a_mistake_of_the_recipe(tmp_path: Path) -> None:
    source = Source(images(3))

    def prepare(image: Image) -> Image:
        rows = 6 if image.case == "2" else 4
        return image.with_array(np.zeros((1, 1, rows, 5), dtype=np.float32))

    source.prepare = prepare  # type: ignore[method-assign]
    wanted = r"one case became \(1, 6, 5\), the others \(1, 4, 5\); end prep.steps with"
    with pytest.raises(RecipeError, match=wanted):
        build(tmp_path, source)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize("count", [3, 400])  # found when closing, when writing
def test_a_full_disk_is_said_and_leaves_nothing(tmp_path: Path, count: int) -> None:
    (tmp_path / "cache.part").symlink_to("/dev/full")
    wanted = (
        rf"cache of prepared images: cannot write after \d+ of {count} cases "
        r"\(No space left on device\); free some disk space, or use a small"
    )
    with pytest.raises(ResourceError, match=wanted):
        build(tmp_path, Source(images(count)))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.getuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(
        ResourceError, match=r"cannot write after 0 of 3 cases \(Permis"
    ):
        build(tmp_path, Source(images(3)))


def test_a_row_beyond_the_file_is_said(tmp_path: Path) -> None:
    cache = build(tmp_path, Source(images(3)))
    with pytest.raises(TrainError, match="row 3 is not in the file; run the same comm"):
        cache.read([0, 3])


def test_progress_is_told_in_order(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    build(tmp_path, Source(images(4)), progress=lambda *a: told.append(a))
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_reading_threads_stay_near_the_writer(tmp_path: Path) -> None:
    source = Source(images(4 * AHEAD))
    gaps: list[int] = []
    build(
        tmp_path,
        source,
        progress=lambda done, _: gaps.append(len(source.opened) - done),
    )
    assert max(gaps) <= AHEAD


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="no /proc here")
def test_reading_does_not_fill_memory(tmp_path: Path) -> None:
    """200 MB read from a file of 2 GB: a memory map would count as memory."""
    path = tmp_path / "cache.bin"
    shape = (1, 256, 256)
    rows = 2 * 2**30 // 2**16
    with path.open("wb") as file:
        file.truncate(rows * 2**16)
    cache = PreparedCache(path, shape, 8, {}, ())
    cache.read(range(64))
    before = resident_bytes()
    largest = 0
    for start in range(0, rows - 64, rows // 50):
        assert not cache.read(range(start, start + 64)).any()
        largest = max(largest, resident_bytes())
    assert largest - before < 60e6


def resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()
