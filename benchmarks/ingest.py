"""Receiving 512 x 512 CT by C-STORE: medlens, Debian's Orthanc and dcmtk's storescp.

    python -m benchmarks.ingest [--images 200] [--rounds 3] [--folder DIR]

In each round every receiver starts in an empty folder, is warmed up with a few
instances and then takes the same files from the same sender: dcmtk's storescu
(TCP_NODELAY=1), and a small sender of our own that only writes prepared bytes, so that
it is never what is measured. One association, and four at a time with other instances
each. Receivers take turns; medians of all rounds are printed.

Beside images per second stands the processor time that the receiver (with its children)
spends on an image: on a busy machine it is nearer the truth.

Durability: medlens answers when file, folder and index are on disk. Orthanc runs with
its defaults (SyncStorageArea: each file is on disk, the index follows every ten
seconds). storescp leaves everything to the system.

Results go to benchmarks/results/ingest.json.
"""

from __future__ import annotations

import argparse
import itertools
import json
import multiprocessing
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.queues import SimpleQueue
from multiprocessing.synchronize import Barrier
from pathlib import Path

import numpy as np

from benchmarks.machine import keep
from medlens.serve.listen import dimse, pdu
from medlens.serve.listen.associate import AssociateRequest, Context, decode_accept

CT = "1.2.840.10008.5.1.4.1.1.2"
EXPLICIT = "1.2.840.10008.1.2.1"
WARM_UP = 8
RECEIVERS = ("medlens", "orthanc", "storescp")
SENDERS = ("own", "storescu")


def make_files(folder: Path, count: int) -> list[Path]:
    """CT slices, 512 x 512 of 16 bit, one series for each hundred."""
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import generate_uid

    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    files = []
    for number in range(count):
        if number % 100 == 0:
            study, series = generate_uid(None), generate_uid(None)
        data = Dataset()
        data.SOPClassUID, data.SOPInstanceUID = CT, generate_uid(None)
        data.StudyInstanceUID, data.SeriesInstanceUID = study, series
        data.PatientName, data.PatientID = "Bench^Mark", f"B{number // 100}"
        data.PatientBirthDate, data.PatientSex = "19700101", "O"
        data.StudyDate, data.StudyTime = "20260101", "120000"
        data.AccessionNumber, data.StudyID, data.Modality = (
            f"A{number // 100}",
            "1",
            "CT",
        )
        data.Manufacturer, data.StudyDescription = "Phantom", "Chest"
        data.SeriesDescription, data.SeriesNumber = "Axial 1 mm", 1
        data.ImageType, data.InstanceNumber = ["ORIGINAL", "PRIMARY", "AXIAL"], number
        data.ImagePositionPatient = [-200, -200, number]
        data.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
        data.PixelSpacing, data.SliceThickness = [0.78, 0.78], 1
        data.FrameOfReferenceUID, data.KVP = series, 120
        data.RescaleIntercept, data.RescaleSlope = -1024, 1
        data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
        data.Rows = data.Columns = 512
        data.BitsAllocated, data.BitsStored, data.HighBit = 16, 12, 11
        data.PixelRepresentation = 0
        data.PixelData = rng.integers(0, 4096, (512, 512), dtype=np.uint16).tobytes()
        data.file_meta = FileMetaDataset()
        data.file_meta.TransferSyntaxUID = EXPLICIT
        path = folder / f"{number:05d}.dcm"
        data.save_as(path, enforce_file_format=True)
        files.append(path)
    return files


