"""Hostile archives: counted, bounded, inert."""

from __future__ import annotations

import struct
import time
import tracemalloc
import zipfile
from io import BytesIO
from pathlib import Path

import pytest

from medlens.serve.receive.archive import Archive, ArchiveError, Entry, count_entries
from tests.serve.receive.files import archive, put

MB = 1 << 20


class Sink:
    def __init__(self) -> None:
        self.size = 0

    def write(self, data: bytes) -> None:
        self.size += len(data)


def opened(path: Path, *, entries: int = 10, ratio: int = 200, mb: int = 64) -> Archive:
    return Archive(
        path, max_entries=entries, max_ratio=ratio, max_bytes=mb * MB, case="upload"
    )


def extract_all(found: Archive, entries: list[Entry], sink: Sink) -> None:
    for entry in entries:
        found.extract(entry, sink)


def open_and_extract(path: Path) -> None:
    with opened(path) as found:
        extract_all(found, list(found.entries()), Sink())


def test_entries_come_in_order_and_whole(tmp_path: Path) -> None:
    path = put(tmp_path, archive({"a/b.dcm": b"one", "c": b"three"}))
    with opened(path) as found:
        entries = list(found.entries())
        assert [entry.name for entry in entries] == ["a/b.dcm", "c"]
        sink = Sink()
        found.extract(entries[1], sink)
    assert sink.size == 5


def test_a_hundred_thousand_entries_are_refused_before_they_are_listed(
    tmp_path: Path,
) -> None:
    out = BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        for index in range(100_000):
            packed.writestr(zipfile.ZipInfo(f"{index}"), b"")
    path = put(tmp_path, out.getvalue())
    tracemalloc.start()
    started = time.monotonic()
    try:
        with pytest.raises(ArchiveError, match="more than 20,000 entries"):
            opened(path, entries=20_000)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 16 * MB
    assert time.monotonic() - started < 2


def test_a_count_that_lies_is_counted_anew(tmp_path: Path) -> None:
    data = bytearray(archive({f"{i}": b"" for i in range(50)}))
    place = data.rfind(b"PK\x05\x06")
    struct.pack_into("<2H", data, place + 8, 1, 1)
    with pytest.raises(ArchiveError, match="more than 10 entries"):
        opened(put(tmp_path, bytes(data)))


def test_entries_of_zip64_are_counted() -> None:
    out = BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        for index in range(65_600):
            packed.writestr(zipfile.ZipInfo(f"{index}"), b"")
    assert count_entries(out, most=100_000, case="x") == 65_600


def test_a_zip64_record_behind_a_small_old_one_is_counted(tmp_path: Path) -> None:
    """Python's reader takes the ZIP64 record wherever a locator stands."""
    data = archive({f"{i}": b"" for i in range(50)})
    place = data.rfind(b"PK\x05\x06")
    length, start = struct.unpack_from("<2L", data, place + 12)
    record = struct.pack(
        "<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, 50, 50, length, start
    )
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, place, 1)
    old = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 0, 0, 0, 0, 0)
    path = put(tmp_path, data[:place] + record + locator + old)
    assert len(zipfile.ZipFile(path).infolist()) == 50
    with pytest.raises(ArchiveError, match="more than 10 entries"):
        opened(path)


def test_a_bomb_ends_at_its_limit(tmp_path: Path) -> None:
    path = put(tmp_path, archive({"bomb": bytes(80 * MB)}))
    assert path.stat().st_size < MB
    sink = Sink()
    with opened(path) as found:
        (entry,) = found.entries()
        with pytest.raises(ArchiveError, match="refused as a bomb"):
            found.extract(entry, sink)
        assert found.is_spent
    assert sink.size <= 17 * MB


def test_sizes_are_counted_over_all_entries(tmp_path: Path) -> None:
    path = put(tmp_path, archive({f"{i}": bytes(7 * MB) for i in range(4)}))
    sink = Sink()
    with opened(path) as found:
        first, second, third, _ = found.entries()
        found.extract(first, sink)
        found.extract(second, sink)
        with pytest.raises(ArchiveError, match="16 MiB"):
            found.extract(third, sink)


def test_entries_that_overlap_are_refused(tmp_path: Path) -> None:
    """A directory that names one entry a thousand times (a "better zip bomb")."""
    data = archive({"a": bytes(MB)})
    place = data.find(b"PK\x01\x02")
    end = data.rfind(b"PK\x05\x06")
    one = data[place:end]
    many = data[:place] + one * 8
    tail = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 8, 8, len(one) * 8, place, 0)
    sink = Sink()
    with opened(put(tmp_path, many + tail), mb=4) as found:
        entries = list(found.entries())
        with pytest.raises(ArchiveError, match=r"damaged|bomb"):
            extract_all(found, entries, sink)
    assert sink.size <= 5 * MB


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("__MACOSX/._a", "operating system"),
        ("x/.DS_Store", "operating system"),
        ("DICOMDIR", "index of a DICOM medium"),
    ],
)
def test_known_notes_are_no_images(tmp_path: Path, name: str, words: str) -> None:
    with opened(put(tmp_path, archive({name: b"x"}))) as found:
        (entry,) = found.entries()
    assert words in entry.refusal


def test_encrypted_and_strangely_packed_entries_are_refused(tmp_path: Path) -> None:
    data = bytearray(archive({"a": b"x" * 100}))
    place = data.find(b"PK\x01\x02")
    data[place + 8] |= 1
    with opened(put(tmp_path, bytes(data))) as found:
        (entry,) = found.entries()
    assert "encrypted" in entry.refusal
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_LZMA) as packed:
        packed.writestr("a", b"x")
    with opened(put(tmp_path, out.getvalue())) as found:
        (entry,) = found.entries()
    assert "method" in entry.refusal


@pytest.mark.parametrize(
    "data",
    [
        b"PK\x03\x04" + bytes(200),
        archive({"a": b"x" * 1000})[:-30],
        b"PK\x05\x06" + bytes(10),
        b"PK\x05\x06" + struct.pack("<4H2LH", 0, 0, 3, 3, 0xFFFFFFF0, 0, 0),
        b"PK\x03\x04" + struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 9, 9, 4, 0, 0),
    ],
    ids=["no end", "cut short", "short end", "far directory", "false counts"],
)
def test_damaged_archives_are_refused(tmp_path: Path, data: bytes) -> None:
    path = put(tmp_path, data)
    with pytest.raises(ArchiveError, match="damaged"):
        open_and_extract(path)


def test_damaged_bytes_of_an_entry_are_found(tmp_path: Path) -> None:
    data = bytearray(archive({"a": bytes(range(256)) * 40}))
    data[60] ^= 0xFF
    with opened(put(tmp_path, bytes(data))) as found:
        (entry,) = found.entries()
        with pytest.raises(ArchiveError, match="entry 1 is damaged"):
            found.extract(entry, Sink())
