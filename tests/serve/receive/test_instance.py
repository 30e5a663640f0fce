"""The header of one file: what the index gets, and what is not taken."""

from __future__ import annotations

import contextlib
import struct
import time
import tracemalloc
import zlib
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from medlens.serve.receive.characters import decode, name_key
from medlens.serve.receive.elements import Window
from medlens.serve.receive.instance import Instance, UnfitError, read_instance
from tests.serve.dicom_files import (
    BIG,
    EXPLICIT,
    IMPLICIT,
    element,
    fields,
    meta,
    part10,
)

DEFLATED = "1.2.840.10008.1.2.1.99"
ITEM, ITEM_END, END = b"\xfe\xff\0\xe0", b"\xfe\xff\x0d\xe0", b"\xfe\xff\xdd\xe0"
OPEN = b"\xff\xff\xff\xff"


def read(data: bytes) -> Instance:
    return read_instance(
        Window(lambda count, at: data[at : at + count], len(data)),
    )


def deflated(*, behind: bytes = b"") -> bytes:
    body = part10()[len(meta()) :] + behind
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return meta(DEFLATED) + packer.compress(body) + packer.flush()


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, BIG])
def test_fields_in_every_encoding(syntax: str) -> None:
    found = read(part10(5, study=2, syntax=syntax, frames="3 "))
    assert found.transfer_syntax == syntax
    assert (found.sop_uid, found.study_uid) == ("1.2.99.2.1.5", "1.2.99.2")
    assert (found.rows, found.columns, found.frames, found.number) == (4, 4, 3, 5)
    assert found.study["accession_number"] == "A2"
    assert found.series["modality"] == "CT"


def test_a_deflated_data_set_reads_the_same() -> None:
    plain, packed = read(part10()), read(deflated())
    assert packed.study == plain.study
    assert packed.series == plain.series


def test_the_bytes_decide_where_the_file_meta_is_wrong() -> None:
    body = part10(syntax=IMPLICIT)[len(meta(IMPLICIT)) :]
    assert read(meta(EXPLICIT) + body).sop_uid == "1.2.99.1.1.1"


def test_real_files_read_as_pydicom_reads_them(shared_data: Path) -> None:
    import pydicom

    read_files = 0
    for path in sorted((shared_data / "dicom_variety").glob("*.dcm")):
        try:
            found = read(path.read_bytes())
        except UnfitError:
            continue
        data = pydicom.dcmread(path, stop_before_pixels=True)
        assert found.sop_uid == data.SOPInstanceUID
        assert found.rows == data.get("Rows")
        assert found.frames == (
            None if "NumberOfFrames" not in data else int(data.NumberOfFrames)
        )
        assert found.study["patient_name"] == str(data.get("PatientName", ""))
        assert found.study["patient_id"] == str(data.get("PatientID", "")).strip()
        read_files += 1
    assert read_files > 50


@pytest.mark.parametrize(
    ("uid", "reason"),
    [
        ("../../../etc/passwd", "is no UID"),
        ("1.2.840/../3", "is no UID"),
        ("1.2.x", "is no UID"),
        ("1..2", "is no UID"),
        ("1." * 40 + "1", "is no UID"),
        ("", "cannot be kept without one"),
        (None, "cannot be kept without one"),
    ],
)
@pytest.mark.parametrize("name", ["study_uid", "series_uid", "sop_uid", "sop_class"])
def test_uids_that_are_none_are_refused(uid: Any, reason: str, name: str) -> None:
    with pytest.raises(UnfitError, match=reason) as caught:
        read(part10(**{name: uid}))
    assert "passwd" not in str(caught.value)


def test_a_directory_of_a_medium_is_no_instance() -> None:
    with pytest.raises(UnfitError, match="directory of a medium"):
        read(part10(sop_class="1.2.840.10008.1.3.10"))


def test_what_has_no_mark_is_refused() -> None:
    with pytest.raises(UnfitError, match="no DICM mark"):
        read(b"\0" * 500)
    with pytest.raises(UnfitError, match="no DICM mark"):
        read(b"")


@pytest.mark.parametrize("kept", [200, 300, -1, -20])
def test_a_file_that_is_cut_off_is_refused(kept: int) -> None:
    with pytest.raises(UnfitError, match=r"cut off|is empty|cannot be kept"):
        read(part10()[:kept])


@pytest.mark.parametrize(
    "magic", [b"MZ", b"\x7fELF", b"II*\0", b"<html><script>", b"%PDF-1.4"]
)
def test_a_polyglot_is_its_data_set(magic: bytes) -> None:
    assert read(part10(preamble=magic)).sop_uid == "1.2.99.1.1.1"


def nested(levels: int, *, is_open: bool, syntax: str = EXPLICIT) -> bytes:
    """Sequences inside each other, made from the inside out."""
    if is_open:
        tag = struct.pack("<HH", 0x0008, 0x1140) + b"SQ\0\0" + OPEN
        return (tag + ITEM + OPEN) * levels + (
            ITEM_END + b"\0" * 4 + END + b"\0" * 4
        ) * levels
    value = b""
    for _ in range(levels):
        item = ITEM + struct.pack("<I", len(value)) + value
        value = element(0x00081140, "SQ", item, syntax=syntax)
    return value


def with_sequence(sequence: bytes) -> bytes:
    """A whole file with bytes between modality and patient."""
    parts = sorted(fields().values(), key=lambda each: each[0])
    before = [element(*each) for each in parts if each[0] < 0x00081140]
    behind = [element(*each) for each in parts if each[0] > 0x00081140]
    return meta() + b"".join(before) + sequence + b"".join(behind)


