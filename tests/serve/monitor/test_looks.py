"""When is looked, at what, once; and what a look says."""

from __future__ import annotations

import numpy as np
import pytest
import sqlalchemy as sa

from medlens.core import UsageError
from medlens.serve.monitor.alarms import list_looks, mark_seen, start_anew
from medlens.serve.monitor.looks import (
    FALSE_ALARMS,
    LEVELS,
    REFERENCE,
    find_due,
    read_samples,
    take_looks,
)
from medlens.serve.monitor.samples import families
from medlens.serve.store.store import Store
from tests.serve.monitor.answers import BUNDLE, DAY, JUNE, add_answer
from tests.serve.people import make_person

MAY = JUNE - 31 * DAY
JULY = JUNE + 30 * DAY


def fill(
    store: Store, count: int, *, start: float, seed: int, move: float = 0.0,
    bright: float = 0.0, site: str = "A", patients: int = 0,
) -> None:  # fmt: skip
    """Answers, one an hour, of one patient each or of some again and again."""
    generator = np.random.default_rng(seed)
    with store.begin() as connection:
        for number in range(count):
            probability = 1 / (1 + np.exp(-(generator.normal() + move)))
            add_answer(
                connection,
                patient=f"{seed}-{number % patients}" if patients else "",
                at=start + 3600.0 * number,
                site=site,
                probabilities={"blob": float(probability)},
                ood_score=float(generator.normal()),
                statistics=(generator.normal(size=14) + bright).tolist(),
            )


def states(store: Store) -> list[tuple[str, int, str]]:
    with store.read() as connection:
        found = list_looks(connection)
    return [(look.month, look.number, look.state) for look in reversed(found)]


def test_the_month_spends_what_is_promised() -> None:
    assert sum(LEVELS) == pytest.approx(FALSE_ALARMS)


def test_looks_come_when_they_are_due_and_once(store: Store) -> None:
    fill(store, 5, start=JUNE, seed=1)
    take_looks(store, now=JUNE + 6.9 * DAY)
    assert states(store) == []
    take_looks(store, now=JUNE + 7 * DAY)
    take_looks(store, now=JUNE + 7.1 * DAY)
    assert states(store) == [("2026-06", 1, "learning")]
    take_looks(store, now=JUNE + 22 * DAY)  # the second was missed: it stays so
    take_looks(store, now=JULY)
    take_looks(store, now=JULY + 60 * DAY)
    assert states(store) == [
        ("2026-06", 1, "learning"),
        ("2026-06", 3, "learning"),
        ("2026-06", 4, "learning"),
    ]


def test_a_look_sees_the_answers_of_its_month_after_the_reference(store: Store) -> None:
    fill(store, REFERENCE - 10, start=MAY, seed=1)
    fill(store, 60, start=JUNE + DAY, seed=2)
    with store.read() as connection:
        (may, june) = find_due(connection, now=JULY)
        assert (may.number, june.number) == (4, 4)
        reference, answers = read_samples(connection, june)
        nothing = read_samples(connection, may)[1]
    assert (len(reference), len(answers), nothing) == (REFERENCE, 50, [])
    assert answers[0].at == JUNE + DAY + 10 * 3600
    assert max(each.at for each in reference) < answers[0].at


def test_a_patient_counts_once(store: Store) -> None:
    fill(store, REFERENCE, start=MAY, seed=1)
    fill(store, 90, start=JUNE, seed=2, patients=30)
    with store.read() as connection:
        *_, june = find_due(connection, now=JULY)
        assert len(read_samples(connection, june)[1]) == 30


def test_no_change_is_steady_and_a_brighter_scanner_is_an_alarm(store: Store) -> None:
    fill(store, REFERENCE, start=MAY, seed=1)
    fill(store, 40, start=JUNE, seed=4)
    fill(store, 60, start=JULY, seed=3, bright=0.8)
    assert take_looks(store, now=JULY + 31 * DAY) == 1
    assert states(store)[1:] == [("2026-06", 4, "steady"), ("2026-07", 4, "drift")]
    with store.read() as connection:
        (alarm,) = list_looks(connection, is_open=True)
    assert alarm.report["images"]["p_value"] <= 0.0035
    assert alarm.report["answers"]["p_value"] > 0.0035
    assert alarm.report["outside"]["n"] == 60


