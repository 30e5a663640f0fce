"""Masks: tables, figures by hand, their intervals, agreement of volumes."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from medlens.core import DataError, PrepError, UsageError
from medlens.evaluate import (
    choose_tolerance,
    measure_mask_split,
    score_case,
    table_of,
    write_mask_sentence,
)
from medlens.metrics import PatientBootstrap
from medlens.metrics.masks import summarise_masks

from .mask_phantoms import LABELS, boxes, random_table, table


def test_figures_of_every_case_by_hand() -> None:
    made = table()
    # Slabs of 4 × 16 and 2 × 16 voxels share 2 × 16: 2·32 / 96; tails 2·18 / 54.
    expected = [[1, 1], [2 / 3, 2 / 3], [0, np.nan], [0, np.nan]]
    np.testing.assert_allclose(made.dice, expected)
    # A voxel is 2 mm³; the head of the reference has 64.
    np.testing.assert_allclose(made.reference_volume[:, 0], [0.128, 0.128, 0.128, 0])
    np.testing.assert_allclose(made.volume[:, 0], [0.128, 0.064, 0, 0.096])
    assert made.hd95[0, 0] == 0
    assert np.isnan(made.hd95[2:, 0]).all()
    assert made.diagonal is not None
    assert made.diagonal[0] == pytest.approx(np.hypot(24, np.hypot(12, 12)))
    assert made.lesions_false is not None
    assert made.lesions_false[:, 0].tolist() == [0, 0, 0, 1]
    assert (made.unit, made.length_unit, made.case_unit) == ("ml", "mm", "volumes")


def test_means_are_those_of_the_cases_that_have_the_label() -> None:
    entry = measure_mask_split(table(), resamples=50)
    head, tail = (entry["per_label"][name] for name in ("head", "tail"))
    assert head["metrics"]["dice"]["value"] == pytest.approx(5 / 12)
    assert head["metrics"]["dice_present"]["value"] == pytest.approx(5 / 9, abs=1e-5)
    assert tail["metrics"]["dice"]["value"] == pytest.approx(5 / 6, abs=1e-5)
    assert entry["metrics"]["dice"]["value"] == pytest.approx(0.625)
    assert head["undefined"] == {"dice": 0, "hd95": 2, "volume_error": 1}
    assert tail["undefined"] == {"dice": 2, "hd95": 0, "volume_error": 2}
    assert (head["n_present"], head["n_answered"], head["n_cases"]) == (3, 3, 4)
    # |0|, |−1/2| and |−1| of the reference; signed they are the bias.
    assert head["metrics"]["volume_error"]["value"] == pytest.approx(0.5)
    assert head["metrics"]["volume_bias"]["value"] == pytest.approx(-0.5)
    assert head["metrics"]["volume_ml_bias"]["value"] == pytest.approx(-0.024)
    assert head["metrics"]["lesion_sensitivity"]["value"] == pytest.approx(
        2 / 3, abs=1e-5
    )
    assert head["metrics"]["false_positives_per_case"]["value"] == 0.25
    assert "2 with one mask empty" in head["metrics"]["hd95"]["method"]
    assert entry["tolerance"] == 2.0
    json.dumps(entry, allow_nan=False)


def test_means_agree_with_the_summary_of_scores() -> None:
    """`summarise_masks` is written apart and measures the same masks."""
    rng = np.random.default_rng(3)
    rows = []
    for k in range(12):
        reference, answer = (
            boxes(head=rng.integers(0, 6)),
            boxes(head=rng.integers(0, 6)),
        )
        rows.append(
            score_case(
                reference,
                answer,
                spacing=(1.5, 1.0, 1.0),
                labels=LABELS[:2],
                case=f"c{k}",
                patient=f"p{k // 2}",
            )
        )
    made = table_of(rows)
    bootstrap = PatientBootstrap(made.codes, resamples=300, seed=5)
    theirs = summarise_masks([row.scores["head"] for row in rows], bootstrap)
    ours = measure_mask_split(made, seed=5, resamples=300)["metrics"]
    for name in (
        "dice",
        "surface_dice",
        "hd95",
        "lesion_sensitivity",
        "false_positives_per_case",
        "presence_sensitivity",
        "presence_specificity",
    ):
        assert ours[name] == theirs[name].to_json(), name


def test_agreement_is_that_of_numpy() -> None:
    made = random_table()
    found = measure_mask_split(made, resamples=300)["per_label"]["head"]["agreement"]
    a, r = made.volume[:, 0], made.reference_volume[:, 0]
    spread = float(np.std(a - r, ddof=1))
    bias = float(np.mean(a - r))
    assert found["bias"]["value"] == pytest.approx(bias, rel=1e-5)
    assert found["lower"]["value"] == pytest.approx(bias - 1.959964 * spread, rel=1e-4)
    assert found["upper"]["value"] == pytest.approx(bias + 1.959964 * spread, rel=1e-4)
    correlation = float(np.corrcoef(a, r)[0, 1])
    assert found["correlation"]["value"] == pytest.approx(correlation, rel=1e-5)
    assert found["lower"]["low"] < found["lower"]["value"] < found["lower"]["high"]
    assert (found["unit"], found["n_cases"]) == ("ml", 40)


def test_agreement_of_two_cases_is_not_computed() -> None:
    found = measure_mask_split(random_table(2), resamples=20)
    agreement = found["per_label"]["head"]["agreement"]
    assert agreement["correlation"]["value"] is None
    assert "3 cases" in agreement["bias"]["reason"]


def test_intervals_are_by_patient() -> None:
    """Each case ten times over, under one patient each, says nothing new."""
    plain = random_table(20, patients=tuple(f"p{k}" for k in range(20)))
    indices = np.repeat(np.arange(20), 10)
    copied = replace(plain, cases=tuple(f"c{k}" for k in range(20)))
    many = {
        name: np.asarray(getattr(copied, name))[indices]
        for name in [
            "dice",
            "surface_dice",
            "hd95",
            "volume",
            "reference_volume",
            "present",
            "answered",
            "diagonal",
            "lesions",
            "lesions_found",
            "lesions_false",
        ]
    }
    repeated = random_table(
        200, **many, patients=tuple(plain.patients[k] for k in indices)
    )
    first = measure_mask_split(plain, resamples=200)["metrics"]["dice"]
    second = measure_mask_split(repeated, resamples=200)["metrics"]["dice"]
    assert second["low"] == pytest.approx(first["low"], rel=1e-5)
    assert second["high"] == pytest.approx(first["high"], rel=1e-5)


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    """Means of 30 patients, two cases each, drawn from a known distribution."""
    rng = np.random.default_rng(11)
    hits = 0
    for _ in range(120):
        own = rng.normal(0, 0.03, (30, 1)).repeat(2, axis=0)
        dice = np.clip(0.85 + own + rng.normal(0, 0.03, (60, 2)), 0, 1)
        made = random_table(60, dice=dice)
        found = measure_mask_split(made, resamples=200)["metrics"]["dice"]
        hits += found["low"] <= 0.85 <= found["high"]
    # 95 % within 3.5 standard errors of 120 draws, less what small samples cost.
    assert hits >= 105


def test_a_single_plane_has_an_area() -> None:
    reference, answer = boxes(head=12)[:1], boxes(head=12)[:1]
    row = score_case(
        reference, answer, spacing=(3.0, 0.5, 0.5), labels=LABELS, case="a"
    )
    made = table_of([row])
    assert made.unit == "mm²"
    assert made.reference_volume[0, 0] == pytest.approx(16 * 0.25)
    assert "area_mm2_bias" in measure_mask_split(made)["per_label"]["head"]["metrics"]


def test_without_spacing_nothing_is_called_mm() -> None:
    made = table(spacing=None)
    entry = measure_mask_split(made, resamples=20)
    assert (made.unit, entry["length_unit"], entry["size_unit"]) == ("px", "px", "px")
    assert made.reference_volume[0, 0] == 64
    metrics = entry["per_label"]["head"]["metrics"]
    assert "hd95_px" in metrics
    assert not [name for name in metrics if name == "hd95" or "ml" in name]


def test_cases_without_spacing_beside_others_have_no_lengths() -> None:
    rows = [
        score_case(
            boxes(head=4), boxes(head=3), spacing=spacing, labels=LABELS, case=str(k)
        )
        for k, spacing in enumerate([(1.0, 1.0, 1.0), None])
    ]
    made = table_of(rows)
    assert np.isnan(made.hd95[1, 0])
    assert np.isnan(made.volume[1]).all()
    assert made.present[:, 0].all()
    entry = measure_mask_split(made, resamples=20)
    assert entry["per_label"]["head"]["metrics"]["hd95"]["method"].startswith(
        "mean of 1 cases"
    )


def test_one_patient_leaves_no_interval() -> None:
    made = random_table(6, patients=("p",) * 6)
    assert measure_mask_split(made)["metrics"]["dice"]["low"] is None


def test_subgroups_and_strangers() -> None:
    made = random_table(
        40,
        columns={"site": ("a",) * 20 + ("b",) * 20},
        ood_flags=np.arange(40) < 4,
    )
    entry = measure_mask_split(made, resamples=50)
    assert [group["value"] for group in entry["subgroups"]] == ["a", "b"]
    mean = float(made.dice[:20].mean(axis=0).mean())
    assert entry["subgroups"][0]["metrics"]["dice"]["value"] == pytest.approx(
        mean, rel=1e-5
    )
    assert entry["out_of_distribution"]["flagged"] == 4


def test_the_sentence_says_over_what() -> None:
    made = random_table()
    text = write_mask_sentence(measure_mask_split(made, resamples=50))
    assert "over 40 volumes of 20 patients" in text
    assert "mean of 2 labels: head 0.8" in text
    assert "95% interval" in text
    nothing = table([(boxes(), boxes())])
    assert "undefined over 1 volume of 1 patient" in write_mask_sentence(
        measure_mask_split(nothing, resamples=20)
    )


@pytest.mark.parametrize(
    ("spacings", "expected"),
    [
        ([(5.0, 0.7, 0.7), (5.0, 0.84, 0.84), (3.0, 0.9, 0.9)], 0.84),
        ([(1.0, 1.0, 1.25)], 1.2),
        ([None, None], 2.0),
    ],
)
def test_the_tolerance_is_a_pixel(spacings: Any, expected: float) -> None:
    assert choose_tolerance(spacings) == pytest.approx(expected)


def test_select_keeps_everything_in_step() -> None:
    made = random_table(columns={"site": tuple(f"s{k}" for k in range(40))})
    part = made.select(np.array([5, 2]))
    assert part.cases == ("c5", "c2")
    assert part.columns["site"] == ("s5", "s2")
    np.testing.assert_array_equal(part.hd95, made.hd95[[5, 2]])
    assert part.tolerance == made.tolerance


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(PrepError, match="reference has shape"):
        score_case(boxes(), boxes(side=10), spacing=None, labels=LABELS, case="case 7")
    with pytest.raises(DataError, match=r"label index 2; wanted 0 .* to 1"):
        score_case(
            boxes(tail=3), boxes(), spacing=None, labels=LABELS[:2], case="case 7"
        )
    with pytest.raises(UsageError, match="wanted the background"):
        score_case(boxes(), boxes(), spacing=None, labels=("a",), case="case 7")
    with pytest.raises(DataError, match="no cases"):
        table_of([])
    rows = [
        score_case(
            boxes(),
            boxes(),
            spacing=(1.0, 1.0, 1.0),
            labels=LABELS,
            case=str(k),
            tolerance=k + 1.0,
        )
        for k in range(2)
    ]
    with pytest.raises(DataError, match="tolerances of"):
        table_of(rows)
    with pytest.raises(DataError, match="labels head, tail"):
        table_of([rows[0], replace(rows[1], unit="mm²")])
    with pytest.raises(DataError, match="comes twice"):
        table_of([rows[0], rows[0]])
    with pytest.raises(DataError, match=r"dice leaves 0\.\.1"):
        random_table(dice=np.full((40, 2), 2.0))
    with pytest.raises(DataError, match="hd95 is below 0"):
        random_table(hd95=np.full((40, 2), -1.0))
    with pytest.raises(DataError, match="volume has shape"):
        random_table(volume=np.ones(3))
    with pytest.raises(DataError, match="patients has 3 values"):
        random_table(patients=("a",) * 3)
    with pytest.raises(DataError, match="no case has a mask"):
        measure_mask_split(random_table().select(np.zeros(40, dtype=bool)))


def test_real_hippocampi_shifted_by_a_voxel(shared_data: Path) -> None:
    """The Dice of a mask against itself, moved, from sets of voxels."""
    import nibabel

    rows, expected = [], []
    for path in sorted((shared_data / "mri_hippocampus" / "labels").glob("*.nii*"))[:4]:
        image = nibabel.load(path)
        mask = np.asarray(image.dataobj).astype(np.uint8).transpose(2, 1, 0)
        moved = np.roll(mask, 1, axis=1)
        row = score_case(
            mask,
            moved,
            spacing=(1.0, 1.0, 1.0),
            labels=("background", "anterior", "posterior"),
            case=path.name,
        )
        rows.append(row)
        voxels = [{tuple(v) for v in np.argwhere(each == 1)} for each in (mask, moved)]
        expected.append(
            2 * len(voxels[0] & voxels[1]) / (len(voxels[0]) + len(voxels[1]))
        )
    made = table_of(rows)
    np.testing.assert_allclose(made.dice[:, 0], expected)
    assert (made.hd95 <= 1.0 + 1e-6).all()
    assert 0.7 < measure_mask_split(made)["metrics"]["dice"]["value"] < 0.95
