"""Is this image of the kind the network learned from?"""

from __future__ import annotations

import json
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from medlens.core import BundleError, UsageError
from medlens.metrics import OutlierGate, auroc, fit_outlier_gate, image_statistics
from medlens.metrics.appearance import STATISTICS

SIZE = 64


def embeddings(n: int, seed: int, size: int = SIZE) -> np.ndarray:
    """Features with a few strong directions, as a network's are."""
    rng = np.random.default_rng(seed)
    mixing = np.random.default_rng(99).normal(size=(12, size))
    return rng.normal(size=(n, 12)) @ mixing + 0.3 * rng.normal(size=(n, size)) + 1.0


def statistics(n: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed + 10_000).normal(0.5, 0.1, (n, 3))


def fitted(n: int = 600, m: int = 300, **changes: float) -> OutlierGate:
    return fit_outlier_gate(
        embeddings(n, 0),
        statistics(n, 0),
        validation_embeddings=embeddings(m, 1),
        validation_statistics=statistics(m, 1),
        **changes,
    )


def test_ordinary_cases_score_around_one() -> None:
    scores = fitted().score(embeddings(2000, 2), statistics(2000, 2))
    assert 0 < np.median(scores) < 1.5


@pytest.mark.parametrize("m", [30, 99, 1000])
def test_false_alarms_are_what_was_asked_for(m: int) -> None:
    gate = fitted(m=m)
    flags = gate.flags(gate.score(embeddings(20_000, 3), statistics(20_000, 3)))
    # With 30 cases the tail is extrapolated; with 99 it is the largest of them.
    assert flags.mean() < {30: 0.05, 99: 0.04, 1000: 0.025}[m]


@pytest.mark.parametrize("strange", ["far", "off the axes", "bright", "many axes"])
def test_strange_cases_are_flagged(strange: str) -> None:
    gate, features, numbers = fitted(), embeddings(200, 4), statistics(200, 4)
    rng = np.random.default_rng(5)
    if strange == "far":
        features = features * 6
    elif strange == "off the axes":
        features = features + rng.normal(0, 3, features.shape)
    elif strange == "bright":
        numbers = numbers + np.array([0, 1.5, 0])
    else:
        features = rng.normal(1, 3, features.shape)
    assert gate.flags(gate.score(features, numbers)).mean() > 0.95


def test_one_case_scores_as_in_a_batch() -> None:
    gate, features, numbers = fitted(), embeddings(5, 6), statistics(5, 6)
    batch = gate.score(features, numbers)
    assert gate.score(features[2], numbers[2]) == pytest.approx(batch[2])


def test_broken_features_score_worst() -> None:
    gate = fitted()
    scores = gate.score(np.full((2, SIZE), [[np.nan], [1e200]]), np.zeros((2, 3)))
    assert scores.tolist() == [1e6, 1e6]
    assert gate.flags(scores).all()


def test_small_and_constant_training_sets_work() -> None:
    constant = np.ones((20, SIZE))
    gate = fit_outlier_gate(
        constant,
        np.zeros((20, 3)),
        validation_embeddings=constant[:4],
        validation_statistics=np.zeros((4, 3)),
    )
    assert not gate.flags(gate.score(constant, np.zeros((20, 3)))).any()
    assert gate.flags(gate.score(constant + 1, np.zeros((20, 3)))).all()
    assert gate.flags(gate.score(constant, np.ones((20, 3)))).all()


def test_json_keeps_every_score_and_stays_small() -> None:
    gate = fit_outlier_gate(
        embeddings(400, 0, 1280),
        statistics(400, 0),
        validation_embeddings=embeddings(100, 1, 1280),
        validation_statistics=statistics(100, 1),
    )
    text = json.dumps(gate.to_json())
    assert len(text) < 300_000
    again = OutlierGate.from_json(json.loads(text))
    features, numbers = embeddings(20, 2, 1280), statistics(20, 2)
    assert np.array_equal(gate.score(features, numbers), again.score(features, numbers))
    assert again.threshold == gate.threshold


