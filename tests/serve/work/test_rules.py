"""Rules: what they take, what they refuse, and what is wrong in their file."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from medlens.core import UsageError
from medlens.serve.settings import Peer
from medlens.serve.work.facts import Facts
from medlens.serve.work.glob import is_match
from medlens.serve.work.rule import Range, Rule, misfit
from medlens.serve.work.rules import (
    check_destinations,
    load_rules,
    rule_lines,
    rules_from_table,
)

CHEST = Facts(
    modality="DX",
    body_part="CHEST",
    series_description="Thorax PA stehend",
    view_position="PA",
    image_type=("ORIGINAL", "PRIMARY"),
)
CT = Facts(
    is_series=True, slices=120, modality="CT", orientation="axial",
    slice_gap_mm=1.25, slice_thickness_mm=1.25, has_contrast=True,
)  # fmt: skip


@pytest.mark.parametrize(
    ("pattern", "text", "wanted"),
    [
        ("chest", "CHEST", True),
        ("chest", "CHEST PA", False),
        ("*chest*", "ap CHEST pa", True),
        ("t?orax*", "Thorax", True),
        ("*a*b*", "xxbxa", False),
        ("*a*b*", "xxaxb", True),
        ("", "", True),
        ("*", "", True),
        ("?", "", False),
        ("胸部*", "胸部正位", True),
    ],
)
def test_patterns(pattern: str, text: str, wanted: bool) -> None:
    assert is_match(pattern, text) is wanted


@given(st.text("ab*?", max_size=6), st.text("ab", max_size=7))
def test_patterns_mean_what_their_definition_says(pattern: str, text: str) -> None:
    assert is_match(pattern, text) == _by_definition(pattern, text)


def _by_definition(pattern: str, text: str) -> bool:
    if not pattern:
        return not text
    if pattern[0] == "*":
        return any(_by_definition(pattern[1:], text[i:]) for i in range(len(text) + 1))
    return (
        bool(text)
        and pattern[0] in ("?", text[0])
        and _by_definition(pattern[1:], text[1:])
    )


def test_a_hostile_text_takes_no_time() -> None:
    started = time.perf_counter()
    assert not is_match("*a" * 50 + "b", "a" * 100_000)
    assert time.perf_counter() - started < 0.5


@pytest.mark.parametrize(
    ("rule", "facts", "wanted"),
    [
        (Rule("r", "b", modality=("CR", "DX")), CHEST, ""),
        (Rule("r", "b", modality=("MR",)), CHEST, "modality MR"),
        (
            Rule("r", "b", modality=("CR", "DX"), body_part=("CHEST",)),
            Facts(modality="MR", body_part="KNEE"),
            "modality CR or DX and body part CHEST",
        ),
        (Rule("r", "b", body_part=("CHEST",)), CT, "body part CHEST (it is not given)"),
        (Rule("r", "b", series_description=("*thorax*",)), CHEST, ""),
        (Rule("r", "b", image_type=("PRIMARY",)), CHEST, ""),
        (Rule("r", "b", image_type=("DERIVED",)), CHEST, "image type DERIVED"),
        (Rule("r", "b", slices=Range(20, 800)), CT, ""),
        (
            Rule("r", "b", slices=Range(200)),
            CT,
            "number of slices at least 200 (there it is 120)",
        ),
        (
            Rule("r", "b", slice_gap_mm=Range(None, 1.0)),
            CT,
            "slice gap in mm at most 1 (there it is 1.25)",
        ),
        (
            Rule("r", "b", pixel_spacing_mm=Range(0.1, 0.2)),
            CT,
            "pixel spacing in mm 0.1 to 0.2 (it is not given)",
        ),
        (Rule("r", "b", has_contrast=False), CT, "no contrast"),
        (Rule("r", "b", orientation=("axial",)), CT, ""),
        (Rule("r", "b"), Facts(is_capture=True), "no secondary capture"),
        (Rule("r", "b", captures=True), Facts(is_capture=True), ""),
    ],
)
def test_conditions(rule: Rule, facts: Facts, wanted: str) -> None:
    assert misfit(rule, facts) == wanted


def test_free_text_of_a_header_never_stands_in_a_reason() -> None:
    facts = Facts(series_description="Doe Jane", protocol_name="Doe", modality="CT")
    rule = Rule(
        "r", "b", series_description=("x",), protocol_name=("y",), modality=("MR",)
    )
    assert "Doe" not in misfit(rule, facts)


def test_a_file_of_rules(tmp_path: Path) -> None:
    path = tmp_path / "rules.toml"
    path.write_text(
        """
