"""Real senders: dcmtk, pynetdicom and Orthanc, into the real store."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from pydicom import dcmread
from pydicom.uid import UID_dictionary

from medlens.serve.listen import dimse
from medlens.serve.listen.associate import Context
from medlens.serve.receive.intake import Intake
from medlens.serve.store.tables import conflicts, instances, refusals
from tests.serve.dicom_files import part10
from tests.serve.listen.scu import Running, data_of, listen, sop_uid
from tests.serve.orthanc import run_orthanc

ENVIRONMENT = {**os.environ, "TCP_NODELAY": "1"}


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    """A listener with the real intake."""
    with listen(tmp_path / "service", intake=Intake) as made:
        yield made


def run(*command: object) -> subprocess.CompletedProcess[str]:
    """Run a tool of dcmtk, or skip where there is none."""
    if shutil.which(str(command[0])) is None:
        pytest.skip(f"{command[0]} is not installed (Debian: dcmtk)")
    return subprocess.run(
        [str(each) for each in command],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def send(running: Running, *options: object) -> subprocess.CompletedProcess[str]:
    """Send with storescu."""
    return run("storescu", "-v", *options[:-1], "-aec", "MEDLENS", "127.0.0.1",
               running.port, options[-1])  # fmt: skip


def kept(running: Running) -> dict[str, tuple[str, bytes]]:
    """SOP Instance UID → transfer syntax and data set, as they lie in the store."""
    found = {}
    with running.store.read() as connection:
        for row in connection.execute(sa.select(instances)):
            data = running.store.blobs.read(row.digest)
            assert hashlib.sha256(data).hexdigest() == row.digest
            found[row.sop_uid] = (row.transfer_syntax, data_of(data))
    return found


def test_echoscu(running: Running) -> None:
    done = run("echoscu", "-v", "-aec", "MEDLENS", "127.0.0.1", running.port)
    assert done.returncode == 0, done.stderr
    assert "Received Echo Response (Success)" in done.stdout + done.stderr
    done = run("echoscu", "-v", "-aec", "WRONG", "127.0.0.1", running.port)
    assert done.returncode != 0
    assert "Called AE Title Not Recognized" in done.stdout + done.stderr


def test_storescu_twice_is_one_instance(running: Running, tmp_path: Path) -> None:
    path = tmp_path / "a.dcm"
    path.write_bytes(part10(3))
    for _ in range(2):
        done = send(running, path)
        assert done.returncode == 0, done.stderr
        assert "Received Store Response (Success)" in done.stdout + done.stderr
    assert list(kept(running)) == [sop_uid(3)]


@pytest.mark.parametrize(
    ("option", "name"),
    [
        ("-xv", "JPEG 2000"), ("-xr", "RLE"),
        ("-xt", "JPEG-LS Lossless"), ("-xs", "JPEG Lossless"),
        ("-xi", "Implicit VR"), ("-xb", "Big Endian"), ("-xd", "Deflated"),
    ],
)  # fmt: skip
def test_storescu_proposes_other_syntaxes(
    running: Running, tmp_path: Path, shared_data: Path, option: str, name: str
) -> None:
    is_native = option in ("-xi", "-xd")  # dcmtk encodes these itself
    path = tmp_path / "made.dcm"
    if is_native:
        path.write_bytes(part10(5))
    else:
        path = choose(shared_data / "dicom_variety", name) or path
        assert path.exists(), name
    done = send(running, option, path)
    assert done.returncode == 0, done.stderr
    ((syntax, data),) = kept(running).values()
    assert name in UID_dictionary[syntax][0]
    if not is_native:
        pixels = bytes(dcmread(path)["PixelData"].value)
        assert pixels in data


def choose(folder: Path, name: str) -> Path | None:
    """The first sound file whose transfer syntax has a name."""
    for path in sorted(folder.glob("*.dcm")):
        head = read_head(path)
        known = UID_dictionary.get(head.get("TransferSyntaxUID", ""), ("",))[0]
        if name in known and "SOPClassUID" in head and "StudyInstanceUID" in head:
            return path
    return None


def read_head(path: Path) -> dict[str, str]:
    """UIDs of a file by keyword, none where it is damaged."""
    names = ["SOPClassUID", "SOPInstanceUID", "StudyInstanceUID"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            head = dcmread(path, stop_before_pixels=True, specific_tags=names)
            found = {name: str(head[name].value) for name in names if name in head}
            found["TransferSyntaxUID"] = str(head.file_meta.TransferSyntaxUID)
        except Exception:  # some of the files are there to be unreadable
            return {}
    return found


def test_pynetdicom_keeps_the_bytes(running: Running, shared_data: Path) -> None:
    from pynetdicom import AE, _config

    paths = [
        path
        for name in ("JPEG 2000", "JPEG-LS", "RLE", "Explicit VR Little", "HTJ2K")
        if (path := choose(shared_data / "dicom_variety", name))
    ]
    assert len(paths) >= 3
    entity = AE("PYNET")
    entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = 30
    heads = [read_head(path) for path in paths]
    for head in heads:
        entity.add_requested_context(head["SOPClassUID"], head["TransferSyntaxUID"])
    association = entity.associate("127.0.0.1", running.port, ae_title="MEDLENS")
    assert association.is_established
    before = _config.STORE_SEND_CHUNKED_DATASET
    _config.STORE_SEND_CHUNKED_DATASET = True
    try:
        for path in paths:
            assert association.send_c_store(path).Status == 0x0000, path.name
    finally:
        _config.STORE_SEND_CHUNKED_DATASET = before
        association.release()
    found = kept(running)
    for path, head in zip(paths, heads, strict=True):
        syntax, data = found[head["SOPInstanceUID"]]
        assert syntax == head["TransferSyntaxUID"]
        assert path.read_bytes().endswith(data)


def test_orthanc_pushes_to_us(running: Running, tmp_path: Path) -> None:
    modalities = {"us": ("MEDLENS", "127.0.0.1", running.port)}
    with run_orthanc(tmp_path / "orthanc", modalities=modalities) as orthanc:
        assert orthanc.http.post("/modalities/us/echo", json={}).status_code == 200
        names = [orthanc.upload(part10(number)) for number in range(1, 21)]
        answer = orthanc.http.post("/modalities/us/store", json=names)
        assert answer.status_code == 200, answer.text
        assert answer.json()["FailedInstancesCount"] == 0
        assert answer.json()["InstancesCount"] == 20
    found = kept(running)
    assert set(found) == {sop_uid(number) for number in range(1, 21)}
    assert found[sop_uid(4)][1] == data_of(part10(4))


def test_every_odd_file_has_an_instance_or_a_reason(
    running: Running, shared_data: Path
) -> None:
    by_status: dict[int, set[tuple[str, int]]] = {}
    for path in sorted((shared_data / "dicom_variety").iterdir()):
        head, file = read_head(path), path.read_bytes()
        uid, sop_class = head.get("SOPInstanceUID", ""), head.get("SOPClassUID", "")
        if not uid or file[132:136] != b"\x02\x00\x00\x00":
            continue
        context = Context(1, sop_class, (head["TransferSyntaxUID"],))
        with running.sender() as sender:
            accept = sender.associate(contexts=(context,))
            if accept.results[1][0]:
                continue
            status = sender.store(data_of(file), uid, context=1, sop_class=sop_class)
        by_status.setdefault(status, set()).add((uid, len(file)))
    taken = {uid for uid, _ in by_status[0]}
    assert len(taken) >= 30
    assert set(kept(running)) == taken
    with running.store.read() as connection:
        aside = connection.execute(sa.select(conflicts.c.reason)).scalars().all()
        reasons = connection.execute(sa.select(refusals.c.reason)).scalars().all()
    # The set has the same instance in several transfer syntaxes.
    assert len(aside) == len(by_status.pop(dimse.DUPLICATE_SOP_INSTANCE))
    assert len(reasons) == sum(map(len, by_status.values())) - len(by_status[0])
    assert all(reasons)
    assert all(aside)
