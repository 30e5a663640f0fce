"""Idempotency-Key: the same request sent twice is done once.

The reply is kept in the same transaction as the deed, so that a crash leaves both or
neither. Of twins that come together the second waits for the first and is given its
reply.
"""

from __future__ import annotations

import hashlib
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

import sqlalchemy as sa
from fastapi import Depends, Header, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from medlens.serve.access.caller import Caller
from medlens.serve.store.keep import REPLY_S
from medlens.serve.store.store import Store
from medlens.serve.store.tables import replies
from medlens.serve.web.errors import Problem
from medlens.serve.web.state import service_of

KEPT_S = REPLY_S
PAUSES_S = (0.05, 0.2)  # before a deed that met another one is done again
MAX_KEPT = 1000  # old replies removed at a time
Deed = Callable[[sa.Connection], tuple[int, BaseModel]]
Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=200,
        pattern=r"^[\x21-\x7e]+$",
        description="chosen by the sender, as a UUID: the same key and request again "
        "within a day get the same reply, and nothing is done twice",
    ),
]


@dataclass(frozen=True)
class Once:
    """A request that may have been sent before.

    Attributes:
        key: None where its sender gave none.
        request: digest of method, address and body.
        store: where replies are kept.
    """

    key: str | None
    request: str
    store: Store

    def run(self, caller: Caller, deed: Deed) -> JSONResponse:
        """Do the deed, or give again what it gave.

        Args:
            caller: whose key it is; the same key of another is another key.
            deed: does everything in the transaction that it is handed, and returns
                the status and the reply. What it raises is not kept.

        Raises:
            Problem: 422, the key was used for another request.
        """
        for pause_s in PAUSES_S:
            try:
                return self._run(caller, deed)
            except sa.exc.DBAPIError as error:
                if not _is_deadlock(error):
                    raise
            time.sleep(random.uniform(0.5, 1.5) * pause_s)
        return self._run(caller, deed)

    def _run(self, caller: Caller, deed: Deed) -> JSONResponse:
        try:
            with self.store.begin() as connection:
                kept = self._kept(connection, caller)
                if kept is None:
                    return self._do(connection, caller, deed)
        except sa.exc.IntegrityError:  # its twin on PostgreSQL was quicker
            with self.store.read() as connection:
                kept = self._kept(connection, caller)
            if kept is None:
                raise
        return kept

    def _do(
        self, connection: sa.Connection, caller: Caller, deed: Deed
    ) -> JSONResponse:
        now = time.time()
        if self.key is not None:  # first, so that a twin waits here
            connection.execute(
                sa.insert(replies).values(
                    key=self.key,
                    user_id=caller.user_id or 0,
                    request=self.request,
                    status=0,
                    body=None,
                    created_at=now,
                )
            )
        status, reply = deed(connection)
        body = reply.model_dump(mode="json")
        if self.key is not None:
            connection.execute(
                sa.update(replies)
                .where(self._is_mine(caller))
                .values(status=status, body=body)
            )
            _forget_old(connection, now)
        return JSONResponse(body, status)

    def _kept(self, connection: sa.Connection, caller: Caller) -> JSONResponse | None:
        if self.key is None:
            return None
        row = connection.execute(
            sa.select(replies).where(
                self._is_mine(caller), replies.c.created_at > time.time() - KEPT_S
            )
        ).first()
        if row is None:
            connection.execute(sa.delete(replies).where(self._is_mine(caller)))
            return None
        if row.request != self.request:
            raise Problem(
                422,
                "Idempotency-Key: was used for another request; choose a new key",
                kind="key-reused",
            )
        return JSONResponse(row.body, row.status, {"Idempotency-Replayed": "true"})

    def _is_mine(self, caller: Caller) -> sa.ColumnElement[bool]:
        return sa.and_(
            replies.c.key == self.key, replies.c.user_id == (caller.user_id or 0)
        )


def _is_deadlock(error: sa.exc.DBAPIError) -> bool:
    """Whether PostgreSQL ended this transaction for another one (deadlock_detected):
    nothing of it was kept, and it may be run again."""
    fields = error.orig.args[0] if error.orig is not None and error.orig.args else None
    return isinstance(fields, dict) and fields.get("C") == "40P01"


def _forget_old(connection: sa.Connection, now: float) -> None:
    old = (
        sa.select(replies.c.key, replies.c.user_id)
        .where(replies.c.created_at < now - KEPT_S)
        .limit(MAX_KEPT)
    )
    for row in connection.execute(old).all():
        connection.execute(
            sa.delete(replies).where(
                replies.c.key == row.key, replies.c.user_id == row.user_id
            )
        )


async def once(request: Request, key: Key = None) -> Once:
    """What a request is known by (a FastAPI dependency)."""
    body = await request.body()
    head = f"{request.method} {request.url.path}?{request.url.query}\n"
    digest = hashlib.sha256(head.encode() + body).hexdigest()
    return Once(key, digest, service_of(request).store)


OnceOnly = Annotated[Once, Depends(once)]
