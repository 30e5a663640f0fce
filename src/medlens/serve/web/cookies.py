"""Cookies of a browser: what they are called and who may read them.

All are HttpOnly, so that no script reads them. The session's is SameSite=Strict: no
other site makes a browser send it, not even with a link. The one that remembers a
log-in by OpenID Connect on its way must come back with a redirect of the provider's
site, so it is Lax; it opens nothing and lives ten minutes.
"""

from __future__ import annotations

from typing import Literal
from urllib.parse import urlsplit

from starlette.responses import Response

from medlens.serve.access.loopback import is_local
from medlens.serve.settings import ServeSettings

DEVICE_S = 180 * 86400  # a browser that somebody has logged in from is known so long
OPENID_S = 600


def is_secure(settings: ServeSettings) -> bool:
    """True when cookies must travel by https alone.

    That is wherever the service is seen by https, or from other machines; on this
    machine alone nobody listens on the way.
    """
    public = urlsplit(settings.public_url)
    if public.hostname:
        return public.scheme == "https" or not is_local(public.hostname)
    return not is_local(settings.host)


def session_cookie(settings: ServeSettings) -> str:
    """Name of the session's cookie."""
    return _name(settings, "medlens")


def device_cookie(settings: ServeSettings) -> str:
    """Name of the cookie that tells a browser from which somebody has logged in."""
    return _name(settings, "medlens-device")


def openid_cookie(settings: ServeSettings) -> str:
    """Name of the cookie that remembers a log-in elsewhere."""
    return _name(settings, "medlens-openid")


def set_cookie(
    response: Response,
    settings: ServeSettings,
    name: str,
    value: str,
    *,
    lives_s: float | None = None,
    same_site: Literal["strict", "lax"] = "strict",
) -> None:
    """Give a browser a cookie; without `lives_s` it forgets it when it is closed."""
    response.set_cookie(
        name,
        value,
        max_age=None if lives_s is None else int(lives_s),
        path="/",
        secure=is_secure(settings),
        httponly=True,
        samesite=same_site,
    )


def clear_cookie(response: Response, settings: ServeSettings, name: str) -> None:
    """Let a browser forget a cookie."""
    response.delete_cookie(
        name, path="/", secure=is_secure(settings), httponly=True, samesite="strict"
    )


def _name(settings: ServeSettings, name: str) -> str:
    # RFC 6265bis, 4.1.3.2: such a cookie comes from this very host, by https, and no
    # neighbour below the same domain can plant one.
    return f"__Host-{name}" if is_secure(settings) else name
