"""What a bundle says of the data it was taught with."""

from __future__ import annotations

import numpy as np

from medlens.experiment.constants import prevalence_of


def test_cases_that_nobody_read_do_not_count() -> None:
    assert prevalence_of(np.array([1, 0, 0, -1, -1, 1, 0], np.int8)) == 0.4
    assert prevalence_of(np.array([-1, -1], np.int8)) == 0.0
