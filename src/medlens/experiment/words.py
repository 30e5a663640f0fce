"""Measured figures in plain sentences, for the end of a command."""

from __future__ import annotations

from typing import Any

from medlens.evaluate import write_mask_sentence

_UNITS = {"patient": "patients", "group": "groups of copies"}


def headline(metrics: dict[str, Any]) -> list[str]:
    """The answer in a few lines: what the model can do, how sure, on what."""
    splits = metrics["splits"]
    name = "test" if "test" in splits else next(iter(splits))
    entry = splits[name]
    if metrics.get("task", {}).get("form") == "segment":
        return [f"On the {name} split, 95 % intervals:", *_mask_lines(entry)]
    found = entry["metrics"]
    lines = [f"On {_counted(entry)} ({name} split, 95 % intervals):"]
    for key, words in (
        ("auroc", "AUROC"),
        ("sensitivity", "sensitivity"),
        ("specificity", "specificity"),
        ("accuracy", "accuracy"),
        ("ece", "calibration error (ECE)"),
    ):
        if key in found:
            lines.append(f"  {words:<24} {interval(found[key])}")
    classical = entry.get("baselines", {}).get("classical")
    if classical:
        lines.append(
            f"  {'classical baseline AUROC':<24} "
            f"{interval(classical['metrics']['auroc'])}"
        )
    series = entry.get("series", {}).get("metrics", {}).get("auroc")
    if series:
        lines.append(f"  {'AUROC of whole series':<24} {interval(series)}")
    return lines + _suspects(entry.get("label_suspects") or {})


def _mask_lines(entry: dict[str, Any]) -> list[str]:
    lines = [f"  {write_mask_sentence(entry)}"]
    for label, own in entry["per_label"].items():
        dice = own["metrics"].get("dice") if "metrics" in own else own.get("dice")
        if dice:
            lines.append(f"  {'Dice of ' + label:<24} {interval(dice)}")
    present = entry["metrics"].get("dice_present")
    if present and entry["unit"] == "images":
        lines.append(f"  {'Dice where it is present':<24} {interval(present)}")
    return lines


def _suspects(found: dict[str, Any]) -> list[str]:
    if not found.get("n_entries"):
        return []
    first = found["listed"][0]
    alike = f" and {first['n_cases'] - 1} like it" if first["n_cases"] > 1 else ""
    return [
        f"  {'labels to read again':<24} {found['n_cases']} cases; first "
        f"{first['case']}{alike}, labelled {first['reference']!r}, looks like "
        f"{first['looks_like']!r} ({chance(first['probability'])})"
    ]


def chance(value: float) -> str:
    """A probability in words that never claims certainty."""
    return f"{min(max(value, 0.001), 0.999):.3f}"


def _counted(entry: dict[str, Any]) -> str:
    cases, units = entry["n_cases"], entry["n_patients"]
    words = entry.get("case_unit", "cases")
    if entry["unit"] == "group" and units == cases:
        return f"{cases} {words}"
    return f"{cases} {words} of {units} {_UNITS[entry['unit']]}"


def interval(estimate: dict[str, Any]) -> str:
    """ "0.912 (0.880–0.938)", or why there is none."""
    if estimate.get("value") is None:
        return f"not defined: {estimate.get('reason', 'too few cases')}"
    text = f"{estimate['value']:.3f}"
    if estimate.get("low") is not None and estimate.get("high") is not None:
        text += f" ({estimate['low']:.3f}–{estimate['high']:.3f})"
    return text
