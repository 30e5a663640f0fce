"""Prepared statements do what SQLAlchemy's own execution does, on both databases."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError, OperationalError, ProgrammingError

from medlens.serve.store.prepared import Prepared
from medlens.serve.store.store import Store
from medlens.serve.store.tables import refusals, users

ADD = Prepared(
    sa.insert(refusals).inline(), ("received_at", "origin", "peer", "case", "reason")
)
VALUES = {
    "received_at": 1.5,
    "origin": "dicom",
    "peer": "'; DROP TABLE refusals; --",
    "case": "é%s?:x",
    "reason": "",
}


def test_what_is_written_is_read_by_sqlalchemy(store: Store) -> None:
    with store.begin() as connection:
        ADD.run(connection, VALUES)
    with store.read() as connection:
        row = connection.execute(sa.select(refusals)).mappings().one()
    assert {name: row[name] for name in VALUES} == VALUES


def test_a_read_is_as_sqlalchemys(store: Store) -> None:
    query = sa.select(refusals.c.peer, refusals.c.received_at).where(
        refusals.c.case == sa.bindparam("case"), refusals.c.origin == "dicom"
    )
    prepared = Prepared(query)
    with store.begin() as connection:
        connection.execute(sa.insert(refusals), [VALUES, VALUES | {"case": "b"}])
        assert prepared.first(connection, {"case": "none"}) is None
        for case in ("b", VALUES["case"]):
            wanted = connection.execute(query, {"case": case}).first()
            assert wanted is not None
            assert tuple(prepared.first(connection, {"case": case})) == tuple(wanted)


def test_values_of_every_type_are_given_as_the_driver_wants_them(store: Store) -> None:
    add = Prepared(
        sa.insert(users).inline(), ("name", "role", "is_active", "created_at")
    )
    with store.begin() as connection:
        add.run(
            connection,
            {"name": "a", "role": "viewer", "is_active": False, "created_at": 0.0},
        )
        found = connection.execute(sa.select(users.c.is_active)).scalar_one()
    assert found is False


def test_a_missing_value_is_told_and_nothing_is_written(store: Store) -> None:
    with pytest.raises(KeyError, match="reason"), store.begin() as connection:
        ADD.run(connection, {k: v for k, v in VALUES.items() if k != "reason"})
    with store.read() as connection:
        assert connection.execute(sa.select(refusals)).first() is None


def test_errors_are_sqlalchemys_without_parameters(store: Store) -> None:
    again = Prepared(
        sa.insert(users).inline(), ("name", "role", "is_active", "created_at")
    )
    person = {"name": "Doe^J", "role": "r", "is_active": True, "created_at": 0.0}
    with pytest.raises(IntegrityError, match=r"UNIQUE|unique|23505") as caught:  # noqa: PT012, SIM117
        with store.begin() as connection:
            again.run(connection, person)
            again.run(connection, person)
    assert caught.value.params is None
    assert caught.value.connection_invalidated is False
    nothing = Prepared(sa.text("SELECT * FROM no_such_table"))
    with (
        pytest.raises((OperationalError, ProgrammingError), match="no_such_table"),
        store.read() as connection,
    ):
        nothing.first(connection, {})
    with store.read() as connection:  # the connection is usable again
        assert connection.execute(sa.select(users)).first() is None
