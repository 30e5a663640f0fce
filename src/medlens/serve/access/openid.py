"""Log-in by OpenID Connect: code flow with PKCE, state and nonce.

OpenID Connect Core 1.0, section 3.1, and Discovery 1.0; RFC 7636 (PKCE). The provider
says who somebody is and in which groups; the role here follows from the groups at every
log-in. Signatures are checked with the provider's public keys and by algorithms that
have public keys only, so that neither "none" nor a secret-key algorithm gets through.
"""

from __future__ import annotations

import contextlib
import hmac
import json
import secrets
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from medlens.core import ResourceError, UsageError
from medlens.serve.access.caller import Role
from medlens.serve.access.loopback import is_local
from medlens.serve.access.users import tidy_role
from medlens.serve.settings import OpenIdSettings

ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384"]
SCOPE = "openid profile email"
LEEWAY_S = 60  # between two clocks
FRESH_S = 3600.0  # keys and addresses of the provider are asked for again
SOONEST_S = 30.0  # for a key that is not known: at most so often
TIMEOUT_S, MOST_BYTES = 10.0, 1 << 20
HIGHEST: tuple[Role, ...] = ("administrator", "reader", "viewer")


@dataclass(frozen=True)
class Pending:
    """A log-in that is under way; it waits in a cookie of that browser alone.

    Attributes:
        state: comes back with the redirect, so that nobody else's comes back here.
        nonce: comes back in the ID token, so that it is of this log-in.
        verifier: of PKCE, so that a code that was read on the way is worth nothing.
    """

    state: str
    nonce: str
    verifier: str

    def __str__(self) -> str:
        return ".".join((self.state, self.nonce, self.verifier))


def read_pending(text: str) -> Pending | None:
    """The log-in that `str(pending)` gave, or None."""
    parts = text.split(".")
    return Pending(*parts) if len(parts) == 3 and all(parts) else None


@dataclass(frozen=True)
class Identity:
    """Whom a provider has vouched for.

    Attributes:
        subject: the provider and its own name for the person; never reused.
        name: that they go by there.
        role: that follows from their groups.
    """

    subject: str
    name: str
    role: Role