def free_port() -> int:
    """A port of the loopback that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def serve(folder: Path, port: int) -> None:
    """Main function of the process that receives for medlens."""
    import threading

    from medlens.serve.listen.listener import serve_listener
    from medlens.serve.settings import ServeSettings
    from medlens.serve.store.store import open_store

    settings = ServeSettings(data=folder, dicom_port=port)
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    serve_listener(open_store(folder), settings, stop)


@contextmanager
def run_receiver(name: str, folder: Path) -> Iterator[tuple[int, int]]:
    """A receiver in a folder of its own; gives its port and its process."""
    port = free_port()
    folder.mkdir(parents=True)
    process: subprocess.Popen[bytes] | multiprocessing.Process
    if name == "medlens":
        process = multiprocessing.get_context("spawn").Process(
            target=serve, args=(folder, port)
        )
        process.start()
    elif name == "storescp":
        process = _start(
            "storescp", "--fork", "-pdu", "131072", "-od", str(folder), str(port)
        )
    else:
        process = _start_orthanc(folder, port)
    try:
        _wait_for(port)
        assert process.pid is not None
        yield port, process.pid
    finally:
        process.terminate()
        process.join(30) if hasattr(process, "join") else process.wait(30)


def _start(*command: str) -> subprocess.Popen[bytes]:
    quiet = subprocess.DEVNULL
    return subprocess.Popen(
        command, stdout=quiet, stderr=quiet, env={**os.environ, "TCP_NODELAY": "1"}
    )


def _start_orthanc(folder: Path, port: int) -> subprocess.Popen[bytes]:
    configuration = folder / "orthanc.json"
    settings = {
        "StorageDirectory": str(folder / "files"),
        "IndexDirectory": str(folder / "files"),
        "Plugins": [],
        "HttpPort": free_port(),
        "DicomAet": "MEDLENS",
        "DicomPort": port,
    }
    configuration.write_text(json.dumps(settings))
    return _start(shutil.which("Orthanc") or "/usr/sbin/Orthanc", str(configuration))


def processor_s(pid: int) -> float:
    """Processor time of a process and of its children that have ended."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def _wait_for(port: int) -> None:
    for _ in range(300):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.1)
        else:
            time.sleep(0.5)
            return
    raise SystemExit("a receiver did not start within 30 s")


def send_own(
    port: int,
    files: list[Path],
    barrier: Barrier,
    times: SimpleQueue[tuple[float, float]],
) -> None:
    """Send by one association; wrong answers end the benchmark.

    All that is sent is made before the clock starts.
    """
    with socket.create_connection(("127.0.0.1", port), 60) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        reader = connection.makefile("rb")
        request = AssociateRequest("MEDLENS", "BENCH", (Context(1, CT, (EXPLICIT,)),))
        connection.sendall(request.encode())
        kind, length = pdu.HEADER.unpack(reader.read(6))
        accept = decode_accept(reader.read(length))
        if kind != pdu.ASSOCIATE_AC or accept.results[1][0]:
            raise SystemExit("a receiver refuses CT")
        messages = [
            b"".join(message_of(path, number % 65535 + 1, accept.pdu_bytes))
            for number, path in enumerate(files)
        ]
        barrier.wait(60)
        begin = time.perf_counter()
        for message in messages:
            connection.sendall(message)
            _, length = pdu.HEADER.unpack(reader.read(6))
            answer = reader.read(length)
            if b"\x00\x00\x00\x09\x02\x00\x00\x00\x00\x00" not in answer:
                raise SystemExit("a receiver refuses an instance")
        times.put((begin, time.perf_counter()))
        connection.sendall(pdu.encode_release_request())
        reader.read(10)


def message_of(path: Path, message: int, pdu_bytes: int) -> Iterator[bytes]:
    """The PDUs of a C-STORE-RQ of a file that `make_files` wrote."""
    data = path.read_bytes()
    meta = 144 + int.from_bytes(data[140:144], "little")
    uid = data[data.index(b"\x02\x00\x03\x00UI") + 8 :]
    uid = uid[: uid.index(b"\x02\x00\x10\x00")].rstrip(b"\0")
    command = dimse.encode_store_request(
        message_id=message, sop_class=CT, sop_uid=uid.decode()
    )
    yield from pdu.encode_data(1, command, is_command=True, pdu_bytes=pdu_bytes)
    view = memoryview(data)[meta:]
    yield from pdu.encode_data(1, view, is_command=False, pdu_bytes=pdu_bytes)


