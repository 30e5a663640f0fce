"""Sending by STOW-RS (PS3.18 section 10.5), files as they are."""

from __future__ import annotations

import ipaddress
import json
import secrets
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from medlens.serve.send.errors import Failure, SendError, judge, raise_for
from medlens.serve.send.objects import SentObject
from medlens.serve.send.tls import open_client_tls
from medlens.serve.settings import Peer

REQUEST_BYTES = 256 << 20
"""Objects in one request, unless one alone is larger."""

CONNECT_S, SILENCE_S, ANSWER_S = 10.0, 120.0, 300.0
ANSWER_BYTES = 8 << 20
PIECE = 1 << 20

# Statuses after which another try can help; 507 comes from a store that is full.
PASSING = frozenset({408, 425, 429, 500, 502, 503, 504, 507})
FAILED_SOP_SEQUENCE, FAILURE_REASON = "00081198", "00081197"


def stow(peer: Peer, files: Sequence[SentObject]) -> None:
    """Send objects in as few requests as they need.

    Nothing but the peer's own URL is ever asked: redirections are not followed, and
    the proxies of the environment are not used.

    Args:
        peer: with a URL.
        files: what is sent.

    Raises:
        SendError: see `send_objects`.
    """
    import httpx

    address = _address_of(peer)
    headers = _headers(peer)
    tls: Any = open_client_tls(peer) if address.startswith("https:") else True
    failures: list[Failure] = []
    timeout = httpx.Timeout(SILENCE_S, connect=CONNECT_S)
    with httpx.Client(
        timeout=timeout, verify=tls, trust_env=False, follow_redirects=False
    ) as client:
        for part in _parts(files):
            failures += _send_part(client, address, headers, part)
    raise_for(peer.name, failures, len(files))


def _address_of(peer: Peer) -> str:
    """URL of the studies resource."""
    try:
        parts = urlsplit(peer.url)
        _ = parts.port  # raises where it is no number
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
        raise SendError(
            f"destination {peer.name}: url is none of http or https, or holds a user; "
            "wanted https://HOST/PATH and, for a token, token_file",
            is_final=True,
        )
    if parts.scheme == "http" and peer.token_file and not _is_loopback(parts.hostname):
        raise SendError(
            f"destination {peer.name}: a token would go out unprotected; use https",
            is_final=True,
        )
    return peer.url.rstrip("/") + "/studies"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _headers(peer: Peer) -> dict[str, str]:
    headers = {"Accept": "application/dicom+json"}
    if peer.token_file:
        try:
            token = Path(peer.token_file).read_text("ascii").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise SendError(
                f"destination {peer.name}: its token_file cannot be read "
                f"({type(error).__name__}); wanted one line",
                is_final=True,
            ) from None
        if not token or not token.isprintable() or " " in token:
            raise SendError(
                f"destination {peer.name}: its token_file holds no token; "
                "wanted one line",
                is_final=True,
            )
        headers["Authorization"] = f"Bearer {token}"
    return headers


def _parts(files: Sequence[SentObject]) -> Iterator[list[SentObject]]:
    """Objects by request, in their order."""
    part: list[SentObject] = []
    size = 0
    for file in files:
        more = file.path.stat().st_size if file.path.exists() else 0
        if part and size + more > REQUEST_BYTES:
            yield part
            part, size = [], 0
        part.append(file)
        size += more
    yield part


def _send_part(
    client: Any, address: str, headers: dict[str, str], files: list[SentObject]
) -> list[Failure]:
    """Why objects of one request were not taken; one entry for each of them."""
    import httpx

    lost = [file for file in files if not file.path.is_file()]
    files = [file for file in files if file not in lost]
    failures = [Failure("file cannot be read", True)] * len(lost)
    if not files:
        return failures
    boundary = secrets.token_hex(16)
    content = {
        "Content-Type": (
            f'multipart/related; type="application/dicom"; boundary={boundary}'
        ),
        "Content-Length": str(_length_of(files, boundary)),
    }
    try:
        with client.stream(
            "POST",
            address,
            content=_body_of(files, boundary),
            headers=headers | content,
        ) as answer:
            return failures + _judge(answer, len(files))
    except httpx.HTTPError as error:
        found = f"cannot be reached or does not answer: {type(error).__name__}"
    except OSError as error:
        found = f"file cannot be read: {type(error).__name__}"
    return failures + [Failure(found, False)] * len(files)


def _head_of(boundary: str) -> bytes:
    return f"--{boundary}\r\nContent-Type: application/dicom\r\n\r\n".encode()


def _tail_of(boundary: str) -> bytes:
    return f"--{boundary}--\r\n".encode()


def _length_of(files: list[SentObject], boundary: str) -> int:
    around = len(_head_of(boundary)) + 2
    sizes = sum(file.path.stat().st_size for file in files)
    return sizes + around * len(files) + len(_tail_of(boundary))


def _body_of(files: list[SentObject], boundary: str) -> Iterator[bytes]:
    """The parts, files in pieces."""
    for file in files:
        yield _head_of(boundary)
        with file.path.open("rb") as opened:
            while piece := opened.read(PIECE):
                yield piece
        yield b"\r\n"
    yield _tail_of(boundary)


def _judge(answer: Any, count: int) -> list[Failure]:
    """Failures by an answer (PS3.18 table 10.5.3-1); one entry for each object."""
    status = int(answer.status_code)
    if status not in (200, 202, 409):
        return [Failure(_words_of(status), status not in PASSING)] * count
    found = _failed_objects(answer)
    if found is None:
        # 200 says that all is stored, whatever else the server has to say.
        if status == 200:
            return []
        return [Failure(f"HTTP {status} without a readable list", False)] * count
    if status == 409 and not found:
        return [Failure("HTTP 409 and no reason", True)] * count
    judged = (judge(reason) for reason in found[:count])
    return [failure for failure in judged if failure is not None]


def _words_of(status: int) -> str:
    if 300 <= status < 400:
        return f"HTTP {status}: redirects elsewhere; set url to the final address"
    words = {401: "asks for another token", 403: "forbids it", 507: "is full"}
    return f"HTTP {status}: {words.get(status, 'refuses the request')}"


def _failed_objects(answer: Any) -> list[int] | None:
    """Failure reasons that an answer lists; None where it is no DICOM JSON."""
    data, deadline = bytearray(), time.monotonic() + ANSWER_S
    for piece in answer.iter_bytes():
        data += piece
        if len(data) > ANSWER_BYTES or time.monotonic() > deadline:
            return None
    try:
        document = json.loads(data)
        if isinstance(document, list):  # some servers wrap it
            document = document[0] if document else {}
        items = document.get(FAILED_SOP_SEQUENCE, {}).get("Value", [])
        return [int(item.get(FAILURE_REASON, {})["Value"][0]) for item in items]
    except (
        ValueError,
        TypeError,
        KeyError,
        IndexError,
        AttributeError,
        RecursionError,
    ):
        return None
