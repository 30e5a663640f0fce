"""The bundles of a service: which are at work, loaded once and kept warm."""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from medlens.bundle import Bundle, load_bundle
from medlens.core import MedlensError, reason_of
from medlens.serve.store.store import Store
from medlens.serve.store.tables import bundles
from medlens.serve.work.queue import insert_into
from medlens.serve.work.rules import LEAST_DIGITS, Rules

if TYPE_CHECKING:
    from medlens.predict.forms import AnyPredictor

log = logging.getLogger("medlens.work")
LOOK_S = 2.0  # how often the table is asked whether a role changed


@dataclass(frozen=True)
class Model:
    """A bundle at work.

    Attributes:
        bundle: as loaded, every digest checked.
        role: "active" or "shadow".
        shadow_of: digest of the active bundle that it runs beside, or "".
        predictor: with its session open.
    """

    bundle: Bundle = field(repr=False)
    role: str
    shadow_of: str
    predictor: AnyPredictor = field(repr=False)

    @property
    def digest(self) -> str:
        """Of the bundle."""
        return self.bundle.digest


def register(store: Store, folders: Sequence[Path], *, now: float) -> list[str]:
    """Put bundles given at the start into the table; their digests.

    One that is there keeps its role, so that a promotion outlives a restart.

    Raises:
        BundleError: one cannot be loaded.
    """
    loaded = [(folder.absolute(), load_bundle(folder)) for folder in folders]
    with store.begin() as connection:
        for folder, bundle in loaded:
            row = {
                "digest": bundle.digest,
                "name": bundle.name,
                "role": "active",
                "folder": str(folder),
                "added_at": now,
                "changed_at": now,
            }
            # All workers of a service start at once.
            connection.execute(
                insert_into(connection, bundles)
                .values(**row)
                .on_conflict_do_update(
                    index_elements=["digest"], set_={"folder": str(folder)}
                )
            )
    return [bundle.digest for _, bundle in loaded]


class Models:
    """Bundles of one worker, loaded when they are first wanted.

    At work are the active ones and the shadows of the table that were given at this
    start or lie in the service's own folder: what an earlier start was given is not
    run behind anybody's back.

    Args:
        store: whose table names them.
        given: digests that this start was given.
        threads: of each engine; 0 lets it decide.

    Attributes:
        failed: (name, reason) of bundles that cannot be run.
    """

    def __init__(self, store: Store, given: Sequence[str], *, threads: int = 0) -> None:
        self._store, self._given, self._threads = store, frozenset(given), threads
        self._loaded: dict[str, tuple[Bundle, AnyPredictor]] = {}
        self._models: tuple[Model, ...] = ()
        self._bad: dict[str, tuple[str, str]] = {}
        self._seen: Any = None
        self._looked_at = -LOOK_S

    @property
    def failed(self) -> tuple[tuple[str, str], ...]:
        return tuple(self._bad.values())

    @property
    def active(self) -> tuple[Model, ...]:
        """Those whose answers count, the newest first."""
        return tuple(m for m in self._models if m.role == "active")

    def shadows_of(self, digest: str) -> tuple[Model, ...]:
        """Those that run beside an active one."""
        return tuple(
            m for m in self._models if m.role == "shadow" and m.shadow_of == digest
        )

    def named(self, word: str) -> Model | None:
        """The newest active one of a name, or whose digest begins so."""
        for model in self.active:
            if model.bundle.name == word:
                return model
            if len(word) >= LEAST_DIGITS and model.digest.startswith(word):
                return model
        return None

    def at_work(self, digest: str) -> Model | None:
        """The one of a digest, in whatever role."""
        return next((m for m in self._models if m.digest == digest), None)

    def refresh(self, *, is_due: bool = False) -> None:
        """Follow the table: load what was added, let go of what was retired.

        Args:
            is_due: look now, however short ago the last look was.
        """
        if not is_due and time.monotonic() - self._looked_at < LOOK_S:
            return
        self._looked_at = time.monotonic()
        with self._store.read() as connection:
            rows = connection.execute(
                sa.select(bundles)
                .where(bundles.c.role.in_(("active", "shadow")))
                .order_by(bundles.c.added_at.desc(), bundles.c.digest)
            ).all()
        rows = [row for row in rows if self._is_meant(row)]
        seen = [(r.digest, r.role, r.shadow_of, r.folder) for r in rows]
        if seen != self._seen:
            self._follow(rows)
            self._seen = seen

    def _is_meant(self, row: Any) -> bool:
        own = self._store.folder.absolute()
        return row.digest in self._given or Path(row.folder).is_relative_to(own)

    def _follow(self, rows: Sequence[Any]) -> None:
        models = []
        self._bad = {}
        for row in rows:
            try:
                bundle, predictor = self._load(row.digest, Path(row.folder))
            except (MedlensError, MemoryError) as error:
                self._bad[row.digest] = (row.name, reason_of(error))
                log.error("bundle cannot be run", extra={"bundle": row.name})
                continue
            models.append(Model(bundle, row.role, row.shadow_of, predictor))
        kept = {model.digest for model in models}
        self._loaded = {k: v for k, v in self._loaded.items() if k in kept}
        self._models = tuple(models)

    def _load(self, digest: str, folder: Path) -> tuple[Bundle, AnyPredictor]:
        from medlens.core import TamperedError
        from medlens.predict import predictor_of

        if digest not in self._loaded:
            bundle = load_bundle(folder)
            if bundle.digest != digest:
                raise TamperedError(
                    f"{folder.name}: is another bundle than the one that was added; "
                    "add it again under its own digest"
                )
            self._loaded[digest] = bundle, predictor_of(bundle, threads=self._threads)
        return self._loaded[digest]


def work_digest(rules: Rules | None, models: Models) -> str:
    """Digest of all that decides an answer besides the images: rules and bundles."""
    said = rules.digest if rules is not None else "what the bundles say"
    parts = [said, *sorted(model.digest for model in models.active)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