@pytest.mark.parametrize("is_open", [True, False])
def test_a_few_nested_sequences_are_walked(is_open: bool) -> None:
    assert read(with_sequence(nested(8, is_open=is_open))).study["patient_id"] == "P1"


@pytest.mark.parametrize("is_open", [True, False])
def test_twenty_thousand_nested_sequences_are_refused(is_open: bool) -> None:
    data = with_sequence(nested(20_000 if is_open else 2_000, is_open=is_open))
    started = time.process_time()
    with pytest.raises(UnfitError, match="nested deeper than 32"):
        read(data)
    assert time.process_time() - started < 1.0


def test_nesting_hidden_in_unknown_values_is_seen() -> None:
    # PS3.5 6.2.2: what lies in a value of VR UN is implicit
    inner = nested(60, is_open=False, syntax=IMPLICIT)[8:]
    hidden = element(0x00091010, "UN", inner)
    with pytest.raises(UnfitError, match="nested deeper than 32"):
        read(with_sequence(hidden))


def test_a_broken_sequence_of_known_length_costs_only_itself() -> None:
    broken = element(0x00081140, "SQ", ITEM + struct.pack("<I", 4000) + b"12345678")
    assert read(with_sequence(broken)).study["patient_id"] == "P1"


def test_an_open_sequence_without_end_is_refused() -> None:
    opened = struct.pack("<HH", 0x0008, 0x1140) + b"SQ\0\0" + OPEN + ITEM + OPEN
    with pytest.raises(UnfitError, match="cut off inside a sequence"):
        read(with_sequence(opened))


def test_a_deflate_bomb_is_refused_in_little_memory() -> None:
    bomb = element(0x00091010, "UN", b"")[:-4] + struct.pack("<I", 600 << 20)
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    pieces = [packer.compress(bomb)]
    pieces += [packer.compress(bytes(1 << 20)) for _ in range(600)]
    data = meta(DEFLATED) + b"".join(pieces) + packer.flush()
    assert len(data) < 1 << 20
    tracemalloc.start()
    with pytest.raises(UnfitError, match="refused as a bomb"):
        read(data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 40 << 20


def test_claims_of_size_are_taken_as_claims() -> None:
    found = read(part10(rows=65535, columns=65535, frames="2147483647"))
    assert (found.rows, found.columns, found.frames) == (65535, 65535, 2**31 - 1)
    assert read(part10(frames="99999999999")).frames is None
    assert read(part10(frames="many")).frames is None
    assert read(part10(rows=b"\1\0\0\0")).rows is None


def test_overlong_and_illegal_values_are_cut_for_the_index() -> None:
    found = read(
        part10(
            patient_id="x" * 300,
            patient_name="<script>alert(1)</script>\0\x1f'; DROP TABLE studies--",
            study_date="2026-13",
            study_time="noon",
            description="a\\b",
        )
    )
    assert found.study["patient_id"] == "x" * 64
    assert found.study["patient_name"].startswith("<script>")
    assert "\0" not in found.study["patient_name"]
    assert (found.study["study_date"], found.study["study_time"]) == ("", "")
    assert found.study["description"] == "a"


def test_dates_and_times_of_the_old_form() -> None:
    found = read(part10(study_date="1998.03.04", study_time="10:15:30"))
    assert (found.study["study_date"], found.study["study_time"]) == (
        "19980304",
        "101530",
    )


@pytest.mark.parametrize(
    ("character_set", "value", "text"),
    [
        (b"ISO_IR 100", "Müller^Änne".encode("latin_1"), "Müller^Änne"),
        (b"ISO_IR 192", "王^小东".encode(), "王^小东"),
        (b"GB18030", "王^小东".encode("gb18030"), "王^小东"),
        (b"ISO_IR 144", "Люкceмбypг".encode("iso8859_5"), "Люкceмбypг"),
        (b"", b"M\xfcller", "Müller"),
        (b"ISO_IR 192", b"M\xfcller", "M\ufffdller"),
        (b"nonsense", b"M\xfcller", None),
        # PS3.5 H.3.1
        (b"\\ISO 2022 IR 87",
         b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B=\x1b$B$d$^$@\x1b(B"
         b"^\x1b$B$?$m$&\x1b(B", "Yamada^Tarou=山田^太郎=やまだ^たろう"),
    ],
)  # fmt: skip
def test_character_sets(character_set: bytes, value: bytes, text: str | None) -> None:
    found = decode(value, character_set, is_name=True)
    assert found == text if text is not None else "ller" in found


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("Doe^Jane^^^", "doe^jane"),
        ("DOE^JANE^^Dr", "doe^jane^^dr"),
        ("Straße", "strasse"),
        ("Wang^XiaoDong=王^小东=", "wang^xiaodong=王^小东"),
        ("", ""),
    ],
)
def test_the_key_of_a_name(name: str, key: str) -> None:
    assert name_key(name) == key


@given(st.data())
@settings(max_examples=300, deadline=2000)
def test_no_bytes_raise_anything_else(data: st.DataObject) -> None:
    whole = bytearray(with_sequence(nested(3, is_open=data.draw(st.booleans()))))
    for _ in range(data.draw(st.integers(1, 6))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(
            st.integers(0, 255)
        )
    kept = data.draw(st.integers(0, len(whole)))
    with contextlib.suppress(UnfitError):
        read(bytes(whole[:kept]))
