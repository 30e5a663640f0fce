"""Pages for people: log in, accept an invitation; they work without scripts."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse
from pydantic import ValidationError

from medlens.core import MedlensError
from medlens.serve.access.login import log_in
from medlens.serve.web.errors import problem_of
from medlens.serve.web.guard import check_same_site, session_of
from medlens.serve.web.login_cookies import browser_of, give_cookies
from medlens.serve.web.page_texts import TEXTS, language_of
from medlens.serve.web.state import Service, service_of

if TYPE_CHECKING:
    from jinja2 import Environment

HOME = "/login"  # where somebody who has logged in is sent; it leads on to the app
APP = "/"
FOLDER = Path(__file__).parent / "pages"
router = APIRouter(include_in_schema=False)
Text = Annotated[str, Form(max_length=256)]


@router.get("/login")
def show_login(request: Request) -> Response:
    """The form, or who is logged in."""
    session = session_of(request)
    if session is not None and "in" in request.query_params:
        return RedirectResponse(APP, status_code=303)
    if session is not None:
        caller = session.caller
        return page(
            request,
            "inside",
            "inside_title",
            name=caller.name,
            role=caller.role,
            csrf=session.csrf,
        )
    # Whoever comes here straight from a log-in has a browser that kept no cookie.
    problem = "no_cookie" if "in" in request.query_params else ""
    return page(request, "login", "log_in", problem=_say(request, problem))


@router.post("/login")
def take_login(
    request: Request,
    service: Annotated[Service, Depends(service_of)],
    name: Text,
    password: Text,
) -> Response:
    """Log in with the form."""
    check_same_site(request)
    try:
        found = log_in(
            service.store,
            name,
            password,
            service.settings.limits,
            browser=browser_of(request),
        )
    except MedlensError as error:
        return _failed(request, "login", "log_in", error)
    if found.wait_s > 0:
        wait = max(1, round(found.wait_s + 0.5))
        said = _say(request, "wait").format(seconds=wait)
        return page(
            request,
            "login",
            "log_in",
            problem=said,
            status=429,
            headers={"Retry-After": str(wait)},
        )
    if found.user is None:
        said = _say(request, "wrong")
        return page(request, "login", "log_in", problem=said, status=401)
    response = RedirectResponse(f"{HOME}?in", status_code=303)
    give_cookies(response, service.settings, found)
    return response


@router.post("/logout")
def take_logout(
    request: Request,
    service: Annotated[Service, Depends(service_of)],
    csrf: Text = "",
) -> Response:
    """Log out with the form."""
    from medlens.serve.web.login import log_out

    ended = log_out(request, service, csrf)
    response = RedirectResponse("/login", status_code=303)
    response.raw_headers += [h for h in ended.raw_headers if h[0] == b"set-cookie"]
    return response


@router.get("/welcome")
def show_welcome(request: Request) -> Response:
    """The form of an invitation; the secret is behind `#` and not sent."""
    return page(request, "welcome", "welcome")


@router.post("/welcome")
def take_welcome(
    request: Request,
    service: Annotated[Service, Depends(service_of)],
    invitation: Text,
    name: Text,
    password: Text,
) -> Response:
    """Make the account with the form."""
    from medlens.serve.web.login import Welcome, welcome

    check_same_site(request)
    try:
        sent = Welcome(invitation=invitation.strip(), name=name, password=password)
        found = welcome(service, request, sent)
    except (MedlensError, ValidationError) as error:
        return _failed(
            request, "welcome", "welcome", error, invitation=invitation, name=name
        )
    response = RedirectResponse(f"{HOME}?in", status_code=303)
    give_cookies(response, service.settings, found)
    return response


@router.get("/login/page.css")
def show_style() -> Response:
    """Style of the pages."""
    return _file("page.css", "text/css")


@router.get("/login/welcome.js")
def show_script() -> Response:
    """What moves the secret from the address into the form."""
    return _file("welcome.js", "text/javascript")


def page(
    request: Request,
    kind: str,
    title: str,
    *,
    status: int = 200,
    headers: dict[str, str] | None = None,
    **values: Any,
) -> HTMLResponse:
    """A page in the language that the browser asks for.

    Args:
        request: that is answered.
        kind: of the page: "login", "welcome", "inside", "pass" or "failed".
        title: key of its title in the table of texts.
        status, headers: of the reply.
        values: what the page shows; escaped.
    """
    settings = service_of(request).settings
    lang = language_of(request.headers.get("Accept-Language", ""))
    blank = {"problem": "", "name": "", "role": "", "csrf": "", "invitation": ""}
    text = (
        _templates()
        .get_template("page.html")
        .render(
            {**blank, "then": "", **values},
            kind=kind,
            title=title,
            lang=lang,
            say=TEXTS[lang],
            demo=settings.demo,
            openid=bool(settings.openid.issuer),
        )
    )
    return HTMLResponse(
        text,
        status,
        headers={
            "Content-Language": lang,
            "Vary": "Accept-Language",
            **(headers or {}),
        },
    )


def _failed(
    request: Request, kind: str, title: str, error: Exception, **values: Any
) -> Response:
    if isinstance(error, ValidationError):
        said, status = "; ".join(str(each["msg"]) for each in error.errors()), 422
    else:
        problem = problem_of(error)
        said, status = str(problem.detail), problem.status
    return page(request, kind, title, problem=said, status=status, **values)


def _say(request: Request, key: str) -> str:
    lang = language_of(request.headers.get("Accept-Language", ""))
    return TEXTS[lang][key] if key else ""


@functools.cache
def _templates() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(FOLDER), autoescape=True, undefined=StrictUndefined
    )


def _file(name: str, media_type: str) -> Response:
    return FileResponse(
        FOLDER / name,
        media_type=media_type,
        headers={"Cache-Control": "public, max-age=3600"},
    )
