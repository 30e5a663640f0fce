"""The schema, brought up to this version; one process at a time does it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from medlens.core import UsageError
from medlens.serve.store.migrations import HEAD
from medlens.serve.store.tables import metadata
from medlens.serve.store.trigrams import add_trigrams

if TYPE_CHECKING:
    from medlens.serve.store.store import Store

FOLDER = Path(__file__).parent / "migrations"

_LOCK = 0x6D65646C656E73  # "medlens": the key of the advisory lock on PostgreSQL
# As Alembic makes it.
_VERSION = sa.Table(
    "alembic_version",
    sa.MetaData(),
    sa.Column("version_num", sa.String(32), nullable=False),
    sa.PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)


def bring_up_to_date(store: Store) -> None:
    """Make the tables, or run the migrations that are missing.

    All steps are one transaction: a database is at its old revision or the new one.
    An empty database gets the tables as they are now; a test holds that the
    migrations lead to the same.

    Raises:
        UsageError: the database was written by a newer version, or is no store.
    """
    with store.read() as connection:
        if revision_of(connection) == HEAD:
            return
    with store.begin() as connection:  # SQLite: the write lock is held from here on
        if not store.is_sqlite:
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
        found = revision_of(connection)
        if found == HEAD:
            return
        _check(connection, found)
        if found:
            upgrade(connection)
        else:
            make_schema(connection)
        if not store.is_sqlite:
            add_trigrams(connection)


def make_schema(connection: sa.Connection, revision: str = HEAD) -> None:
    """Make the tables of a revision in an empty database.

    Raises:
        UsageError: the revision is unknown here, or the database is not empty.
    """
    if revision != HEAD:
        _check(connection, revision)
        upgrade(connection, revision)
        return
    _check(connection, "")
    metadata.create_all(connection)
    _VERSION.create(connection)
    connection.execute(sa.insert(_VERSION).values(version_num=HEAD))


def revision_of(connection: sa.Connection) -> str:
    """The revision that a database is at, "" for an empty one."""
    if not sa.inspect(connection).has_table("alembic_version"):
        return ""
    return str(connection.execute(sa.select(_VERSION)).scalar() or "")


def upgrade(connection: sa.Connection, to: str = "head") -> None:
    """Run the steps up to a revision on the connection's transaction."""
    from alembic.config import Config
    from alembic.runtime.environment import EnvironmentContext
    from alembic.script import ScriptDirectory

    script = ScriptDirectory(str(FOLDER))

    def steps(revision: Any, _: Any) -> Any:
        return script._upgrade_revs(to, revision)

    with EnvironmentContext(Config(), script, fn=steps) as environment:
        environment.configure(connection=connection, render_as_batch=True)
        environment.run_migrations()


def _check(connection: sa.Connection, found: str) -> None:
    """Refuse what is no older store of ours."""
    known = {path.name[:4] for path in (FOLDER / "versions").glob("[0-9]*.py")}
    if found and found not in known:
        raise UsageError(
            f"database: its schema {found!r} is newer than this version's {HEAD!r}; "
            "install the newer medlens, or restore a backup of this one"
        )
    if not found and sa.inspect(connection).get_table_names():
        raise UsageError(
            "database: holds tables, but none of medlens' own record of its schema; "
            "name an empty database"
        )
