"""Changes of channels that are scans of their own."""

from __future__ import annotations

import numpy as np

from medlens.prep import augment_channels as channels
from medlens.prep import build_augment, build_volume_augment
from medlens.recipe.settings import Step

RNG = np.random.default_rng(3)
THREE = RNG.random((3, 20, 24), dtype=np.float32)
THREE[:, :5] = 0


def test_tone_by_hand_and_air_stays() -> None:
    found = channels.apply_channel_tone(
        np.array([[[0.0, 0.25]], [[0.01, 0.5]]], np.float32),
        exponents=np.array([0.5, 1.0]),
        factors=np.array([1.0, 0.5]),
        shifts=np.array([0.1, -0.4]),
    )
    # 0.25^0.5 + 0.1; 0.5 · 0.5 - 0.4 is below air and stops there
    wanted = [[[0.0, 0.6]], [[0.01, channels.BLACK]]]
    np.testing.assert_allclose(found, wanted, atol=1e-6)


def test_tone_moves_each_channel_on_its_own() -> None:
    drawn = channels.draw_channel_tone(RNG, THREE.shape, gamma=0, gain=1.0, shift=0)
    found = channels.apply_channel_tone(THREE, **drawn)
    seen = THREE > 0.1
    ratios = [np.median(found[c][seen[c]] / THREE[c][seen[c]]) for c in range(3)]
    np.testing.assert_allclose(ratios, drawn["factors"], rtol=1e-5)
    assert np.ptp(ratios) > 0.1
    assert (found[:, :5] == 0).all()


def test_gap_copies_one_channel_over_another() -> None:
    pairs = set()
    for _ in range(100):
        drawn = channels.draw_channel_gap(RNG, THREE.shape)
        found = channels.apply_channel_gap(THREE, **drawn)
        missing, instead = drawn["missing"], drawn["instead"]
        pairs.add((missing, instead))
        np.testing.assert_array_equal(found[missing], THREE[instead])
        (kept,) = {0, 1, 2} - {missing, instead}
        np.testing.assert_array_equal(found[[instead, kept]], THREE[[instead, kept]])
    assert len(pairs) == 6


def test_one_channel_has_no_gap() -> None:
    drawn = channels.draw_channel_gap(RNG, (1, 4, 4))
    one = THREE[:1]
    np.testing.assert_array_equal(channels.apply_channel_gap(one, **drawn), one)


def test_images_and_volumes_change_alike() -> None:
    steps = (Step("channel_tone", {"p": 1.0}), Step("channel_gap", {"p": 1.0}))
    flat = build_augment(steps, seed=4)(THREE, epoch=2, index=5)
    volume = build_volume_augment(steps, seed=4, spacing=(1.0, 1.0, 1.0))
    found, _ = volume(THREE[:, None], None, epoch=2, index=5)
    np.testing.assert_allclose(found[:, 0], flat, atol=1e-6)
