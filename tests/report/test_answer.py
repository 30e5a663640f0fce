"""The answer says what the figures say, and no more."""

from __future__ import annotations

import json
from typing import Any

import pytest

from medlens.report.answer import write_answer
from medlens.report.caution import find_notices
from medlens.report.load import RunFolder
from medlens.report.subject import find_subject

TASK = {"kind": "binary", "labels": ["no", "yes"], "positive": "yes"}


def quantity(value: float, low: float, high: float) -> dict[str, Any]:
    return {"value": value, "low": low, "high": high, "method": "DeLong"}


def run_of(split: dict[str, Any], *, task: dict[str, Any] = TASK) -> RunFolder:
    whole = {"n_cases": 800, "n_patients": 400, **split}
    return RunFolder("r", metrics={"task": task, "splits": {"test": whole}})


def answer_of(split: dict[str, Any], **more: Any) -> str:
    answer = write_answer(find_subject(run_of(split, **more)), data_name="chest")
    return " ".join((answer.headline, answer.verdict, *answer.sentences))


@pytest.mark.parametrize(
    ("value", "low", "words"),
    [
        (0.99, 0.98, "separates almost all “yes” cases"),
        (0.99, 0.91, "separates most “yes” cases"),
        (0.99, 0.75, "separates many “yes” cases"),
        (0.80, 0.60, "separates some “yes” cases"),
        (0.80, 0.48, "is not shown to be better than chance"),
    ],
)
def test_praise_follows_the_lower_end(value: float, low: float, words: str) -> None:
    said = answer_of({"metrics": {"auroc": quantity(value, low, 1.0)}})
    assert words in said
    assert "On 800 test cases of 400 patients, none of them seen in training" in said


def test_operating_point_in_plain_numbers() -> None:
    point = {
        "name": "sensitivity>=0.95",
        "label": "yes",
        "threshold": 0.2071,
        "chosen": True,
        "metrics": {
            "sensitivity": quantity(0.962, 0.93, 0.98),
            "specificity": quantity(0.997, 0.98, 1.0),
        },
    }
    said = answer_of({"operating_points": [point]})
    assert (
        "At its operating point (sensitivity ≥ 0.95, threshold 0.207) it finds 96 of "
        "100 “yes” cases and clears more than 99 of 100 of the others." in said
    )


@pytest.mark.parametrize(
    ("gap", "words"),
    [
        (quantity(0.04, 0.01, 0.07), "the network is better (+0.040; 0.010 to 0.070"),
        (quantity(-0.04, -0.07, -0.01), "the network is worse"),
        (quantity(0.01, -0.01, 0.03), "no difference is shown"),
    ],
)
def test_comparison_is_decided_by_the_interval(gap: dict[str, Any], words: str) -> None:
    classical = {
        "metrics": {"auroc": quantity(0.9, 0.88, 0.92)},
        "auroc_difference": {**gap, "p_value": 0.0002},
    }
    said = answer_of({"baselines": {"classical": classical}})
    assert words in said
    assert "p < 0.001" in said


def test_few_patients_make_every_figure_rough() -> None:
    metrics = {"auroc": quantity(0.9, 0.8, 1.0)}
    said = answer_of({"n_cases": 500, "n_patients": 40, "metrics": metrics})
    assert "Read every figure as rough: 40 patients are few" in said


def test_multiclass_and_multilabel_words() -> None:
    labels = ["a", "b", "c"]
    metrics = {"auroc": quantity(0.95, 0.93, 0.97), "accuracy": quantity(0.8, 0.7, 0.9)}
    several = answer_of(
        {"metrics": metrics}, task={"kind": "multiclass", "labels": labels}
    )
    assert "Telling apart “a”, “b” and “c” in chest" in several
    assert "Its first choice is right for 80 of 100 cases (accuracy 80.0%" in several
    assert "mean AUROC 0.950" in several
    many = answer_of(
        {"metrics": metrics}, task={"kind": "multilabel", "labels": labels * 3}
    )
    assert "Finding 9 labels, “a” to “c”" in many
    assert "first choice" not in many


def test_notices_name_what_weakens_the_answer() -> None:
    split = {
        "metrics": {
            "auroc": quantity(0.95, 0.93, 0.97),
            "ece": quantity(0.12, 0.08, 0.2),
        },
        "out_of_distribution": {"flagged": 80, "share": 0.1},
        "prior_shift": {
            "validation_prevalence": {"no": 0.3, "yes": 0.7},
            "estimated_prevalence": {"no": 0.6, "yes": 0.4},
        },
        "subgroups": [
            {
                "column": "site",
                "value": "B",
                "metrics": {"auroc": quantity(0.8, 0.7, 0.9)},
            },
            {
                "column": "site",
                "value": "A",
                "metrics": {"auroc": quantity(0.94, 0.9, 0.97)},
            },
        ],
    }
    run = run_of(split)
    audit = {"cases": 9, "patients": 9, "label_conflicts": [["a", "b"]]}
    run = RunFolder("r", metrics=run.metrics, audit=audit)
    notices = find_notices(run, find_subject(run))
    said = "\n".join(notice.text for notice in notices)
    assert "1 label conflict" in said
    assert "off by 0.120 (0.080 to 0.200)" in said
    assert "80 cases (10.0%) look unlike the training images" in said
    assert "“yes” seems to be rarer here (estimated 40%)" in said
    assert "Subgroup site = B: AUROC is 0.800" in said
    assert "site = A" not in said
    assert notices[-1].weight == "note"
    assert "each image, with its near-duplicates, counts as one patient" in said


def test_clean_run_needs_no_notice() -> None:
    run = run_of({"metrics": {"auroc": quantity(0.95, 0.93, 0.97)}})
    assert find_notices(run, find_subject(run)) == ()


def test_nothing_measured_is_said() -> None:
    run = RunFolder("r", audit={"cases": 3})
    answer = write_answer(find_subject(run), data_name="")
    assert answer.verdict.startswith("Nothing was measured yet")
    assert json.dumps(answer.keys) == "[]"


def test_predictive_values_name_the_prevalence_they_hold_at() -> None:
    ppv = {"ppv": quantity(0.8, 0.7, 0.9)}
    point = {"label": "yes", "chosen": True, "prevalence": 0.123, "metrics": ppv}
    subject = find_subject(run_of({"metrics": ppv, "operating_points": [point]}))
    (key,) = write_answer(subject, data_name="").keys
    assert key.meaning == (
        "share of positive answers that are right, at the tested prevalence of 12.3%"
    )
    held = {"per_label": {"yes": {"prevalence": 0.05}}}
    subject = find_subject(run_of({"metrics": ppv, **held}))
    assert write_answer(subject, data_name="").keys[0].meaning.endswith("of 5%")


def test_cases_that_are_nobodys_copy_are_not_called_groups() -> None:
    one_each = {"n_cases": 40, "n_patients": 40, "unit": "group"}
    said = answer_of({"metrics": {"auroc": quantity(0.9, 0.8, 1.0)}, **one_each})
    assert "40 cases are few" in said
    assert "group" not in said
