"""The printed report: what stands on each page, and a file that others read."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import threading
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest

pytest.importorskip("reportlab")
pytest.importorskip("pylopdf_fonts_zh_cn")

from medlens.core import MissingExtraError
from medlens.write.reading import face as face_module
from medlens.write.reading.content import Subject, digest_of
from medlens.write.reading.face import STAND_IN, Face, default_face
from medlens.write.reading.pdf import KeyPicture, lay_out, to_report_pdf
from medlens.write.reading.sheet import BOTTOM, LEFT, RIGHT, TOP, Mark, Picture, Words
from tests.write.reading.reports import ENGLISH, SUBJECT, report_of

LONG = replace(ENGLISH, findings="\n".join(f"{i}. " + "word " * 40 for i in range(60)))
PIXELS = np.full((40, 30, 3), 128, np.uint8)
PICTURE = KeyPicture(
    cv2.imencode(".jpg", PIXELS)[1].tobytes(), 30, 40, "Haemorrhage on slice 3"
)


def words_of(page: list[Mark]) -> list[str]:
    return [mark.text for mark in page if isinstance(mark, Words)]


def read(pdf: bytes, tmp_path: Path, *options: str) -> str:
    """The words of a PDF as another program finds them."""
    program = shutil.which("pdftotext")
    if program is None:
        pytest.skip("pdftotext is not installed (Debian: poppler-utils)")
    path = tmp_path / "report.pdf"
    path.write_bytes(pdf)
    run = [program, *options, "-enc", "UTF-8", str(path), "-"]
    ran = subprocess.run(run, capture_output=True, timeout=60, check=True)
    assert ran.stderr == b""
    return ran.stdout.decode()


def test_identity_digest_and_notice_stand_on_every_page() -> None:
    pages = lay_out(report_of(content=LONG), SUBJECT, default_face("en"))
    assert len(pages) > 2
    for number, page in enumerate(pages, start=1):
        told = " | ".join(words_of(page))
        assert "Phantom, Petra (范彼)" in told
        assert "P-1" in told
        assert "1970-02-03" in told
        assert f"Page {number} of {len(pages)}" in told
        assert digest_of(LONG) in told
        assert "not a medical device" in told
        assert "DRAFT" not in told


def test_a_draft_says_so_on_every_page() -> None:
    report = report_of(content=LONG, is_signed=False)
    for page in lay_out(report, SUBJECT, default_face("en")):
        assert "DRAFT" in words_of(page)
        assert any("not signed" in text for text in words_of(page))
    (page,) = lay_out(report_of("zh", is_signed=False), SUBJECT, default_face("zh"))
    assert "草 稿" in words_of(page)
    assert any("未签署" in text for text in words_of(page))


def test_nothing_stands_outside_or_on_something_else() -> None:
    odd = Subject(
        patient_name="X" * 64 + "^" + "Y " * 30 + "=" + "王" * 60,
        patient_id="9" * 64,
        description="Chest " * 10,
        modalities=("CT", "SR", "DX", "MR"),
    )
    face = default_face("en")
    pages = lay_out(report_of(content=LONG), odd, face, picture=PICTURE)
    for page in pages:
        lines = [m for m in page if isinstance(m, Words) and not m.angle]
        for line in lines:
            assert line.x >= LEFT - 0.01
            assert line.x + face.width(line.text, line.size) <= RIGHT + 0.01
        body = sorted({m.y for m in lines if m.x == LEFT and BOTTOM <= m.y < TOP})
        gaps = [b - a for a, b in pairwise(body)]
        assert min(gaps, default=99) > 8


def test_the_key_image_keeps_its_shape() -> None:
    pages = lay_out(report_of(), SUBJECT, default_face("en"), picture=PICTURE)
    (shown,) = [m for page in pages for m in page if isinstance(m, Picture)]
    assert shown.height / shown.width == pytest.approx(40 / 30)
    assert "Haemorrhage on slice 3" in words_of(pages[-1])


def test_another_program_reads_every_word(tmp_path: Path) -> None:
    english = read(to_report_pdf(report_of(), SUBJECT), tmp_path, "-layout")
    for words in ("Haemorrhage on the left. [AI, accepted]", "Signed by dr.wang"):
        assert words in english
    chinese = read(to_report_pdf(report_of("zh"), SUBJECT), tmp_path, "-layout")
    for words in ("影像诊断报告", "左侧出血。[AI，已认可]", "签署医师：dr.wang"):
        assert words in chinese


def test_all_letters_are_embedded() -> None:
    pdf = to_report_pdf(report_of("zh"), SUBJECT, picture=PICTURE)
    fonts = re.findall(rb"/Type /Font(?!Descriptor)\b", pdf)
    files = re.findall(rb"/FontFile2", pdf)
    assert len(fonts) == len(files) >= 1
    assert b"Helvetica" not in pdf
    assert b"http" not in pdf.replace(b"http://www.reportlab.com", b"")


def test_the_same_report_is_the_same_bytes_whatever_was_printed_before() -> None:
    first = to_report_pdf(report_of(), SUBJECT, picture=PICTURE)
    other = to_report_pdf(report_of("zh"), SUBJECT)
    assert to_report_pdf(report_of(), SUBJECT, picture=PICTURE) == first
    assert to_report_pdf(report_of("zh"), SUBJECT) == other
    assert to_report_pdf(report_of(version=2), SUBJECT, picture=PICTURE) != first


def test_several_are_printed_at_a_time() -> None:
    wanted = {lang: to_report_pdf(report_of(lang), SUBJECT) for lang in ("en", "zh")}
    made: list[tuple[str, bytes]] = []

    def work(lang: str) -> None:
        made.append((lang, to_report_pdf(report_of(lang), SUBJECT)))  # type: ignore[arg-type]

    threads = [threading.Thread(target=work, args=(x,)) for x in ("en", "zh") * 4]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 8
    assert all(pdf == wanted[lang] for lang, pdf in made)


def test_hostile_names_are_drawn_as_they_can_be(tmp_path: Path) -> None:
    name = "O\u202e’Neil\x00^<script>^e\u0301^\u0645\u062d"
    subject = replace(SUBJECT, patient_name=name)
    text = read(to_report_pdf(report_of(), subject), tmp_path, "-layout")
    assert f"O’Neil, <script> é {STAND_IN}{STAND_IN}" in text
    assert "stands for a character that this file has no shape for" in text
    plain = read(to_report_pdf(report_of(), SUBJECT), tmp_path, "-layout")
    assert "no shape" not in plain


@pytest.mark.parametrize("rare", ["\ue863", "\U000323b1", "\U000f0001"])
def test_no_letter_of_a_name_is_lost(rare: str) -> None:
    """Rare ones lie in the private areas, or are newer than Python's own table."""
    face = default_face("zh")
    assert rare not in face.tidy(f"王{rare}")  # else take another that it lacks
    assert face.tidy(f"王{rare}") == f"王{STAND_IN}"
    assert face.tidy("王\u200b\u202e\x07") == "王"


