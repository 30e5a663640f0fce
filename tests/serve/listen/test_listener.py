"""The listener: who gets in, how many, TLS, and how it ends."""

from __future__ import annotations

import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from medlens.core import UsageError
from medlens.serve.listen import pdu
from medlens.serve.listen.admission import Admission
from medlens.serve.listen.associate import APPLICATION_CONTEXT, AssociateRequest
from medlens.serve.listen.listener import bind, raise_file_limit
from medlens.serve.listen.tls import open_tls
from medlens.serve.settings import Limits, Peer, ServeSettings
from tests.serve.listen.scu import (
    CONTEXTS,
    Sender,
    data_set,
    listen,
    sop_uid,
    wait_until,
)

REFUSED = (pdu.ASSOCIATE_RJ, b"\x00\x02\x03\x02")  # transient, local limit exceeded


def test_associations_over_the_limit_are_refused_politely(tmp_path: Path) -> None:
    limits = Limits(associations=3, associations_per_address=3)
    with listen(tmp_path, limits=limits) as running, ExitStack() as opened:
        senders = [opened.enter_context(running.sender()) for _ in range(3)]
        for sender in senders:
            sender.associate()
        with running.sender() as fourth:
            assert fourth.request() == REFUSED
            assert fourth.read()[0] == 0
        senders[0].release()
        wait_until(lambda: _gets_in(running.port))
        assert senders[1].echo() == 0


def _gets_in(port: int) -> bool:
    with Sender(port) as sender:
        return sender.request()[0] == pdu.ASSOCIATE_AC


def test_one_address_cannot_take_all_places(tmp_path: Path) -> None:
    limits = Limits(associations=10, associations_per_address=2)
    with listen(tmp_path, limits=limits) as running, ExitStack() as opened:
        for _ in range(2):
            opened.enter_context(running.sender()).associate()
        with running.sender() as third:
            assert third.request() == REFUSED
        other = socket.create_connection(
            ("127.0.0.1", running.port), 10, source_address=("127.0.0.2", 0)
        )
        with Sender(other) as elsewhere:
            elsewhere.associate()
            assert elsewhere.echo() == 0


def request(called: str = "MEDLENS", calling: str = "CT1") -> AssociateRequest:
    """A good request."""
    return AssociateRequest(called, calling, CONTEXTS)


def test_the_list_of_peers() -> None:
    peers = (
        Peer("scanner", ae_title="CT1", address="10.0.3.0/24"),
        Peer("pacs", ae_title="PACS", host="pacs", port=104),
        Peer("ward", address="10.9.0.0/16"),
        Peer("archive", url="https://archive/dicom-web"),
        Peer("six", ae_title="SIX", address="fd00::/8"),
    )
    admission = Admission("MEDLENS", peers)
    assert admission.judge(request(), "10.0.3.7") == "scanner"
    assert admission.judge(request(), "::ffff:10.0.3.7") == "scanner"
    assert admission.judge(request(), "10.0.4.7") == pdu.CALLING_UNKNOWN
    assert admission.judge(request(calling="ct1"), "10.0.3.7") == pdu.CALLING_UNKNOWN
    assert admission.judge(request(calling="PACS"), "1.2.3.4") == "pacs"
    assert admission.judge(request(calling="ANY"), "10.9.1.1") == "ward"
    assert admission.judge(request(calling="SIX"), "fd00::1%eth0") == "six"
    assert admission.judge(request("OTHER", "PACS"), "1.2.3.4") == pdu.CALLED_UNKNOWN
    assert request().application_context == APPLICATION_CONTEXT


def test_addresses_that_nobody_sends_from_are_known_before_a_word() -> None:
    closed = Admission("M", (Peer("a", ae_title="A", address="10.0.3.7"),))
    assert closed.is_known("10.0.3.7")
    assert not closed.is_known("10.0.3.8")
    assert not Admission("M", (Peer("b", url="https://b"),)).is_known("10.0.3.7")
    assert Admission("M", ()).is_known("10.0.3.7")
    with pytest.raises(UsageError, match="a: address is no network"):
        Admission("M", (Peer("a", ae_title="A", address="10.0.3"),))


def test_strangers_find_a_closed_door(tmp_path: Path) -> None:
    peers = (Peer("a", ae_title="TEST", address="127.0.0.2"),)
    with listen(tmp_path, peers=peers) as running:
        with running.sender() as stranger:
            assert stranger.read()[0] == 0
        known = socket.create_connection(
            ("127.0.0.1", running.port), 10, source_address=("127.0.0.2", 0)
        )
        with Sender(known) as sender:
            sender.associate()
            assert sender.store(data_set(), sop_uid()) == 0
        assert running.shelf.peers == ["a"]


def test_a_stop_finishes_the_store_in_hand_and_ends_the_idle(tmp_path: Path) -> None:
    with listen(tmp_path) as running, running.sender() as idle, ExitStack() as opened:
        idle.associate()
        busy = opened.enter_context(running.sender())
        busy.associate()
        running.shelf.gate = threading.Event()
        busy.send_store(data_set(), sop_uid())
        wait_until(running.drafts)
        running.stop.set()
        assert idle.aborted() == 0
        running.shelf.gate.set()
        assert busy.status() == 0
        assert busy.aborted() == 0
        running.thread.join(10)
        assert not running.thread.is_alive()
        with pytest.raises(ConnectionRefusedError, match="refused"):
            running.sender()
    assert len(running.shelf.files) == 1


