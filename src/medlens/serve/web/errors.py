"""One shape for every failure: problem details (RFC 9457)."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import DBAPIError
from starlette.exceptions import HTTPException
from starlette.routing import Match

from medlens.core import (
    BundleError,
    ExistsError,
    MedlensError,
    MissingExtraError,
    PrepError,
    ReadError,
    ResourceError,
    UsageError,
)
from medlens.serve.access.passwords import CrowdError

MEDIA_TYPE = "application/problem+json"
METHODS = ("DELETE", "GET", "HEAD", "PATCH", "POST", "PUT")
TYPES = "/api/v1/problems/"  # what a problem's `type` starts with; a page tells of each
MAX_ERRORS = 20  # of a request that is wrong in many places
log = logging.getLogger("medlens.web")

KINDS: dict[str, tuple[int, str]] = {
    "bad-request": (400, "The request cannot be understood"),
    "unauthorized": (401, "Log in, or send a valid token"),
    "forbidden": (403, "The caller may not do this"),
    "not-found": (404, "There is no such thing"),
    "method-not-allowed": (405, "The address does not take this method"),
    "not-acceptable": (406, "The answer does not exist in a form that is accepted"),
    "too-slow": (408, "The request came too slowly"),
    "conflict": (409, "The thing is not in a state that allows this"),
    "measurements-changed": (409, "The measurements were saved elsewhere"),
    "draft-changed": (409, "The draft was saved, signed or dropped elsewhere"),
    "report-changed": (409, "The report has a version that the writer has not seen"),
    "gone": (410, "The thing is no longer there"),
    "changed": (412, "The thing was changed since it was read"),
    "too-large": (413, "The request is larger than this service takes"),
    "uri-too-long": (414, "The address is too long"),
    "unsupported-media-type": (415, "The body is of a kind that is not taken here"),
    "invalid": (422, "The request has a value that is not allowed"),
    "too-many-requests": (429, "Too many requests; wait as Retry-After says"),
    "key-reused": (422, "The idempotency key belongs to another request"),
    "wrong-credentials": (401, "Name or password is wrong"),
    "csrf": (403, "The change did not come from a page of this service"),
    "wrong-host": (421, "The service is not known by the name it was asked by"),
    "internal": (500, "The service failed; its log has the request's number"),
    "not-installed": (501, "The service lacks an optional part"),
    "upstream": (502, "Another system did not answer as it should"),
    "unavailable": (503, "The service cannot answer now; try again"),
    "full": (507, "There is no space left; try again later"),
}
"""Kinds that any route may answer: status and title. A route may have its own."""

_STATUS: dict[int, str] = {}
for _kind, (_status, _) in KINDS.items():
    _STATUS.setdefault(_status, _kind)
_OF_ERRORS: tuple[tuple[type[MedlensError], int], ...] = (
    (CrowdError, 503),
    (ExistsError, 409),
    (UsageError, 422),
    (ReadError, 422),
    (PrepError, 422),
    (BundleError, 422),
    (ResourceError, 507),
    (MissingExtraError, 501),
)


class Problem(HTTPException):
    """A request that cannot be answered.

    Args:
        status: of HTTP.
        detail: for a person: what was found, what was wanted, what to do.
        kind: last part of the problem's `type`, stable for programs; "" for that of
            the status.
        headers: of the reply.
        errors: what is wrong where, as {"where": …, "what": …}.
    """

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        kind: str = "",
        headers: Mapping[str, str] | None = None,
        errors: Sequence[Mapping[str, str]] = (),
    ) -> None:
        super().__init__(status, detail, dict(headers or {}))
        self.status, self.kind, self.errors = status, kind, tuple(errors)


def problem_response(request: Request, problem: Problem) -> JSONResponse:
    """The reply for a problem; `instance` is the request's number in the log."""
    kind = problem.kind or _STATUS.get(problem.status, "")
    body: dict[str, Any] = {
        "type": TYPES + kind if kind else "about:blank",
        "title": KINDS[kind][1] if kind in KINDS else _phrase(problem.status),
        "status": problem.status,
        "detail": problem.detail,
    }
    number = getattr(request.state, "request_id", "")
    if number:
        body["instance"] = f"urn:uuid:{number}"
    if problem.errors:
        body["errors"] = list(problem.errors)
    return JSONResponse(
        body, problem.status, headers=problem.headers, media_type=MEDIA_TYPE
    )


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Failure"


