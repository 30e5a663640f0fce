"""The multipart parser against bodies written by hand and by another library."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from email.generator import BytesGenerator
from email.mime.application import MIMEApplication
from email.mime.multipart import MIMEMultipart
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medlens.serve.receive.multipart import (
    MultipartError,
    MultipartParser,
    boundary_of,
    parse_media_type,
)


class Collected:
    """Keeps heads and bodies."""

    def __init__(self) -> None:
        self.heads: list[dict[str, str]] = []
        self.bodies: list[bytes] = []
        self.ended = 0

    def begin(self, head: Mapping[str, str]) -> None:
        self.heads.append(dict(head))
        self.bodies.append(b"")

    def data(self, piece: bytes) -> None:
        assert piece
        self.bodies[-1] += piece

    def end(self) -> None:
        self.ended += 1


def parsed(body: bytes, *, cuts: int = 0, max_parts: int = 100) -> Collected:
    sink = Collected()
    parser = MultipartParser(b"BOUND", sink, max_parts=max_parts)
    size = cuts or max(1, len(body))
    for start in range(0, len(body), size):
        parser.feed(body[start : start + size])
    parser.finish()
    return sink


WHOLE = (
    b"preamble\r\n--BOUND\r\nContent-Type: application/dicom\r\n\r\none\r\n"
    b"--BOUND  \r\n\r\ntw\r\n--BOUN o\r\n--BOUND\r\nA: b\r\n\r\n--BOUND--\r\nend"
)


@pytest.mark.parametrize("cuts", range(1, 40))
def test_every_cut_gives_the_same_parts(cuts: int) -> None:
    found = parsed(WHOLE, cuts=cuts)
    assert found.bodies == [b"one", b"tw\r\n--BOUN o", b""]
    assert found.heads == [{"content-type": "application/dicom"}, {}, {"a": "b"}]
    assert found.ended == 3


@given(
    st.lists(st.binary(max_size=300), min_size=1, max_size=5),
    st.integers(1, 64),
)
def test_what_was_written_comes_back(bodies: list[bytes], cuts: int) -> None:
    bodies = [body.replace(b"--BOUND", b"") for body in bodies]
    whole = b"".join(b"--BOUND\r\nX: y\r\n\r\n" + b + b"\r\n" for b in bodies)
    assert parsed(whole + b"--BOUND--", cuts=cuts).bodies == bodies


@given(st.binary(max_size=400), st.integers(1, 50))
def test_noise_is_refused_or_read_but_never_crashes(noise: bytes, cuts: int) -> None:
    for body in (noise, b"--BOUND\r\n" + noise, noise + b"\r\n--BOUND--"):
        with contextlib.suppress(MultipartError):
            found = parsed(body, cuts=cuts)
            assert found.ended == len(found.bodies)


def test_a_message_of_the_standard_library_is_read() -> None:
    message = MIMEMultipart("related", boundary="BOUND")
    for text in (b"\x00\x01\r\n\xff", b"second"):
        message.attach(MIMEApplication(text, "dicom", _encoder=lambda _: None))
    out = BytesIO()
    BytesGenerator(out, policy=message.policy.clone(linesep="\r\n")).flatten(message)
    body = out.getvalue().split(b"\r\n\r\n", 1)[1]
    assert len(parsed(body).bodies) == 2


def test_little_is_held_while_a_large_part_flows() -> None:
    sink = Collected()
    parser = MultipartParser(b"BOUND", sink, max_parts=1)
    parser.feed(b"--BOUND\r\n\r\n")
    for _ in range(64):
        parser.feed(b"\r\n" * 32768)
        sink.bodies[-1] = b""
        assert len(parser._held) < 20


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"--BOUND\r\nA: b\r\n\r\nx", "ends inside part 1"),
        (b"", "ends inside part 0"),
        (b"--BOUND\r\nA: b\r\n\r\nx\r\n--BOUND", "ends inside part 1"),
        (b"--BOUNDARY\r\n\r\nx\r\n--BOUNDARY--", "followed by other text"),
        (b"--BOUND\r\nno field\r\n\r\nx\r\n--BOUND--", "no field"),
        (b"--BOUND\r\n" + b"A: b\r\n" * 5000 + b"\r\nx", "longer than 8192"),
        (b"--BOUND\r\nA: " + b"b" * 9000, "longer than 8192"),
        (b"--BOUND" + b" " * 9000, "followed by other text"),
        (b"--BOUND\r\n\r\n\r\n" * 3 + b"--BOUND--", "more than 2 parts"),
    ],
)
def test_broken_bodies_are_refused(body: bytes, words: str) -> None:
    with pytest.raises(MultipartError, match=words):
        parsed(body, max_parts=2)


@pytest.mark.parametrize(
    ("text", "boundary"),
    [
        ('multipart/related; type="application/dicom"; boundary=abc', b"abc"),
        ('multipart/related;boundary="a=b c";type=application/dicom', b"a=b c"),
        ("Multipart/Related; Boundary=a=b/c", b"a=b/c"),
        ("multipart/related; type=application/dicom; boundary=----x ;", b"----x"),
        ("multipart/related; ; boundary=x", b"x"),
        ("multipart/related; boundary=" + "x" * 73, b"x" * 73),
    ],
)
def test_boundaries_are_read_quoted_and_bare(text: str, boundary: bytes) -> None:
    assert boundary_of(parse_media_type(text)) == boundary


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("multipart/related", "no boundary"),
        ("multipart/related; boundary=" + "x" * 10_000, "is no media type|characters"),
        ("multipart/related; boundary=" + "x" * 201, "boundary of 201 characters"),
        ('multipart/related; boundary="a\u00e9"', "unfit"),
        ('multipart/related; boundary="a', "cannot be read"),
        ("multipart/related boundary=a", "cannot be read|no media type"),
        ("multipart", "no media type"),
        ("a/b" + "".join(f"; a{i}=b" for i in range(100)), "cannot be read"),
    ],
)
def test_unusable_content_types_are_refused(text: str, words: str) -> None:
    with pytest.raises(MultipartError, match=words):
        boundary_of(parse_media_type(text))
