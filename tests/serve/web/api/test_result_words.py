"""Words of a diagnosis in both languages."""

from __future__ import annotations

from dataclasses import replace

import httpx

from medlens.serve.store.store import Store
from medlens.serve.web.api.result_words import names_of, phrases_of
from tests.serve.web.api.filled import add_result, add_study, diagnosis_of_one


def test_labels_have_the_names_of_the_table_of_terms() -> None:
    names = names_of(diagnosis_of_one())
    assert names["pneumonia"].model_dump() == {"en": "pneumonia", "zh": "肺炎"}


def test_a_label_that_no_table_has_stands_as_it_is_but_printable() -> None:
    assessment = diagnosis_of_one().assessments[0]
    strange = replace(assessment.findings[0], label="grade\u202e 3")
    found = replace(
        diagnosis_of_one(), assessments=(replace(assessment, findings=(strange,)),)
    )
    assert names_of(found)["grade\u202e 3"].en == "grade\ufffd 3"


def test_reasons_keys_and_rules_are_translated() -> None:
    assessment = diagnosis_of_one().assessments[0]
    ruled = replace(assessment.findings[0], operating_point="sensitivity>=0.95")
    found = replace(
        diagnosis_of_one(),
        assessments=(
            replace(assessment, findings=(ruled,), notes=("unevenly spaced slices",)),
        ),
        left_out=(("series 2", "is a localiser by its Image Type"),),
    )
    phrases = phrases_of(found)
    assert phrases["sensitivity>=0.95"].model_dump() == {
        "en": "sensitivity at least 95 %",
        "zh": "灵敏度不低于95%",
    }
    assert phrases["series 2"].zh == "序列2"
    assert phrases["is a localiser by its Image Type"].zh == "定位像"
    assert phrases["unevenly spaced slices"].zh == "层间距不均匀"


def test_a_result_comes_with_its_words(viewer: httpx.Client, store: Store) -> None:
    result = add_result(store, add_study(store))
    reply = viewer.get(f"/api/v1/results/{result}").json()
    assert reply["names"]["pneumonia"]["zh"] == "肺炎"
    assert reply["phrases"]["youden"] == {"en": "Youden index", "zh": "约登指数法"}
