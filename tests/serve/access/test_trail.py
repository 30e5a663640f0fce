"""The trail: every way to spoil it is found, and the row is named."""

from __future__ import annotations

import hashlib
import json
import threading
from typing import Any

import pytest
import sqlalchemy as sa

from medlens.core import UsageError
from medlens.serve.access.caller import RIGHTS, Caller
from medlens.serve.access.trail import (
    START,
    Anchor,
    anchor_of,
    digest_of,
    read_anchor,
    record,
    verify_trail,
)
from medlens.serve.store.store import Store
from medlens.serve.store.tables import TRAIL_GUARDS, trail

ANNA = Caller(None, "anna", "reader", RIGHTS["reader"], "10.0.0.7")


def fill(store: Store, rows: int) -> None:
    for number in range(1, rows + 1):
        record(store, ANNA, "view study", study_id=number, detail={"part": number})


def anchor(store: Store) -> Anchor:
    with store.read() as connection:
        return anchor_of(connection)


def spoil(store: Store, *statements: Any) -> None:
    """What somebody does who owns the database: first the guard goes, then the rows."""
    with store.begin() as connection:
        for guard in TRAIL_GUARDS[store.engine.dialect.name]:
            words = guard.split()
            if words[1] == "TRIGGER":
                table = "" if store.is_sqlite else " ON trail"
                connection.exec_driver_sql(f"DROP TRIGGER {words[2]}{table}")
        for statement in statements:
            connection.execute(statement)


def rows_of(store: Store) -> list[dict[str, Any]]:
    with store.read() as connection:
        found = connection.execute(sa.select(trail).order_by(trail.c.number))
        return [dict(row) for row in found.mappings()]


def test_a_row_holds_who_did_what(store: Store) -> None:
    record(store, ANNA, "view study", study_id=4, detail={"as": "text"}, now=12.5)
    (row,) = rows_of(store)
    assert (row["number"], row["at"], row["study_id"]) == (1, 12.5, 4)
    assert (row["who"], row["address"]) == ("anna", "10.0.0.7")
    assert row["action"] == "view study"
    assert row["detail"] == {"as": "text"}
    assert row["previous"] == START


def test_the_digest_is_the_one_that_was_stated(store: Store) -> None:
    record(store, ANNA, "view study", study_id=4, detail={"b": 1, "a": "ü"}, now=0.1)
    text = (
        '{"action":"view study","address":"10.0.0.7","at":0.1,'
        '"detail":{"a":"\\u00fc","b":1},"number":1,"previous":"' + "0" * 64 + '",'
        '"study_id":4,"who":"anna"}'
    )
    assert rows_of(store)[0]["digest"] == hashlib.sha256(text.encode()).hexdigest()


def test_an_untouched_trail_is_whole(store: Store) -> None:
    assert verify_trail(store).is_whole
    fill(store, 12)
    found = verify_trail(store)
    assert (found.is_whole, found.rows, found.end) == (True, 12, anchor(store))


def test_pages_join(store: Store) -> None:
    with store.begin() as connection:
        for number in range(1, 2101):
            record(connection, ANNA, "view study", study_id=number)
    assert verify_trail(store).rows == 2100


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("at", 1.0),
        ("who", "berta"),
        ("address", "10.0.0.8"),
        ("action", "log in"),
        ("study_id", 99),
        ("detail", {"part": 99}),
        ("digest", "a" * 64),
    ],
)
def test_a_changed_row_is_named(store: Store, column: str, value: Any) -> None:
    fill(store, 9)
    spoil(store, sa.update(trail).where(trail.c.number == 5).values({column: value}))
    found = verify_trail(store)
    assert (found.broken, found.reason) == (5, "row 5 was changed")


def test_a_row_changed_with_its_digest_breaks_the_next(store: Store) -> None:
    fill(store, 9)
    row = rows_of(store)[4] | {"who": "berta"}
    row["digest"] = digest_of(row)
    spoil(store, sa.update(trail).where(trail.c.number == 5).values(row))
    found = verify_trail(store)
    assert found.broken == 6
    assert "does not continue row 5" in found.reason


def test_a_deleted_row_is_named(store: Store) -> None:
    fill(store, 9)
    spoil(store, sa.delete(trail).where(trail.c.number == 5))
    found = verify_trail(store)
    assert (found.broken, found.reason) == (5, "row 5 is missing; the next one is 6")


def test_a_deleted_row_is_found_when_the_rest_moves_up(store: Store) -> None:
    fill(store, 7)
    spoil(
        store,
        sa.delete(trail).where(trail.c.number == 5),
        sa.update(trail).where(trail.c.number == 6).values(number=5),
        sa.update(trail).where(trail.c.number == 7).values(number=6),
    )
    found = verify_trail(store)
    assert found.broken == 5
    assert "does not continue row 4" in found.reason


