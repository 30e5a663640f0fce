"""Which role opens which route: the whole table, held to the code by asking."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute

from medlens.serve.access.caller import RIGHTS, Role
from medlens.serve.settings import ServeSettings
from medlens.serve.store.store import open_store
from medlens.serve.web.app import create_app
from medlens.serve.web.routers import all_routers
from tests.serve.http import client_for
from tests.serve.people import session_of, token_of

V1 = "/api/v1"
STUDY, RESULT = f"{V1}/studies/{{study}}", f"{V1}/results/{{result}}"
REPORT = f"{STUDY}/report"
VERSION = f"{REPORT}/versions/{{version}}"
WADO = "/dicom-web"
ONE = f"{WADO}/studies/{{study}}/series/{{series}}/instances/{{instance}}"

# The right that opens a route → "METHOD address". "known": anybody with an account;
# "": anybody at all.
TABLE: dict[str, tuple[str, ...]] = {
    "": (
        "GET /", "GET /studies/{study:count}", "GET /models", "GET /models/{digest}",
        "GET /evaluations/{evaluation:count}", "GET /try", "GET /icon.svg",
        "GET /assets/{name}", "GET /healthz", "GET /readyz", f"GET {V1}/openapi.json",
        f"GET {V1}/docs", f"GET {V1}/problems/{{kind}}", f"POST {V1}/login",
        f"POST {V1}/welcome", "GET /login", "POST /login", "GET /welcome",
        "POST /welcome", "GET /login/page.css", "GET /login/welcome.js",
        "GET /login/oidc", "GET /login/oidc/callback",
        # Without a session there is nothing to end; with one it wants its token.
        f"POST {V1}/logout", "POST /logout",
        # From this machine; from elsewhere it is for administrators.
        "GET /metrics",
    ),
    "known": (
        f"GET {V1}/me", f"POST {V1}/me/password",
        f"GET {V1}/tokens", f"POST {V1}/tokens", f"DELETE {V1}/tokens/{{number}}",
    ),
    "view": (
        f"GET {V1}/studies", f"GET {V1}/studies/counts", f"GET {STUDY}",
        f"GET {STUDY}/opening", f"GET {STUDY}/opening/frame",
        f"GET {STUDY}/measurements", f"GET {REPORT}", f"GET {REPORT}/suggestion",
        f"GET {VERSION}", f"GET {VERSION}/pdf", f"GET {VERSION}/sr",
        f"GET {VERSION}/fhir", f"GET {VERSION}/text",
        f"GET {RESULT}", f"GET {RESULT}/text", f"GET {RESULT}/fhir",
        f"GET {RESULT}/objects", f"GET {RESULT}/objects/{{number}}",
        f"GET {RESULT}/feedback", f"GET {RESULT}/corrections/sr",
        f"GET {RESULT}/maps",
        f"GET {RESULT}/maps/evidence/{{assessment}}/{{finding}}/{{slice}}",
        f"GET {RESULT}/maps/masks/{{assessment}}/{{slice}}",
        f"GET {V1}/jobs", f"GET {V1}/jobs/{{job}}", f"GET {V1}/jobs/{{job}}/events",
        f"GET {V1}/events", f"GET {V1}/bundles", f"GET {V1}/bundles/{{digest:digest}}",
        f"GET {V1}/bundles/{{digest}}/comparison", f"GET {V1}/evaluations",
        f"GET {V1}/evaluations/{{evaluation}}", f"GET {V1}/monitor",
        f"GET {V1}/monitor/promotions", f"GET {V1}/rules", f"GET {V1}/destinations",
        f"GET {V1}/intake", f"GET {V1}/status",
        f"GET {WADO}/studies", f"GET {WADO}/series", f"GET {WADO}/instances",
        f"GET {WADO}/studies/{{study}}/series",
        f"GET {WADO}/studies/{{study}}/instances",
        f"GET {WADO}/studies/{{study}}/series/{{series}}/instances",
        f"GET {WADO}/studies/{{study}}",
        f"GET {WADO}/studies/{{study}}/series/{{series}}", f"GET {ONE}",
        f"GET {WADO}/studies/{{study}}/metadata",
        f"GET {WADO}/studies/{{study}}/series/{{series}}/metadata",
        f"GET {ONE}/metadata", f"GET {ONE}/frames/{{frames}}",
        f"GET {ONE}/bulkdata/{{place:path}}",
        f"GET {WADO}/studies/{{study}}/rendered",
        f"GET {WADO}/studies/{{study}}/series/{{series}}/rendered",
        f"GET {ONE}/rendered", f"GET {ONE}/frames/{{frames}}/rendered",
        f"GET {WADO}/studies/{{study}}/thumbnail",
        f"GET {WADO}/studies/{{study}}/series/{{series}}/thumbnail",
        f"GET {ONE}/thumbnail", f"GET {ONE}/frames/{{frames}}/thumbnail",
    ),
    "upload": (
        f"POST {V1}/uploads", f"POST {WADO}/studies",
        f"POST {WADO}/studies/{{study}}",
    ),
    "read": (
        f"POST {STUDY}/answers", f"PUT {STUDY}/measurements",
        f"PUT {REPORT}/draft", f"DELETE {REPORT}/draft", f"POST {REPORT}/versions",
        f"POST {VERSION}/files", f"POST {VERSION}/sendings",
        f"POST {RESULT}/sendings", f"POST {RESULT}/feedback", f"POST {RESULT}/masks",
        f"POST {RESULT}/corrections", f"POST {V1}/jobs/{{job}}/cancel",
        f"POST {V1}/jobs/{{job}}/retry", f"POST {V1}/evaluations",
        f"DELETE {V1}/evaluations/{{evaluation}}",
        f"GET {V1}/evaluations/{{evaluation}}/report",
        f"POST {V1}/monitor/alarms/{{number}}/seen", f"GET {V1}/exports",
        f"POST {V1}/exports", f"GET {V1}/exports/{{job}}",
        f"DELETE {V1}/exports/{{job}}", f"GET {V1}/exports/{{job}}/file",
        f"POST {V1}/rules/check", f"GET {V1}/refusals", f"GET {V1}/conflicts",
    ),
    "administer": (
        f"DELETE {V1}/studies/{{study:digits}}", f"POST {V1}/bundles",
        f"POST {V1}/bundles/rollback", f"POST {V1}/bundles/{{digest}}/promote",
        f"POST {V1}/bundles/{{digest}}/shadow", f"POST {V1}/bundles/{{digest}}/retire",
        f"POST {V1}/monitor/baselines", f"POST {V1}/destinations/{{name}}/echo",
        f"GET {V1}/users", f"POST {V1}/users", f"PATCH {V1}/users/{{user_id}}",
        f"DELETE {V1}/users/{{user_id}}/sessions", f"POST {V1}/invitations",
        f"GET {V1}/trail",
    ),
}  # fmt: skip
STREAMS = (f"GET {V1}/events",)  # have no end to wait for
VALUES = {"digest": "0" * 64, "digest:digest": "0" * 64, "kind": "x-y", "name": "x"}
ROLES: tuple[Role, ...] = ("viewer", "reader", "administrator")


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FastAPI]:
    folder: Path = tmp_path_factory.mktemp("service")
    store = open_store(folder)
    yield create_app(store, ServeSettings(data=folder))
    store.close()


def operations(router: Any, before: str = "") -> Iterator[str]:
    """ "METHOD address" of every route, also of routers within a router."""
    for route in router.routes:
        if isinstance(route, APIRoute):
            # What answers GET answers HEAD by the same function.
            methods = (route.methods or set()) - {"HEAD"}
            yield from (f"{method} {before}{route.path}" for method in methods)
        else:
            inner = route.original_router
            assert isinstance(inner, APIRouter)
            yield from operations(inner, before + route.include_context.prefix)


def ask(client: Any, operation: str) -> Any:
    """Ask for something that is not there: only who may is told so."""
    method, address = operation.split(" ")
    address = re.sub(r"\{([^}]+)\}", lambda m: VALUES.get(m[1], "1"), address)
    return client.request(method, address)


def test_the_table_has_every_route() -> None:
    there = {each for router in all_routers() for each in operations(router)}
    listed = [each for right in TABLE.values() for each in right]
    assert sorted(listed) == sorted(set(listed))
    assert set(listed) == there


@pytest.mark.parametrize("right", ["known", "view", "upload", "read", "administer"])
def test_nobody_comes_in(app: FastAPI, right: str) -> None:
    with client_for(app) as client:
        for operation in TABLE[right]:
            if operation == "POST /logout":  # a form: it leads back to the log-in
                continue
            assert ask(client, operation).status_code == 401, operation


@pytest.mark.parametrize("role", ROLES)
def test_a_role_opens_what_its_rights_say(app: FastAPI, role: Role) -> None:
    store = app.state.service.store
    with client_for(app, headers=token_of(store, role)) as client:
        for right in ("view", "upload", "read", "administer"):
            for operation in TABLE[right]:
                if right not in RIGHTS[role]:
                    reply = ask(client, operation)
                    assert reply.status_code == 403, operation
                    assert f"needs the right '{right}'" in reply.json()["detail"]
                elif operation not in STREAMS:
                    status = ask(client, operation).status_code
                    assert status not in (401, 403, 405, 500), operation


def test_every_change_by_a_browser_wants_the_header(app: FastAPI) -> None:
    """A page of another site can make a browser send a form, and no header."""
    cookies, header = session_of(app.state.service.store, name="browser")
    with client_for(app, cookies=cookies) as client:
        for right in ("view", "upload", "read", "administer"):
            for operation in TABLE[right]:
                if operation.startswith("GET "):
                    continue
                reply = ask(client, operation)
                assert (reply.status_code, reply.json()["type"]) == (
                    403, f"{V1}/problems/csrf"
                ), operation  # fmt: skip
        client.headers.update(header)
        reply = ask(client, f"POST {V1}/exports")
        assert reply.status_code == 422  # it came in, and asked for nothing
