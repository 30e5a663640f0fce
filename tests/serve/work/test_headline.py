"""What a line of the worklist says, worked out by hand."""

from __future__ import annotations

import pytest

from medlens.core.diagnosis import Advice, Algorithm, Assessment, Diagnosis, Finding
from medlens.serve.work.headline import headline_of, weight_of


def finding(label: str, probability: float | None, *, there: bool = True) -> Finding:
    return Finding("1", label, None, is_present=there, probability=probability)


def said(advice: Advice, *findings: Finding) -> Assessment:
    status = "not_assessable" if advice == "not_assessable" else "assessed"
    algorithm = Algorithm("tiny", "ab" * 32, "0", "image", "multilabel")
    return Assessment(algorithm, status, advice, (), findings=findings)


def study(*assessments: Assessment) -> Diagnosis:
    return Diagnosis("study 1", assessments)


def test_urgency_is_probability_times_weight_above_its_tier() -> None:
    found = headline_of(
        study(
            said(
                "refer",
                finding("pneumothorax", 0.5),
                finding("nodule", 0.9),
                finding("cardiomegaly", 0.95, there=False),
            )
        ),
        {"Pneumothorax": 8.0},
    )
    assert found.urgency == pytest.approx(30 + 0.5 * 8)
    assert [(w.label, w.probability, w.weight, w.urgency) for w in found.why] == [
        ("pneumothorax", 0.5, 8.0, 4.0),
        ("nodule", 0.9, 1.0, 0.9),
    ]
    assert found.why[0].name_zh == "气胸"
    assert (found.advice, found.assessments) == ("refer", 1)


@pytest.mark.parametrize(
    ("advice", "urgency", "named"),
    [
        ("refer", 30.6, 1),
        ("unsure", 20.6, 1),
        ("outside", 20.0, 0),  # no number of it should be trusted
        ("not_assessable", 10.0, 0),
        ("measured", 0.0, 0),
        ("nothing_found", 0.0, 0),
    ],
)
def test_tiers_by_advice(advice: Advice, urgency: float, named: int) -> None:
    found = headline_of(study(said(advice, finding("nodule", 0.6))), {})
    assert found.urgency == pytest.approx(urgency)
    assert (found.advice, len(found.why)) == (advice, named)


def test_no_weight_lifts_a_finding_over_its_tier() -> None:
    unsure = headline_of(study(said("unsure", finding("nodule", 1.0))), {"nodule": 10})
    refer = headline_of(study(said("refer", finding("nodule", 0.01))), {"nodule": 0.1})
    assert unsure.urgency <= 30 < refer.urgency


def test_a_weight_of_nothing_takes_a_finding_out_of_the_order() -> None:
    weights = {"nodule": 0.0}
    alone = headline_of(study(said("refer", finding("nodule", 0.9))), weights)
    assert (alone.urgency, alone.advice) == (0.0, "refer")
    both = study(said("refer", finding("nodule", 0.9), finding("mass", 0.5)))
    assert headline_of(both, weights).urgency == pytest.approx(30.5)


def test_masks_count_as_one_and_anatomy_not_at_all() -> None:
    found = headline_of(
        study(said("refer", finding("liver", None), finding("tumour", None))), {}
    )
    assert found.urgency == 31.0
    assert [(w.label, w.probability) for w in found.why] == [("tumour", None)]


def test_the_most_urgent_of_several_assessments() -> None:
    found = headline_of(
        study(
            said("nothing_found"),
            said("outside", finding("mass", 0.99)),
            said("refer", *(finding(x, 0.6) for x in "abcd")),
        ),
        {"c": 2.0},
    )
    assert (found.advice, found.assessments) == ("refer", 3)
    assert [why.label for why in found.why] == ["c", "a", "b"]
    assert headline_of(study(), {}).urgency == 10.0
    assert headline_of(study(), {}).advice == "not_assessable"


@pytest.mark.parametrize(
    ("label", "weight"),
    [
        ("pneumothorax", 5.0),
        ("Left_Pneumothorax", 5.0),
        ("PLEURAL-EFFUSION", 2.0),
        ("enlarged heart", 3.0),  # another spelling of the same term
        ("word of our own", 0.5),
        ("nodule", 1.0),
    ],
)
def test_a_weight_holds_for_every_spelling(label: str, weight: float) -> None:
    weights = {
        "pneumothorax": 5.0,
        "Pleural effusion": 2.0,
        "Word of our own": 0.5,
        "cardiomegaly": 3.0,
    }
    assert weight_of(label, weights) == weight