def test_a_change_of_the_answers_alone_is_found(store: Store) -> None:
    fill(store, REFERENCE, start=MAY, seed=1)
    fill(store, 60, start=JUNE, seed=2, move=1.0)
    take_looks(store, now=JULY)
    with store.read() as connection:
        (alarm,) = list_looks(connection, is_open=True)
    assert alarm.report["answers"]["p_value"] <= 0.0035
    assert alarm.report["answers"]["features"][0]["name"] == "probability of blob"


def test_sites_are_watched_apart(store: Store) -> None:
    fill(store, REFERENCE, start=MAY, seed=1)
    fill(store, 30, start=JUNE, seed=2, site="B")
    take_looks(store, now=JULY)
    assert ("2026-06", 4, "learning") in states(store)


def test_few_answers_are_not_judged(store: Store) -> None:
    fill(store, REFERENCE, start=MAY, seed=1)
    fill(store, 19, start=JUNE, seed=2, bright=9.0)
    assert take_looks(store, now=JULY) == 0
    assert states(store)[-1] == ("2026-06", 4, "few")


def test_a_baseline_starts_anew(store: Store) -> None:
    user = make_person(store)
    fill(store, REFERENCE, start=MAY, seed=1)
    fill(store, REFERENCE, start=JUNE, seed=2, bright=3.0)
    fill(store, 50, start=JULY, seed=3, bright=3.0)
    with store.begin() as connection:
        start_anew(
            connection, bundle=BUNDLE, site="A", reason="new scanner", reader=user,
            now=JUNE - 1,
        )  # fmt: skip
        with pytest.raises(UsageError, match="given no answer at this site"):
            start_anew(
                connection, bundle=BUNDLE, site="C", reason="", reader=user, now=1.0
            )
    take_looks(store, now=JULY + 31 * DAY)
    assert states(store)[-1] == ("2026-07", 4, "steady")


def test_an_alarm_is_seen_once(store: Store) -> None:
    fill(store, REFERENCE, start=MAY, seed=1)
    fill(store, 40, start=JUNE, seed=2, bright=2.0)
    take_looks(store, now=JULY)
    user = make_person(store)
    with store.begin() as connection:
        (alarm,) = list_looks(connection, is_open=True)
        mark_seen(connection, alarm.id, reader=user, note="new detector", now=5.0)
        again = mark_seen(connection, alarm.id, reader=user, note="other", now=6.0)
        assert again is not None
        assert (again.seen_at, again.note) == (5.0, "new detector")
        assert list_looks(connection, is_open=True) == []
        assert mark_seen(connection, 10**6, reader=user, note="", now=1.0) is None


def test_features_that_an_answer_lacks_are_left_out(store: Store) -> None:
    with store.begin() as connection:
        add_answer(connection, statistics=[1.0] * 14)
        add_answer(connection, statistics=[], at=JUNE + 1)
    fill(store, 0, start=JUNE, seed=1)
    from medlens.serve.monitor.samples import read_answers

    with store.read() as connection:
        one, two = read_answers(connection, BUNDLE, "A")
    found = families([one], [two])
    assert list(found["images"][0]) == ["out-of-distribution score"]
    assert list(found["answers"][0]) == ["probability of blob", "anything present"]


def test_processes_that_look_together_keep_one(store: Store) -> None:
    import threading

    fill(store, 5, start=JUNE, seed=1)
    threads = [
        threading.Thread(target=take_looks, args=(store,), kwargs={"now": JULY})
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    from medlens.serve.store.tables import looks

    with store.read() as connection:
        count = connection.scalar(sa.select(sa.func.count()).select_from(looks))
    assert count == 1
