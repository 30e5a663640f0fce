"""A job of kind "send": the objects of a result or a report to one destination."""

from __future__ import annotations

import time

import sqlalchemy as sa

from medlens.serve.access.trail import record
from medlens.serve.send import SendError, SentObject, send_objects
from medlens.serve.settings import Peer
from medlens.serve.store.store import Store
from medlens.serve.store.tables import instances, reading_objects, result_objects
from medlens.serve.work.answer import Workplace
from medlens.serve.work.heartbeat import Heartbeat
from medlens.serve.work.objects import DICOM
from medlens.serve.work.queue import Job, finish, step_back
from medlens.serve.work.refusal import FinalError
from medlens.serve.work.tidy import SERVICE


def deliver(place: Workplace, job: Job, beat: Heartbeat) -> None:
    """Send a result, or a signed report; what is there already counts as sent.

    The line in the trail comes with the end of the job: a worker that dies between
    sending and it sends the same objects again, and the destination knows them.

    Raises:
        FinalError: another attempt would end in the same way.
        SendError: it is tried again later.
        LostLeaseError: somebody else has the job.
    """
    peer = _peer_of(place, str(job.payload.get("peer", "")))
    what = "report" if "report" in job.payload else "result"
    number = int(job.payload.get(what, 0))
    find = files_of_report if what == "report" else files_of
    files = find(place.store, number)
    beat.check()
    try:
        send_objects(peer, files, ae_title=place.settings.ae_title)
    except SendError as error:
        if error.is_final:
            raise FinalError(str(error)) from error
        # What waits for a node that is down must not hold up the other nodes.
        with place.store.begin() as connection:
            step_back(connection, job)
        raise
    with place.store.begin() as connection:
        finish(connection, job, now=time.time())
        record(
            connection,
            SERVICE,
            f"send {what}",
            study_id=job.study_id,
            detail={what: number, "peer": peer.name, "objects": len(files)},
        )


def files_of(store: Store, result: int) -> list[SentObject]:
    """The DICOM objects of a result in the order in which they refer to each other."""
    is_of = sa.and_(
        result_objects.c.result_id == result, result_objects.c.media_type == DICOM
    )
    return _found(store, result_objects, is_of)


def files_of_report(store: Store, report: int) -> list[SentObject]:
    """The DICOM objects of a version of a report, in that order."""
    is_of = sa.and_(
        reading_objects.c.report_id == report, reading_objects.c.media_type == DICOM
    )
    return _found(store, reading_objects, is_of)


def _found(
    store: Store, table: sa.Table, is_of: sa.ColumnElement[bool]
) -> list[SentObject]:
    with store.read() as connection:
        rows = connection.execute(
            sa.select(
                table.c.digest,
                table.c.sop_uid,
                instances.c.sop_class,
                instances.c.transfer_syntax,
            )
            .join(instances, instances.c.sop_uid == table.c.sop_uid)
            .where(is_of)
            .order_by(table.c.id)
        ).all()
    return [
        SentObject(
            store.blobs.path_of(row.digest),
            row.sop_class,
            row.sop_uid,
            row.transfer_syntax,
        )
        for row in rows
    ]


def _peer_of(place: Workplace, name: str) -> Peer:
    for peer in place.settings.peers:
        if peer.name == name:
            return peer
    raise FinalError(
        f"destination {name!r:.60} is no longer in the settings; describe it again and "
        "revive this job, or cancel it"
    )
