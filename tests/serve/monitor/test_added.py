"""Findings that readers add: what counts, and what is counted of them."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from medlens.core import UsageError
from medlens.core.diagnosis import Diagnosis, ImageRef
from medlens.serve.monitor.agreement import measure_agreement
from medlens.serve.monitor.feedback import (
    Correction,
    Plane,
    Word,
    added_label,
    last_words,
    read_words,
    say,
)
from medlens.serve.store.store import Store
from medlens.serve.store.tables import results
from medlens.write.document import to_document
from tests.serve.monitor.answers import (
    JUNE,
    add_answer,
    add_study,
    diagnosis_of,
    finding_of,
)
from tests.serve.people import make_person

BOX = (1.0, 2.0, 3.0, 4.0)
IMAGES = (ImageRef("image 1", "", "1.2.1"), ImageRef("image 2", "", "1.2.2", "", 7))


def diagnosis() -> Diagnosis:
    """A blob that is there, and a spot that is not."""
    return diagnosis_of(
        finding_of(is_present=True),
        finding_of("spot", is_present=False, number=2),
        images=IMAGES,
    )


@pytest.fixture
def case(store: Store) -> tuple[int, int]:
    """Study and result."""
    with store.begin() as connection:
        study = add_study(connection)
        result = add_answer(connection, study=study)
        connection.execute(
            sa.update(results)
            .where(results.c.id == result)
            .values(diagnosis=to_document(diagnosis()))
        )
    return study, result


def speak(store: Store, case: tuple[int, int], verdict: Any, **more: Any) -> Word:
    with store.begin() as connection:
        return say(
            connection,
            result=case[1],
            study_id=case[0],
            diagnosis=diagnosis(),
            assessment=0,
            finding=more.pop("finding", ""),
            verdict=verdict,
            correction=Correction(**more.pop("correction", {})),
            reader=more.pop("reader", None),
            now=JUNE,
            **more,
        )


def add(store: Store, case: tuple[int, int], label: str, **more: Any) -> Word:
    correction = {"label": label, "box": BOX, "image": Plane("1.2.2", 7)}
    return speak(store, case, "add", correction=correction, **more)


def test_an_added_finding_has_a_name_that_others_speak_of(
    store: Store, case: tuple[int, int]
) -> None:
    one, two = make_person(store, name="one"), make_person(store, name="two")
    first = add(store, case, "spot", reader=one)
    second = add(store, case, "spot", reader=one)
    assert first.finding == f"+{first.id}"
    assert len({first.finding, second.finding}) == 2  # neither replaces the other
    agreed = speak(store, case, "accept", finding=first.finding, reader=two)
    assert agreed.correction == first.correction  # what it is that they agree to
    moved = speak(
        store, case, "correct", finding=first.finding, reader=one,
        correction={"box": (5, 6, 7, 8), "image": Plane("1.2.1")},
    )  # fmt: skip
    assert moved.correction == Correction("spot", (5, 6, 7, 8), "", Plane("1.2.1"))
    with store.read() as connection:
        words = last_words(read_words(connection, [case[1]]))
    assert {w.id for w in words} == {second.id, agreed.id, moved.id}
    assert added_label([w for w in words if w.finding == first.finding]) == "spot"


def test_it_is_taken_back_by_who_added_it(store: Store, case: tuple[int, int]) -> None:
    word = add(store, case, "spot")
    speak(store, case, "reject", finding=word.finding)
    with store.read() as connection:
        words = last_words(read_words(connection, [case[1]]))
        (agreement,) = measure_agreement(connection)
    assert added_label(words) == ""
    assert (agreement.added, agreement.reviewed) == (0, 0)


def test_who_adds_what_was_called_absent_says_that_it_was_missed(
    store: Store, case: tuple[int, int]
) -> None:
    add(store, case, "spot")
    with store.read() as connection:
        (agreement,) = measure_agreement(connection)
    assert (agreement.added, agreement.reviewed, agreement.rejected) == (1, 1, 1)
    assert agreement.missed.value == 1.0
    assert agreement.ppv.value is None  # of the blob nobody spoke
    assert (agreement.unreviewed_present, agreement.unreviewed_absent) == (1, 0)


@pytest.mark.parametrize("label", ["blob", "fracture"])
def test_another_of_its_kind_and_what_it_does_not_know_are_added_alone(
    store: Store, case: tuple[int, int], label: str
) -> None:
    add(store, case, label)
    with store.read() as connection:
        (agreement,) = measure_agreement(connection)
    assert (agreement.added, agreement.reviewed) == (1, 0)
    assert agreement.missed.value is None


def test_of_one_reader_the_later_word_holds_and_of_two_it_is_disputed(
    store: Store, case: tuple[int, int]
) -> None:
    one, two = make_person(store, name="one"), make_person(store, name="two")
    speak(store, case, "accept", finding="2", reader=one)  # rightly absent
    add(store, case, "spot", reader=one)
    with store.read() as connection:
        (agreement,) = measure_agreement(connection)
    assert (agreement.disputed, agreement.missed.value) == (0, 1.0)
    speak(store, case, "accept", finding="2", reader=two)
    with store.read() as connection:
        (agreement,) = measure_agreement(connection)
    assert (agreement.disputed, agreement.missed.value) == (1, None)


@pytest.mark.parametrize(
    ("finding", "correction", "said"),
    [
        ("1", {"label": "x", "box": BOX}, "wants an empty `finding`"),
        ("", {"box": BOX, "image": Plane("1.2.1")}, "wants a label"),
        ("", {"label": "x", "image": Plane("1.2.1")}, "wants a box or a mask"),
        ("", {"label": "x", "box": BOX}, "wants the image that it lies in"),
        ("", {"label": "x", "box": BOX, "image": Plane("1.2.1", 1)}, "is none of"),
        ("", {"label": "x", "box": BOX, "image": Plane("1.9")}, "is none of those"),
        (
            "",
            {"label": "x", "box": (3, 0, 2, 1), "image": Plane("1.2.1")},
            "left < right",
        ),
        ("", {"label": "x", "mask": "1.2.3"}, "is no segmentation"),
    ],
)
def test_what_cannot_be_added(
    store: Store,
    case: tuple[int, int],
    finding: str,
    correction: dict[str, Any],
    said: str,
) -> None:
    with pytest.raises(UsageError, match=said):
        speak(store, case, "add", finding=finding, correction=correction)


def test_nobody_speaks_of_what_was_not_added(
    store: Store, case: tuple[int, int]
) -> None:
    word = add(store, case, "spot")
    with store.begin() as connection:
        other = (case[0], add_answer(connection, study=case[0]))
    with pytest.raises(UsageError, match="no such finding"):
        speak(store, other, "accept", finding=word.finding)
    with pytest.raises(UsageError, match="no such finding"):
        speak(store, case, "accept", finding="+999")
    with pytest.raises(UsageError, match="with 'correct' or 'add' alone"):
        speak(store, case, "accept", finding=word.finding, correction={"label": "x"})


def test_a_box_may_lie_in_another_image_of_the_answer(
    store: Store, case: tuple[int, int]
) -> None:
    moved = {"box": BOX, "image": Plane("1.2.2", 7)}
    word = speak(store, case, "correct", finding="1", correction=moved)
    assert word.correction == Correction("", BOX, "", Plane("1.2.2", 7))
