"""The 8-bit copy: smaller, of the same shape, near the same answers."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

import numpy as np

from medlens.bundle import load_bundle
from medlens.predict.session import OnnxSession
from medlens.train import quantise_onnx
from tests.tiny import SIDE


def test_a_copy_in_8_bits_answers_nearly_the_same(tiny_bundle: Path) -> None:
    bundle = load_bundle(tiny_bundle)
    rng = np.random.default_rng(0)
    examples = rng.random((20, 1, SIDE, SIDE), dtype=np.float32)
    level = logging.getLogger().level
    small = quantise_onnx(bundle.model, examples=examples)
    assert logging.getLogger().level == level
    assert len(small) < 0.4 * len(bundle.model)
    plain = OnnxSession(bundle).run(examples)
    copy = OnnxSession(replace(bundle, int8=small), is_int8=True).run(examples)
    for one, other in zip(plain, copy, strict=True):
        assert one.shape == other.shape
        assert np.abs(one - other).max() <= 0.1 * max(1.0, float(np.abs(one).max()))
