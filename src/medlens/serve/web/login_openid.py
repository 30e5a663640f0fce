"""Log-in by OpenID Connect: off to the provider, and back."""

from __future__ import annotations

import threading
import time
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from medlens.core import MedlensError, UsageError
from medlens.serve.access.external import admit
from medlens.serve.access.login import open_session
from medlens.serve.access.openid import Provider, read_pending
from medlens.serve.web.cookies import (
    OPENID_S,
    clear_cookie,
    openid_cookie,
    set_cookie,
)
from medlens.serve.web.errors import Problem, problem_of
from medlens.serve.web.login_cookies import browser_of, give_cookies
from medlens.serve.web.login_pages import HOME, page
from medlens.serve.web.state import Service, service_of

router = APIRouter(include_in_schema=False, prefix="/login/oidc")
_lock = threading.Lock()


@router.get("")
def begin(
    request: Request, service: Annotated[Service, Depends(service_of)]
) -> Response:
    """Send the browser to the provider."""
    try:
        where, pending = _provider(request, service).begin(_back(request, service))
    except MedlensError as error:
        return _failed(request, error)
    response = RedirectResponse(where, status_code=303)
    set_cookie(
        response,
        service.settings,
        openid_cookie(service.settings),
        str(pending),
        lives_s=OPENID_S,
        same_site="lax",
    )
    return response


@router.get("/callback")
def finish(
    request: Request, service: Annotated[Service, Depends(service_of)]
) -> Response:
    """Take the provider's answer; a page of ours then goes on.

    A redirect from here would still count as coming from the provider's site, and the
    browser would not send the new session's cookie, which is SameSite=Strict. A page
    that goes on by itself is of this site.
    """
    cookie = openid_cookie(service.settings)
    try:
        pending = read_pending(request.cookies.get(cookie, ""))
        if pending is None:
            raise UsageError("OpenID: this browser began no log-in; log in again")
        identity = _provider(request, service).finish(
            pending, dict(request.query_params), _back(request, service)
        )
        now = time.time()
        with service.store.begin() as connection:
            user = admit(connection, identity, now=now)
            found = open_session(
                connection,
                user,
                service.settings.limits,
                browser=browser_of(request),
                how="openid",
                now=now,
            )
    except MedlensError as error:
        response = _failed(request, error)
    else:
        response = page(request, "pass", "log_in", then=f"{HOME}?in")
        give_cookies(response, service.settings, found)
    clear_cookie(response, service.settings, cookie)
    return response


def _provider(request: Request, service: Service) -> Provider:
    """The one of this application; its keys are kept between log-ins."""
    if not service.settings.openid.issuer:
        raise Problem(404, "log-in by OpenID Connect is not set up here")
    with _lock:
        found = getattr(request.app.state, "openid", None)
        if found is None:
            found = request.app.state.openid = Provider(service.settings.openid)
    assert isinstance(found, Provider)
    return found


def _back(request: Request, service: Service) -> str:
    """Where the provider sends the browser back; it knows this address beforehand."""
    base = service.settings.public_url or str(request.base_url)
    return f"{base.rstrip('/')}/login/oidc/callback"


def _failed(request: Request, error: MedlensError) -> Response:
    problem = problem_of(error)
    status = 403 if problem.status == 422 else 503
    return page(request, "failed", "failed", problem=str(problem.detail), status=status)
