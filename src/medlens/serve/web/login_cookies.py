"""What a browser brings to a log-in, and what it takes away."""

from __future__ import annotations

from fastapi import Request, Response

from medlens.serve.access.login import Browser, LogIn
from medlens.serve.settings import ServeSettings
from medlens.serve.web.cookies import (
    DEVICE_S,
    device_cookie,
    session_cookie,
    set_cookie,
)
from medlens.serve.web.guard import address_of
from medlens.serve.web.state import service_of


def browser_of(request: Request) -> Browser:
    """Address and cookies of a request."""
    settings = service_of(request).settings
    return Browser(
        address_of(request),
        request.cookies.get(session_cookie(settings), ""),
        request.cookies.get(device_cookie(settings), ""),
    )


def give_cookies(response: Response, settings: ServeSettings, found: LogIn) -> None:
    """Let a browser keep the session, and the secret by which it is known."""
    set_cookie(response, settings, session_cookie(settings), found.session)
    if found.device:
        set_cookie(
            response,
            settings,
            device_cookie(settings),
            found.device,
            lives_s=DEVICE_S,
        )
