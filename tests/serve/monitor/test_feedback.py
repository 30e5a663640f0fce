"""What readers say, and what is counted of it."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import sqlalchemy as sa

from medlens.core import UsageError
from medlens.core.diagnosis import Place
from medlens.serve.monitor.agreement import Judged, measure_agreement, summarise
from medlens.serve.monitor.feedback import (
    Correction,
    Word,
    is_present,
    last_words,
    read_words,
    say,
)
from medlens.serve.store.store import Store
from medlens.serve.store.tables import instances, series
from tests.serve.monitor.answers import (
    BUNDLE,
    JUNE,
    add_answer,
    add_study,
    diagnosis_of,
    finding_of,
)
from tests.serve.people import make_person

_ids = itertools.count(1)
NAN = float("nan")
SEG = "1.2.840.10008.5.1.4.1.1.66.4"


def word(verdict: Any, *, reader: int = 1, finding: str = "1", label: str = "") -> Word:
    return Word(
        next(_ids), 1, 0, finding, verdict, Correction(label=label), "", reader, 0.0
    )


def speak(store: Store, study: int, result: int, verdict: Any, **more: Any) -> Word:
    with store.begin() as connection:
        return say(
            connection,
            result=result,
            study_id=study,
            diagnosis=more.pop("diagnosis", diagnosis_of(finding_of(is_present=True))),
            assessment=more.pop("assessment", 0),
            finding=more.pop("finding", "1"),
            verdict=verdict,
            reader=more.pop("reader", None),
            now=more.pop("now", JUNE),
            **more,
        )


@pytest.fixture
def case(store: Store) -> tuple[int, int]:
    """Study and result."""
    with store.begin() as connection:
        study = add_study(connection)
        return study, add_answer(connection, study=study)


@pytest.mark.parametrize(
    ("was", "verdict", "label", "there"),
    [
        (True, "accept", "", True),
        (False, "accept", "", False),
        (True, "reject", "", False),
        (False, "reject", "", True),
        (True, "correct", "", True),  # it is there, elsewhere
        (True, "correct", "other", False),
        (False, "correct", "", True),  # a box where none was found
        (False, "correct", "blob", True),
        (True, "correct", "blob", True),
    ],
)
def test_a_verdict_says_whether_it_is_there(
    was: bool, verdict: str, label: str, there: bool
) -> None:
    assert is_present(finding_of(is_present=was), word(verdict, label=label)) is there


def test_every_word_is_kept_and_the_last_of_each_reader_counts(
    store: Store, case: tuple[int, int]
) -> None:
    one, two = make_person(store, name="one"), make_person(store, name="two")
    for reader, verdict in ((one, "accept"), (two, "accept"), (one, "reject")):
        speak(store, *case, verdict, reader=reader, comment="x" * 3000)
    with store.read() as connection:
        words = read_words(connection, [case[1]])
    assert [(w.reader, w.verdict) for w in words] == [
        (one, "accept"), (two, "accept"), (one, "reject"),
    ]  # fmt: skip
    assert {(w.reader, w.verdict) for w in last_words(words)} == {
        (one, "reject"), (two, "accept"),
    }  # fmt: skip
    assert len(words[0].comment) == 2000
    assert "xxx" not in repr(words[0])


@pytest.mark.parametrize(
    ("verdict", "more", "said"),
    [
        ("accept", {"finding": "2"}, "has no such finding"),
        ("accept", {"assessment": 1}, "has no such finding"),
        ("accept", {"assessment": -1}, "has no such finding"),
        ("accept", {"correction": Correction("x")}, "with 'correct' or 'add' alone"),
        ("correct", {}, "wants a label, a box or a mask"),
        ("correct", {"correction": Correction(box=(5, 0, 5, 9))}, "left < right"),
        ("correct", {"correction": Correction(box=(0, 0, NAN, 9))}, "left < right"),
        ("correct", {"correction": Correction(box=(-1, 0, 5, 9))}, "left < right"),
        ("correct", {"correction": Correction(mask="1.2.3")}, "is no segmentation"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(
    store: Store, case: tuple[int, int], verdict: str, more: dict[str, Any], said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        speak(store, *case, verdict, **more)
    with store.read() as connection:
        assert read_words(connection, [case[1]]) == []


def test_words_on_a_result_have_an_end(
    store: Store, case: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("medlens.serve.monitor.feedback.MOST_WORDS", 2)
    speak(store, *case, "accept")
    speak(store, *case, "reject")
    with pytest.raises(UsageError, match="have said 2 words on this result"):
        speak(store, *case, "accept")


def test_a_box_wants_an_image(store: Store, case: tuple[int, int]) -> None:
    from dataclasses import replace

    bare = diagnosis_of(replace(finding_of(is_present=True), place=Place()))
    with pytest.raises(UsageError, match="names no image"):
        speak(
            store,
            *case,
            "correct",
            diagnosis=bare,
            correction=Correction(box=(0, 0, 1, 1)),
        )


def test_a_mask_is_a_segmentation_of_the_study(
    store: Store, case: tuple[int, int]
) -> None:
    with store.begin() as connection:
        number = connection.execute(
            sa.insert(series)
            .values(study_id=case[0], series_uid="1.2")
            .returning(series.c.id)
        ).scalar_one()
        for uid, sop_class in (("1.2.3", SEG), ("1.2.4", "1.2.840.10008.5.1.4.1.1.2")):
            connection.execute(
                sa.insert(instances).values(
                    series_id=number,
                    study_id=case[0],
                    sop_uid=uid,
                    sop_class=sop_class,
                    transfer_syntax="1.2",
                    digest="0" * 64,
                    bytes=1,
                    received_at=0.0,
                    origin="stow",
                )
            )
        other = add_study(connection)
    made = speak(store, *case, "correct", correction=Correction(mask="1.2.3"))
    assert made.correction.mask == "1.2.3"
    with pytest.raises(UsageError, match="is no segmentation"):
        speak(store, *case, "correct", correction=Correction(mask="1.2.4"))
    with pytest.raises(UsageError, match="is no segmentation"):
        speak(store, other, case[1], "correct", correction=Correction(mask="1.2.3"))


def test_the_figures_are_those_worked_out_by_hand() -> None:
    def judged(number: int, was: bool, *words: Word) -> Judged:
        return Judged(str(number), finding_of(is_present=was), words)

    found = summarise("b", "s", "2026-06", [
        judged(1, True, word("accept")),
        judged(2, True, word("accept"), word("accept", reader=2)),
        judged(3, True, word("reject")),
        judged(4, True, word("correct", label="other")),
        judged(5, True, word("accept"), word("reject", reader=2)),  # disputed
        judged(6, False, word("accept")),
        judged(7, False, word("reject")),
        judged(8, True), judged(9, False), judged(10, False),
    ])  # fmt: skip
    assert (found.findings, found.reviewed, found.disputed) == (10, 7, 1)
    assert (found.accepted, found.rejected, found.corrected) == (3, 2, 1)
    assert found.agreement.value == pytest.approx(3 / 6)
    # Wilson, 3 of 6: 0.1876 to 0.8124.
    assert found.agreement.low == pytest.approx(0.1876, abs=1e-4)
    assert found.agreement.high == pytest.approx(0.8124, abs=1e-4)
    assert found.ppv.value == pytest.approx(2 / 4)
    assert found.false_alarms.value == pytest.approx(2 / 4)
    assert found.missed.value == pytest.approx(1 / 2)
    assert (found.unreviewed_present, found.unreviewed_absent) == (1, 2)


def test_findings_of_one_patient_do_not_count_as_many() -> None:
    apart = [
        Judged(str(n), finding_of(is_present=True), (word("accept"),)) for n in range(8)
    ]
    same = [
        Judged("one", finding_of(is_present=True), (word("accept"),)) for _ in range(8)
    ]
    wide, narrow = summarise("", "", "", same), summarise("", "", "", apart)
    assert wide.ppv.value == narrow.ppv.value == 1.0
    assert wide.ppv.low is not None
    assert narrow.ppv.low is not None
    assert wide.ppv.low < narrow.ppv.low


def test_without_a_word_there_is_no_share() -> None:
    found = summarise("", "", "", [Judged("1", finding_of(is_present=True), ())])
    assert (found.agreement.value, found.false_alarms.value) == (None, None)
    assert found.agreement.reason == "no findings reviewed"


def test_agreement_is_told_by_bundle_site_and_month(store: Store) -> None:
    with store.begin() as connection:
        for site, at in (
            ("A", JUNE),
            ("A", JUNE),
            ("B", JUNE),
            ("A", JUNE + 40 * 86400),
        ):
            result = add_answer(connection, site=site, at=at)
        add_answer(connection, role="shadow")
    speak(store, 0, result, "reject")
    with store.read() as connection:
        found = measure_agreement(connection)
        june = measure_agreement(
            connection, bundle=BUNDLE, site="A", months=["2026-06"]
        )
        none = measure_agreement(connection, bundle="f" * 64)
    assert [(a.site, a.month, a.findings, a.reviewed) for a in found] == [
        ("A", "2026-06", 2, 0), ("A", "2026-07", 1, 1), ("B", "2026-06", 1, 0),
    ]  # fmt: skip
    assert (june, none) == ([found[0]], [])
    assert found[1].ppv.value == 0.0
