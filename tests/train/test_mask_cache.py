"""Volumes and masks on disk: what goes in comes out, and bad cases fail alone."""

from __future__ import annotations

import errno
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medlens.core import Array, ReadError, ResourceError, TrainError
from medlens.train import MaskCache, mask_cache
from tests.train.masks import SPACING, Prepared, ball, cache_of

SHAPES = ((3, 5, 4), (1, 7, 2), (6, 4, 9))


def case(index: int, *, channels: int = 2, bits: int = 8) -> Prepared:
    """Values that the depth can hold, and labels 0..2."""
    rng = np.random.default_rng(index)
    shape = SHAPES[index % len(SHAPES)]
    top = 2**bits - 1
    values = rng.integers(0, top + 1, (channels, *shape)) / top
    mask = rng.integers(0, 3, shape).astype(np.uint8)
    return values.astype(np.float32), mask, (2.0 + index, 1.0, 0.5)


def build(folder: Path, prepare: Any = case, **changes: Any) -> MaskCache:
    return cache_of(folder, prepare, **{"cases": 3, "labels": 3, **changes})


def whole(cache: MaskCache, row: int) -> tuple[Array, Array]:
    return cache.read_patch(row, (0, 0, 0), cache.entries[row].shape)


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("threads", [1, 3])
def test_what_goes_in_comes_out(tmp_path: Path, bits: int, threads: int) -> None:
    cache = build(tmp_path, lambda i: case(i, bits=bits), bits=bits, threads=threads)
    assert cache.failed == ()
    for row, entry in enumerate(cache.entries):
        values, mask, spacing = case(row, bits=bits)
        found, labels = whole(cache, row)
        assert (entry.key, entry.shape) == (f"case {row}", SHAPES[row])
        assert entry.spacing == spacing
        assert entry.voxels == tuple(int((mask == k).sum()) for k in range(3))
        np.testing.assert_allclose(found, values, rtol=0, atol=0.4 / (2**bits - 1))
        np.testing.assert_array_equal(labels, mask)
    size = sum((2 * bits // 8 + 1) * int(np.prod(shape)) for shape in SHAPES)
    assert cache.path.stat().st_size == size


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> MaskCache:
    return build(tmp_path_factory.mktemp("kept"))


@given(
    st.integers(0, 2),
    st.tuples(*[st.integers(-14, 14)] * 3),
    st.tuples(*[st.integers(1, 12)] * 3),
)
@settings(max_examples=150, deadline=None)
def test_a_patch_is_the_volume_with_zeros_around_it(
    kept: MaskCache, row: int, start: Any, size: Any
) -> None:
    values, mask, _ = case(row)
    around = 30
    padded = np.pad(values, [(0, 0), *[(around, around)] * 3])
    labels = np.pad(mask, around)
    at = tuple(
        slice(around + s, around + s + k) for s, k in zip(start, size, strict=True)
    )
    found, found_labels = kept.read_patch(row, start, size)
    np.testing.assert_allclose(found, padded[(slice(None), *at)], atol=1e-6)
    np.testing.assert_array_equal(found_labels, labels[at])


def test_places_of_labels_are_voxels_of_them_and_spread(tmp_path: Path) -> None:
    mask = np.zeros((20, 20, 20), np.uint8)
    mask[2:18] = 2  # 6400 voxels, far more than are kept
    mask[0, 0, 0] = 1
    values = np.zeros((1, 20, 20, 20), np.float32)
    cache = build(tmp_path, lambda _: (values, mask, SPACING), cases=2)
    for row in range(2):
        points = cache.points[cache.points[:, 0] == row]
        d, h, w = points[:, 2:].T
        np.testing.assert_array_equal(mask[d, h, w], points[:, 1])
        assert (points[:, 1] == 1).sum() == 1
        assert (points[:, 1] == 2).sum() == mask_cache.PLACES
        assert set(d[points[:, 1] == 2]) == set(range(2, 18))
    assert (np.diff(cache.points[:, 0]) >= 0).all()


def test_a_finished_cache_is_used_again(tmp_path: Path) -> None:
    first = build(tmp_path)

    def never(_: int) -> Prepared:
        raise AssertionError("prepared again")

    again = build(tmp_path, never)
    assert again.entries == first.entries
    assert (again.channels, again.bits) == (first.channels, first.bits)
    np.testing.assert_array_equal(again.points, first.points)


def turn_a_byte(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def no_archive(path: Path) -> None:
    path.write_bytes(b"PK\x03\x04 no archive")


def other_channels(path: Path) -> None:
    note = json.loads(path.read_text())
    path.write_text(json.dumps({**note, "entries": [{"key": "x"}]}))


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("masks.bin", turn_a_byte),
        ("masks.bin", cut),
        ("masks.bin", Path.unlink),
        ("masks.npy", turn_a_byte),
        ("masks.npy", empty),
        ("masks.npy", no_archive),
        ("masks.json", cut),
        ("masks.json", empty),
        ("masks.json", other_channels),
    ],
)
def test_a_damaged_cache_is_made_anew(tmp_path: Path, name: str, damage: Any) -> None:
    first = build(tmp_path)
    damage(tmp_path / name)
    asked: list[int] = []

    def prepare(index: int) -> Prepared:
        asked.append(index)
        return case(index)

    again = build(tmp_path, prepare)
    assert asked == [0, 1, 2]
    assert again.entries == first.entries
    np.testing.assert_array_equal(whole(again, 2)[1], case(2)[1])


@pytest.mark.parametrize(
    "other", [{"data": "others"}, {"bits": 16}, {"cases": 2}, {"labels": 4}]
)
def test_a_cache_of_something_else_is_not_used(
    tmp_path: Path, other: dict[str, Any]
) -> None:
    build(tmp_path)
    asked: list[int] = []

    def prepare(index: int) -> Prepared:
        asked.append(index)
        return case(index)

    build(tmp_path, prepare, **other)
    assert asked == list(range(other.get("cases", 3)))


def wrong_shape(values: Array, mask: Array) -> tuple[Array, Array]:
    return values, mask[:, :-1]


def wrong_label(values: Array, mask: Array) -> tuple[Array, Array]:
    return values, mask + 1


def other_count(values: Array, mask: Array) -> tuple[Array, Array]:
    return values[:1], mask


def not_finite(values: Array, mask: Array) -> tuple[Array, Array]:
    return values * np.float32(np.nan), mask


def unreadable(*_: Array) -> tuple[Array, Array]:
    raise ReadError("it is torn")


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (wrong_shape, "mask is (1, 6, 2) voxels, the prepared image (1, 7, 2)"),
        (wrong_label, "mask holds label 3 of 3"),
        (other_count, "has 1 channels, the others 2; leave it out"),
        (not_finite, "holds values that are not finite"),
        (unreadable, "it is torn"),
    ],
)
def test_a_case_that_fails_fails_alone(tmp_path: Path, spoil: Any, said: str) -> None:
    def prepare(index: int) -> Prepared:
        values, mask, spacing = case(index)
        return (
            (*spoil(values, mask), spacing) if index == 1 else (values, mask, spacing)
        )

    for _ in range(2):  # made, then read again
        cache = build(tmp_path, prepare)
        ((key, reason),) = cache.failed
        assert key == "case 1"
        assert said in reason
        assert [entry.key for entry in cache.entries] == ["case 0", "case 2"]
        np.testing.assert_array_equal(whole(cache, 1)[1], case(2)[1])


