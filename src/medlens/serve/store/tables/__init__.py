"""Every table of the index."""

from medlens.serve.store.tables.access import (
    TRAIL_GUARDS,
    attempts,
    devices,
    invitations,
    replies,
    sessions,
    tokens,
    trail,
    users,
)
from medlens.serve.store.tables.base import metadata
from medlens.serve.store.tables.imaging import (
    conflicts,
    instances,
    refusals,
    series,
    studies,
)
from medlens.serve.store.tables.monitor import feedback, scores
from medlens.serve.store.tables.work import bundles, jobs, result_objects, results

__all__ = [
    "TRAIL_GUARDS",
    "attempts",
    "bundles",
    "conflicts",
    "devices",
    "feedback",
    "instances",
    "invitations",
    "jobs",
    "metadata",
    "refusals",
    "replies",
    "result_objects",
    "results",
    "scores",
    "series",
    "sessions",
    "studies",
    "tokens",
    "trail",
    "users",
]