def test_a_long_name_leaves_the_other_facts_on_every_page() -> None:
    odd = replace(SUBJECT, patient_name="X" * 64 + "^" + "Y" * 60)
    first, second, *_ = lay_out(report_of(content=LONG), odd, default_face("en"))
    assert [text[-1] for text in words_of(first) if text[:3] in ("XXX", "YYY")] == [
        "X",
        "X",
        "…",
    ]
    (line,) = [text for text in words_of(second) if text.startswith("XXX")]
    assert line.endswith("X… · P-1 · 1970-02-03")


def test_quotation_marks_have_the_width_of_their_language() -> None:
    english, chinese = default_face("en"), default_face("zh")
    assert english.width("’", 1000) == 279  # of the font's table "pwid"
    assert chinese.width("’", 1000) == 1000
    assert english.embed("’") != chinese.embed("’")
    assert english.width("王a", 1000) == chinese.width("王a", 1000)


def test_letters_keep_their_width() -> None:
    from fontTools.ttLib import TTFont

    face = default_face("en")
    text = "Aé王，"
    made = TTFont(io.BytesIO(face.embed(text)))
    names = made.getBestCmap()
    for character in text:
        advance = made["hmtx"][names[ord(character)]][0]
        assert face.width(character, 1000) == pytest.approx(advance, abs=0.5)
    assert face.embed(text) == face.embed("王A，é王")


def test_without_its_packages_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def lack() -> str:
        raise ImportError

    monkeypatch.setattr(face_module, "_packaged", lack)
    default_face.cache_clear()
    with pytest.raises(MissingExtraError, match=r"pip install 'medlens\[serve\]'"):
        to_report_pdf(report_of(), SUBJECT)
    default_face.cache_clear()


def test_shapes_are_kept_up_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    face = Face(lang="zh")
    first = face.embed("abc")
    monkeypatch.setattr(face_module, "MOST_KEPT", 2)
    face.embed("defg")
    assert sorted(face._shapes) == ["", " ", "d", "e", "f", "g", STAND_IN]
    assert face.embed("abc") == first
