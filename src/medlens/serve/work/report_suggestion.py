"""The first draft of a study's report, from the index."""

from __future__ import annotations

from dataclasses import dataclass, replace

import sqlalchemy as sa

from medlens.core import MedlensError
from medlens.core.terms import Lang, known_body_part, known_modality
from medlens.serve.monitor.feedback import read_words
from medlens.serve.store.tables import instances, results, series
from medlens.serve.work.ready import foreign
from medlens.serve.work.report_review import review
from medlens.write.document import from_document
from medlens.write.reading.content import Content
from medlens.write.reading.suggestion import Images, Reviewed, suggest

LONGEST_SECTION = 20_000
"""Characters of one section of a report."""


@dataclass(frozen=True)
class Answer:
    """The newest result of a study, as readers left it.

    Attributes:
        result_id: its number.
        reviewed: what it says.
    """

    result_id: int
    reviewed: Reviewed


def suggest_report(
    connection: sa.Connection, study_id: int, *, lang: Lang, reader: int | None
) -> Content:
    """The draft that a reader begins with.

    Args:
        connection: to the index.
        study_id: our own number of a study.
        lang: of the draft.
        reader: number of who asks, None for the guest of a demo: their own words on
            findings count first.
    """
    answer = newest_answer(connection, study_id, reader=reader)
    content = suggest(
        answer.reviewed if answer else None,
        _images(connection, study_id),
        lang=lang,
        result_id=answer.result_id if answer else None,
    )
    return replace(
        content,
        examined=_cut(content.examined),
        findings=_cut(content.findings),
        comparison=_cut(content.comparison),
        impression=_cut(content.impression),
    )


def newest_answer(
    connection: sa.Connection,
    study_id: int,
    *,
    reader: int | None,
    result: int | None = None,
) -> Answer | None:
    """The newest result that counts and can be read, or the one that is named."""
    query = sa.select(results.c.id, results.c.diagnosis).where(
        results.c.study_id == study_id, results.c.role == "active"
    )
    if result is not None:
        query = query.where(results.c.id == result)
    row = connection.execute(query.order_by(results.c.id.desc()).limit(1)).first()
    if row is None:
        return None
    try:
        diagnosis = from_document(row.diagnosis)
    except MedlensError:  # of a version that this one does not read
        return None
    words = read_words(connection, [row.id])
    return Answer(row.id, review(diagnosis, words, reader=reader))


def _images(connection: sa.Connection, study_id: int) -> list[Images]:
    """What a study holds that came from elsewhere, by kind and part of the body."""
    rows = connection.execute(
        sa.select(series.c.modality, series.c.body_part, sa.func.count())
        .join(instances, instances.c.series_id == series.c.id)
        .where(foreign(study_id), instances.c.rows.is_not(None))
        .group_by(series.c.modality, series.c.body_part)
        .order_by(series.c.modality, series.c.body_part)
    )
    return [
        Images(known_modality(modality), known_body_part(part), int(count))
        for modality, part, count in rows
    ]


def _cut(text: str) -> str:
    """As many whole lines as a section may have."""
    if len(text) <= LONGEST_SECTION:
        return text
    return text[:LONGEST_SECTION].rpartition("\n")[0]
