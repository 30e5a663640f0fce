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
from medlens.serve.store.tables.monitor import (
    baselines,
    evaluations,
    exports,
    feedback,
    looks,
    promotions,
    scores,
)
from medlens.serve.store.tables.reading import (
    measurements,
    reading_objects,
    report_drafts,
    reports,
)
from medlens.serve.store.tables.work import bundles, jobs, result_objects, results

__all__ = [
    "TRAIL_GUARDS",
    "attempts",
    "baselines",
    "bundles",
    "conflicts",
    "devices",
    "evaluations",
    "exports",
    "feedback",
    "instances",
    "invitations",
    "jobs",
    "looks",
    "measurements",
    "metadata",
    "promotions",
    "reading_objects",
    "refusals",
    "replies",
    "report_drafts",
    "reports",
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
