"""Labels that a reader should look at again, as a table."""

from __future__ import annotations

from medlens.report.figure import Table
from medlens.report.quantity import chance_text
from medlens.report.subject import Subject
from medlens.report.values import (
    as_list,
    as_mapping,
    clean_count,
    clean_number,
    clean_text,
)


def suspect_table(subject: Subject) -> Table | None:
    """Labels that a reader should look at again."""
    found = as_mapping(subject.leading.get("label_suspects"))
    listed = [as_mapping(entry) for entry in as_list(found.get("listed"))]
    if not listed:
        return None
    rows = tuple(
        (
            clean_text(entry.get("case"), limit=80),
            f"{clean_count(entry.get('n_cases')) or 1:,}",
            clean_text(entry.get("reference"), limit=60),
            clean_text(entry.get("looks_like"), limit=60),
            chance_text(clean_number(entry.get("probability")) or 0.0),
        )
        for entry in listed
    )
    more = (clean_count(found.get("n_entries")) or len(rows)) - len(rows)
    left = f" {more} more are not listed." if more > 0 else ""
    return Table(
        "Labels to read again",
        ("Case", "Cases like it", "Labelled", "Looks like", "Probability"),
        rows,
        words=frozenset({2, 3}),
        note="The model is as sure of another label here as it is, on average, of "
        "cases that carry it (confident learning, Northcutt et al. 2021). Some will "
        "be errors of the model, some of the labels: let a reader decide. All "
        "figures count them as they are labelled." + left,
    )