def test_a_stop_does_not_wait_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("medlens.serve.listen.listener.STOP_S", 0.3)
    with listen(tmp_path) as running, running.sender() as slow:
        slow.associate()
        command = b"\x04\x00\x00\x00\x00\x60\x00\x00\x00\x5c\x03\x01"
        slow.send(command + bytes(10))  # a command that never ends
        with running.sender() as half:
            half.send(b"\x01\x00")
            time.sleep(0.1)
            begin = time.monotonic()
            running.stop.set()
            running.thread.join(10)
        assert not running.thread.is_alive()
        assert time.monotonic() - begin < 5
    assert running.drafts() == []


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with a certificate for 127.0.0.1 and for a client, each its own CA."""
    folder = tmp_path_factory.mktemp("tls")
    for name in ("server", "client", "stranger"):
        subprocess.run(
            [
                *("openssl", "req", "-x509", "-newkey", "ec", "-nodes"),
                *("-pkeyopt", "ec_paramgen_curve:prime256v1", "-days", "2"),
                *("-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1"),
                *("-keyout", folder / f"{name}.key", "-out", folder / f"{name}.pem"),
            ],
            check=True,
            capture_output=True,
        )
    return folder


def connect(port: int, certificates: Path, name: str = "") -> Sender:
    """A sender that speaks TLS, with the certificate of a name."""
    context = ssl.create_default_context(cafile=certificates / "server.pem")
    if name:
        context.load_cert_chain(
            certificates / f"{name}.pem", certificates / f"{name}.key"
        )
    plain = socket.create_connection(("127.0.0.1", port), 10)
    try:
        return Sender(context.wrap_socket(plain, server_hostname="127.0.0.1"))
    except BaseException:
        plain.close()
        raise


def tls(certificates: Path, *, with_ca: bool = False) -> dict[str, Path]:
    """Settings of a listener that speaks TLS."""
    made = {
        "tls_certificate": certificates / "server.pem",
        "tls_key": certificates / "server.key",
    }
    if with_ca:
        made["tls_ca"] = certificates / "client.pem"
    return made


def test_tls_takes_instances_of_many_records(
    tmp_path: Path, certificates: Path
) -> None:
    large = data_set(1, pixels=bytes(1_000_000))
    with listen(tmp_path, **tls(certificates)) as running:
        with connect(running.port, certificates) as sender:
            sender.associate()
            assert sender.store(large, sop_uid()) == 0
            assert sender.echo() == 0
            sender.release()
        assert running.shelf.files[0].endswith(large)


def test_garbage_and_silence_where_tls_is_spoken(
    tmp_path: Path, certificates: Path
) -> None:
    limits = Limits(association_s=0.5)
    with listen(tmp_path, limits=limits, **tls(certificates)) as running:
        with running.sender() as plain:
            plain.request()
        with running.sender() as silent, running.sender() as half:
            half.send(b"\x16\x03\x01\x02\x00")
            with connect(running.port, certificates) as sender:  # not held up
                sender.associate()
                assert sender.echo() == 0
            assert silent.read()[0] == 0
            half.read()
        with connect(running.port, certificates) as sender:
            sender.associate()
            assert sender.echo() == 0


def is_heard(port: int, certificates: Path, name: str) -> bool:
    """Whether an A-ASSOCIATE-RQ is answered."""
    try:
        with connect(port, certificates, name) as sender:
            sender.send(request().encode())
            return sender.connection.recv(1) == b"\x02"
    except OSError:  # ssl.SSLError too: with TLS 1.3 it comes after the handshake
        return False


def test_a_client_without_a_known_certificate_is_not_heard(
    tmp_path: Path, certificates: Path
) -> None:
    with listen(tmp_path, **tls(certificates, with_ca=True)) as running:
        assert not is_heard(running.port, certificates, "")
        assert not is_heard(running.port, certificates, "stranger")
        assert is_heard(running.port, certificates, "client")


def test_old_tls_is_not_spoken(tmp_path: Path, certificates: Path) -> None:
    context = open_tls(ServeSettings(**tls(certificates)))
    assert context is not None
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    assert open_tls(ServeSettings()) is None
    (tmp_path / "none.pem").write_text("no certificate")
    with pytest.raises(UsageError, match="tls_certificate, tls_key: cannot be used"):
        open_tls(
            ServeSettings(
                tls_certificate=tmp_path / "none.pem", tls_key=tmp_path / "no.key"
            )
        )
    with pytest.raises(UsageError, match="tls_ca: cannot be used"):
        open_tls(ServeSettings(**tls(certificates), tls_ca=tmp_path / "none.pem"))


@pytest.fixture
def file_limit() -> Iterator[int]:
    """The soft limit on open files, put back at the end."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield soft
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_the_process_may_open_a_file_for_each_association(file_limit: int) -> None:
    import resource

    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    raise_file_limit(file_limit + 1)
    wanted = file_limit + 1
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == wanted
    raise_file_limit(1)
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == wanted


def test_a_listener_of_ipv6() -> None:
    try:
        taken = bind("::1", 0)
    except OSError:
        pytest.skip("this machine has no IPv6 loopback")
    assert taken.family == socket.AF_INET6
    taken.close()
