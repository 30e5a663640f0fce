"""Roles of bundles: promoted, taken back, never half."""

from __future__ import annotations

import threading

import pytest
import sqlalchemy as sa

from medlens.core import ExistsError, UsageError
from medlens.serve.access.caller import Caller
from medlens.serve.monitor.promotion import (
    list_promotions,
    promote,
    retire,
    roll_back,
    set_shadow,
)
from medlens.serve.store.store import Store
from medlens.serve.store.tables import bundles, trail
from tests.serve.monitor.answers import BUNDLE, OTHER, add_bundle

THIRD = "ef" * 32
WHO = Caller(None, "somebody", "administrator", frozenset())


@pytest.fixture
def pair(store: Store) -> Store:
    """An active bundle with two shadows."""
    add_bundle(store, BUNDLE, "active")
    add_bundle(store, OTHER, "shadow", shadow_of=BUNDLE)
    add_bundle(store, THIRD, "shadow", shadow_of=BUNDLE)
    return store


def roles(store: Store) -> dict[str, tuple[str, str]]:
    with store.read() as connection:
        return {
            row.digest: (row.role, row.shadow_of)
            for row in connection.execute(sa.select(bundles))
        }


def actions(store: Store) -> list[str]:
    with store.read() as connection:
        return list(
            connection.scalars(sa.select(trail.c.action).order_by(trail.c.number))
        )


def test_a_shadow_takes_the_place_of_its_active_one_and_back(pair: Store) -> None:
    before = roles(pair)
    with pair.begin() as connection:
        made = promote(connection, OTHER, WHO, now=5.0)
    assert (made.replaced, made.rolled_back_at) == (BUNDLE, None)
    assert roles(pair) == {
        BUNDLE: ("retired", ""), OTHER: ("active", ""), THIRD: ("shadow", OTHER),
    }  # fmt: skip
    with pair.begin() as connection:
        roll_back(connection, WHO, now=6.0)
    assert roles(pair) == before
    assert actions(pair) == ["promote bundle", "roll back bundle"]
    with pair.read() as connection:
        (only,) = list_promotions(connection)
    assert only.rolled_back_at == 6.0


def test_the_old_one_may_go_on_in_the_shadow(pair: Store) -> None:
    with pair.begin() as connection:
        promote(connection, OTHER, WHO, replaced_becomes="shadow", now=5.0)
    assert roles(pair)[BUNDLE] == ("shadow", OTHER)


def test_promotions_are_taken_back_one_by_one(pair: Store) -> None:
    before = roles(pair)
    for digest in (OTHER, THIRD):
        with pair.begin() as connection:
            promote(connection, digest, WHO, now=5.0)
    assert roles(pair)[THIRD] == ("active", "")
    for _ in range(2):
        with pair.begin() as connection:
            roll_back(connection, WHO, now=6.0)
    assert roles(pair) == before
    with (
        pair.begin() as connection,
        pytest.raises(ExistsError, match="no promotion to take back"),
    ):
        roll_back(connection, WHO, now=7.0)


def test_a_retired_one_says_what_it_replaces(pair: Store) -> None:
    with pair.begin() as connection:
        retire(connection, OTHER, WHO, now=1.0)
    with (
        pair.begin() as connection,
        pytest.raises(UsageError, match="name the active bundle that it `replaces`"),
    ):
        promote(connection, OTHER, WHO, now=2.0)
    with pair.begin() as connection:
        promote(connection, OTHER, WHO, replaces="", now=2.0)
    assert roles(pair)[BUNDLE] == ("active", "")  # beside it


@pytest.mark.parametrize(
    ("digest", "replaces", "said"),
    [
        (BUNDLE, None, "is active already"),
        (OTHER, THIRD, "is not active any more"),
        (OTHER, "0" * 64, "there is no such one"),
        ("0" * 64, None, "there is no such one"),
    ],
)
def test_what_cannot_be_promoted(
    pair: Store, digest: str, replaces: str | None, said: str
) -> None:
    before = roles(pair)
    with (
        pair.begin() as connection,
        pytest.raises((ExistsError, UsageError), match=said),
    ):
        promote(connection, digest, WHO, replaces=replaces, now=1.0)
    assert roles(pair) == before


def test_a_rollback_does_not_undo_what_hands_did(pair: Store) -> None:
    with pair.begin() as connection:
        promote(connection, OTHER, WHO, now=1.0)
    with pair.begin() as connection:
        retire(connection, OTHER, WHO, now=2.0)
    with (
        pair.begin() as connection,
        pytest.raises(ExistsError, match="roles were changed"),
    ):
        roll_back(connection, WHO, now=3.0)


def test_shadows_rest_with_their_active_one(pair: Store) -> None:
    with pair.begin() as connection:
        retire(connection, BUNDLE, WHO, now=1.0)
    assert {role for role, _ in roles(pair).values()} == {"retired"}
    with (
        pair.begin() as connection,
        pytest.raises(ExistsError, match="is not active"),
    ):
        set_shadow(connection, OTHER, WHO, of=BUNDLE, now=2.0)


def test_a_shadow_is_set(pair: Store) -> None:
    with pair.begin() as connection:
        retire(connection, OTHER, WHO, now=1.0)
        set_shadow(connection, OTHER, WHO, of=BUNDLE, now=2.0)
        with pytest.raises(ExistsError, match="is active"):
            set_shadow(connection, BUNDLE, WHO, of=BUNDLE, now=2.0)
    assert roles(pair)[OTHER] == ("shadow", BUNDLE)


def test_an_error_leaves_everything(pair: Store) -> None:
    before = roles(pair)

    def fall() -> None:
        with pair.begin() as connection:
            promote(connection, OTHER, WHO, now=1.0)
            raise RuntimeError("lights out")

    with pytest.raises(RuntimeError, match="lights out"):
        fall()
    assert (roles(pair), actions(pair)) == (before, [])


def test_two_at_once_leave_one_active(pair: Store) -> None:
    said: list[str] = []

    def go(digest: str) -> None:
        try:
            with pair.begin() as connection:
                promote(connection, digest, WHO, replaces=BUNDLE, now=1.0)
        except ExistsError as error:
            said.append(str(error))

    threads = [threading.Thread(target=go, args=(d,)) for d in (OTHER, THIRD)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(said) == 1
    assert [role for role, _ in roles(pair).values()].count("active") == 1
