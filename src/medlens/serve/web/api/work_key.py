"""What decides an answer besides the images, as the web side sees it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

import sqlalchemy as sa

from medlens.core import MedlensError
from medlens.serve.store.tables import bundles
from medlens.serve.web.state import Service
from medlens.serve.work.asked import is_meant
from medlens.serve.work.models import Models, work_digest
from medlens.serve.work.rules import Rules, load_rules

MAX_NOTE_BYTES = 20_000_000


@dataclass(frozen=True)
class _Named:
    digest: str


@dataclass(frozen=True)
class _AtWork:
    """Bundles by digest alone: the web side runs none, so it opens none."""

    active: tuple[_Named, ...]


def rules_of(service: Service) -> Rules | None:
    """The rules of the service, None where the bundles speak for themselves."""
    return load_rules(service.settings.rules) if service.settings.rules else None


def current_work_digest(service: Service) -> str:
    """The digest that workers put into the key of a job now."""
    named = tuple(_Named(digest) for digest in active_digests(service))
    return work_digest(rules_of(service), cast(Models, _AtWork(named)))


def active_digests(service: Service) -> list[str]:
    """Digests of the bundles whose answers count, the newest first."""
    return [row.digest for row in _active(service)]


def active_named(service: Service, word: str) -> str | None:
    """Digest of the newest of them of a name, or whose digest begins so."""
    for row in _active(service):
        if is_meant(word, name=row.name, digest=row.digest):
            return str(row.digest)
    return None


def _active(service: Service) -> list[Any]:
    given = {digest_at(str(folder)) for folder in service.settings.bundles}
    own = service.store.folder.absolute()
    with service.store.read() as connection:
        rows = connection.execute(
            sa.select(bundles.c.digest, bundles.c.name, bundles.c.folder)
            .where(bundles.c.role == "active")
            .order_by(bundles.c.added_at.desc(), bundles.c.digest)
        ).all()
    return [
        row
        for row in rows
        if row.digest in given or Path(row.folder).is_relative_to(own)
    ]


@lru_cache(maxsize=64)
def digest_at(folder: str) -> str:
    """What a bundle folder says is its digest; "" where it says nothing.

    Workers check the digest when they load it; here it is only a name.
    """
    from medlens.bundle.model import NOTE_NAME

    try:
        with (Path(folder) / NOTE_NAME).open("rb") as file:
            found = json.loads(file.read(MAX_NOTE_BYTES)).get("digest")
    except (OSError, ValueError, AttributeError, RecursionError, MedlensError):
        return ""
    return found if isinstance(found, str) else ""
