"""The model card: what a hospital needs to know of a bundle, as Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from medlens.bundle.model import NOTE_NAME, Bundle
from medlens.bundle.save import note_of
from medlens.core import DataError
from medlens.report.load import RunFolder, read_mapping
from medlens.report.making import limits_of_use
from medlens.report.quantity import (
    both_text,
    interval_text,
    meaning_of,
    measure_of,
    p_text,
    signed_text,
    to_quantity,
)
from medlens.report.subject import (
    Subject,
    find_subject,
    known_metrics,
    mean_words,
    metric,
    point_name,
)
from medlens.report.values import (
    Json,
    as_list,
    as_mapping,
    clean_count,
    clean_number,
    clean_text,
    count_of,
    units_of,
    without_folder,
)

_MARKS = re.compile(r"([\\`*_{}\[\]()#+!|~<>])")
# Section headings follow Mitchell et al. 2019, "Model cards for model reporting".


def write_card(
    bundle: Path | Mapping[str, Any] | Bundle,
    metrics: Mapping[str, Any] | None = None,
) -> str:
    """card.md of a bundle.

    Args:
        bundle: the bundle's folder, the bundle in memory, or the mapping that is
            or becomes bundle.json.
        metrics: metrics.json, whole or only its splits; without it the bundle's
            own summary under "metrics" is used.

    Returns:
        Markdown. Labels and names are escaped, since they come from users.

    Raises:
        DataError: the folder holds no readable bundle.json.
    """
    note = _note(bundle)
    folder = RunFolder(name="", bundle=note, metrics=_whole(metrics, note))
    subject = find_subject(folder)
    sections = (
        _title(note, subject),
        _purpose(note, subject),
        _data(note, subject),
        _performance(subject),
        _points(note, subject),
        _doubt(note, subject),
        _limits(folder, subject),
        _digests(note),
    )
    return "\n\n".join(section for section in sections if section) + "\n"


def _note(bundle: Path | Mapping[str, Any] | Bundle) -> Json:
    """bundle.json as a mapping."""
    if isinstance(bundle, Bundle):
        # The bundle's own digest covers the card, so the card cannot state it.
        return {k: v for k, v in note_of(bundle, "").items() if k != "digest"}
    if not isinstance(bundle, Path):
        return bundle
    try:
        return read_mapping(bundle / NOTE_NAME)
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(
            f"{bundle.name}: no readable {NOTE_NAME} ({type(error).__name__}); "
            "wanted a bundle folder as medlens run writes it"
        ) from None


def _whole(metrics: Mapping[str, Any] | None, note: Json) -> Json:
    """A metrics.json mapping from whatever form the figures come in."""
    given = as_mapping(metrics) or as_mapping(note.get("metrics"))
    if not given or "splits" in given:
        return given
    task = note.get("task")
    if any("metrics" in as_mapping(split) for split in given.values()):
        return {"task": task, "splits": given}
    split = given if "metrics" in given else {"metrics": given}
    return {"task": task, "splits": {"test": split}}


def _plain(value: object, *, limit: int = 200) -> str:
    """User text with every mark that Markdown or HTML would act on escaped."""
    return (
        _MARKS.sub(r"\\\1", clean_text(value, limit=limit))
        .replace("\\<", "&lt;")
        .replace("\\>", "&gt;")
    )


def _title(note: Json, subject: Subject) -> str:
    name = _plain(note.get("name"), limit=60) or "Model"
    kinds = {
        "binary": "two-way classifier",
        "multiclass": "classifier with one answer of several",
        "multilabel": "finder of several labels at once",
    }
    kind = kinds.get(subject.kind, "classifier")
    intended = clean_text(note.get("intended_use"), limit=1000)
    is_said = "medical device" in intended.lower()
    return (
        f"# Model card: {name}\n\nAn image {kind}, made with medlens "
        f"{_plain(note.get('medlens'), limit=20)}.".replace("  ", " ").replace(
            " .", "."
        )
        + ("" if is_said else " **Research software, not a medical device.**")
    )


def _purpose(note: Json, subject: Subject) -> str:
    lines = ["## Intended use", ""]
    lines.append(
        _plain(note.get("intended_use"), limit=1000)
        or "Its makers stated no use; treat it as an experiment."
    )
    labels = ", ".join(f"“{_plain(label, limit=60)}”" for label in subject.labels)
    lines += ["", f"Labels: {labels}."] if labels else []
    if subject.positive:
        lines[-1] += f" Positive: “{_plain(subject.positive, limit=60)}”."
    size = as_mapping(note.get("input"))
    height, width = clean_count(size.get("height")), clean_count(size.get("width"))
    if height and width:
        colour = "colour" if clean_count(size.get("channels")) == 3 else "grey"
        lines += ["", f"Images are seen as {colour} at {height} × {width} pixels."]
    return "\n".join(lines)


def _data(note: Json, subject: Subject) -> str:
    training = as_mapping(note.get("training"))
    lines = ["## Data", ""]
    facts = [
        f"- {_plain(name, limit=60).replace(chr(92) + '_', ' ')}: {_fact(value)}"
        for name, value in list(training.items())[:30]
        if name not in ("recipe", "plan") and _fact(value)
    ]
    lines += facts or ["What it was trained on was not recorded."]
    for name, split in subject.splits.items():
        cases, patients = (clean_count(split.get(k)) for k in ("n_cases", "n_patients"))
        if cases is not None:
            units = units_of(split) if patients else ""
            whom = f" of {units}" if units not in ("", count_of(cases, "case")) else ""
            where = f"measured on {_plain(name, limit=30)}"
            lines.append(f"- {where}: {count_of(cases, 'case')}{whom}")
    return "\n".join(lines)


def _fact(value: object) -> str:
    held = as_mapping(value)
    if held:
        parts = (
            f"{_plain(k, limit=60)} {_fact(v)}" for k, v in list(held.items())[:20]
        )
        return ", ".join(parts)
    if isinstance(value, list | tuple):
        return ", ".join(_fact(item) for item in value[:20])
    return _plain(without_folder(str(value))) if value is not None else ""


def _table(columns: Iterable[str], rows: Iterable[Iterable[str]]) -> list[str]:
    heads = list(columns)
    lines = [f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}"]
    return lines + [f"| {' | '.join(row)} |" for row in rows]


def _performance(subject: Subject) -> str:
    names = known_metrics(subject.leading)
    if not names:
        return "## Performance\n\nNothing was measured; do not use it for anything yet."
    rows = [
        (
            measure_of(name).name,
            both_text(subject.quantity(name), is_share=measure_of(name).is_share),
            meaning_of(name),
        )
        for name in names
    ]
    columns = ("Metric", "Value (95% interval)", "What it says")
    where = "these cases" if subject.split == "all" else f"the {subject.split} split"
    said = f"Measured on {_plain(where)}. {mean_words(subject.kind)}".strip()
    lines = ["## Performance", "", said, "", *_table(columns, rows)]
    lines += _label_lines(subject) + _baseline_lines(subject)
    return "\n".join(lines)


def _label_lines(subject: Subject) -> list[str]:
    per_label = as_mapping(subject.leading.get("per_label"))
    labels = [label for label in subject.labels if label in per_label]
    if subject.positive or not labels:
        return []
    names = ("auroc", "sensitivity", "specificity")
    rows = [
        (
            _plain(label, limit=60),
            *(
                both_text(metric(per_label[label], n), is_share=measure_of(n).is_share)
                for n in names
            ),
        )
        for label in labels
    ]
    heads = ("Label", *(measure_of(name).name for name in names))
    return ["", *_table(heads, rows)]


def _baseline_lines(subject: Subject) -> list[str]:
    baselines = as_mapping(subject.leading.get("baselines"))
    classical = as_mapping(baselines.get("classical"))
    theirs = metric(classical, "auroc")
    if theirs.value is None:
        return []
    raw = as_mapping(classical.get("auroc_difference"))
    gap = to_quantity(raw)
    text = f"A classical baseline reaches AUROC {both_text(theirs)} on the same cases"
    if gap.value is not None:
        doubt = (interval_text(gap), p_text(clean_number(raw.get("p_value"))))
        within = "; ".join(part for part in doubt if part)
        text += f"; network minus baseline: {signed_text(gap.value)}"
        text += f" ({within})" if within else ""
    return ["", f"{text}."]


def _points(note: Json, subject: Subject) -> str:
    measured = as_list(subject.leading.get("operating_points"))
    points = [as_mapping(p) for p in measured or as_list(note.get("operating_points"))]
    if not points:
        return ""
    rows = []
    for point in points[:60]:
        threshold = clean_number(point.get("threshold"))
        name = _plain(point_name(point), limit=60)
        rows.append(
            (
                f"{name} (chosen)" if point.get("chosen") is True else name,
                _plain(point.get("label"), limit=60) or "–",
                "–" if threshold is None else f"{threshold:.3f}",
                both_text(metric(point, "sensitivity"), is_share=True),
                both_text(metric(point, "specificity"), is_share=True),
            )
        )
    columns = ("Rule", "Label", "Threshold", "Sensitivity", "Specificity")
    return "\n".join(
        [
            "## Operating points",
            "",
            "Thresholds were set on validation cases. Check them on local cases before "
            "relying on them.",
            "",
            *_table(columns, rows),
        ]
    )


def _doubt(note: Json, subject: Subject) -> str:
    lines = []
    coverage = clean_number(as_mapping(note.get("conformal")).get("coverage"))
    if coverage is not None:
        lines.append(
            "- Prediction sets promise to hold the true label in "
            f"{100 * coverage:.0f}% of cases like those it was calibrated on."
        )
    seen = to_quantity(as_mapping(subject.leading.get("conformal")).get("coverage"))
    if seen.value is not None:
        lines.append(f"- Measured: {both_text(seen, is_share=True)}.")
    if note.get("outlier"):
        lines.append(
            "- Images unlike the training images are flagged; do not use the answer "
            "then."
        )
    return "\n".join(["## What it says when unsure", "", *lines]) if lines else ""


def _limits(folder: RunFolder, subject: Subject) -> str:
    limits = limits_of_use(folder, subject)
    kept = [text for text in limits if not text.startswith("Made for: ")]
    return "\n".join(["## Limits", "", *(f"- {_escaped(text)}" for text in kept)])


def _escaped(text: str) -> str:
    return text.replace("<", "&lt;").replace("|", "\\|")


def _digests(note: Json) -> str:
    files = {
        str(name): clean_text(digest, limit=90)
        for name, digest in as_mapping(note.get("files")).items()
        # The card cannot hold its own digest.
        if name != "card.md"
    }
    own = clean_text(note.get("digest"), limit=90)
    rows = [(_plain(name, limit=60), f"`{_code(d)}`") for name, d in files.items() if d]
    rows += [("bundle", f"`{_code(own)}`")] if own else []
    if not rows:
        return ""
    return "\n".join(["## Digests (SHA-256)", "", *_table(("File", "Digest"), rows)])


def _code(text: str) -> str:
    return text.replace("`", "").replace("|", "").replace("<", "")
