"""STOW-RS to a small server that answers as told, and to our own."""

from __future__ import annotations

import json
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from medlens.serve.send import SendError, send_objects
from medlens.serve.settings import Peer
from medlens.serve.store.store import open_store
from tests.serve.orthanc import free_port
from tests.serve.send.test_storage import make
from tests.serve.web.dicomweb.conftest import serving


@dataclass
class Server:
    """What a server answers and what it saw.

    Attributes:
        url: of its DICOMweb root.
        answer: status, headers and body.
        seen: path, headers and body of each request.
    """

    url: str
    answer: tuple[int, dict[str, str], bytes] = (200, {}, b"{}")
    seen: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)

    @property
    def peer(self) -> Peer:
        """It as a destination."""
        return Peer("web", url=self.url)

    def parts(self) -> list[tuple[str, bytes]]:
        """Media type and bytes of each part, as Python's e-mail parser reads them."""
        _, headers, body = self.seen[-1]
        head = f"Content-Type: {headers['content-type']}\r\n\r\n".encode()
        message = message_from_bytes(head + body, policy=policy.HTTP)
        return [
            (part["Content-Type"], part.get_payload(decode=True))
            for part in message.iter_parts()
        ]


@contextmanager
def server(context: ssl.SSLContext | None = None) -> Iterator[Server]:
    """A server on the loopback."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            made.seen.append((self.path, headers, body))
            status, more, data = made.answer
            self.send_response(status)
            for name, value in more.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST

        def log_message(self, *_: Any) -> None:
            """Nothing."""

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if context is not None:
        httpd.socket = context.wrap_socket(httpd.socket, server_side=True)
    scheme = "http" if context is None else "https"
    made = Server(f"{scheme}://127.0.0.1:{httpd.server_address[1]}/dicom-web/")
    thread = threading.Thread(target=httpd.serve_forever)
    thread.start()
    try:
        yield made
    finally:
        httpd.shutdown()
        httpd.server_close()
        thread.join()


def failed(*reasons: int) -> bytes:
    """A reply that lists failures."""
    items = [{"00081197": {"vr": "US", "Value": [reason]}} for reason in reasons]
    return json.dumps({"00081198": {"vr": "SQ", "Value": items}}).encode()


def test_the_request_is_to_the_letter(tmp_path: Path) -> None:
    files = make(tmp_path, 3)
    with server() as made:
        send_objects(made.peer, files)
        path, headers, _ = made.seen[0]
        assert len(made.seen) == 1
        assert path == "/dicom-web/studies"
        assert headers["accept"] == "application/dicom+json"
        assert headers["content-type"].startswith(
            'multipart/related; type="application/dicom"; boundary='
        )
        assert "authorization" not in headers
        assert made.parts() == [
            ("application/dicom", file.path.read_bytes()) for file in files
        ]


def test_large_sets_are_cut_into_requests(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = make(tmp_path, 5)
    size = files[0].path.stat().st_size
    monkeypatch.setattr("medlens.serve.send.stow.REQUEST_BYTES", 2 * size)
    with server() as made:
        send_objects(made.peer, files)
        assert len(made.seen) == 3
        assert [data for _, data in made.parts()] == [files[4].path.read_bytes()]


@pytest.mark.parametrize(
    ("answer", "is_final", "count"),
    [
        ((202, {}, failed(0xA700)), False, 1),
        ((202, {}, failed(0xC000, 0xA900)), True, 2),
        ((202, {}, failed(0x0111, 0xC122)), True, 1),
        ((202, {}, b"<xml/>"), False, 3),
        ((409, {}, failed(0x0110, 0x0110, 0x0110)), False, 3),
        ((409, {}, b"{}"), True, 3),
        ((400, {}, b""), True, 3),
        ((401, {}, b""), True, 3),
        ((403, {}, b""), True, 3),
        ((413, {}, b""), True, 3),
        ((415, {}, b""), True, 3),
        ((429, {}, b""), False, 3),
        ((500, {}, b""), False, 3),
        ((503, {}, b""), False, 3),
        ((507, {}, b""), False, 3),
        ((204, {}, b""), True, 3),
    ],
)
def test_answers_of_failure(
    tmp_path: Path,
    answer: tuple[int, dict[str, str], bytes],
    is_final: bool,
    count: int,
) -> None:
    with server() as made:
        made.answer = answer
        with pytest.raises(
            SendError, match=rf"destination web: {count} of 3 objects were not taken"
        ) as caught:
            send_objects(made.peer, make(tmp_path, 3))
    assert (caught.value.is_final, caught.value.failed) == (is_final, count)


@pytest.mark.parametrize(
    "answer",
    [
        (200, {}, b"{}"),
        (200, {}, b""),
        (200, {}, b"<xml/>"),
        (200, {}, b"[{}]"),
        (202, {}, failed(0x0111, 0xB000)),
        (202, {}, b"{}"),
        (409, {}, failed(0x0111, 0x0111, 0x0111)),
    ],
)
def test_answers_of_success(
    tmp_path: Path, answer: tuple[int, dict[str, str], bytes]
) -> None:
    with server() as made:
        made.answer = answer
        send_objects(made.peer, make(tmp_path, 3))
        assert len(made.seen) == 1


def test_a_redirection_is_not_followed(tmp_path: Path) -> None:
    with server() as elsewhere, server() as made:
        for status in (301, 302, 307, 308):
            made.answer = (status, {"Location": elsewhere.url + "studies"}, b"")
            with pytest.raises(SendError, match="redirects elsewhere") as caught:
                send_objects(made.peer, make(tmp_path, 1))
            assert caught.value.is_final
        assert elsewhere.seen == []


def test_an_endless_answer_is_not_read_to_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("medlens.serve.send.stow.ANSWER_BYTES", 1000)
    with server() as made:
        made.answer = (202, {}, b" " * 5000 + b"{}")
        with pytest.raises(SendError, match="without a readable list"):
            send_objects(made.peer, make(tmp_path, 1))


def test_the_token_goes_out_over_the_loopback_or_tls_alone(tmp_path: Path) -> None:
    token, files = tmp_path / "token", make(tmp_path / "out", 1)
    token.write_text("abc.def\n")
    with server() as made:
        send_objects(replace(made.peer, token_file=str(token)), files)
        assert made.seen[0][1]["authorization"] == "Bearer abc.def"
        for text in ("", "a b", "a\nb"):
            token.write_text(text)
            with pytest.raises(SendError, match="token_file holds no token"):
                send_objects(replace(made.peer, token_file=str(token)), files)
        gone = replace(made.peer, token_file=str(tmp_path / "gone"))
        with pytest.raises(SendError, match="token_file cannot be read") as caught:
            send_objects(gone, files)
        assert str(tmp_path) not in str(caught.value)
        assert len(made.seen) == 1
    far = Peer("far", url="http://pacs.example/dicom-web", token_file=str(token))
    with pytest.raises(SendError, match="a token would go out unprotected"):
        send_objects(far, files)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://a/b",
        "file:///etc/passwd",
        "https://user:word@a/b",
        "http://",
        "https://a:99999/b",
        "https://[/b",
    ],
)
def test_other_urls_are_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(SendError, match="url is none of http or https") as caught:
        send_objects(Peer("odd", url=url), make(tmp_path, 1))
    assert caught.value.is_final
    assert "word" not in str(caught.value)


def test_a_dead_port_and_a_file_that_is_gone(tmp_path: Path) -> None:
    files = make(tmp_path, 2)
    dead = Peer("dead", url=f"http://127.0.0.1:{free_port()}")
    with pytest.raises(SendError, match="cannot be reached") as caught:
        send_objects(dead, files)
    assert not caught.value.is_final
    files[0].path.unlink()
    with server() as made:
        with pytest.raises(SendError, match="file cannot be read: 1") as caught:
            send_objects(made.peer, files)
        assert caught.value.is_final
        assert len(made.parts()) == 1


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for 127.0.0.1; its key lies beside it."""
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-nodes"),
            *("-pkeyopt", "ec_paramgen_curve:prime256v1", "-days", "2"),
            *("-subj", "/CN=pacs", "-addext", "subjectAltName=IP:127.0.0.1"),
            *("-keyout", folder / "key.pem", "-out", folder / "pacs.pem"),
        ],
        check=True,
        capture_output=True,
    )
    return folder / "pacs.pem"


