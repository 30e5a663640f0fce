"""The shadow against the active bundle, on the same images."""

from __future__ import annotations

from typing import cast

import pytest

from medlens.core.diagnosis import Finding
from medlens.serve.monitor.feedback import Correction, Verdict, Word
from medlens.serve.monitor.shadow import (
    Pair,
    compare_shadow,
    mcnemar,
    read_pairs,
    summarise_pairs,
)
from medlens.serve.store.store import Store
from tests.serve.monitor.answers import (
    BUNDLE,
    OTHER,
    add_answer,
    add_study,
    finding_of,
)


def pair(number: int, one: bool, two: bool, verdict: str = "") -> Pair:
    def of(is_present: bool) -> dict[str, Finding]:
        return {"blob": finding_of(is_present=is_present)}

    said = Word(number, 1, 0, "1", cast(Verdict, verdict), Correction(), "", 1, 0.0)
    words: dict[str, tuple[Word, ...]] = {"1": (said,)}
    return Pair(str(number), of(one), of(two), False, two, words if verdict else {})


def test_the_figures_are_those_worked_out_by_hand() -> None:
    pairs = [
        *(pair(n, True, True) for n in range(5)),
        *(pair(n, False, False) for n in range(10, 14)),
        pair(20, True, False, "reject"),  # the shadow was right
        pair(21, True, False, "accept"),  # the active one was right
        # The shadow was right.
        *(pair(n, False, True, "reject") for n in range(30, 36)),
    ]
    found = summarise_pairs(BUNDLE, OTHER, pairs)
    (label,) = found.labels
    assert (label.pairs, label.both, label.neither) == (17, 5, 4)
    assert (label.only_active, label.only_shadow) == (2, 6)
    assert label.differ.value == pytest.approx(8 / 17)
    # Binomial: 2 of 8 or rarer, both sides: 2 (1 + 8 + 28) / 256.
    assert label.p_value == pytest.approx(74 / 256)
    assert (label.reviewed, label.active_right, label.shadow_right) == (8, 1, 7)
    assert label.p_right == pytest.approx(2 * 9 / 256)
    assert label.mean_change == pytest.approx((6 * 0.8 - 2 * 0.8) / 17)
    assert found.shadow_outside.value == pytest.approx(11 / 17)


def test_nothing_to_tell_apart_has_no_p_value() -> None:
    assert mcnemar(0, 0) is None
    assert mcnemar(0, 10) == pytest.approx(2 / 1024)


def test_only_the_same_images_are_compared(store: Store) -> None:
    with store.begin() as connection:
        for number in range(4):
            study = add_study(connection)
            add_answer(connection, finding_of(is_present=True), study=study)
            if number == 0:  # more images came before the shadow looked
                add_answer(
                    connection,
                    study=study,
                    bundle=OTHER,
                    role="shadow",
                    inputs="1" * 64,
                )
            elif number < 3:
                add_answer(
                    connection, finding_of(is_present=number == 1), study=study,
                    bundle=OTHER, role="shadow",
                )  # fmt: skip
        assert len(read_pairs(connection, BUNDLE, OTHER)) == 2
        found = compare_shadow(connection, BUNDLE, OTHER)
    (label,) = found.labels
    assert (label.both, label.only_active, label.only_shadow) == (1, 1, 0)


def test_labels_that_one_lacks_are_named(store: Store) -> None:
    with store.begin() as connection:
        study = add_study(connection)
        add_answer(connection, finding_of("a", is_present=True), study=study)
        add_answer(
            connection, finding_of("b", is_present=True), study=study, bundle=OTHER,
            role="shadow",
        )  # fmt: skip
        found = compare_shadow(connection, BUNDLE, OTHER)
        nothing = compare_shadow(connection, OTHER, BUNDLE)
    assert (found.only_in_active, found.only_in_shadow) == (("a",), ("b",))
    assert (found.labels, found.pairs) == ((), 1)
    assert (nothing.pairs, nothing.active_outside.value) == (0, None)
