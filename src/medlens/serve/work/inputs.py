"""What a study holds that came from elsewhere, as the index knows it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from medlens.serve.store.store import Store
from medlens.serve.store.tables import instances, series, studies
from medlens.serve.work.ready import digest_of, foreign


@dataclass(frozen=True)
class Input:
    """One instance.

    Attributes:
        case: local key, "series 3/image 12"; the only name for messages.
        series: the first half of it.
        path: of its file.
        digest, sop_class, sop_uid, series_uid: as indexed.
        is_image: has rows of pixels.
    """

    case: str
    series: str
    path: Path = field(repr=False)
    digest: str = field(repr=False)
    sop_class: str
    sop_uid: str = field(repr=False)
    series_uid: str = field(repr=False)
    is_image: bool


@dataclass(frozen=True)
class Study:
    """One study with all its inputs.

    Attributes:
        id: our own number.
        study_uid, patient_id, issuer, study_date: as indexed; for results and for
            finding earlier ones, never for messages.
        site: where it comes from, "" if unknown.
        inputs: sorted by case.
        digest: of all inputs.
    """

    id: int
    study_uid: str = field(repr=False)
    patient_id: str = field(repr=False)
    issuer: str = field(repr=False)
    study_date: str = field(repr=False)
    site: str
    inputs: tuple[Input, ...]

    @property
    def digest(self) -> str:
        """As in the key of its job."""
        return digest_of([item.digest for item in self.inputs]) if self.inputs else ""


def load_study(store: Store, study_id: int) -> Study | None:
    """A study as it is now, or None where it was removed."""
    with store.read() as connection:
        row = connection.execute(
            sa.select(studies).where(studies.c.id == study_id)
        ).first()
        if row is None:
            return None
        found = connection.execute(_query(study_id)).all()
    inputs = sorted(_to_inputs(store, found), key=lambda item: item.case)
    return Study(
        row.id, row.study_uid, row.patient_id, row.issuer, row.study_date, row.site,
        tuple(inputs),
    )  # fmt: skip


def _query(study_id: int) -> sa.Select[Any]:
    return (
        sa.select(
            instances.c.id,
            instances.c.series_id,
            instances.c.number,
            instances.c.digest,
            instances.c.sop_class,
            instances.c.sop_uid,
            instances.c.rows,
            series.c.series_uid,
            series.c.number.label("series_number"),
        )
        .join(series, series.c.id == instances.c.series_id)
        .where(foreign(study_id))
    )


def _to_inputs(store: Store, rows: Sequence[Any]) -> Iterator[Input]:
    series_of = _named("series", {r.series_id: r.series_number for r in rows})
    images: dict[int, dict[int, int | None]] = defaultdict(dict)
    for row in rows:
        images[row.series_id][row.id] = row.number
    image_of = {
        key: name
        for members in images.values()
        for key, name in _named("image", members).items()
    }
    for row in rows:
        yield Input(
            case=f"{series_of[row.series_id]}/{image_of[row.id]}",
            series=series_of[row.series_id],
            path=store.blobs.path_of(row.digest),
            digest=row.digest,
            sop_class=row.sop_class,
            sop_uid=row.sop_uid,
            series_uid=row.series_uid,
            is_image=row.rows is not None,
        )


def _named(word: str, numbers: Mapping[int, int | None]) -> dict[int, str]:
    """Id → "series 3" by its number in the header, by our own where that is missing
    or there twice."""
    count = Counter(numbers.values())
    return {
        key: f"{word} {number}"
        if number is not None and count[number] == 1
        else f"{word} id {key}"
        for key, number in numbers.items()
    }
