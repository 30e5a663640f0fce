"""Windows over a series joined into one answer, and slices joined by a rule."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medlens.predict.long_series import SeriesAnswer, answer_in_windows
from medlens.predict.series_graph import join_slices
from tests.tiny import bundle_of

LABELS, BIAS = 3, np.array([0.5, -1.0, 2.0])


class Series:
    """A network without a reader: attention and terms are of each slice alone."""

    def __init__(self, count: int, seed: int, spread: float = 3.0) -> None:
        rng = np.random.default_rng(seed)
        self.scores = rng.normal(0, spread, count)
        self.terms = rng.normal(size=(count, LABELS))
        self.embeddings = rng.normal(size=(count, 4))
        self.maps = rng.normal(size=(count, LABELS, 2, 2))
        self.calls: list[tuple[int, int]] = []

    def __call__(self, first: int, last: int) -> SeriesAnswer:
        self.calls.append((first, last))
        powers = np.exp(self.scores[first:last])
        attention = powers / powers.sum()
        share = attention[:, None] * self.terms[first:last]
        return SeriesAnswer(
            slice_logits=self.terms[first:last] + 7,
            series_logits=share.sum(axis=0) + BIAS,
            attention=attention,
            share=share,
            evidence=self.maps[first:last],
            embedding=attention @ self.embeddings[first:last],
        )


@given(count=st.integers(2, 60), most=st.integers(2, 20), seed=st.integers(0, 1000))
@settings(max_examples=60, deadline=None)
def test_windows_of_slices_that_nothing_connects_join_exactly(
    count: int, most: int, seed: int
) -> None:
    series = Series(count, seed)
    wanted = series(0, count)
    series.calls.clear()
    found = answer_in_windows(count, most, series)
    assert max(last - first for first, last in series.calls) <= most
    # The embedding is a mean of those of the windows: of no slice alone.
    assert np.isfinite(vars(wanted).pop("embedding")).all()
    for name, value in vars(wanted).items():
        np.testing.assert_allclose(
            getattr(found, name), value, rtol=1e-9, atol=1e-9, err_msg=name
        )


def test_a_short_series_is_one_pass() -> None:
    series = Series(5, 0)
    answer_in_windows(5, 5, series)
    assert series.calls == [(0, 5)]


def test_slices_that_nobody_looks_at_do_not_break_the_scale() -> None:
    """Attention that has vanished to 0 on both sides of a border."""
    series = Series(40, 1)
    series.scores[8:12] = -800
    wanted = series(0, 40)
    found = answer_in_windows(40, 16, series)
    np.testing.assert_allclose(found.series_logits, wanted.series_logits, rtol=1e-6)


def joined(logits: list[list[float]], kind: str) -> SeriesAnswer:
    array = np.array(logits, np.float32)
    labels = ("a", "b", "c")[: array.shape[1]]
    bundle = bundle_of(b"", labels=labels, kind=kind)  # type: ignore[arg-type]
    maps = np.zeros((*array.shape, 2, 2), np.float32)
    return join_slices(bundle, array, maps, array)


def test_one_suspicious_slice_makes_a_binary_series_positive() -> None:
    """Margins −10, −10 and 10: log((2·e^−10 + e^10) / 3) = 10 − log 3."""
    found = joined([[5, -5], [-5, 5], [5, -5]], "binary")
    margin = found.series_logits[1] - found.series_logits[0]
    assert margin == pytest.approx(10 - np.log(3), abs=1e-5)
    assert found.attention.argmax() == 1
    assert found.share.sum(axis=0) == pytest.approx(found.series_logits)
    # A number added to both logits of a slice changes no probability.
    moved = joined([[5, -5], [95, 105], [5, -5]], "binary")
    assert moved.series_logits == pytest.approx(found.series_logits, abs=1e-4)


def test_labels_that_do_not_exclude_each_other_are_joined_each_alone() -> None:
    found = joined([[5, -3], [-5, -3]], "multilabel")
    wanted = np.log((np.exp(5) + np.exp(-5)) / 2)
    assert found.series_logits == pytest.approx([wanted, -3], abs=1e-5)


def test_of_several_classes_the_mean_counts() -> None:
    found = joined([[5, 0, 1], [1, 0, 3]], "multiclass")
    assert found.series_logits == pytest.approx([3, 0, 2])
    assert found.attention == pytest.approx([0.5, 0.5])
    assert found.embedding == pytest.approx([3, 0, 2])