def send(sender: str, port: int, parts: list[list[Path]]) -> float:
    """Seconds that the parts take, each by an association and process of its own."""
    if sender == "own":
        return _send_own(port, parts)
    begin = time.perf_counter()
    scus = [
        _start("storescu", "-aec", "MEDLENS", "127.0.0.1", str(port), *map(str, part))
        for part in parts
    ]
    codes = [scu.wait() for scu in scus]
    if any(codes):
        raise SystemExit("storescu failed")
    return time.perf_counter() - begin


def _send_own(port: int, parts: list[list[Path]]) -> float:
    context = multiprocessing.get_context("fork")
    barrier, times = context.Barrier(len(parts)), context.SimpleQueue()
    children = [
        context.Process(target=send_own, args=(port, part, barrier, times))
        for part in parts
    ]
    for child in children:
        child.start()
    for child in children:
        child.join()
    if any(child.exitcode for child in children):
        raise SystemExit("our own sender failed")
    found = [times.get() for _ in parts]
    return max(end for _, end in found) - min(begin for begin, _ in found)


def main() -> None:
    """Run all rounds, print the table, write the results."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--images", type=int, default=200, help="by each association")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--receivers", nargs="+", default=list(RECEIVERS))
    parser.add_argument("--senders", nargs="+", default=list(SENDERS))
    parser.add_argument("--associations", nargs="+", type=int, default=[1, 4])
    parser.add_argument("--folder", type=Path, help="on the disk to be measured")
    asked = parser.parse_args()
    top = Path(tempfile.mkdtemp(prefix="ingest-", dir=asked.folder))
    try:
        rates = measure(asked, top)
    finally:
        shutil.rmtree(top, ignore_errors=True)
    rows = [
        {
            "sender": sender,
            "associations": count,
            "receiver": receiver,
            "images_per_s": round(statistics.median(rate for rate, _ in found), 1),
            "processor_ms": round(statistics.median(spent for _, spent in found), 2),
            "rounds": [round(rate, 1) for rate, _ in found],
        }
        for (sender, count, receiver), found in rates.items()
    ]
    for row in rows:
        print(
            f"{row['sender']:9} {row['associations']} associations "
            f"{row['receiver']:9} {row['images_per_s']:7.1f} images/s "
            f"{row['processor_ms']:6.2f} ms of processor each  {row['rounds']}"
        )
    image = "CT, 512 x 512, 16 bit"
    keep("ingest", {"images": asked.images, "image": image, "rows": rows})


def measure(
    asked: argparse.Namespace, top: Path
) -> dict[tuple[str, int, str], list[tuple[float, float]]]:
    """Images per second, and processor ms for one, of every kind of run."""
    most = max(asked.associations)
    files = make_files(top / "files", most * asked.images + WARM_UP)
    warm, files = files[:WARM_UP], files[WARM_UP:]
    kinds = list(itertools.product(asked.senders, asked.associations, asked.receivers))
    rates: dict[tuple[str, int, str], list[tuple[float, float]]] = {
        kind: [] for kind in kinds
    }
    for turn, kind in itertools.product(range(asked.rounds), kinds):
        sender, count, receiver = kind
        parts = [files[i * asked.images : (i + 1) * asked.images] for i in range(count)]
        folder = top / f"{receiver}-{sender}-{count}-{turn}"
        with run_receiver(receiver, folder) as (port, pid):
            send(sender, port, [warm])
            before = processor_s(pid)
            seconds = send(sender, port, parts)
            spent = processor_s(pid) - before
        shutil.rmtree(folder)
        sent = count * asked.images
        rates[kind].append((sent / seconds, 1000 * spent / sent))
        print(f"round {turn + 1} {kind}: {rates[kind][-1][0]:.1f}", file=sys.stderr)
    return rates


if __name__ == "__main__":
    main()
