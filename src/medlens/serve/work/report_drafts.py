"""What readers are writing: one draft of each on a study, saved again and again."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from medlens.core import MedlensError
from medlens.serve.store.tables import report_drafts, reports, studies
from medlens.serve.work.queue import insert_into
from medlens.write.reading.content import Content, from_document, to_document

MOST_DRAFTS = 1000
"""That one reader may have at a time: so many studies are not open on a desk."""

FIRST_REVISIONS = 2**30
"""A draft's first revision is drawn below it: one that was dropped and begun anew is
not mistaken for the one that a forgotten tab still shows."""


class DraftChangedError(MedlensError):
    """The draft was saved, signed or dropped elsewhere meanwhile.

    Nothing is written over what its writer has not seen.
    """


class TooManyDraftsError(MedlensError):
    """The reader has more drafts than anybody works on."""


@dataclass(frozen=True)
class Draft:
    """A draft as it was saved.

    Attributes:
        revision: grows with every save.
        saved_at: seconds since 1970.
        content: its words.
    """

    revision: int
    saved_at: float
    content: Content = field(repr=False)


def read_draft(
    connection: sa.Connection, study_id: int, reader: int | None
) -> Draft | None:
    """The draft of a reader on a study.

    Args:
        connection: to the index.
        study_id: our own number of the study.
        reader: number of the user, None for the guest of a demo.
    """
    row = connection.execute(sa.select(report_drafts).where(_mine(study_id, reader)))
    found = row.first()
    return None if found is None else _draft(found)


def save_draft(
    connection: sa.Connection,
    study_id: int,
    reader: int | None,
    content: Content,
    *,
    revision: int,
    now: float,
) -> Draft:
    """Save a draft over the one that its writer saw.

    Args:
        connection: of `Store.begin`.
        study_id, reader: see `read_draft`.
        content: its words.
        revision: of the draft that the writer saw, 0 where they saw none.
        now: seconds since 1970.

    Raises:
        DraftChangedError: there is another revision by now.
        TooManyDraftsError: the reader has `MOST_DRAFTS` others.
    """
    values = {"content": to_document(content), "saved_at": now}
    if revision == 0:
        values["revision"] = 1 + secrets.randbelow(FIRST_REVISIONS)
        row = _add(connection, study_id, reader, values)
    else:
        values["revision"] = revision + 1
        row = connection.execute(
            sa.update(report_drafts)
            .where(_mine(study_id, reader), report_drafts.c.revision == revision)
            .values(**values)
            .returning(report_drafts)
        ).first()
    if row is None:
        raise _changed(read_draft(connection, study_id, reader), revision)
    connection.execute(
        sa.update(studies)
        .where(studies.c.id == study_id, studies.c.reading == "unread")
        .values(reading="begun")
    )
    return _draft(row)


def check_draft(
    connection: sa.Connection, study_id: int, reader: int | None, *, revision: int
) -> None:
    """Refuse what would take the place of a draft that its writer has not seen.

    A draft that is gone holds nothing that could be lost.

    Args:
        connection: to the index.
        study_id, reader: see `read_draft`.
        revision: of the draft that the writer saw, 0 where they saw none.

    Raises:
        DraftChangedError: the draft is of another revision by now.
    """
    now = read_draft(connection, study_id, reader)
    if now is None or now.revision == revision:
        return
    seen = f"you saw {revision}" if revision else "you saw none"
    raise DraftChangedError(
        f"your draft was saved elsewhere: it is revision {now.revision}, {seen}. "
        "Nothing is signed, and nothing is lost: read the newer text, bring the two "
        f"together, and send the version again with draft_revision {now.revision}"
    )


def drop_draft(connection: sa.Connection, study_id: int, reader: int | None) -> bool:
    """Delete a draft; whether there was one.

    The study is unread again where nobody else drafts and nothing is kept.
    """
    gone = connection.execute(
        sa.delete(report_drafts).where(_mine(study_id, reader))
    ).rowcount
    others = (
        sa.exists().where(report_drafts.c.study_id == study_id),
        sa.exists().where(reports.c.study_id == study_id),
    )
    connection.execute(
        sa.update(studies)
        .where(studies.c.id == study_id, studies.c.reading == "begun")
        .where(*(~each for each in others))
        .values(reading="unread")
    )
    return bool(gone)


def _add(
    connection: sa.Connection, study_id: int, reader: int | None, values: dict[str, Any]
) -> Any:
    count = connection.execute(
        sa.select(sa.func.count())
        .select_from(report_drafts)
        .where(report_drafts.c.reader == (reader or 0))
    ).scalar_one()
    if count >= MOST_DRAFTS:
        raise TooManyDraftsError(
            f"you have {count:,} drafts; sign some or delete them, then save this one"
        )
    return connection.execute(
        insert_into(connection, report_drafts)
        .values(study_id=study_id, reader=reader or 0, **values)
        .on_conflict_do_nothing(index_elements=["study_id", "reader"])
        .returning(report_drafts)
    ).first()


def _changed(now: Draft | None, seen: int) -> DraftChangedError:
    if now is None:
        return DraftChangedError(
            "the draft is gone: it was signed or deleted elsewhere. What you wrote is "
            "still with you: read the report, then save it with revision 0 to begin a "
            "new draft"
        )
    return DraftChangedError(
        f"the draft was saved elsewhere: it is revision {now.revision}, you saw "
        f"{seen}. Nothing is lost: read it, bring the two together, and save with "
        f"revision {now.revision}"
    )


def _mine(study_id: int, reader: int | None) -> sa.ColumnElement[bool]:
    return sa.and_(
        report_drafts.c.study_id == study_id, report_drafts.c.reader == (reader or 0)
    )


def _draft(row: Any) -> Draft:
    return Draft(row.revision, row.saved_at, from_document(row.content))
