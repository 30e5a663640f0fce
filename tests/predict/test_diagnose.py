"""Answers of labels → assessments: findings, places, doubt, advice."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from medlens import __version__
from medlens.bundle import Bundle
from medlens.core import SequencePrediction
from medlens.core.diagnosis import Code, Finding
from medlens.predict import Predictor
from medlens.predict.diagnose import (
    RESAMPLED,
    advise,
    assess,
    describe,
    gather,
    not_assessable,
)
from tests.predict.diagnose_kit import (
    LOUD,
    label_bundle,
    point,
    prediction,
    refs,
    with_facts,
)
from tests.predict.volume_kit import volume_image
from tests.tiny import as_image, blob_image, bundle_of, plain_graph

FLAT = as_image(np.zeros((30, 40), np.uint8))
CHEST = ("normal", "pneumonia")


def binary(threshold: float = 0.5, **changes: object) -> Bundle:
    return label_bundle(CHEST, thresholds=(threshold,), **changes)


def test_a_binary_answer_is_one_finding_with_its_threshold() -> None:
    image = with_facts(FLAT, "DX", BodyPartExamined="CHEST")
    answer = prediction(CHEST, [0.1, 0.9], ["pneumonia"], held=["pneumonia"])
    found, evidence = describe(binary(0.4), answer, image, refs(1))
    (finding,) = found.findings
    assert finding == Finding(
        id="1",
        label="pneumonia",
        code=Code("233604007", "SCT", "Pneumonia"),
        is_present=True,
        probability=0.9,
        threshold=0.4,
        operating_point="youden",
        place=replace(finding.place, image=refs(1)[0]),
    )
    assert found.advice == "refer"
    assert (found.modality, found.body_part) == ("DX", "CHEST")
    assert (found.prediction_set, found.coverage) == (("pneumonia",), 0.9)
    assert found.algorithm.version == __version__
    assert (found.algorithm.form, found.algorithm.kind) == ("image", "binary")
    assert evidence.maps == {}


def test_what_a_header_holds_beside_known_terms_is_not_repeated() -> None:
    image = with_facts(FLAT, "JANE", BodyPartExamined="DOE^JANE")
    answer = prediction(CHEST, [0.9, 0.1], ["normal"])
    found, _ = describe(binary(), answer, image, refs(1))
    assert (found.modality, found.body_part) == ("", "")


def test_an_absent_finding_stays_with_its_number_and_no_place() -> None:
    answer = prediction(CHEST, [0.9, 0.1], ["normal"], held=["normal"])
    found, _ = describe(binary(), answer, FLAT, refs(1))
    (finding,) = found.findings
    assert not finding.is_present
    assert (finding.probability, finding.threshold) == (0.1, 0.5)
    assert finding.place.image is None
    assert found.advice == "nothing_found"


def test_where_normal_is_positive_the_other_label_is_looked_for() -> None:
    bundle = label_bundle(("tumour", "healthy"), thresholds=(0.3,))
    assert bundle.positive == "healthy"
    answer = prediction(("tumour", "healthy"), [0.8, 0.2], ["tumour"], held=["tumour"])
    found, _ = describe(bundle, answer, FLAT, refs(1))
    (finding,) = found.findings
    assert (finding.label, finding.is_present) == ("tumour", True)
    # healthy from 0.3 on is no tumour from 0.7 on
    assert finding.threshold == pytest.approx(0.7)
    assert found.advice == "refer"


def test_many_classes_are_findings_each_and_normal_is_none() -> None:
    labels = ("glioma", "notumor", "meningioma", "oddity")
    bundle = label_bundle(labels, "multiclass")
    answer = prediction(labels, [0.2, 0.1, 0.1, 0.6], ["oddity"], held=["oddity"])
    found, _ = describe(bundle, answer, FLAT, refs(1))
    told = [(f.id, f.label, f.is_present, f.probability) for f in found.findings]
    assert told == [
        ("3", "oddity", True, 0.6),
        ("1", "glioma", False, 0.2),
        ("2", "meningioma", False, 0.1),
    ]
    assert [f.threshold for f in found.findings] == [None] * 3
    assert found.findings[0].code is None
    normal = prediction(labels, [0.1, 0.7, 0.1, 0.1], ["notumor"], held=["notumor"])
    assert describe(bundle, normal, FLAT, refs(1))[0].advice == "nothing_found"


def test_classes_without_a_normal_one_are_all_findings() -> None:
    bundle = label_bundle(("red", "green", "blue"), "multiclass")
    answer = prediction(bundle.labels, [0.1, 0.2, 0.7], ["blue"], held=["blue"])
    found, _ = describe(bundle, answer, FLAT, refs(1))
    assert [f.label for f in found.findings] == ["blue", "green", "red"]


def test_labels_of_their_own_have_each_a_point() -> None:
    labels = ("no finding", "effusion", "mass")
    bundle = label_bundle(labels, "multilabel", thresholds=(0.5, 0.2, 0.8))
    bundle = replace(bundle, operating_points=bundle.operating_points[:2])
    answer = prediction(
        labels, [0.1, 0.3, 0.4], ["effusion"], held=["effusion", "mass"]
    )
    found, _ = describe(bundle, answer, FLAT, refs(1))
    told = {f.label: (f.threshold, f.operating_point) for f in found.findings}
    # mass has no point: decided at 0.5
    assert told == {"effusion": (0.2, "youden"), "mass": (0.5, "")}
    assert found.advice == "refer"


@pytest.mark.parametrize(
    ("kind", "held", "present", "outside", "advice"),
    [
        ("binary", ["pneumonia"], True, False, "refer"),
        ("binary", ["normal"], False, False, "nothing_found"),
        ("binary", ["normal", "pneumonia"], True, False, "unsure"),
        ("binary", [], True, False, "unsure"),
        ("binary", ["normal", "pneumonia"], False, True, "outside"),
        # decided against what alone is plausible: nothing is not what was found
        ("binary", ["pneumonia"], False, False, "unsure"),
        # decided for at a sensitive point although normal is plausible: a reader looks
        ("binary", ["normal"], True, False, "refer"),
        ("multilabel", [], False, False, "nothing_found"),
        ("multilabel", ["normal"], False, False, "nothing_found"),
        ("multilabel", ["pneumonia"], False, False, "unsure"),
        ("multilabel", ["pneumonia", "normal"], True, False, "refer"),
        ("binary", None, True, False, "refer"),
        ("binary", None, False, False, "nothing_found"),
    ],
)
def test_advice_is_the_first_that_holds(
    kind: str, held: list[str] | None, present: bool, outside: bool, advice: str
) -> None:
    finding = Finding("1", "pneumonia", None, is_present=present)
    found = advise([finding], kind=kind, is_outside=outside, prediction_set=held)
    assert found == advice


def test_a_stranger_is_outside_whatever_it_says() -> None:
    answer = prediction(CHEST, [0.1, 0.9], ["pneumonia"], held=CHEST, gate=LOUD)
    found, _ = describe(binary(), answer, FLAT, refs(1))
    assert found.advice == "outside"
    assert found.out_of_distribution == LOUD


def test_only_anatomy_is_measured_not_found() -> None:
    structure = Finding("1", "left kidney", None, is_present=True)
    tumour = Finding("2", "kidney tumour", None, is_present=True)
    plain = {"kind": "multiclass", "is_outside": False, "prediction_set": None}
    assert advise([structure], **plain) == "measured"  # type: ignore[arg-type]
    gone = replace(tumour, is_present=False)
    assert advise([structure, tumour], **plain) == "refer"  # type: ignore[arg-type]
    assert advise([structure, gone], **plain) == "nothing_found"  # type: ignore[arg-type]


def test_evidence_gives_a_box_around_its_strongest_region() -> None:
    maps = np.full((2, 30, 40), -1.0, np.float32)
    maps[1, 5:9, 10:16] = 2.0
    maps[1, 5, 15] = 4.0  # 2.0 is half of it: the region is 4 x 6
    maps[1, 20:25, 30:35] = 3.0  # strong, but elsewhere
    answer = prediction(CHEST, [0, 1], ["pneumonia"], evidence=maps)
    found, evidence = describe(binary(), answer, FLAT, refs(1))
    (finding,) = found.findings
    assert finding.place.box == (10, 5, 16, 9)
    assert finding.place.slice_index is None  # an image is no volume
    np.testing.assert_array_equal(evidence.maps["1"], maps[1:2])
    assert evidence.first_slice == 0


@pytest.mark.parametrize("value", [-1.0, 0.0, 5.0])
def test_evidence_that_is_even_gives_no_box(value: float) -> None:
    maps = np.full((2, 30, 40), value, np.float32)
    answer = prediction(CHEST, [0, 1], ["pneumonia"], evidence=maps)
    found, _ = describe(binary(), answer, FLAT, refs(1))
    assert found.findings[0].place.box is None


def test_a_volume_is_shown_by_its_strongest_slice() -> None:
    image = volume_image(np.zeros((5, 8, 9), np.uint8))
    maps = np.zeros((2, 5, 8, 9), np.float32)
    maps[1, 3, 2, 4] = 1.0
    answer = prediction(CHEST, [0, 1], ["pneumonia"], evidence=maps)
    bundle = binary(form="volume", depth=5)
    found, evidence = describe(bundle, answer, image, refs(5))
    place = found.findings[0].place
    assert (place.slice_index, place.image) == (3, refs(5)[3])
    assert place.box == (4, 2, 5, 3)
    assert evidence.maps["1"].shape == (5, 8, 9)
    without = replace(answer, evidence=None)
    assert describe(bundle, without, image, refs(5))[0].findings[0].place.image is None


def series_answer(decision: tuple[str, ...] = ("pneumonia",)) -> SequencePrediction:
    slices = tuple(
        prediction(CHEST, [1 - p, p], ["pneumonia" if p >= 0.5 else "normal"])
        for p in (0.1, 0.6, 0.9, 0.7)
    )
    maps = np.zeros((2, 8, 9), np.float32)
    maps[1, 1:3, 5] = 1.0
    return SequencePrediction(
        series=prediction(CHEST, [0.05, 0.95], decision),
        slices=slices,
        attention=np.full(4, 0.25),
        key_slice=1,
        evidence=maps,
    )


def test_a_box_of_a_coarser_map_is_told_in_pixels_of_the_image() -> None:
    image = volume_image(np.zeros((5, 8, 9), np.uint8))
    maps = np.zeros((2, 5, 4, 3), np.float32)  # cells of 2 rows, 3 columns
    maps[1, 3, 1:3, 1] = 1.0
    answer = prediction(CHEST, [0, 1], ["pneumonia"], evidence=maps)
    found, evidence = describe(binary(form="volume", depth=5), answer, image, refs(5))
    assert found.findings[0].place.box == (3, 2, 6, 6)
    assert found.findings[0].place.slice_index == 3
    assert evidence.grid == (4, 3)
    whole = replace(answer, evidence=np.zeros((2, 5, 8, 9), np.float32))
    _, fine = describe(binary(form="volume", depth=5), whole, image, refs(5))
    assert fine.grid is None


def test_a_series_with_evidence_of_all_slices_keeps_it() -> None:
    image = volume_image(np.zeros((4, 8, 9), np.uint8))
    maps = np.zeros((2, 4, 8, 9), np.float32)
    maps[1, 1, 1:3, 5] = 1.0
    maps[1, 2, 4, 4] = 2.0
    answer = replace(series_answer(), slice_evidence=maps)
    bundle = binary(form="sequence", reader="lstm", slice_labels=True)
    found, evidence = describe(bundle, answer, image, refs(4))
    (finding,) = found.findings
    assert (finding.place.slice_index, finding.place.box) == (1, (5, 1, 6, 3))
    assert (evidence.first_slice, evidence.key_slice) == (0, 1)
    np.testing.assert_array_equal(evidence.maps["1"], maps[1])


def test_a_series_has_a_key_slice_and_its_positive_slices() -> None:
    image = volume_image(np.zeros((4, 8, 9), np.uint8))
    bundle = binary(
        form="sequence",
        reader="lstm",
        slice_labels=True,
        series_points=(point("pneumonia", 0.8, "sensitivity>=0.95"),),
    )
    found, evidence = describe(bundle, series_answer(), image, refs(4))
    (finding,) = found.findings
    assert finding.slices == (1, 2, 3)
    assert finding.place.slice_index == 1
    assert finding.place.image == refs(4)[1]
    assert finding.place.box == (5, 1, 6, 3)
    # the series has a point of its own, and no sets where its slices have them
    assert (finding.threshold, finding.operating_point) == (0.8, "sensitivity>=0.95")
    assert (found.coverage, found.advice) == (None, "refer")
    assert evidence.first_slice == 1
    assert evidence.maps["1"].shape == (1, 8, 9)


def test_a_series_without_the_finding_has_no_slices() -> None:
    image = volume_image(np.zeros((4, 8, 9), np.uint8))
    bundle = binary(form="sequence", slice_labels=True)
    found, _ = describe(bundle, series_answer(("normal",)), image, refs(4))
    (finding,) = found.findings
    assert (finding.slices, finding.place.slice_index) == ((), None)


@pytest.mark.parametrize(
    ("facts", "side"),
    [
        ({"BodyPartExamined": "KNEE", "Laterality": "R"}, "right"),
        ({"BodyPartExamined": "breast", "ImageLaterality": "L"}, "left"),
        ({"BodyPartExamined": "HAND", "Laterality": "B"}, "bilateral"),
        # a film of the chest from the left shows both sides
        ({"BodyPartExamined": "CHEST", "Laterality": "L"}, ""),
        ({"Laterality": "L"}, ""),
        ({"BodyPartExamined": "KNEE", "Laterality": "?"}, ""),
    ],
)
def test_the_side_comes_from_the_header_of_paired_parts(
    facts: dict[str, str], side: str
) -> None:
    answer = prediction(CHEST, [0, 1], ["pneumonia"])
    found, _ = describe(binary(), answer, with_facts(FLAT, "DX", **facts), refs(1))
    assert found.findings[0].place.laterality == side


def test_slices_that_were_interpolated_are_no_files() -> None:
    image = with_facts(
        volume_image(np.zeros((4, 8, 9), np.uint8)), "CT", Resampled="linear, 4 slices"
    )
    bundle = binary(form="sequence", slice_labels=True)
    found, _ = describe(bundle, series_answer(), image, refs(4))
    (finding,) = found.findings
    assert (finding.place.image, finding.place.slice_index) == (None, None)
    assert (finding.place.box, finding.slices) == (None, ())
    assert found.notes == (RESAMPLED,)


def test_a_file_that_holds_the_volume_is_the_image_of_every_slice() -> None:
    image = volume_image(np.zeros((4, 8, 9), np.uint8))
    bundle = binary(form="sequence", slice_labels=True)
    found, _ = describe(bundle, series_answer(), image, refs(1))
    place = found.findings[0].place
    assert (place.image, place.slice_index) == (refs(1)[0], 1)


def test_assess_asks_the_predictor_itself() -> None:
    bundle = bundle_of(plain_graph((-10.0, 10.0)), labels=CHEST, thresholds=(0.5,))
    image = as_image(blob_image(0, shape=(64, 64), centre=(16, 48)))
    found, evidence = assess(Predictor(bundle), image, refs(1), notes=["tilted"])
    own = Predictor(bundle).predict(image)
    (finding,) = found.findings
    assert finding.probability == round(float(own.probabilities[1]), 6)
    assert found.notes == ("tilted",)
    assert own.evidence is not None
    np.testing.assert_array_equal(evidence.maps["1"][0], own.evidence[1])


def test_what_cannot_be_assessed_says_why_and_claims_nothing() -> None:
    found = not_assessable(binary(), refs(2), "two slices are missing", modality="CT")
    assert (found.status, found.advice) == ("not_assessable", "not_assessable")
    assert found.reason == "two slices are missing"
    assert (found.findings, found.out_of_distribution, found.coverage) == (
        (),
        None,
        None,
    )
    assert (found.modality, found.images) == ("CT", refs(2))


def test_gather_keeps_order_and_what_was_left_out() -> None:
    first = not_assessable(binary(), refs(1), "a")
    second = not_assessable(binary(), refs(1), "b")
    found = gather(
        "study", [first, second], left_out=[("scout", "is one")], study_uid="1.2.3"
    )
    assert [item.reason for item in found.assessments] == ["a", "b"]
    assert found.left_out == (("scout", "is one"),)
    assert (found.study_uid, found.has_prior) == ("1.2.3", False)
    assert "1.2.3" not in repr(found)
