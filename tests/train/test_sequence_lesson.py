"""Series in the cache and their labels."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from medlens.core import Image, TrainError
from medlens.datasets import UNKNOWN
from medlens.prep import build_pipeline
from medlens.recipe import PrepSettings, Step
from medlens.train.sequence_cache import build_sequence_cache
from medlens.train.sequence_lesson import (
    have_slice_labels,
    is_known,
    rows_by_case,
    sequence_lesson,
)
from tests.train.lessons import PREP, SIDE
from tests.train.series import DEPTH, blob_volume, series_case, series_lesson


def test_rows_hold_the_slices_in_order_as_the_whole_volume_was_prepared(
    tmp_path: Path,
) -> None:
    volumes = [blob_volume(i, (i,)) for i in range(3)]
    cases = [series_case(i, [0] * DEPTH) for i in range(3)]
    prepare = build_pipeline(PREP.steps)
    cache = build_sequence_cache(
        tmp_path,
        cases,
        lambda i: volumes[i],
        prepare,
        settings=PREP,
        data_digest="d",
        threads=2,
    )
    assert cache.shape == (1, SIDE, SIDE)
    assert list(cache.rows) == [f"case {i}#{d}" for i in range(3) for d in range(DEPTH)]
    for i, rows in enumerate(rows_by_case(cache).values()):
        whole = prepare(volumes[i]).array.swapaxes(0, 1)
        np.testing.assert_allclose(cache.read(rows), whole, atol=0.5 / 255 + 1e-6)


def test_a_series_that_fails_fails_alone_and_a_finished_cache_is_used_again(
    tmp_path: Path,
) -> None:
    cases = [series_case(i, [0] * DEPTH) for i in range(3)]
    opened: list[int] = []

    def open_one(i: int) -> Image:
        opened.append(i)
        if i == 0:
            raise ValueError("torn")
        return blob_volume(i, (), depth=DEPTH + (i == 1))

    for _ in range(2):
        cache = build_sequence_cache(
            tmp_path,
            cases,
            open_one,
            build_pipeline(PREP.steps),
            settings=PREP,
            data_digest="d",
            threads=1,
        )
    assert opened == [0, 1, 2]
    assert [key for key, _ in cache.failed] == ["case 0", "case 1"]
    assert "6 slices after preparation, but 5 are listed" in cache.failed[1][1]
    assert list(rows_by_case(cache)) == ["case 2"]


def test_a_series_with_values_that_are_no_numbers_fails_and_others_are_clipped(
    tmp_path: Path,
) -> None:
    cases = [series_case(i, [0] * DEPTH) for i in range(2)]

    def prepare(image: Image) -> Image:
        array = np.full((1, DEPTH, 4, 4), 1.01, np.float32)
        array[0, 1] = -0.01
        if image.array.max() > 0:
            array[0, 2, 0, 0] = np.nan
        return image.with_array(array)

    cache = build_sequence_cache(
        tmp_path,
        cases,
        lambda i: blob_volume(i, ()).with_array(np.full((1, DEPTH, 4, 4), i)),
        prepare,
        settings=PREP,
        data_digest="d",
        threads=1,
    )
    ((key, reason),) = cache.failed
    assert key == "case 1"
    assert reason.startswith(f"1 of {16 * DEPTH} values are NaN or infinite")
    found = cache.read([cache.rows[f"case 0#{d}"] for d in range(3)])
    assert [one.mean() for one in found] == [1, 0, 1]


def test_a_cache_of_single_images_is_not_taken_for_one_of_series(
    tmp_path: Path,
) -> None:
    opened = []
    for steps in (PREP.steps, (*PREP.steps, Step("gamma"))):
        build_sequence_cache(
            tmp_path,
            [series_case(0, [0])],
            lambda i: opened.append(i) or blob_volume(0, (), depth=1),  # type: ignore[func-returns-value]
            build_pipeline(steps),
            settings=PrepSettings(steps),
            data_digest="d",
            threads=1,
        )
    assert opened == [0, 0]


def test_one_label_on_all_slices_is_a_label_of_the_series() -> None:
    assert not have_slice_labels([series_case(0, [1, 1]), series_case(1, [0, 0])])
    assert have_slice_labels([series_case(0, [1, 1]), series_case(1, [0, 1])])


def test_targets_of_slices_are_unknown_where_only_series_are_labelled(
    tmp_path: Path,
) -> None:
    lesson = series_lesson(tmp_path / "a", by_slice=False)
    assert not lesson.has_slice_labels
    assert all((one.slices == UNKNOWN).all() for one in lesson.series)
    assert [one.target[1] for one in lesson.train[:4]] == [0, 1, 0, 1]
    with pytest.raises(TrainError, match="no slice of these series has a label"):
        lesson.to_slices()


def test_slices_as_cases_keep_their_series_as_group(tmp_path: Path) -> None:
    lesson = series_lesson(tmp_path)
    flat = lesson.to_slices()
    assert len(flat.train_rows) == 12 * DEPTH
    assert flat.groups.tolist() == [g for g in range(16) for _ in range(DEPTH)]
    # series 1 has its spot on slices 1 and 2
    assert flat.train_targets[DEPTH : 2 * DEPTH, 1].tolist() == [0, 1, 1, 0, 0]


def test_known_means_any_label_was_read() -> None:
    targets = np.array([[0, -1], [-1, -1]], np.int8)
    assert is_known(targets).tolist() == [True, False]


def test_no_series_on_one_side_is_refused(tmp_path: Path) -> None:
    lesson = series_lesson(tmp_path)
    with pytest.raises(TrainError, match="12 training and 0 validation series"):
        replace(lesson, validation=())
    with pytest.raises(TrainError, match="0 training and 0 validation series"):
        sequence_lesson(
            [], lesson.cache, kind="binary", labels=("a", "b"), splits=[], groups=[]
        )
