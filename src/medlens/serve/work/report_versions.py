"""Versions of a study's report: added, never changed.

A signed version is written once: its files are durable first; then one transaction
holds the row, the rows of its files, the instances among them and the state of the
study. A crash before it leaves files that no row names.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from medlens.core import MedlensError, UsageError
from medlens.serve.store.store import Store
from medlens.serve.store.tables import reports, results, studies
from medlens.serve.work.report_drafted import drafted_from, newest_at, results_of
from medlens.serve.work.report_drafts import check_draft, drop_draft
from medlens.serve.work.report_kept import add_files, owe_files
from medlens.serve.work.report_objects import ReportFile, make_files
from medlens.write.reading.content import (
    Content,
    Report,
    digest_of,
    from_document,
    to_document,
)

MOST_VERSIONS = 500
"""Of one study; no report is changed more often by a person."""


class ReportChangedError(MedlensError):
    """There is a version that the writer has not seen."""


@dataclass(frozen=True)
class Wish:
    """What somebody wants to be kept.

    Attributes:
        study_id: our own number of the study.
        content: the words.
        is_signed: with their signature.
        reason: why a signed version is changed.
        expected_version: the newest that they saw, 0 for none.
        draft_revision: of their own draft, as they saw it; 0 for none.
        author: name of their account.
        user_id: None for the guest of a demo.
    """

    study_id: int
    content: Content = field(repr=False)
    is_signed: bool
    reason: str = field(repr=False)
    expected_version: int
    author: str
    user_id: int | None
    draft_revision: int = 0


@dataclass(frozen=True)
class Ready:
    """A version with its files, before it has a row.

    Attributes:
        report: the version.
        files: what was made of it, none without a signature.
        is_owing: some could not be made at this moment.
        digests: of the files, which are durable.
    """

    report: Report
    files: Sequence[ReportFile] = field(default=(), repr=False)
    digests: Sequence[str] = field(default=(), repr=False)
    is_owing: bool = False


def prepare(store: Store, wish: Wish, *, now: float) -> Ready | None:
    """Make what a version needs before its transaction.

    None where the writer has not seen the newest version: `add_version` says so.

    Args:
        store: files and index.
        wish: what is to be kept.
        now: seconds since 1970, the moment of the signature.

    Raises:
        DraftChangedError, UsageError: it cannot be kept as it is; see `add_version`.
        ResourceError: the disk is full.
        MissingExtraError: the packages that print reports are missing.
    """
    with store.read() as connection:
        newest, signed = newest_versions(connection, wish.study_id)
        if newest != wish.expected_version:
            return None
        _check(connection, wish, newest, signed)
        given = results_of(connection, wish.study_id)
    report = Report(
        study=wish.study_id,
        version=newest + 1,
        content=wish.content,
        is_signed=wish.is_signed,
        author=wish.author,
        made_at=datetime.fromtimestamp(now, UTC),
        reason=wish.reason,
        amends=signed if wish.is_signed else None,
        drafted=drafted_from(given, wish.content.result_id, newest_at(given, now)),
    )
    if not wish.is_signed:
        return Ready(report)
    made = make_files(store, report, reader=wish.user_id)
    digests = [store.blobs.put(file.data) for file in made.files]
    return Ready(report, made.files, digests, is_owing=bool(made.owed))


def add_version(connection: sa.Connection, wish: Wish, ready: Ready | None) -> int:
    """Keep a version, and let go of its writer's draft; its number in the table.

    Args:
        connection: of `Store.begin`; the study is there.
        wish, ready: of `prepare`.

    Raises:
        ReportChangedError: somebody else kept a version meanwhile.
        DraftChangedError: the writer saved a newer draft elsewhere, which would go.
        UsageError: there is nothing to sign, no reason for a change, a result of
            another study, or more versions than there may be.
    """
    hold = sa.select(studies).where(studies.c.id == wish.study_id).with_for_update()
    study = connection.execute(hold).first()
    if study is None:
        raise UsageError("report: its study was removed meanwhile; nothing is kept")
    newest, signed = newest_versions(connection, wish.study_id)
    if ready is None or newest != wish.expected_version:
        raise ReportChangedError(
            f"the report has version {newest} by now, you saw "
            f"{wish.expected_version}. Nothing is lost: read the newest version, bring "
            "the two together, and send it again with that version as "
            "expected_version"
        )
    _check(connection, wish, newest, signed)
    row = _insert(connection, wish, ready.report)
    now = ready.report.made_at.timestamp()
    add_files(connection, study, row, ready.files, ready.digests, now=now)
    if ready.is_owing:
        drafted = ready.report.drafted
        last = drafted.newest if drafted else None
        owe_files(connection, row, newest_result=last, now=now)
    drop_draft(connection, wish.study_id, wish.user_id)
    _move_on(connection, study, ready.report)
    return int(row.id)


def newest_versions(connection: sa.Connection, study_id: int) -> tuple[int, int | None]:
    """The newest version, 0 for none, and the newest signed one, None for none."""
    rows = connection.execute(
        sa.select(reports.c.is_signed, sa.func.max(reports.c.version))
        .where(reports.c.study_id == study_id)
        .group_by(reports.c.is_signed)
    ).all()
    newest = max((int(version) for _, version in rows), default=0)
    signed = next((int(version) for is_signed, version in rows if is_signed), None)
    return newest, signed


def report_of(
    connection: sa.Connection, row: Any, *, newest_result: int | None = None
) -> Report:
    """A row of the table as a version that writers take.

    Args:
        connection: to the index.
        row: of `reports`.
        newest_result: the newest one when the version was made, where it is known;
            else by the moments of both.
    """
    given = results_of(connection, row.study_id)
    if newest_result is None:
        newest_result = newest_at(given, row.made_at)
    amends = None
    if row.is_signed:
        amends = connection.execute(
            sa.select(sa.func.max(reports.c.version)).where(
                reports.c.study_id == row.study_id,
                reports.c.is_signed.is_(sa.true()),
                reports.c.version < row.version,
            )
        ).scalar()
    return Report(
        study=row.study_id,
        version=row.version,
        content=from_document(row.content),
        is_signed=row.is_signed,
        author=row.author,
        made_at=datetime.fromtimestamp(row.made_at, UTC),
        reason=row.reason,
        amends=amends,
        drafted=drafted_from(given, row.result_id, newest_result),
    )


def _check(
    connection: sa.Connection, wish: Wish, newest: int, signed: int | None
) -> None:
    check_draft(connection, wish.study_id, wish.user_id, revision=wish.draft_revision)
    if wish.is_signed and wish.content.is_empty:
        raise UsageError(
            "report: findings and impression are both empty; write what you see, then "
            "sign it"
        )
    if signed is not None and not wish.reason.strip():
        raise UsageError(
            f"report: version {signed} is signed; say in `reason` why it is changed"
        )
    if newest >= MOST_VERSIONS:
        raise UsageError(
            f"report: this study has {newest} versions, and no more are kept; ask who "
            "administers medlens"
        )
    number = wish.content.result_id
    if number is None:
        return
    known = connection.execute(
        sa.select(results.c.id).where(
            results.c.id == number,
            results.c.study_id == wish.study_id,
            results.c.role == "active",
        )
    ).first()
    if known is None:
        raise UsageError(
            f"report: result {number} is none of this study; send the one that the "
            "draft was made from, or none"
        )


def _insert(connection: sa.Connection, wish: Wish, report: Report) -> Any:
    made = connection.execute(
        sa.insert(reports)
        .values(
            study_id=wish.study_id,
            version=report.version,
            is_signed=report.is_signed,
            result_id=report.content.result_id,
            content=to_document(report.content),
            content_digest=digest_of(report.content),
            reason=report.reason,
            user_id=wish.user_id,
            author=report.author[:64],
            made_at=report.made_at.timestamp(),
        )
        .returning(reports)
    )
    return made.one()


def _move_on(connection: sa.Connection, study: Any, report: Report) -> None:
    """The study is read, or begun where nothing is signed yet.

    It stays unread where an image or a result came while the files were made: they do
    not speak of it.
    """
    this = sa.update(studies).where(studies.c.id == study.id)
    if not report.is_signed:
        unread = this.where(studies.c.reading == "unread")
        connection.execute(unread.values(reading="begun"))
        return
    moment = report.made_at.timestamp()
    newer = sa.select(results.c.id).where(
        results.c.study_id == study.id,
        results.c.role == "active",
        results.c.created_at > moment,
    )
    is_passed = study.last_at > moment or connection.execute(newer).first() is not None
    reading = "unread" if is_passed else "signed"
    connection.execute(this.values(reading=reading, read_at=moment))