def problem_of(error: Exception) -> Problem:
    """The problem that tells of an exception, without anything from inside.

    An exception that is not ours becomes 500 (a full disk 507, a database that does
    not answer 503); it is not logged here.
    """
    if isinstance(error, Problem):
        return error
    if isinstance(error, HTTPException):
        return Problem(
            error.status_code, _detail_of(error), headers=error.headers or {}
        )
    if isinstance(error, RequestValidationError):
        return _of_validation(error)
    for family, status in _OF_ERRORS:
        if isinstance(error, family):
            wait = {"Retry-After": "5"} if status == 503 else {}
            return Problem(status, str(error), headers=wait)
    if isinstance(error, MedlensError):
        return Problem(500, str(error))
    if isinstance(error, DBAPIError):
        return _of_database(error)
    return Problem(500, "the service failed; ask its operator, with `instance`")


def _detail_of(error: HTTPException) -> str:
    if error.status_code == 404:
        return "nothing is at this address; the list of addresses is /api/v1/docs"
    if error.status_code == 405:
        return "this address does not take this method; Allow lists what it takes"
    return str(error.detail)


def _of_validation(error: RequestValidationError) -> Problem:
    """What is wrong where; what was sent is not repeated."""
    errors = [
        {
            "where": ".".join(str(part) for part in each["loc"])[:200],
            "what": _what(each),
        }
        for each in error.errors()[:MAX_ERRORS]
    ]
    first = errors[0] if errors else {"where": "request", "what": "not valid"}
    detail = f"{first['where']}: {first['what']}; correct it and send it again"
    return Problem(422, detail, errors=errors)


def _what(error: Mapping[str, Any]) -> str:
    if error["type"] in ("value_error", "assertion_error"):
        return "this value is not allowed"
    return str(error["msg"])[:200]


def _of_database(error: DBAPIError) -> Problem:
    said = str(error.orig)
    if "full" in said or "No space" in said:
        return Problem(507, "the index cannot grow: the disk is full; free some space")
    if isinstance(error.orig, (OverflowError, ValueError)):
        return Problem(422, "a number is too large; send a smaller one")
    return Problem(
        503,
        "the index does not answer; try again in a moment",
        headers={"Retry-After": "2"},
    )


def _is_other_kind(request: Request, error: RequestValidationError) -> bool:
    """True where a body was sent that its sender does not call JSON."""
    is_whole = any(tuple(each["loc"]) == ("body",) for each in error.errors())
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    is_json = kind == "application/json" or kind.endswith("+json")
    is_empty = request.headers.get("content-length", "0") == "0"
    return is_whole and not is_json and not is_empty


def _methods(request: Request) -> list[str]:
    """Methods that an address takes; the framework names those of one route."""
    found = []
    for method in METHODS:
        scope = {**request.scope, "method": method}
        if any(route.matches(scope)[0] == Match.FULL for route in request.app.routes):
            found.append(method)
    return found


def add_error_handlers(app: FastAPI) -> None:
    """Let every failure of an application answer as a problem."""

    async def answer(request: Request, error: Exception) -> JSONResponse:
        problem = problem_of(error)
        if isinstance(error, RequestValidationError) and _is_other_kind(request, error):
            problem = Problem(415, "wanted a body of the kind application/json")
        if problem.status == 405:
            problem.headers = {"Allow": ", ".join(_methods(request))}
        if problem.status >= 500 and not isinstance(error, Problem):
            log.error("a request failed", exc_info=error)
        return problem_response(request, problem)

    for family in (HTTPException, RequestValidationError, MedlensError, DBAPIError):
        app.add_exception_handler(family, answer)
