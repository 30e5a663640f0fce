"""Which bundle answers: promoted, rolled back, in the shadow, retired."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path as FilePath
from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import APIRouter, Depends
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from medlens.serve.access.caller import Caller
from medlens.serve.monitor.promotion import (
    list_promotions,
    promote,
    retire,
    roll_back,
    set_shadow,
)
from medlens.serve.monitor.shadow import compare_shadow
from medlens.serve.store.tables import bundles
from medlens.serve.web.api.bundle_models import (
    BundleView,
    view_of_bundle,
    whole_bundle,
)
from medlens.serve.web.api.bundles import BundleDigest
from medlens.serve.web.api.monitor_models import (
    ComparisonView,
    Promote,
    PromotionView,
    ShadowOf,
    view_of_comparison,
    view_of_promotion,
)
from medlens.serve.web.api.work_key import digest_at, rules_of
from medlens.serve.web.errors import Problem
from medlens.serve.web.guard import may
from medlens.serve.web.idempotency import OnceOnly
from medlens.serve.web.state import Service, service_of
from medlens.serve.work.rules import LEAST_DIGITS

router = APIRouter(prefix="/api/v1/bundles", tags=["monitor"])
ServiceHere = Annotated[Service, Depends(service_of)]
Administrator = Annotated[Caller, Depends(may("administer"))]
NONE = "there is no such bundle; /api/v1/bundles lists all of them"


@router.post("/{digest}/promote", response_model=PromotionView)
def promote_bundle(
    digest: BundleDigest,
    wanted: Promote,
    once: OnceOnly,
    service: ServiceHere,
    caller: Administrator,
) -> JSONResponse:
    """Let a bundle's answers count, in the place of another, at once and as a whole."""
    _check_runs(service, digest)

    def deed(connection: sa.Connection) -> tuple[int, BaseModel]:
        made = promote(
            connection,
            digest,
            caller,
            replaces=wanted.replaces,
            replaced_becomes=wanted.replaced_becomes,
            now=time.time(),
        )
        if not wanted.force:
            _check_rules(service, connection)
        return 200, view_of_promotion(made)

    return once.run(caller, deed)


@router.post("/rollback", response_model=PromotionView)
def roll_back_bundle(once: OnceOnly, caller: Administrator) -> JSONResponse:
    """Take the newest promotion back; again takes back the one before it."""

    def deed(connection: sa.Connection) -> tuple[int, BaseModel]:
        return 200, view_of_promotion(roll_back(connection, caller, now=time.time()))

    return once.run(caller, deed)


@router.post("/{digest}/shadow", response_model=BundleView)
def shadow_bundle(
    digest: BundleDigest,
    wanted: ShadowOf,
    once: OnceOnly,
    service: ServiceHere,
    caller: Administrator,
) -> JSONResponse:
    """Let a bundle run beside an active one; its answers are shown to nobody."""
    _check_runs(service, digest)

    def change(connection: sa.Connection, now: float) -> None:
        set_shadow(connection, digest, caller, of=wanted.shadow_of, now=now)

    return _change(once, caller, digest, change)


@router.post("/{digest}/retire", response_model=BundleView)
def retire_bundle(
    digest: BundleDigest, once: OnceOnly, service: ServiceHere, caller: Administrator
) -> JSONResponse:
    """Let a bundle rest, with its shadows; it stays and can be promoted again."""
    _row(service, digest)

    def change(connection: sa.Connection, now: float) -> None:
        retire(connection, digest, caller, now=now)

    return _change(once, caller, digest, change)


@router.get("/{digest}/comparison", response_model=ComparisonView)
def compare_bundle(
    digest: BundleDigest,
    service: ServiceHere,
    caller: Annotated[Caller, Depends(may("view"))],
) -> ComparisonView:
    """A shadow against the bundle that it runs beside, on the same images.

    Of one that was promoted, against the one that it replaced.
    """
    del caller
    row = _row(service, digest)
    with service.store.read() as connection:
        beside = row.shadow_of or next(
            (
                each.replaced
                for each in list_promotions(connection)
                if each.digest == digest and each.replaced
            ),
            "",
        )
        if not beside:
            raise Problem(409, "this bundle never ran in the shadow of another one")
        return view_of_comparison(compare_shadow(connection, beside, digest))


def _change(
    once: Any,
    caller: Caller,
    digest: str,
    change: Callable[[sa.Connection, float], None],
) -> JSONResponse:
    def deed(connection: sa.Connection) -> tuple[int, BaseModel]:
        change(connection, time.time())
        row = connection.execute(
            sa.select(bundles).where(bundles.c.digest == digest)
        ).one()
        return 200, view_of_bundle(row)

    reply: JSONResponse = once.run(caller, deed)
    return reply


def _row(service: Service, digest: str) -> Any:
    with service.store.read() as connection:
        row = connection.execute(
            sa.select(bundles).where(bundles.c.digest == digest)
        ).first()
    if row is None:
        raise Problem(404, NONE)
    return row


def _check_runs(service: Service, digest: str) -> None:
    """Refuse a bundle that no worker would run.

    Raises:
        Problem: 404 for none, 409 for one that cannot be loaded or lies outside.
    """
    row = _row(service, digest)
    given = {digest_at(str(folder)) for folder in service.settings.bundles}
    own = service.store.folder.absolute()
    if digest not in given and not FilePath(row.folder).is_relative_to(own):
        raise Problem(
            409,
            "this bundle was given to an earlier start of the service and not to this "
            "one; add it by POST /api/v1/bundles, or name it when the service starts",
        )
    problem = whole_bundle(row).problem
    if problem:
        raise Problem(409, f"this bundle cannot be run: {problem}")


def _check_rules(service: Service, connection: sa.Connection) -> None:
    """Refuse a change of roles after which a rule names no active bundle.

    Raises:
        Problem: 409; the transaction is not kept.
    """
    rules = rules_of(service)
    if rules is None:
        return
    active = connection.execute(
        sa.select(bundles.c.name, bundles.c.digest).where(bundles.c.role == "active")
    ).all()
    for rule in rules.rules:
        word = rule.bundle
        is_met = not word or any(
            word == row.name
            or (len(word) >= LEAST_DIGITS and row.digest.startswith(word))
            for row in active
        )
        if not is_met:
            raise Problem(
                409,
                f"rule {rule.name!r:.60} would name no active bundle any more; change "
                "the rules first, or send force",
            )