def test_wrong_use_is_named() -> None:
    gate = fitted()
    with pytest.raises(BundleError, match="wanted 64 and 3 values"):
        gate.score(np.zeros((2, 5)), np.zeros((2, 3)))
    with pytest.raises(UsageError, match="wanted 8 or more"):
        fitted(n=7)
    with pytest.raises(UsageError, match="2 or more validation cases"):
        fitted(m=1)
    with pytest.raises(UsageError, match="false alarms 0"):
        fitted(false_alarms=0.0)
    with pytest.raises(UsageError, match="training value is not finite"):
        fit_outlier_gate(
            np.full((10, 4), np.nan),
            np.zeros((10, 2)),
            validation_embeddings=np.zeros((5, 4)),
            validation_statistics=np.zeros((5, 2)),
        )


def test_statistics_by_hand() -> None:
    image = np.zeros((1, 4, 8), dtype=np.float32)
    image[:, :2] = 1.0
    values = dict(zip(STATISTICS, image_statistics(image), strict=True))
    assert values["mean"] == 0.5
    assert values["deviation"] == 0.5
    assert values["dark_share"] == 0.5
    assert values["bright_share"] == 0.5
    assert values["top_minus_bottom"] == 1.0
    assert values["left_minus_right"] == 0.0
    assert values["colourfulness"] == 0.0
    # Two grey levels of 32: log 2 / log 32.
    assert values["entropy"] == pytest.approx(0.2)
    # 8 of 24 steps down are 1, none across.
    assert values["edge_energy"] == pytest.approx(np.log(1 / 6 + 1e-3), rel=1e-5)


def test_statistics_of_any_size_are_finite() -> None:
    for shape in [(1, 2, 2), (3, 2, 5), (3, 1, 64, 48), (1, 1, 28, 28)]:
        for fill in (0.0, 0.5, 1.0):
            found = image_statistics(np.full(shape, fill, dtype=np.float32))
            assert np.isfinite(found).all()
            assert found.shape == (len(STATISTICS),)
    with pytest.raises(UsageError, match="sides of 2 pixels"):
        image_statistics(np.zeros((1, 1, 5)))
    with pytest.raises(UsageError, match="pixel is not finite"):
        image_statistics(np.full((1, 4, 4), np.nan))


def test_statistics_are_quick() -> None:
    image = np.random.default_rng(0).random((3, 224, 224), dtype=np.float32)
    image_statistics(image)
    started = time.process_time()
    for _ in range(20):
        image_statistics(image)
    assert (time.process_time() - started) / 20 < 0.03


def test_real_radiographs_against_other_images(shared_data: Path) -> None:
    """Statistics alone, with a stand-in for features: 8 × 8 grey blocks."""

    def read(folder: str, count: int) -> tuple[np.ndarray, np.ndarray]:
        paths = sorted((shared_data / folder).rglob("*.jp*g"))
        paths += sorted((shared_data / folder).rglob("*.png"))
        step = max(1, len(paths) // count)
        images = [cv2.imread(str(path), cv2.IMREAD_GRAYSCALE) for path in paths[::step]]
        greys = [
            cv2.resize(image, (96, 96), interpolation=cv2.INTER_AREA)[None] / 255.0
            for image in images[:count]
        ]
        blocks = [cv2.resize(grey[0], (8, 8)).ravel() for grey in greys]
        return np.stack(blocks), np.stack([image_statistics(grey) for grey in greys])

    features, numbers = read("xray_pneumonia/images", 300)
    gate = fit_outlier_gate(
        features[::2],
        numbers[::2],
        validation_embeddings=features[1::4],
        validation_statistics=numbers[1::4],
    )
    own = gate.score(features[3::4], numbers[3::4])
    other = gate.score(*read("ct_head_haemorrhage", 60))
    targets = np.r_[np.zeros(len(own), dtype=int), np.ones(len(other), dtype=int)]
    assert auroc(targets, np.r_[own, other]) > 0.95
