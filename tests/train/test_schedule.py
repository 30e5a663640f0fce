"""The one-cycle learning rate."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medlens.train.schedule import END, START, learning_rate


def rates(steps: int, warmup: float, peak: float = 1.0) -> list[float]:
    return [
        learning_rate(step, steps=steps, peak=peak, warmup=warmup)
        for step in range(steps)
    ]


def test_start_peak_middle_and_end_by_hand() -> None:
    """101 steps, 20 % warm up: the peak stands at step 20, the middle down at 60."""
    found = rates(101, 0.2, peak=2.0)
    assert found[0] == pytest.approx(2.0 * START)
    assert found[10] == pytest.approx(2.0 * (1 + START) / 2)
    assert found[20] == pytest.approx(2.0)
    assert found[60] == pytest.approx(2.0 * (1 + END) / 2)
    assert found[40] == pytest.approx(
        2.0 * (END + (1 - END) * (1 + math.sqrt(0.5)) / 2)
    )
    assert found[100] == pytest.approx(2.0 * END)


@given(st.integers(1, 500), st.floats(0, 0.5))
def test_up_once_then_down_and_never_beyond(steps: int, warmup: float) -> None:
    found = rates(steps, warmup)
    top = found.index(max(found))
    assert found[: top + 1] == sorted(found[: top + 1])
    assert found[top:] == sorted(found[top:], reverse=True)
    assert all(0 < rate <= 1 for rate in found)
    assert top <= max(1, math.ceil(warmup * (steps - 1)))
    if steps > 2:
        assert found[-1] == pytest.approx(END)


@given(st.integers(1, 200), st.floats(0, 0.5), st.floats(1e-6, 1))
def test_the_peak_scales_the_whole_curve(
    steps: int, warmup: float, peak: float
) -> None:
    scaled = [peak * rate for rate in rates(steps, warmup)]
    assert rates(steps, warmup, peak) == pytest.approx(scaled)
