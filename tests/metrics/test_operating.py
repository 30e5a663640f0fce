"""Rules that choose thresholds, and decisions at them."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medlens.core import BundleError, RecipeError, UsageError
from medlens.metrics import OperatingPoint, decide, fit_operating_points
from medlens.metrics.operating import NAMED, fit_threshold, parse_rule

from .phantoms import binormal, calibrated, one_hot

both_classes = st.lists(
    st.tuples(st.integers(0, 1), st.floats(0.001, 0.999)), min_size=2, max_size=60
).filter(lambda rows: 0 < sum(t for t, _ in rows) < len(rows))


def rates(
    targets: np.ndarray, probabilities: np.ndarray, threshold: float
) -> tuple[float, float]:
    called = probabilities >= threshold
    return float(called[targets == 1].mean()), float((~called[targets == 0]).mean())


def youden(targets: np.ndarray, probabilities: np.ndarray, threshold: float) -> float:
    return sum(rates(targets, probabilities, threshold)) - 1


def overconfident(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Saturated network: most cases beyond 0.999, a tenth hard, 3 of 4 positive."""
    rng = np.random.default_rng(seed)
    targets = (rng.random(n) < 0.75).astype(int)
    side = np.where(targets == 1, 1.0, -1.0)
    hard = rng.random(n) < 0.1
    logits = np.where(hard, rng.normal(0.5 * side, 2), rng.normal(8 * side, 2))
    return targets, 1 / (1 + np.exp(-logits))


@given(both_classes, st.sampled_from(["sensitivity", "specificity"]), st.floats(0, 1))
@settings(max_examples=80)
def test_bounds_are_reached_and_not_overshot(
    rows: list[tuple[int, float]], name: str, bound: float
) -> None:
    targets, probabilities = map(np.array, zip(*rows, strict=True))
    bound = round(bound, 6)
    rule = f"{name}>={bound:f}".rstrip("0").rstrip(".")
    threshold = fit_threshold(targets, probabilities, rule=rule)
    reached = rates(targets, probabilities, threshold)
    side = 0 if name == "sensitivity" else 1
    assert reached[side] >= parse_rule(rule)[1] - 1e-9
    # Any threshold that does better on the other side misses the bound.
    for other in [*probabilities, 1.0]:
        rival = rates(targets, probabilities, other)
        if rival[side] >= parse_rule(rule)[1] - 1e-9:
            assert rival[1 - side] <= reached[1 - side]


@given(both_classes)
@settings(max_examples=60)
def test_no_case_lies_on_a_threshold(rows: list[tuple[int, float]]) -> None:
    targets, probabilities = map(np.array, zip(*rows, strict=True))
    threshold = fit_threshold(targets, probabilities, rule="specificity>=0.5")
    assert not (probabilities == threshold).any()


def test_youden_finds_the_crossing_of_the_densities() -> None:
    targets, scores = binormal(20_000, seed=0, gap=3.0)
    probabilities = 1 / (1 + np.exp(-scores))
    threshold = fit_threshold(targets, probabilities, rule="youden")
    assert np.log(threshold / (1 - threshold)) == pytest.approx(1.5, abs=0.1)


def test_youden_ignores_prevalence_and_accuracy_follows_it() -> None:
    targets, scores = binormal(20_000, seed=1, gap=2.0, prevalence=0.1)
    probabilities = 1 / (1 + np.exp(-scores))
    logits = [
        np.log(threshold / (1 - threshold))
        for rule in ("youden", "accuracy")
        for threshold in [fit_threshold(targets, probabilities, rule=rule)]
    ]
    assert logits[0] == pytest.approx(1.0, abs=0.1)
    # The likelihood ratio exp(2 x - 2) has to beat odds of nine to one.
    assert logits[1] == pytest.approx(1 + np.log(9) / 2, abs=0.2)


def test_smoothed_youden_generalises_better_than_the_maximum() -> None:
    fresh_targets, fresh = overconfident(100_000, seed=999)
    smoothed, plain, spread = [], [], []
    for seed in range(60):
        targets, probabilities = overconfident(150, seed=seed)
        threshold = fit_threshold(targets, probabilities, rule="youden")
        spread.append(np.log(threshold / (1 - threshold)))
        smoothed.append(youden(fresh_targets, fresh, threshold))
        values = [youden(targets, probabilities, t) for t in probabilities]
        best = probabilities[int(np.argmax(values))]
        plain.append(youden(fresh_targets, fresh, best))
    assert np.mean(smoothed) > np.mean(plain)
    assert np.std(spread) < 2.0


def test_perfect_separation_takes_the_middle_of_the_gap() -> None:
    targets = np.repeat([0, 1], 200)
    logits = np.r_[np.linspace(-9, -5, 200), np.linspace(3, 7, 200)]
    threshold = fit_threshold(targets, 1 / (1 + np.exp(-logits)), rule="youden")
    assert -5 < np.log(threshold / (1 - threshold)) < 3


