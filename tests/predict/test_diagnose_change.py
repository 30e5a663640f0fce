"""Against a prior study: the published tolerances at their edges."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medlens.core import OutOfDistribution
from medlens.core.diagnosis import (
    Advice,
    Algorithm,
    Assessment,
    Change,
    Diagnosis,
    Finding,
    Quantity,
)
from medlens.predict.diagnose import gather
from medlens.predict.diagnose_change import (
    AMBIGUOUS,
    OTHER_VERSION,
    TOLERANCES,
    judge,
)

BUNDLE = Algorithm("lungs", "a" * 64, "1.0", "segment", "multiclass")
GATE = OutOfDistribution(1.0, 2.0, False)
ML = TOLERANCES["volume", "ml"]
MM = TOLERANCES["longest_diameter", "mm"]
MM2 = TOLERANCES["area", "mm2"]


def lesion(*sizes: Quantity, present: bool = True, p: float | None = None) -> Finding:
    return Finding(
        "1", "lesion", None, is_present=present, probability=p, quantities=sizes
    )


def said(*findings: Finding, advice: Advice = "refer", **changes: object) -> Assessment:
    plain = Assessment(
        BUNDLE, "assessed", advice, (), "CT", "CHEST", findings, (), None, GATE
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def change_of(
    now: Assessment, before: Assessment, days: int | None = 90
) -> Change | None:
    found = gather("c", [now], prior=Diagnosis("p", (before,)), days=days)
    assert found.has_prior
    return found.assessments[0].findings[0].change


def ml(value: float) -> Quantity:
    return Quantity("volume", value, "ml")


def mm(value: float) -> Quantity:
    return Quantity("longest_diameter", value, "mm")


@pytest.mark.parametrize(
    ("now", "before", "rule", "trend"),
    [
        (1.25, 1.0, ML, "larger"),
        (1.249, 1.0, ML, "stable"),
        (0.75, 1.0, ML, "smaller"),
        (0.751, 1.0, ML, "stable"),
        (0.04, 0.02, ML, "uncertain"),  # both below 50 mm³
        (0.06, 0.04, ML, "larger"),
        (0.0, 1.0, ML, "smaller"),
        (1.0, 0.0, ML, "uncertain"),
        (30.0, 25.0, MM, "larger"),  # +20 % and 5 mm
        (29.9, 25.0, MM, "stable"),
        (12.0, 10.0, MM, "stable"),  # +20 %, but 2 mm only
        (15.0, 10.0, MM, "larger"),
        (7.0, 10.0, MM, "smaller"),
        (7.1, 10.0, MM, "stable"),
        (125.0, 100.0, MM2, "larger"),
        (60.0, 100.0, MM2, "stable"),
        (50.0, 100.0, MM2, "smaller"),
    ],
)
def test_tolerances_at_their_edges(
    now: float, before: float, rule: object, trend: str
) -> None:
    assert judge(now, before, rule) == trend  # type: ignore[arg-type]


@given(value=st.floats(0.06, 1e5), unit=st.sampled_from([1e-3, 1.0, 1e3]))
def test_the_same_size_is_stable_and_volume_knows_no_unit(
    value: float, unit: float
) -> None:
    for rule in (ML, MM, MM2):
        assert judge(value, value, rule) == "stable"
    scaled = replace(ML, smallest=ML.smallest * unit)
    assert judge(value * unit * 1.5, value * unit, scaled) == "larger"


def test_volume_goes_before_diameter_and_is_named() -> None:
    now, before = said(lesion(mm(30), ml(2))), said(lesion(mm(20), ml(1.9)))
    assert change_of(now, before) == Change("stable", ml(1.9), None, 90)
    without = said(lesion(mm(20)))
    assert change_of(now, without) == Change("larger", mm(20), None, 90)


def test_pixels_are_no_size() -> None:
    pixels = Quantity("volume", 100.0, "{pixels}")
    assert change_of(said(lesion(pixels)), said(lesion(pixels))) == Change(
        "uncertain", None, None, 90
    )
    # nor are two kinds that have nothing in common
    assert change_of(said(lesion(ml(1))), said(lesion(mm(9)))) == Change(
        "uncertain", None, None, 90
    )


@pytest.mark.parametrize(
    ("now", "before", "trend", "size"),
    [
        (True, False, "new", None),
        (False, True, "gone", ml(3)),
        (True, True, "larger", ml(3)),
        (False, False, "stable", None),
    ],
)
def test_decisions_are_compared(
    now: bool, before: bool, trend: str, size: Quantity | None
) -> None:
    later = said(lesion(*([ml(4)] if now else []), present=now))
    earlier = said(lesion(*([ml(3)] if before else []), present=before))
    assert change_of(later, earlier, days=None) == Change(trend, size)  # type: ignore[arg-type]


def test_a_probability_that_moved_is_no_change() -> None:
    found = change_of(said(lesion(p=0.99)), said(lesion(p=0.6)))
    assert found == Change("stable", None, 0.6, 90)


@pytest.mark.parametrize("advice", ["outside", "unsure"])
@pytest.mark.parametrize("which", ["now", "before"])
def test_doubt_on_either_side_makes_a_difference_uncertain(
    advice: Advice, which: str
) -> None:
    doubtful, sure = {"advice": advice}, {}
    first, second = (doubtful, sure) if which == "now" else (sure, doubtful)
    now, before = said(lesion(ml(9)), **first), said(lesion(ml(3)), **second)  # type: ignore[arg-type]
    assert change_of(now, before) == Change("uncertain", ml(3), None, 90)
    gone = said(lesion(present=False), **first)  # type: ignore[arg-type]
    assert change_of(gone, before) == Change("uncertain", ml(3), None, 90)


def test_another_version_is_compared_and_noted() -> None:
    newer = replace(BUNDLE, digest="b" * 64)
    found = gather(
        "c",
        [said(lesion(ml(2)), algorithm=newer)],
        prior=Diagnosis("p", (said(lesion(ml(1))),)),
    )
    (item,) = found.assessments
    assert item.notes == (OTHER_VERSION,)
    assert item.findings[0].change is not None


@pytest.mark.parametrize(
    ("changes", "is_compared"),
    [
        ({"modality": "MR"}, False),
        ({"body_part": "HEAD"}, False),
        ({"body_part": ""}, True),  # a header may leave it out
        ({"body_part": "chest"}, True),
        ({"algorithm": replace(BUNDLE, name="heads")}, False),
        ({"algorithm": replace(BUNDLE, form="image")}, False),
        ({"status": "not_assessable"}, False),
    ],
)
def test_only_like_is_compared_with_like(
    changes: dict[str, object], is_compared: bool
) -> None:
    before = said(lesion(ml(1)), **changes)
    assert (change_of(said(lesion(ml(2))), before) is not None) is is_compared


def test_cr_and_dx_are_one() -> None:
    now, before = said(lesion(p=0.9), modality="DX"), said(lesion(p=0.8), modality="CR")
    assert change_of(now, before) is not None


def test_two_that_fit_are_not_guessed_between() -> None:
    one, two = said(lesion(ml(1))), said(lesion(ml(9)))
    found = gather("c", [one], prior=Diagnosis("p", (one, two)))
    assert found.assessments[0].notes == (AMBIGUOUS,)
    assert found.assessments[0].findings[0].change is None
    found = gather("c", [one, two], prior=Diagnosis("p", (one,)))
    assert all(item.notes == (AMBIGUOUS,) for item in found.assessments)


def test_a_label_that_was_not_looked_for_has_no_change() -> None:
    other = replace(lesion(ml(1)), label="cyst")
    assert change_of(said(lesion(ml(2))), said(other)) is None


def test_without_a_prior_nothing_is_compared() -> None:
    found = gather("c", [said(lesion(ml(2)))])
    assert found.assessments[0].findings[0].change is None
    assert not found.has_prior
