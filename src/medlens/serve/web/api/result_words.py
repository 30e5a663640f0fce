"""What a diagnosis says in its own words, in the two languages of the page.

A label, a reason or the name of a rule is a word of medlens or of a bundle's maker. The
table of terms and that of sentences know many of them; a page asks for none by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pydantic import BaseModel, Field

from medlens.core.diagnosis import Assessment, Diagnosis
from medlens.core.terms import LANGUAGES, name_of
from medlens.write.words import printable, say_key, say_reason, say_rule


class WordsView(BaseModel):
    """A word or sentence in both languages; what nobody can translate as it stands."""

    en: str = Field(examples=["pneumonia"])
    zh: str = Field(examples=["肺炎"])


def names_of(diagnosis: Diagnosis) -> dict[str, WordsView]:
    """Label → its name, of every finding and prediction set.

    >>> names_of(Diagnosis("study 1", ()))
    {}
    """
    labels = dict.fromkeys(
        label for each in diagnosis.assessments for label in _labels(each)
    )
    return {
        label: WordsView(
            en=printable(name_of(label)), zh=printable(name_of(label, "zh"))
        )
        for label in labels
    }


def phrases_of(diagnosis: Diagnosis) -> dict[str, WordsView]:
    """Reason, note, local key or rule of an operating point → the same for people."""
    found: dict[str, WordsView] = {}
    for texts, say in (
        (_reasons(diagnosis), say_reason),
        (_keys(diagnosis), say_key),
        (_rules(diagnosis), say_rule),
    ):
        for text in texts:
            english, chinese = (say(text, lang) for lang in LANGUAGES)
            found.setdefault(text, WordsView(en=english, zh=chinese))
    return found


def _labels(assessment: Assessment) -> Iterator[str]:
    yield from (finding.label for finding in assessment.findings)
    yield from assessment.prediction_set


def _reasons(diagnosis: Diagnosis) -> Iterable[str]:
    for assessment in diagnosis.assessments:
        yield from filter(None, (assessment.reason, *assessment.notes))
    yield from (reason for _, reason in diagnosis.left_out)


def _keys(diagnosis: Diagnosis) -> Iterable[str]:
    yield from (what for what, _ in diagnosis.left_out)


def _rules(diagnosis: Diagnosis) -> Iterable[str]:
    for assessment in diagnosis.assessments:
        yield from (f.operating_point for f in assessment.findings if f.operating_point)
