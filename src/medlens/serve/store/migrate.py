"""The schema, brought up to this version."""

from __future__ import annotations

from medlens.serve.store.store import Store
from medlens.serve.store.tables import metadata


def bring_up_to_date(store: Store) -> None:
    """Make the tables."""
    metadata.create_all(store.engine)
