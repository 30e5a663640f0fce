"""Calibration undone gives back what the network said."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from medlens.metrics import Calibration
from medlens.report.trust import undo_calibration

LOGITS = arrays.arrays(np.float64, (5, 3), elements=st.floats(-4, 4))


@pytest.mark.parametrize("kind", ["binary", "multiclass", "multilabel"])
@given(LOGITS, st.floats(0.4, 2.0))
def test_undo_is_the_inverse_of_scaling(kind, logits, scale) -> None:  # type: ignore[no-untyped-def]
    plain = Calibration.identity(3, kind=kind)
    fitted = Calibration(np.full(3, scale), np.array([0.1, -0.2, 0.3]), kind)
    after = fitted.probabilities(logits)
    before = undo_calibration(after, {"calibration": fitted.to_json()}, kind)
    assert before is not None
    assert np.allclose(before, plain.probabilities(logits), atol=1e-4)


def test_a_scale_per_label_cannot_be_undone_behind_a_softmax() -> None:
    held = {"calibration": {"scale": [1.0, 2.0], "bias": [0.0, 0.0]}}
    chances = np.array([[0.2, 0.8]])
    assert undo_calibration(chances, held, "binary") is None
    assert undo_calibration(chances, held, "multilabel") is not None


@pytest.mark.parametrize("scale", [[0.0, 1.0], [1.0], "x", None, [-1, -1]])
def test_a_broken_calibration_is_left_alone(scale: object) -> None:
    held = {"calibration": {"scale": scale, "bias": [0.0, 0.0]}}
    assert undo_calibration(np.array([[0.2, 0.8]]), held, "multilabel") is None
