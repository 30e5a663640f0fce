"""The report as text, its digest, and the names of people and days."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest

from medlens.write.reading.content import digest_of, from_document, to_document
from medlens.write.reading.text import day_of, shown_name, to_report_text
from medlens.write.reading.words import WORDS, has_ai
from tests.write.reading.reports import (
    CHINESE,
    ENGLISH,
    FROM_NEWEST,
    FROM_OLDER,
    report_of,
)

# Keys in order, no blanks, letters as they are: written by hand.
CANONICAL = (
    '{"lang":"zh","result_id":null,"schema":"medlens/report/1","sections":'
    '{"comparison":"","examined":"","findings":"“所见”\\n\\"x\\"","impression":"",'
    '"indication":""}}'
)


def test_a_signed_report_reads_from_top_to_bottom() -> None:
    assert to_report_text(report_of()) == (
        "Signed report\nStudy 7 · Version 1\n\n"
        "INDICATION\nCough for three days.\n\n"
        "EXAMINATION\nCT, head, 4 images.\n\n"
        "FINDINGS\nHaemorrhage on the left. [AI, accepted]\nNo fracture.\n\n"
        "Sinuses clear.\n\n"
        "COMPARISON\nCompared with the prior study. [AI]\n\n"
        "IMPRESSION\nHaemorrhage.\n\n"
        "Signed by dr.wang, 2026-03-04 05:06:07 UTC\n"
        "[AI]: first proposed by software, taken over by who signed.\n"
        f"SHA-256 of the content {digest_of(ENGLISH)}\n"
        "medlens is research software, not a medical device.\n"
    )


def test_a_draft_says_so_first_and_that_nothing_is_verified() -> None:
    for lang, first, mark in (
        ("en", "Draft – not signed", "[AI]: proposed by software; AI, not verified."),
        ("zh", "草稿 – 未签署", "[AI]：由软件提出；人工智能结果，未经核实。"),
    ):
        report = report_of(lang, is_signed=False)  # type: ignore[arg-type]
        lines = to_report_text(report).splitlines()
        assert lines[0] == first
        assert mark in lines


def test_what_is_empty_is_left_out() -> None:
    content = replace(ENGLISH, findings=" \n", comparison="", examined="plain")
    text = to_report_text(report_of(content=content))
    assert "FINDINGS" not in text
    assert "COMPARISON" not in text
    assert "[AI]" not in text


def test_a_change_says_why_and_of_what() -> None:
    text = to_report_text(report_of("zh", version=3, amends=1, reason="漏写对比"))
    assert text.startswith("更正报告\n检查 7 · 第3版\n")
    assert "本版替代第1版，原版仍予保留。" in text
    assert "更正原因：漏写对比" in text


def test_it_says_which_result_it_was_drafted_from() -> None:
    english = to_report_text(report_of(drafted=FROM_NEWEST))
    assert "\nDrafted from AI result 4 of 2026-03-03 20:00:01 UTC.\n" in english
    assert "newer" not in english
    older = to_report_text(report_of(drafted=FROM_OLDER))
    assert (
        "Drafted from AI result 4 of 2026-03-03 20:00:01 UTC.\n"
        "When this version was made there was a newer AI result, 9 of "
        "2026-03-04 01:02:03 UTC, that the draft does not contain.\n"
    ) in older
    chinese = to_report_text(report_of("zh", drafted=FROM_OLDER))
    assert "根据人工智能结果 4（2026-03-03 20:00:01 UTC）起草。" in chinese
    assert "已有更新的人工智能结果 9（2026-03-04 01:02:03 UTC）" in chinese
    assert "Drafted" not in to_report_text(report_of())


def test_the_digest_is_of_the_canonical_form() -> None:
    content = from_document(
        {"lang": "zh", "result_id": None, "sections": {"findings": '“所见”\n"x"'}}
    )
    assert digest_of(content) == hashlib.sha256(CANONICAL.encode()).hexdigest()
    assert digest_of(replace(content, lang="en")) != digest_of(content)


@pytest.mark.parametrize("content", [ENGLISH, CHINESE])
def test_a_document_comes_back(content: object) -> None:
    assert from_document(to_document(content)) == content  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "english", "chinese"),
    [
        ("Doe^Jane^Q.^Dr.", "Doe, Jane Q. Dr.", "Doe, Jane Q. Dr."),
        ("Wang^XiaoDong=王^小东", "Wang, XiaoDong (王小东)", "王小东 (Wang, XiaoDong)"),
        ("=王^小东", "王小东", "王小东"),
        ("Mononym", "Mononym", "Mononym"),
        ("", "", ""),
    ],
)
def test_names_are_written_as_people_do(name: str, english: str, chinese: str) -> None:
    assert (shown_name(name), shown_name(name, "zh")) == (english, chinese)


def test_only_days_are_shown() -> None:
    assert [day_of(d) for d in ("20260102", "", "2026010", "２０２６０１０２")] == [
        "2026-01-02",
        "",
        "",
        "",
    ]


def test_marks_are_known_in_both_languages() -> None:
    for key in ("ai", "ai_accepted", "ai_corrected", "ai_disputed"):
        assert all(has_ai(f"x {word}") for word in WORDS[key])
    assert not has_ai("an AI said [so]")
