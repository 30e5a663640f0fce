"""Types that all tables share."""

from __future__ import annotations

import sqlalchemy as sa

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def key(size: int) -> sa.types.TypeEngine[str]:
    """Text that is searched and sorted by code points on either database."""
    return sa.String(size).with_variant(sa.String(size, collation="C"), "postgresql")


# Numbers stand in addresses, in jobs and in the trail, so that none may ever mean
# another row: every table that counts says `sqlite_autoincrement=True`, without which
# SQLite gives the number of the newest row again once that is removed.
Id = sa.BigInteger().with_variant(sa.Integer, "sqlite")  # SQLite counts INTEGER alone
Uid = key(64)
Digest = key(64)  # SHA-256 as hexadecimal
Moment = sa.Double  # seconds since 1970, UTC
Json = sa.JSON

# On a column of digests: the file of each belongs to the store while a row names it.
NAMES_FILE = {"names_file": True}