class Provider:
    """An OpenID provider as it describes itself; its keys are kept for an hour.

    Args:
        settings: issuer, client and roles.

    Raises:
        UsageError: the settings cannot work.
    """

    def __init__(self, settings: OpenIdSettings) -> None:
        _check_url(settings.issuer, "issuer")
        if not settings.client_id:
            raise UsageError("openid: client_id is missing; set it in the settings")
        self._roles = {key: tidy_role(role) for key, role in settings.roles.items()}
        self._settings = settings
        self._secret = _secret_of(settings)
        self._lock = threading.Lock()
        self._metadata: dict[str, Any] = {}
        self._keys: Any = None
        self._asked_at = float("-inf")

    def begin(self, redirect_uri: str) -> tuple[str, Pending]:
        """Where to send a browser, and what its cookie must remember.

        Raises:
            ResourceError: the provider does not answer.
            UsageError: it describes itself wrongly.
        """
        from authlib.oauth2.rfc7636 import create_s256_code_challenge

        self._refresh(FRESH_S)
        pending = Pending(*(secrets.token_urlsafe(32) for _ in range(3)))
        query = {
            "response_type": "code",
            "client_id": self._settings.client_id,
            "redirect_uri": redirect_uri,
            "scope": SCOPE,
            "state": pending.state,
            "nonce": pending.nonce,
            "code_challenge": create_s256_code_challenge(pending.verifier),
            "code_challenge_method": "S256",
        }
        where = self._metadata["authorization_endpoint"]
        return f"{where}{'&' if '?' in where else '?'}{urlencode(query)}", pending

    def finish(
        self, pending: Pending, answer: Mapping[str, str], redirect_uri: str
    ) -> Identity:
        """Who somebody is, from what came back with the redirect.

        Args:
            pending: of the browser's cookie.
            answer: query of the redirect.
            redirect_uri: the same as at the beginning.

        Raises:
            UsageError: the answer is not for this log-in, not signed by the provider,
                not for this service, out of date, or gives no role.
            ResourceError: the provider does not answer.
        """
        if not hmac.compare_digest(
            answer.get("state", "").encode(), pending.state.encode()
        ):
            raise UsageError("OpenID: the answer is not of this log-in; log in again")
        if answer.get("iss", self._settings.issuer) != self._settings.issuer:
            raise UsageError("OpenID: another provider answered (RFC 9207)")
        if "code" not in answer:
            raise UsageError("OpenID: the provider let nobody in; log in again")
        self._refresh(FRESH_S)
        tokens = self._exchange(answer["code"], pending.verifier, redirect_uri)
        claims = self._validate(tokens, pending.nonce)
        return self._identify(claims, str(tokens.get("access_token", "")))

    def _exchange(self, code: str, verifier: str, redirect_uri: str) -> dict[str, Any]:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "client_id": self._settings.client_id,
            "code_verifier": verifier,
        }
        known = self._metadata.get("token_endpoint_auth_methods_supported")
        auth = None
        if self._secret and "client_secret_basic" in (known or ["client_secret_basic"]):
            auth = (self._settings.client_id, self._secret)
        elif self._secret:
            form["client_secret"] = self._secret
        return _ask(self._metadata["token_endpoint"], form=form, auth=auth)

    def _validate(self, tokens: Mapping[str, Any], nonce: str) -> dict[str, Any]:
        """Claims of the ID token (Core 1.0, section 3.1.3.7)."""
        from authlib.oidc.core import CodeIDToken
        from joserfc.errors import JoseError

        client_id = self._settings.client_id
        try:
            token = self._decode(str(tokens.get("id_token", "")))
            claims = CodeIDToken(
                token.claims,
                token.header,
                {
                    "iss": {"essential": True, "value": self._settings.issuer},
                    "aud": {"essential": True, "value": client_id},
                    "sub": {"essential": True},
                    "nonce": {"essential": True, "value": nonce},
                },
                {
                    "nonce": nonce,
                    "client_id": client_id,
                    "access_token": tokens.get("access_token"),
                },
            )
            claims.validate(now=int(time.time()), leeway=LEEWAY_S)
        except (JoseError, ValueError, KeyError, TypeError) as error:
            # The kind alone: the token names a person.
            raise UsageError(
                f"OpenID: the provider's token is not valid ({type(error).__name__}: "
                f"{getattr(error, 'claim', None) or 'signature or form'}); log in again"
            ) from None
        return dict(claims)

    def _decode(self, token: str) -> Any:
        from joserfc import jwt
        from joserfc.errors import InvalidKeyIdError

        try:
            return jwt.decode(token, self._keys, ALGORITHMS)
        except InvalidKeyIdError:
            self._refresh(SOONEST_S)  # the provider may have changed its keys
            return jwt.decode(token, self._keys, ALGORITHMS)

    def _identify(self, claims: Mapping[str, Any], access_token: str) -> Identity:
        subject = str(claims["sub"])
        groups = _groups(claims, self._settings.role_claim)
        where = self._metadata.get("userinfo_endpoint")
        if groups is None and where and access_token:
            more = _ask(where, token=access_token)
            if str(more.get("sub")) != subject:  # Core 1.0, section 5.3.2
                raise UsageError("OpenID: the provider told of another person")
            claims = {**more, **claims}
            groups = _groups(claims, self._settings.role_claim)
        held = {self._roles[group] for group in groups or () if group in self._roles}
        for role in HIGHEST:
            if role in held:
                name = claims.get("preferred_username") or claims.get("email")
                return Identity(
                    f"{self._settings.issuer}\n{subject}", str(name or subject), role
                )
        raise UsageError(
            "OpenID: no group of yours has a role here; ask who administers medlens"
        )

    def _refresh(self, age_s: float) -> None:
        """Ask for addresses and keys, if what is kept is older than that."""
        from joserfc.errors import JoseError
        from joserfc.jwk import KeySet

        with self._lock:
            if time.monotonic() - self._asked_at <= age_s:
                return
            issuer = self._settings.issuer
            found = _ask(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
            if found.get("issuer") != issuer:  # Discovery 1.0, section 4.3
                raise UsageError("openid: issuer is not what the provider says it is")
            for key in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
                _check_url(found.get(key), key)
            if found.get("userinfo_endpoint"):  # it is shown the access token
                _check_url(found["userinfo_endpoint"], "userinfo_endpoint")
            try:
                kept: Any = _ask(found["jwks_uri"])
                keys = KeySet.import_key_set(kept)
            except (JoseError, KeyError, TypeError, ValueError):
                raise UsageError("openid: the provider's keys cannot be read") from None
            self._metadata, self._keys = found, keys
            self._asked_at = time.monotonic()


def _groups(claims: Mapping[str, Any], path: str) -> list[str] | None:
    """Values of a claim; "realm_access.roles" is looked for inside, too."""
    found: Any = claims.get(path)
    if found is None:
        found = claims
        for part in path.split("."):
            found = found.get(part) if isinstance(found, Mapping) else None
    if isinstance(found, str):
        return [found]
    return [str(each) for each in found] if isinstance(found, list) else None


def _check_url(url: object, what: str) -> None:
    parts = urlsplit(url if isinstance(url, str) else "")
    if parts.scheme == "https" and parts.hostname:
        return
    if parts.scheme == "http" and is_local(parts.hostname or ""):
        return
    raise UsageError(f"openid: {what} is no https:// address; http is for loopback")


def _secret_of(settings: OpenIdSettings) -> str:
    if not settings.client_secret_file:
        return ""
    path = Path(settings.client_secret_file)
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise UsageError(
            f"openid: client_secret_file {path.name}: cannot be read"
        ) from None


def _ask(
    url: str,
    *,
    form: Mapping[str, str] | None = None,
    auth: tuple[str, str] | None = None,
    token: str = "",
) -> dict[str, Any]:
    """A JSON object of the provider, within bounds; no redirect is followed."""
    import httpx

    headers = {"Accept": "application/json"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    body = bytearray()
    try:
        with (
            httpx.Client(timeout=TIMEOUT_S, follow_redirects=False) as client,
            client.stream(
                "POST" if form else "GET",
                url,
                data=dict(form) if form else None,
                headers=headers,
                auth=auth,
            ) as reply,
        ):
            for part in reply.iter_bytes():
                body += part
                if len(body) > MOST_BYTES:
                    raise UsageError("OpenID: the provider's answer is too long")
            status = reply.status_code
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise ResourceError(
            f"OpenID: the provider does not answer ({type(error).__name__}); try again"
        ) from None
    if status != 200:
        raise UsageError(f"OpenID: the provider refused ({status}); log in again")
    found = None
    with contextlib.suppress(ValueError, RecursionError):
        found = json.loads(body)
    if not isinstance(found, dict):
        raise UsageError("OpenID: the provider's answer is no JSON object")
    return found