match = "all"
[[rule]]
name = "chest"
bundle = "chest-3"
modality = ["CR", "DX"]
series_description = "*chest*"
slices = 1
pixel_spacing_mm = { max = 0.3 }
destinations = ["pacs"]
priority = 5
[[rule]]
name = "no dose reports"
exclude = true
series_description = ["*dose*"]
"""
    )
    rules = load_rules(path)
    assert rules.match == "all"
    first, second = rules.rules
    assert first.modality == ("CR", "DX")
    assert first.series_description == ("*chest*",)
    assert (first.slices, first.pixel_spacing_mm) == (Range(1, 1), Range(None, 0.3))
    assert (first.priority, first.destinations) == (5, ("pacs",))
    assert second.exclude
    lines = rule_lines(rules)
    assert len(lines) == 3
    assert "chest-3" in lines[1]
    assert "pixel spacing in mm at most 0.3" in lines[1]
    assert "left out" in lines[2]


def test_the_digest_is_of_what_rules_say_and_not_of_their_file(tmp_path: Path) -> None:
    texts = (
        '[[rule]]\nname = "a"\nbundle = "b"\nmodality = "CT"\n',
        '# said\n[[rule]]\nbundle = "b"\nmodality = ["CT"]\nname = "a"\n',
        '[[rule]]\nname = "a"\nbundle = "b"\nmodality = "MR"\n',
    )
    digests = []
    for at, text in enumerate(texts):
        path = tmp_path / f"{at}.toml"
        path.write_text(text)
        digests.append(load_rules(path).digest)
    assert digests[0] == digests[1] != digests[2]


GOOD: dict[str, Any] = {"name": "a", "bundle": "b"}


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"rules": []}, r"rules is unknown; nearest: rule"),
        ({}, r"has 0 rules; wanted 1 to 500"),
        ({"rule": [GOOD], "match": "some"}, r"match is 'some'; wanted 'first' or"),
        ({"rule": [{**GOOD, "modalty": "CT"}]}, r"modalty is unknown; .*: modality"),
        ({"rule": [{"bundle": "b"}]}, r"rule\[0\]: has no name"),
        ({"rule": [{"name": "a"}]}, r"wanted a bundle, or exclude = true"),
        ({"rule": [{**GOOD, "exclude": True}]}, r"wanted a bundle, or exclude"),
        ({"rule": [GOOD, GOOD]}, r"two rules are named 'a'"),
        ({"rule": [{**GOOD, "modality": 3}]}, r"modality: wanted text, or a list"),
        ({"rule": [{**GOOD, "modality": [3]}]}, r"modality: 3 is no text of 1 to 100"),
        ({"rule": [{**GOOD, "modality": ["x" * 101]}]}, r"is no text of 1 to 100"),
        ({"rule": [{**GOOD, "slices": "many"}]}, r"slices: wanted a number or"),
        ({"rule": [{**GOOD, "slices": {"mini": 1}}]}, r"mini is unknown; nearest: min"),
        ({"rule": [{**GOOD, "slices": {"min": -1}}]}, r"min is -1; wanted a number"),
        ({"rule": [{**GOOD, "slices": {"min": 2, "max": 1}}]}, r"min 2 is above max 1"),
        ({"rule": [{**GOOD, "priority": 101}]}, r"priority is 101; wanted a whole"),
        ({"rule": [{**GOOD, "priority": True}]}, r"priority is True; wanted a whole"),
        ({"rule": [{**GOOD, "uneven": "mend"}]}, r"uneven is 'mend'; wanted one of"),
        ({"rule": [{**GOOD, "captures": 1}]}, r"captures is 1; wanted true or false"),
        ({"rule": [{"name": "", "bundle": "b"}]}, r"name is ''; wanted text"),
        ({"rule": {"name": "a"}}, r"rule is no list of tables"),
    ],
)
def test_what_is_wrong_with_rules(table: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        rules_from_table(table)


def test_files_that_are_no_rules(tmp_path: Path) -> None:
    path = tmp_path / "rules.toml"
    with pytest.raises(UsageError, match=r"rules\.toml: cannot be read"):
        load_rules(path)
    path.write_text("[[rule]\n")
    with pytest.raises(UsageError, match=r"is no TOML .*mend that place"):
        load_rules(path)
    path.write_bytes(b"#" * 1_000_001)
    with pytest.raises(UsageError, match=r"1,000,001 bytes; at most 1,000,000"):
        load_rules(path)


def test_destinations_must_be_peers_that_receive() -> None:
    rules = rules_from_table({"rule": [{**GOOD, "destinations": ["pack"]}]})
    pacs = Peer("pacs", ae_title="PACS", host="127.0.0.1", port=104)
    with pytest.raises(UsageError, match=r"'pack' is no peer .*; nearest: 'pacs'"):
        check_destinations(rules, [pacs])
    with pytest.raises(UsageError, match=r"none is described"):
        check_destinations(rules, [Peer("pack", ae_title="X")])
    check_destinations(rules, [Peer("pack", url="http://127.0.0.1/stow")])