def test_the_same_cases_give_the_same_threshold() -> None:
    targets, probabilities = overconfident(200, seed=3)
    order = np.random.default_rng(0).permutation(200)
    first = fit_threshold(targets, probabilities, rule="youden")
    assert first == fit_threshold(targets[order], probabilities[order], rule="youden")


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("youden", ("youden", 0.0)),
        (" Sensitivity >= 0.95", ("sensitivity", 0.95)),
        ("specificity>=1", ("specificity", 1.0)),
        ("probability>=.5", ("probability", 0.5)),
    ],
)
def test_rules_are_read(rule: str, expected: tuple[str, float]) -> None:
    assert parse_rule(rule) == expected


@pytest.mark.parametrize(
    "rule", ["", "sensitivity", "sensitivity>=95", "f1", "youden>=1"]
)
def test_unknown_rules_list_the_known_ones(rule: str) -> None:
    with pytest.raises(RecipeError, match="wanted one of youden, accuracy"):
        parse_rule(rule)


def test_points_of_a_binary_task() -> None:
    targets, logits = calibrated(400, seed=4)
    probabilities = 1 / (1 + np.exp(-logits))
    points = fit_operating_points(
        np.stack([1 - probabilities, probabilities], axis=1),
        one_hot(targets, 2),
        labels=("no", "yes"),
        kind="binary",
        rule="sensitivity>=0.9",
    )
    assert [point.rule for point in points] == ["sensitivity>=0.9", *NAMED]
    assert [point.chosen for point in points] == [True, False, False, False, False]
    assert {point.label for point in points} == {"yes"}


def test_binary_decisions_are_one_label_each() -> None:
    points = (OperatingPoint("yes", 0.3, "youden", chosen=True),)
    probabilities = np.array([[0.8, 0.2], [0.7, 0.3], [0.1, 0.9]])
    found = decide(probabilities, points, labels=("no", "yes"), kind="binary")
    assert found.tolist() == [[True, False], [False, True], [False, True]]
    single = decide(probabilities[1], points, labels=("no", "yes"), kind="binary")
    assert single.tolist() == [False, True]
    turned = decide(probabilities[:, ::-1], points, labels=("yes", "no"), kind="binary")
    assert turned.tolist() == [[False, True], [True, False], [True, False]]


def test_multiclass_decisions_are_the_most_probable_label() -> None:
    targets = one_hot(np.array([0, 1, 2] * 20), 3)
    probabilities = np.random.default_rng(5).dirichlet(np.ones(3), 60)
    points = fit_operating_points(
        probabilities, targets, labels=("a", "b", "c"), kind="multiclass"
    )
    assert not any(point.chosen for point in points)
    found = decide(probabilities, points, labels=("a", "b", "c"), kind="multiclass")
    assert np.array_equal(found.argmax(axis=1), probabilities.argmax(axis=1))
    assert (found.sum(axis=1) == 1).all()


def test_multilabel_decisions_have_their_own_thresholds() -> None:
    points = (
        OperatingPoint("b", 0.2, "youden", chosen=True),
        OperatingPoint("a", 0.9, "youden", chosen=True),
        OperatingPoint("a", 0.1, "accuracy"),
    )
    found = decide(np.array([[0.5, 0.5, 0.5]]), points, labels="abc", kind="multilabel")
    assert found.tolist() == [[False, True, True]]


def test_a_label_without_cases_gets_a_half_and_a_note() -> None:
    targets = np.array([[1, 0, -1], [0, 0, -1], [1, 0, -1]])
    points = fit_operating_points(
        np.full((3, 3), 0.4),
        targets,
        labels=("a", "b", "c"),
        kind="multilabel",
        named=(),
    )
    assert [point.note for point in points] == [
        "",
        "no validation case with the label; 0.5 taken",
        "no validation case without the label; 0.5 taken",
    ]
    with pytest.raises(UsageError, match="with and without the label"):
        fit_threshold(np.zeros(3), np.full(3, 0.4), rule="youden")


def test_wrong_use_is_named() -> None:
    probabilities, targets = np.full((2, 2), 0.5), np.eye(2, dtype=int)
    with pytest.raises(UsageError, match="positive label 'cat'"):
        fit_operating_points(
            probabilities, targets, labels=("a", "b"), kind="binary", positive="cat"
        )
    with pytest.raises(UsageError, match="a binary task has 2"):
        fit_operating_points(
            np.ones((2, 3)), np.ones((2, 3)), labels=("a", "b", "c"), kind="binary"
        )
    with pytest.raises(UsageError, match=r"wanted \(cases, labels\)"):
        fit_operating_points(probabilities, targets, labels=("a",), kind="multilabel")
    with pytest.raises(BundleError, match="'cat' is not among the labels"):
        decide(
            probabilities,
            (OperatingPoint("cat", 0.5, "youden", chosen=True),),
            labels=("a", "b"),
            kind="binary",
        )


def test_json_keeps_the_point() -> None:
    point = OperatingPoint(
        "ça|va", 0.123456789012345678, "youden", chosen=True, note="n"
    )
    assert OperatingPoint.from_json(json.loads(json.dumps(point.to_json()))) == point