def test_values_just_outside_are_clipped_not_wrapped(tmp_path: Path) -> None:
    values = np.array([-0.01, 0.5, 1.01], np.float32).reshape(1, 1, 1, 3)
    mask = np.zeros((1, 1, 3), np.uint8)
    cache = build(tmp_path, lambda _: (values, mask, SPACING), cases=1)
    np.testing.assert_allclose(whole(cache, 0)[0].ravel(), [0, 0.5, 1], atol=0.003)


def test_a_full_disk_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full:
        def write(self, _: Any) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        def close(self) -> None:
            pass

    monkeypatch.setattr(Path, "open", lambda *_, **__: Full())
    wanted = (
        r"cache of prepared volumes: cannot write after 0 of 3 cases \(No space left "
        r"on device\); free some disk space, or coarsen the spacing in the recipe"
    )
    with pytest.raises(ResourceError, match=wanted):
        build(tmp_path)


def test_an_interrupted_cache_leaves_nothing_half_done(tmp_path: Path) -> None:
    def stop(index: int) -> Prepared:
        if index == 2:
            raise KeyboardInterrupt("by hand")
        return case(index)

    with pytest.raises(KeyboardInterrupt, match="by hand"):
        build(tmp_path, stop)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_vanished_is_told(tmp_path: Path) -> None:
    cache = build(tmp_path)
    cut(cache.path)
    with pytest.raises(TrainError, match=r"case 2 is not in the file; run the same"):
        whole(cache, 2)


def test_no_case_at_all_is_kept_as_such(tmp_path: Path) -> None:
    cache = build(tmp_path, lambda i: (*wrong_shape(*case(i)[:2]), SPACING))
    assert cache.entries == ()
    assert len(cache.failed) == 3
    assert build(tmp_path).failed == cache.failed  # read again, not prepared again


def test_balls_are_what_they_say() -> None:
    values, mask = ball(0)
    assert mask.sum() > 200  # 4/3 π 4³ = 268
    assert values[0][mask == 1].min() > values[0][mask == 0].max() - 0.4