@pytest.mark.parametrize("number", [0, 10])
def test_an_inserted_row_is_found(store: Store, number: int) -> None:
    fill(store, 9)
    spoil(store, sa.insert(trail).values(rows_of(store)[4] | {"number": number}))
    found = verify_trail(store)
    assert not found.is_whole
    assert found.broken == (1 if number == 0 else 10)


def test_reordered_rows_are_found(store: Store) -> None:
    fill(store, 9)

    def move(old: int, new: int) -> Any:
        return sa.update(trail).where(trail.c.number == old).values(number=new)

    spoil(store, move(4, 99), move(5, 4), move(99, 5))
    found = verify_trail(store)
    assert found.broken == 4
    assert "does not continue row 3" in found.reason


def test_a_cut_off_end_is_found_by_an_anchor(store: Store) -> None:
    fill(store, 9)
    end = anchor(store)
    spoil(store, sa.delete(trail).where(trail.c.number > 6))
    assert verify_trail(store).is_whole  # the chain alone cannot know
    found = verify_trail(store, anchor=end)
    assert found.broken == 7
    assert found.reason == "rows 7 to 9 are missing from the end"


def test_an_emptied_trail_is_found_by_an_anchor(store: Store) -> None:
    fill(store, 3)
    end = anchor(store)
    spoil(store, sa.delete(trail))
    assert verify_trail(store, anchor=end).broken == 1


def test_a_trail_written_anew_is_found_by_an_anchor(store: Store) -> None:
    fill(store, 6)
    end = anchor(store)
    rows, previous = rows_of(store), START
    rows[2]["who"] = "berta"
    for row in rows:
        row["previous"] = previous
        previous = row["digest"] = digest_of(row)
    spoil(store, sa.delete(trail), sa.insert(trail).values(rows))
    assert verify_trail(store).is_whole
    found = verify_trail(store, anchor=end)
    assert found.broken == 6
    assert "written anew" in found.reason


def test_an_anchor_within_a_longer_trail_holds(store: Store) -> None:
    fill(store, 3)
    end = anchor(store)
    fill(store, 3)
    assert verify_trail(store, anchor=end).is_whole


def test_detail_that_is_no_json_is_found(store: Store) -> None:
    if not store.is_sqlite:
        pytest.skip("PostgreSQL keeps JSON columns valid itself")
    fill(store, 4)
    spoil(store, sa.text("UPDATE trail SET detail = '{' WHERE number = 3"))
    found = verify_trail(store)
    assert (found.broken, found.reason) == (3, "row 3 was changed: it cannot be read")


@pytest.mark.parametrize(
    "statement", ["UPDATE trail SET who = 'berta'", "DELETE FROM trail"]
)
def test_the_database_refuses_to_change_the_trail(store: Store, statement: str) -> None:
    fill(store, 2)
    with (
        pytest.raises(sa.exc.DBAPIError, match="only appended to"),
        store.begin() as connection,
    ):
        connection.execute(sa.text(statement))
    assert verify_trail(store).rows == 2


def test_the_line_is_kept_with_the_deed_or_not_at_all(store: Store) -> None:
    def delete_and_fail() -> None:
        with store.begin() as connection:
            record(connection, ANNA, "delete study", study_id=1)
            raise RuntimeError("deed failed")

    with pytest.raises(RuntimeError, match="deed failed"):
        delete_and_fail()
    assert rows_of(store) == []


def test_a_reading_connection_is_refused(store: Store) -> None:
    with store.read() as connection, pytest.raises(ValueError, match=r"Store\.begin"):
        record(connection, ANNA, "view study")


def test_many_writers_make_one_chain(store: Store) -> None:
    threads = [threading.Thread(target=fill, args=(store, 15)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    found = verify_trail(store)
    assert (found.is_whole, found.rows) == (True, 90)


def test_hostile_text_stays_text(store: Store) -> None:
    who = "x'); DROP TABLE trail; --\x00\n\ud800" + "é" * 100
    record(store, Caller(None, who, "viewer", RIGHTS["viewer"], "a" * 200), "b" * 99)
    (row,) = rows_of(store)
    assert len(row["who"]) == len(row["address"]) == 64
    assert row["who"].startswith("x'); DROP TABLE trail; --\ufffd\ufffd?é")
    assert len(row["action"]) == 32
    assert verify_trail(store).is_whole


def test_a_long_detail_keeps_its_keys(store: Store) -> None:
    record(store, ANNA, "export", detail={"list": ["x"] * 5000, "n": 2})
    assert rows_of(store)[0]["detail"] == {"cut": ["list", "n"]}


def test_numbers_without_a_value_are_refused(store: Store) -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        record(store, ANNA, "export", detail={"n": float("nan")})


def test_anchors_are_read_back() -> None:
    end = Anchor(17, "ab" * 32)
    assert read_anchor(f" {end}\n") == end
    for text in ("", "17", "17:xyz", json.dumps({"number": 17})):
        with pytest.raises(UsageError, match="wanted NUMBER:DIGEST"):
            read_anchor(text)
