"""C-STORE to dcmtk, Orthanc, our own listener and nodes that refuse."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from pydicom import dcmread
from pynetdicom import AE, evt

from medlens.serve.receive.intake import Intake
from medlens.serve.send import SendError, SentObject, send_objects
from medlens.serve.send.errors import Failure, judge, raise_for
from medlens.serve.settings import Peer
from tests.serve.dicom_files import CT, EXPLICIT, IMPLICIT, SR, part10
from tests.serve.listen.scu import data_of, listen, sop_uid, wait_until
from tests.serve.orthanc import free_port, run_orthanc


def make(folder: Path, count: int, *, sop_class: str = CT) -> list[SentObject]:
    """Objects to send."""
    folder.mkdir(exist_ok=True)
    made = []
    for number in range(1, count + 1):
        path = folder / f"{number}.dcm"
        path.write_bytes(add_meta(part10(number, sop_class=sop_class)))
        made.append(SentObject(path, sop_class, sop_uid(number)))
    return made


def add_meta(file: bytes) -> bytes:
    """The same file with all of the meta group, as our own writers make it."""
    from io import BytesIO

    data = dcmread(BytesIO(file))
    data.file_meta.MediaStorageSOPClassUID = data.SOPClassUID
    data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID
    buffer = BytesIO()
    data.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


@contextmanager
def node(
    statuses: list[int], *, syntaxes: list[str] | None = None, **options: Any
) -> Iterator[tuple[Peer, list[Any]]]:
    """A node of pynetdicom that answers with these statuses, then with success."""
    received: list[Any] = []

    def take(event: Any) -> int:
        received.append((event.dataset, event.context.transfer_syntax))
        return statuses.pop(0) if statuses else 0

    entity = AE("NODE")
    entity.add_supported_context(CT, syntaxes or [EXPLICIT, IMPLICIT])
    entity.add_supported_context("1.2.840.10008.1.1")
    for name, value in options.items():
        setattr(entity, name, value)
    server = entity.start_server(
        ("127.0.0.1", 0), block=False, evt_handlers=[(evt.EVT_C_STORE, take)]
    )
    try:
        port = server.server_address[1]
        yield Peer("node", ae_title="NODE", host="127.0.0.1", port=port), received
    finally:
        server.shutdown()
        server.server_close()


def test_our_own_listener_gets_the_bytes(tmp_path: Path) -> None:
    files = make(tmp_path / "out", 3)
    with listen(tmp_path / "service", intake=Intake) as running:
        peer = Peer("us", ae_title="MEDLENS", host="127.0.0.1", port=running.port)
        send_objects(peer, files)
        send_objects(peer, files)  # again: they are there already
        kept = sorted(
            path for path in running.store.blobs.folder.rglob("*") if path.is_file()
        )
        assert len(kept) == 3
        found = {data_of(path.read_bytes()) for path in kept}
    assert found == {data_of(file.path.read_bytes()) for file in files}


def test_storescp(tmp_path: Path) -> None:
    if shutil.which("storescp") is None:
        pytest.skip("storescp is not installed (Debian: dcmtk)")
    files = make(tmp_path / "out", 2)
    port, folder = free_port(), tmp_path / "in"
    folder.mkdir()
    server = subprocess.Popen(
        ["storescp", "-od", str(folder), str(port)],
        env={**os.environ, "TCP_NODELAY": "1"},
    )
    try:
        peer = Peer("dcmtk", ae_title="STORESCP", host="127.0.0.1", port=port)
        wait_until(lambda: _sends(peer, files))
    finally:
        server.terminate()
        server.wait(20)
    found = {str(dcmread(path).SOPInstanceUID) for path in folder.iterdir()}
    assert found == {sop_uid(1), sop_uid(2)}


def _sends(peer: Peer, files: list[SentObject]) -> bool:
    with contextlib.suppress(SendError):  # until it has started
        send_objects(peer, files)
        return True
    return False


def test_orthanc_takes_ours_and_gives_them_back(tmp_path: Path) -> None:
    files = make(tmp_path / "out", 3)
    with run_orthanc(tmp_path / "orthanc") as orthanc:
        peer = Peer(
            "orthanc", ae_title="ORTHANC", host="127.0.0.1", port=orthanc.dicom_port
        )
        send_objects(peer, files)
        assert len(orthanc.instances()) == 3
        back = {
            orthanc.http.get(f"/instances/{name}/file").content
            for name in orthanc.instances()
        }
    assert {data_of(file) for file in back} == {
        data_of(file.path.read_bytes()) for file in files
    }


@pytest.mark.parametrize(
    ("status", "is_final"),
    [(0xA700, False), (0x0110, False), (0xA900, True), (0xC001, True), (0x0124, True)],
)
def test_statuses_of_failure(tmp_path: Path, status: int, is_final: bool) -> None:
    files = make(tmp_path / "out", 3)
    with node([0, status]) as (peer, received):
        with pytest.raises(
            SendError, match=r"destination node: 1 of 3 objects were not taken"
        ) as caught:
            send_objects(peer, files)
        assert caught.value.is_final is is_final
        assert caught.value.failed == 1
        assert len(received) == 3  # the others were tried
    assert sop_uid(2) not in str(caught.value)


@pytest.mark.parametrize("status", [0xB000, 0xB006, 0xB007, 0x0111])
def test_warnings_and_what_is_there_are_success(tmp_path: Path, status: int) -> None:
    with node([status]) as (peer, received):
        send_objects(peer, make(tmp_path / "out", 1))
        assert len(received) == 1


def test_a_node_of_implicit_vr_alone_gets_the_same_values(tmp_path: Path) -> None:
    files = make(tmp_path / "out", 1)
    with node([], syntaxes=[IMPLICIT]) as (peer, received):
        send_objects(peer, files)
        ((data, syntax),) = received
        assert syntax == IMPLICIT
        read = dcmread(files[0].path)
        assert {e.tag: e.value for e in data} == {e.tag: e.value for e in read}


def test_a_class_that_is_not_taken_is_final_and_the_rest_arrives(
    tmp_path: Path,
) -> None:
    files = make(tmp_path / "ct", 1) + make(tmp_path / "sr", 2, sop_class=SR)
    with node([]) as (peer, received):
        with pytest.raises(
            SendError, match=r"2 of 3 .*transfer syntax is not accepted: 2"
        ) as caught:
            send_objects(peer, files)
        assert caught.value.is_final
        assert len(received) == 1


def test_a_node_that_does_not_know_us_is_final(tmp_path: Path) -> None:
    files = make(tmp_path / "out", 1)
    with node([], require_calling_aet=["OTHER"]) as (peer, _):
        with pytest.raises(SendError, match="refuses the association") as caught:
            send_objects(peer, files)
        assert caught.value.is_final
    with node([], maximum_associations=0) as (peer, _):
        with pytest.raises(SendError, match="refuses the association") as caught:
            send_objects(peer, files)
        assert not caught.value.is_final


def test_a_dead_port_can_be_tried_again(tmp_path: Path) -> None:
    peer = Peer("dead", ae_title="X", host="127.0.0.1", port=free_port())
    with pytest.raises(
        SendError, match="destination dead: cannot be reached"
    ) as caught:
        send_objects(peer, make(tmp_path / "out", 2))
    assert not caught.value.is_final
    assert caught.value.failed == 2


def test_a_file_that_is_gone_is_told_without_its_path(tmp_path: Path) -> None:
    files = make(tmp_path / "out", 2)
    files[0].path.unlink()
    with node([]) as (peer, received):
        with pytest.raises(SendError, match="file cannot be sent") as caught:
            send_objects(peer, files)
        assert str(tmp_path) not in str(caught.value)
        assert len(received) == 1


def test_a_destination_without_an_address(tmp_path: Path) -> None:
    send_objects(Peer("none"), [])
    with pytest.raises(SendError, match="neither url nor host and port") as caught:
        send_objects(Peer("none"), make(tmp_path / "out", 1))
    assert caught.value.is_final


def test_every_status_is_judged() -> None:
    for status in range(0x10000):
        found = judge(status)
        assert (found is None) == (status in (0, 0x0111, 0xB000, 0xB006, 0xB007))


def test_a_mixture_is_tried_again() -> None:
    raise_for("a", [], 3)
    with pytest.raises(SendError, match=r"2 of 3 .*x: 1; y: 1") as caught:
        raise_for("a", [Failure("x", True), Failure("y", False)], 3)
    assert not caught.value.is_final
