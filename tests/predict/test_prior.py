"""The earlier diagnosis that a user hands in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from medlens.core import UsageError
from medlens.core.diagnosis import Diagnosis
from medlens.predict.prior import load_priors
from medlens.write.document import to_document


def save(path: Path, document: Any) -> Path:
    path.write_text(json.dumps(document), "utf-8")
    return path


def predictions(*cases: str) -> dict[str, Any]:
    return {
        "schema": "medlens/prediction/1",
        "cases": [{"diagnosis": to_document(Diagnosis(case, ()))} for case in cases],
    }


def test_one_diagnosis_is_of_whatever_case_there_is(tmp_path: Path) -> None:
    found = load_priors(save(tmp_path / "d.json", to_document(Diagnosis("then", ()))))
    assert found.of("now") == Diagnosis("then", ())
    found.check(1)
    with pytest.raises(
        UsageError, match="holds the diagnosis of one study, and there are 2"
    ):
        found.check(2)


def test_one_case_of_a_prediction_is_the_same(tmp_path: Path) -> None:
    found = load_priors(save(tmp_path / "p.json", predictions("then")))
    assert found.of("now") == Diagnosis("then", ())


def test_several_cases_are_told_apart_by_their_keys(tmp_path: Path) -> None:
    found = load_priors(save(tmp_path / "p.json", predictions("a", "b")))
    found.check(5)
    assert found.of("b") == Diagnosis("b", ())
    assert found.of("c") is None


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("no json", "--prior p.json: is no JSON document"),
        ("[" * 100_000, "--prior p.json: is no JSON document"),
        ("[]", "--prior p.json: wanted a document of schema 'medlens/diagnosis/1' or"),
        (
            '{"schema": "medlens/bundle/1"}',
            "--prior p.json: wanted a document of schema",
        ),
        (
            '{"schema": "medlens/diagnosis/1"}',
            "--prior p.json: diagnosis: case is missing",
        ),
        (
            '{"schema": "medlens/prediction/1", "cases": [{"case": "a"}]}',
            "--prior p.json: none of its cases has a diagnosis; predict the prior",
        ),
        (
            '{"schema": "medlens/prediction/1", "cases": 3}',
            "--prior p.json: none of its cases has a diagnosis",
        ),
        (
            '{"schema": "medlens/prediction/1", "cases": [{"diagnosis": 3}]}',
            "--prior p.json: diagnosis: wanted a JSON object",
        ),
    ],
)
def test_what_is_no_prior_is_told(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "p.json"
    path.write_text(content, "utf-8")
    with pytest.raises(UsageError, match=message):
        load_priors(path)


def test_a_file_that_is_not_there_is_told_without_its_folder(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"^--prior x.json: cannot be read \(No such"):
        load_priors(tmp_path / "x.json")


def test_a_huge_file_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = save(tmp_path / "p.json", {})
    monkeypatch.setattr("medlens.predict.prior.MOST_BYTES", 1)
    with pytest.raises(UsageError, match=r"--prior p\.json: is larger than 0 MB"):
        load_priors(path)
