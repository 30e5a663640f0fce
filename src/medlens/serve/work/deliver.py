"""A job of kind "send": the objects of one result to one destination."""

from __future__ import annotations

import time

import sqlalchemy as sa

from medlens.serve.access.trail import record
from medlens.serve.send import SendError, SentObject, send_objects
from medlens.serve.settings import Peer
from medlens.serve.store.store import Store
from medlens.serve.store.tables import instances, result_objects
from medlens.serve.work.answer import Workplace
from medlens.serve.work.heartbeat import Heartbeat
from medlens.serve.work.objects import DICOM
from medlens.serve.work.queue import Job, finish, step_back
from medlens.serve.work.refusal import FinalError
from medlens.serve.work.tidy import SERVICE


def deliver(place: Workplace, job: Job, beat: Heartbeat) -> None:
    """Send a result; what is there already counts as sent.

    The line in the trail comes with the end of the job: a worker that dies between
    sending and it sends the same objects again, and the destination knows them.

    Raises:
        FinalError: another attempt would end in the same way.
        SendError: it is tried again later.
        LostLeaseError: somebody else has the job.
    """
    peer = _peer_of(place, str(job.payload.get("peer", "")))
    files = files_of(place.store, int(job.payload.get("result", 0)))
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
            "send result",
            study_id=job.study_id,
            detail={
                "result": job.payload.get("result"),
                "peer": peer.name,
                "objects": len(files),
            },
        )


def files_of(store: Store, result: int) -> list[SentObject]:
    """The DICOM objects of a result in the order in which they refer to each other."""
    with store.read() as connection:
        rows = connection.execute(
            sa.select(
                result_objects.c.digest,
                result_objects.c.sop_uid,
                instances.c.sop_class,
                instances.c.transfer_syntax,
            )
            .join(instances, instances.c.sop_uid == result_objects.c.sop_uid)
            .where(
                result_objects.c.result_id == result,
                result_objects.c.media_type == DICOM,
            )
            .order_by(result_objects.c.id)
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