def test_https_asks_for_a_known_certificate(tmp_path: Path, certificate: Path) -> None:
    files = make(tmp_path, 1)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, certificate.parent / "key.pem")
    with server(context) as made:
        with pytest.raises(SendError, match="cannot be reached"):
            send_objects(made.peer, files)
        assert made.seen == []
        send_objects(replace(made.peer, ca=certificate), files)
        assert len(made.seen) == 1
        with pytest.raises(SendError, match="ca, certificate or key cannot be used"):
            send_objects(replace(made.peer, ca=tmp_path / "none.pem"), files)


def test_c_store_over_tls(tmp_path: Path, certificate: Path) -> None:
    from tests.serve.listen.scu import listen

    files = make(tmp_path / "out", 2)
    own = {"tls_certificate": certificate, "tls_key": certificate.parent / "key.pem"}
    with listen(tmp_path / "service", **own) as running:
        peer = Peer(
            "us", ae_title="MEDLENS", host="127.0.0.1", port=running.port, tls=True
        )
        send_objects(replace(peer, ca=certificate), files)
        assert len(running.shelf.files) == 2
        with pytest.raises(SendError, match="does not answer as a DICOM node"):
            send_objects(peer, files)
        assert len(running.shelf.files) == 2


def test_our_own_service_takes_them(tmp_path: Path) -> None:
    files = make(tmp_path / "out", 3)
    store = open_store(tmp_path / "service")
    try:
        with serving(store) as served:
            peer = Peer("us", url=f"{served.url}/dicom-web")
            send_objects(peer, files)
            send_objects(peer, files)
            found = served.client.get("/instances").json()
        assert {each["00080018"]["Value"][0] for each in found} == {
            file.sop_uid for file in files
        }
    finally:
        store.close()
