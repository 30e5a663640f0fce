"""Frozen features: the linear head, its folds and its odd cases."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from medlens.core import TrainError
from medlens.metrics import auroc
from medlens.nets import build_net
from medlens.train import Lesson, frozen, train_frozen
from medlens.train.frozen import fit_head
from tests.train.lessons import blob_lesson, lesson_of, small_recipe

RNG = np.random.default_rng(0)
FEATURES = RNG.normal(size=(90, 6)) * [1, 5, 0.1, 2, 1, 1] + [0, 9, -3, 0, 1, 0]
SCORE = FEATURES[:, 0] + 4 * FEATURES[:, 2] + RNG.normal(size=90) * 0.7


def fit(targets: np.ndarray[Any, Any], kind: Any, **more: float) -> Any:
    settings = {"strength": 0.1, "balance": 0.0, **more}
    return fit_head(FEATURES, targets.astype(np.int8), kind, **settings)


def two_sided(positive: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return np.stack([~positive, positive], axis=1)


def pipeline(labels: np.ndarray[Any, Any], **more: Any) -> Any:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = LogisticRegression(C=0.1, max_iter=2000, tol=1e-8)
    return make_pipeline(StandardScaler(), model).fit(FEATURES, labels, **more)


def test_two_labels_equal_sklearn_on_standardised_features() -> None:
    positive = SCORE > -12
    weight, bias = fit(two_sided(positive), "binary")
    logits = FEATURES @ weight.T + bias
    wanted = pipeline(positive).decision_function(FEATURES)
    np.testing.assert_allclose(logits[:, 1] - logits[:, 0], wanted, atol=0.02)
    np.testing.assert_allclose(logits.sum(axis=1), 0, atol=1e-9)


def test_balance_weighs_the_cases_and_keeps_the_prevalence() -> None:
    """sklearn with balanced weights, less what the weights do to the intercept."""
    positive = np.quantile(SCORE, 0.85) < SCORE
    weight, bias = fit(two_sided(positive), "binary", balance=1.0)
    logits = FEATURES @ weight.T + bias
    share = positive.mean()
    cases = np.where(positive, 0.5 / share, 0.5 / (1 - share))
    model = pipeline(positive, logisticregression__sample_weight=cases)
    wanted = model.decision_function(FEATURES) - np.log((1 - share) / share)
    np.testing.assert_allclose(logits[:, 1] - logits[:, 0], wanted, atol=0.02)
    mean = (1 / (1 + np.exp(logits[:, 0] - logits[:, 1]))).mean()
    assert mean == pytest.approx(share, abs=0.05)


def test_balance_of_three_labels_keeps_their_prevalence() -> None:
    labels = np.digitize(SCORE, np.quantile(SCORE, [0.1, 0.4]))
    weight, bias = fit(np.eye(3)[labels], "multiclass", balance=1.0)
    logits = FEATURES @ weight.T + bias
    counts = np.bincount(labels)
    model = pipeline(labels, logisticregression__sample_weight=30 / counts[labels])
    wanted = model.decision_function(FEATURES) + np.log(counts)
    centred = [x - x.mean(axis=1, keepdims=True) for x in (logits, wanted)]
    np.testing.assert_allclose(*centred, atol=0.02)


def test_three_labels_equal_sklearn_s_softmax() -> None:
    labels = np.digitize(SCORE, np.quantile(SCORE, [0.3, 0.7]))
    weight, bias = fit(np.eye(3)[labels], "multiclass")
    logits = FEATURES @ weight.T + bias
    wanted = pipeline(labels).decision_function(FEATURES)
    centred = [x - x.mean(axis=1, keepdims=True) for x in (logits, wanted)]
    np.testing.assert_allclose(*centred, atol=0.02)


def test_labels_that_nobody_read_do_not_count() -> None:
    positive = SCORE > -12
    known = RNG.random(90) < 0.6
    column = np.where(known, positive, -1)
    weight, bias = fit(np.stack([column, positive], axis=1), "multilabel")
    alone, alone_bias = fit(np.stack([positive, positive], axis=1), "multilabel")
    np.testing.assert_allclose(weight[1], alone[1])
    np.testing.assert_allclose(bias[1], alone_bias[1])
    # standardised by all cases, fitted on the known ones
    mean, std = FEATURES.mean(axis=0), FEATURES.std(axis=0)
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=0.1, tol=1e-8).fit(
        ((FEATURES - mean) / std)[known], positive[known]
    )
    wanted = model.decision_function((FEATURES - mean) / std)
    np.testing.assert_allclose(FEATURES @ weight[0] + bias[0], wanted, atol=0.02)


@pytest.mark.parametrize("present", [False, True])
def test_a_label_with_one_side_only_says_its_prior(present: bool) -> None:
    column = np.full(90, present)
    weight, bias = fit(np.stack([column, SCORE > -12], axis=1), "multilabel")
    assert not weight[0].any()
    share = (91 if present else 1) / 92  # Laplace's rule of succession
    assert bias[0] == pytest.approx(np.log(share / (1 - share)))


def test_a_class_that_no_case_shows_is_unlikely_everywhere() -> None:
    labels = np.digitize(SCORE, np.quantile(SCORE, [0.3, 0.7]))
    for shown in ([0, 2], [1]):
        keep = np.isin(labels, shown)
        targets = np.eye(3, dtype=np.int8)[labels[keep]]
        weight, bias = fit_head(
            FEATURES[keep], targets, "multiclass", strength=0.1, balance=0.5
        )
        logits = FEATURES[keep] @ weight.T + bias
        assert set(logits.argmax(axis=1).tolist()) <= set(shown)
        hidden = [k for k in range(3) if k not in shown]
        assert (logits[:, hidden] < logits.max(axis=1, keepdims=True) - 5).all()


def test_the_head_is_put_on_the_published_body(tmp_path: Path) -> None:
    lesson, recipe = blob_lesson(tmp_path, cases=40, validation=20), small_recipe()
    told: list[tuple[int, int]] = []
    net, logits, strength = train_frozen(
        recipe, lesson, progress=lambda *a: told.append(a)
    )
    assert logits.shape == (60, 2)
    assert strength in frozen.STRENGTHS
    assert told[-1] == (60, 60)
    fresh = build_net(recipe.net, labels=2, seed=recipe.train.seed)
    for name, value in fresh.body.state_dict().items():
        assert torch.equal(net.body.state_dict()[name], value)
    truth = lesson.validation_targets[:, 1]
    assert auroc(truth, logits[40:, 1] - logits[40:, 0]) > 0.9
    with torch.inference_mode():
        images = torch.from_numpy(lesson.cache.read(lesson.validation_rows))
        found = net(images).numpy()
    assert auroc(truth, found[:, 1] - found[:, 0]) > 0.9


def flipped(lesson: Lesson, cases: np.ndarray[Any, Any]) -> Lesson:
    """The lesson with the answers of these cases turned round."""
    whole = np.concatenate([lesson.train_targets, lesson.validation_targets])
    whole[cases] = 1 - whole[cases]
    n = len(lesson.train_rows)
    return replace(lesson, train_targets=whole[:n], validation_targets=whole[n:])


def test_no_group_has_a_say_in_its_own_logits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frozen, "STRENGTHS", (1e-2,))
    groups = np.arange(44) // 4
    lesson = replace(blob_lesson(tmp_path), groups=groups)
    recipe = small_recipe()
    _, before, _ = train_frozen(recipe, lesson)
    for group in (0, 7, 10):
        own = groups == group
        _, after, _ = train_frozen(recipe, flipped(lesson, own))
        np.testing.assert_allclose(after[own], before[own], atol=1e-9)
        assert np.abs(after[~own] - before[~own]).max() > 1e-3


def test_strength_is_the_one_with_the_lowest_out_of_fold_loss(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lesson, recipe = blob_lesson(tmp_path), small_recipe()
    targets = np.concatenate([lesson.train_targets, lesson.validation_targets])
    losses = {}
    for strength in frozen.STRENGTHS:
        monkeypatch.setattr(frozen, "STRENGTHS", (strength,))
        _, logits, _ = train_frozen(recipe, lesson)
        margin = np.where(targets[:, 1] == 1, 1, -1) * (logits[:, 1] - logits[:, 0])
        losses[strength] = np.logaddexp(0, -margin).mean()
    monkeypatch.undo()
    assert train_frozen(recipe, lesson)[2] == min(losses, key=lambda s: losses[s])


def test_same_seed_same_head(tmp_path: Path) -> None:
    lesson, recipe = blob_lesson(tmp_path), small_recipe()
    one, one_logits, _ = train_frozen(recipe, lesson)
    two, two_logits, _ = train_frozen(recipe, lesson)
    assert torch.equal(one.head.weight, two.head.weight)
    assert np.array_equal(one_logits, two_logits)


def test_one_group_alone_cannot_be_judged(tmp_path: Path) -> None:
    lesson = blob_lesson(tmp_path)
    lesson = replace(lesson, groups=np.zeros(44, dtype=np.int64))
    with pytest.raises(
        TrainError, match="all cases are of one patient or group, so no"
    ):
        train_frozen(small_recipe(), lesson)


def test_fewer_groups_than_folds_still_work(tmp_path: Path) -> None:
    lesson = replace(blob_lesson(tmp_path), groups=np.arange(44) % 2)
    recipe = replace(small_recipe(), split=replace(small_recipe().split, folds=20))
    _, logits, _ = train_frozen(recipe, lesson)
    assert np.isfinite(logits).all()


def test_several_labels_with_gaps_go_all_the_way(tmp_path: Path) -> None:
    plain = blob_lesson(tmp_path)
    targets = np.tile(
        np.array([[1, 0, -1], [0, 1, 0], [1, -1, 1], [0, 1, 0]], np.int8), (11, 1)
    )
    lesson = lesson_of(
        cache_rows=44, train=32, targets=targets, cache=plain.cache, kind="multilabel"
    )
    net, logits, _ = train_frozen(small_recipe(), lesson)
    assert logits.shape == (44, 3)
    assert net.head.out_features == 3
    assert np.isfinite(logits).all()
