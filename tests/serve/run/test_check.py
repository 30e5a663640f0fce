"""Settings that cannot work are refused before anything is started."""

from __future__ import annotations

import socket
from dataclasses import replace
from pathlib import Path

import pytest

from medlens.core import BundleError, UsageError
from medlens.serve.run import check
from medlens.serve.run.check import bind, check_settings, is_loopback
from medlens.serve.run.lock import hold
from medlens.serve.settings import ServeSettings

PLAIN = ServeSettings()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"ae_title": ""}, "has 0 characters; wanted 1 to 16"),
        ({"ae_title": " "}, "wanted 1 to 16"),
        ({"ae_title": "A" * 17}, "has 17 characters"),
        ({"ae_title": "A\\B"}, "without backslash"),
        ({"language": "fr"}, "wanted one of en, zh"),
        ({"workers": 0}, "wanted 1 to 64"),
        ({"lease_s": 0.5}, "wanted 1 or more seconds"),
        ({"demo": True, "host": "0.0.0.0"}, "offered on this machine alone"),
        ({"demo": True, "dicom_host": "10.0.0.1"}, "offered on this machine alone"),
        ({"tls_key": Path("k.pem")}, "wanted both or none"),
    ],
)
def test_refusals(changes: dict[str, object], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        check_settings(replace(PLAIN, **changes))  # type: ignore[arg-type]


def test_the_defaults_are_right() -> None:
    check_settings(PLAIN)


def test_a_bundle_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"bundle\.json cannot be read"):
        check_settings(replace(PLAIN, bundles=(tmp_path,)))


@pytest.mark.parametrize(
    ("host", "inside"),
    [
        ("127.0.0.1", True),
        ("127.8.0.1", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("example.org", False),
    ],
)
def test_loopback(host: str, inside: bool) -> None:
    assert is_loopback(host) is inside


def test_a_taken_port_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check, "PATIENCE_S", 0.0)
    with bind("127.0.0.1", 0, option="--port") as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=f"--port {port}: cannot be bound"):
            bind("127.0.0.1", port, option="--port")


def test_a_port_that_becomes_free_is_waited_for() -> None:
    import threading

    first = bind("127.0.0.1", 0, option="--port")
    port = first.getsockname()[1]
    threading.Timer(0.5, first.close).start()
    with bind("127.0.0.1", port, option="--port") as second:
        assert second.getsockname()[1] == port


@pytest.mark.parametrize("port", [-1, 65536, 10**9])
def test_a_number_that_is_no_port(port: int) -> None:
    with pytest.raises(UsageError, match="is no port; wanted 0 to 65535"):
        bind("127.0.0.1", port, option="--port")


def test_no_answer_waits_for_an_acknowledgement() -> None:
    with (
        bind("127.0.0.1", 0, option="--port") as taken,
        socket.create_connection(taken.getsockname(), timeout=2),
    ):
        accepted, _ = taken.accept()
    with accepted:
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_connections_wait_while_nobody_accepts() -> None:
    with (
        bind("127.0.0.1", 0, option="--port") as taken,
        socket.create_connection(taken.getsockname(), timeout=2) as early,
    ):
        early.sendall(b"hello")
        late, _ = taken.accept()
        with late:
            assert late.recv(5) == b"hello"


def test_one_folder_has_one_service(tmp_path: Path) -> None:
    with (
        hold(tmp_path / "service"),
        pytest.raises(UsageError, match="another medlens serve works"),
        hold(tmp_path / "service"),
    ):
        pass
    with hold(tmp_path / "service"):
        pass
