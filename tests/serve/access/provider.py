"""An OpenID provider on loopback, with keys of its own, that can also lie."""

from __future__ import annotations

import base64
import hashlib
import hmac
import html
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

CLIENT, SECRET = "medlens", "the-clients-secret"


@dataclass
class Provider:
    """What the provider says; tests change it.

    Attributes:
        claims: laid over those of the ID token; None takes one away.
        sign: makes the token of header and claims, instead of the true way.
    """

    port: int = 0
    key: RSAKey = field(
        default_factory=lambda: RSAKey.generate_key(2048, {"kid": "one"})
    )
    claims: dict[str, Any] = field(default_factory=dict)
    userinfo: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    sign: Callable[[dict[str, Any]], str] | None = None
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def authorize(self, url: str) -> dict[str, str]:
        """What a person does there: log in, and be sent back with this query."""
        query = {key: value[0] for key, value in parse_qs(urlsplit(url).query).items()}
        code = f"code-{len(self.codes)}"
        self.codes[code] = query
        return {"code": code, "state": query["state"]}

    def page(self, url: str) -> str:
        """What a browser shows there: a link back."""
        back = parse_qs(urlsplit(url).query)["redirect_uri"][0]
        query = html.escape(urlencode(self.authorize(url)))
        return f'<!doctype html><a href="{back}?{query}">back</a>'

    def answer(self, path: str, form: dict[str, str], headers: Any) -> Any:
        self.asked.append(path)
        if path == "/.well-known/openid-configuration":
            return {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/keys",
                "userinfo_endpoint": f"{self.issuer}/me",
                **self.metadata,
            }
        if path == "/keys":
            return KeySet([self.key]).as_dict()
        if path == "/token":
            return self._token(form, headers)
        if path == "/me" and headers.get("Authorization") == "Bearer access":
            return {"sub": "person-1", **self.userinfo}
        return None

    def _token(self, form: dict[str, str], headers: Any) -> Any:
        basic = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        query = self.codes.pop(form.get("code", ""), None)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if (
            query is None
            or headers.get("Authorization") != f"Basic {basic}"
            or query["code_challenge_method"] != "S256"
            or query["code_challenge"] != challenge
            or query["redirect_uri"] != form.get("redirect_uri")
        ):
            return None
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "sub": "person-1",
            "aud": CLIENT,
            "exp": now + 300,
            "iat": now,
            "nonce": query["nonce"],
            "preferred_username": "Anna",
            "groups": ["staff", "radiology"],
            **self.claims,
        }
        claims = {key: value for key, value in claims.items() if value is not None}
        sign = self.sign or self.signed
        return {
            "access_token": "access",
            "token_type": "Bearer",
            "id_token": sign(claims),
        }

    def signed(self, claims: dict[str, Any]) -> str:
        """The true way."""
        return jwt.encode({"alg": "RS256", "kid": self.key.kid}, claims, self.key)

    def unsigned(self, claims: dict[str, Any]) -> str:
        """With the algorithm "none"."""
        parts = ({"alg": "none", "kid": "one"}, claims)
        return ".".join([*(_packed(part) for part in parts), ""])

    def signed_by_another(self, claims: dict[str, Any]) -> str:
        """With another key under the same name."""
        other = RSAKey.generate_key(2048, {"kid": "one"})
        return jwt.encode({"alg": "RS256", "kid": "one"}, claims, other)

    def signed_by_public_key(self, claims: dict[str, Any]) -> str:
        """HS256 with the public key as the secret (confusion of algorithms)."""
        head = _packed({"alg": "HS256", "kid": "one"})
        signed = f"{head}.{_packed(claims)}"
        pem = self.key.as_pem(private=False)
        seal = hmac.new(pem, signed.encode(), hashlib.sha256).digest()
        return f"{signed}.{base64.urlsafe_b64encode(seal).rstrip(b'=').decode()}"

    def changed(self, claims: dict[str, Any]) -> str:
        """Claims that were changed after signing."""
        head, _, seal = self.signed(claims).split(".")
        return ".".join((head, _packed({**claims, "groups": ["it"]}), seal))


def _packed(part: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


@contextmanager
def run_provider() -> Iterator[Provider]:
    """A provider that answers until the block ends."""
    provider = Provider()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if urlsplit(self.path).path == "/authorize":
                self._send(200, "text/html", provider.page(self.path).encode())
            else:
                self._reply({})

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            self._reply({key: value[0] for key, value in parse_qs(body).items()})

        def _reply(self, form: dict[str, str]) -> None:
            found = provider.answer(urlsplit(self.path).path, form, self.headers)
            body = json.dumps(found or {"error": "invalid_grant"}).encode()
            self._send(200 if found else 400, "application/json", body)

        def _send(self, status: int, kind: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    provider.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()
