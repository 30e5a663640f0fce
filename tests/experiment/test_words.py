"""Figures in plain sentences."""

from __future__ import annotations

from typing import Any

from medlens.experiment.words import headline, interval


def metrics_of(unit: str, *, cases: int, units: int) -> dict[str, Any]:
    entry = {
        "n_cases": cases,
        "n_patients": units,
        "unit": unit,
        "metrics": {"auroc": {"value": 0.9, "low": 0.8, "high": 0.95}},
    }
    return {"splits": {"test": entry}}


def test_the_unit_of_the_intervals_is_named() -> None:
    lines = headline(metrics_of("patient", cases=12, units=7))
    assert lines[0] == "On 12 cases of 7 patients (test split, 95 % intervals):"
    assert lines[1].endswith("0.900 (0.800–0.950)")
    lines = headline(metrics_of("group", cases=12, units=9))
    assert lines[0].startswith("On 12 cases of 9 groups of copies (")


def test_single_cases_are_no_groups() -> None:
    lines = headline(metrics_of("group", cases=12, units=12))
    assert lines[0] == "On 12 cases (test split, 95 % intervals):"


def test_the_label_to_read_again_first_is_named() -> None:
    metrics = metrics_of("patient", cases=12, units=7)
    metrics["splits"]["test"]["label_suspects"] = {
        "n_entries": 2,
        "n_cases": 18,
        "listed": [
            {
                "case": "no/7.png",
                "n_cases": 17,
                "reference": "no",
                "looks_like": "yes",
                "probability": 1.0,
            }
        ],
    }
    assert headline(metrics)[-1].endswith(
        "18 cases; first no/7.png and 16 like it, labelled 'no', looks like 'yes' "
        "(0.999)"
    )


def test_a_missing_figure_says_why() -> None:
    found = interval({"value": None, "reason": "one class only"})
    assert found == "not defined: one class only"
