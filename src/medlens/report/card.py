"""The model card: what a hospital needs to know of a bundle, as Markdown."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from medlens.bundle.model import NOTE_NAME, Bundle
from medlens.bundle.save import note_of
from medlens.core import DataError
from medlens.report.card_text import plain, table_lines
from medlens.report.load import RunFolder, read_mapping
from medlens.report.making import limits_of_use
from medlens.report.mask_card import mask_performance
from medlens.report.performance import size_words
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


def _title(note: Json, subject: Subject) -> str:
    name = plain(note.get("name"), limit=60) or "Model"
    kinds = {
        "binary": "two-way classifier",
        "multiclass": "classifier with one answer of several",
        "multilabel": "finder of several labels at once",
    }
    kind = kinds.get(subject.kind, "classifier")
    shown = {
        "segment": "An outliner of structures in images",
        "sequence": f"A {kind} of series, read slice by slice",
        "volume": f"A {kind} of whole volumes",
    }.get(subject.form, f"An image {kind}")
    intended = clean_text(note.get("intended_use"), limit=1000)
    is_said = "medical device" in intended.lower()
    return (
        f"# Model card: {name}\n\n{shown}, made with medlens "
        f"{plain(note.get('medlens'), limit=20)}.".replace("  ", " ").replace(" .", ".")
        + ("" if is_said else " **Research software, not a medical device.**")
    )


def _purpose(note: Json, subject: Subject) -> str:
    lines = ["## Intended use", ""]
    lines.append(
        plain(note.get("intended_use"), limit=1000)
        or "Its makers stated no use; treat it as an experiment."
    )
    labels = ", ".join(f"“{plain(label, limit=60)}”" for label in subject.labels)
    lines += ["", f"Labels: {labels}."] if labels else []
    if subject.positive:
        lines[-1] += f" Positive: “{plain(subject.positive, limit=60)}”."
    size = as_mapping(note.get("input"))
    height, width = clean_count(size.get("height")), clean_count(size.get("width"))
    if height and width:
        colour = "colour" if clean_count(size.get("channels")) == 3 else "grey"
        lines += ["", _seen(note, subject, f"{height} × {width}", colour)]
    return "\n".join(lines)


def _seen(note: Json, subject: Subject, plane: str, colour: str) -> str:
    """What the network takes in at once."""
    depth = clean_count(as_mapping(note.get("input")).get("depth")) or 1
    if depth > 1:
        seen = {"segment": "Patches", "sequence": "Slices"}.get(subject.form, "Volumes")
        if seen == "Slices":
            return f"Slices are seen as {colour} at {plane} pixels, in their order."
        return f"{seen} are seen as {colour} at {depth} × {plane} voxels."
    return f"Images are seen as {colour} at {plane} pixels."


def _data(note: Json, subject: Subject) -> str:
    training = as_mapping(note.get("training"))
    lines = ["## Data", ""]
    facts = [
        f"- {plain(name, limit=60).replace(chr(92) + '_', ' ')}: {_fact(value)}"
        for name, value in list(training.items())[:30]
        if name not in ("recipe", "plan") and _fact(value)
    ]
    lines += facts or ["What it was trained on was not recorded."]
    for name, split in subject.splits.items():
        cases, patients = (clean_count(split.get(k)) for k in ("n_cases", "n_patients"))
        if cases is not None:
            units = units_of(split) if patients else ""
            whom = f" of {units}" if units not in ("", count_of(cases, "case")) else ""
            where = f"measured on {plain(name, limit=30)}"
            size = size_words(cases, subject.noun)
            lines.append(f"- {where}: {size}{whom}")
    return "\n".join(lines)


def _fact(value: object) -> str:
    held = as_mapping(value)
    if held:
        parts = (f"{plain(k, limit=60)} {_fact(v)}" for k, v in list(held.items())[:20])
        return ", ".join(parts)
    if isinstance(value, list | tuple):
        return ", ".join(_fact(item) for item in value[:20])
    return plain(without_folder(str(value))) if value is not None else ""


def _performance(subject: Subject) -> str:
    if subject.is_masks:
        return mask_performance(subject)
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
    said = f"Measured on {plain(where)}. {mean_words(subject.kind)}".strip()
    lines = ["## Performance", "", said, "", *table_lines(columns, rows)]
    lines += _label_lines(subject) + _baseline_lines(subject) + _series_lines(subject)
    return "\n".join(lines)


def _series_lines(subject: Subject) -> list[str]:
    """Figures per series, and whether reading in order helped."""
    whole = as_mapping(subject.leading.get("series"))
    verdict = plain(
        as_mapping(subject.leading.get("readers")).get("verdict"), limit=400
    )
    lines = ["", verdict] if verdict else []
    names = ("auroc", "average_precision", "accuracy", "sensitivity", "specificity")
    known = [name for name in names if metric(whole, name).value is not None]
    cases = clean_count(whole.get("n_cases"))
    if not known or cases is None:
        return lines
    rows = (
        (
            measure_of(name).name,
            both_text(metric(whole, name), is_share=measure_of(name).is_share),
        )
        for name in known
    )
    said = f"Whole series ({cases} of {units_of(whole)}):"
    return [*lines, "", said, "", *table_lines(("Metric", "Value"), rows)]


def _label_lines(subject: Subject) -> list[str]:
    per_label = as_mapping(subject.leading.get("per_label"))
    labels = [label for label in subject.labels if label in per_label]
    if subject.positive or not labels:
        return []
    names = ("auroc", "sensitivity", "specificity")
    rows = [
        (
            plain(label, limit=60),
            *(
                both_text(metric(per_label[label], n), is_share=measure_of(n).is_share)
                for n in names
            ),
        )
        for label in labels
    ]
    heads = ("Label", *(measure_of(name).name for name in names))
    return ["", *table_lines(heads, rows)]


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
        name = plain(point_name(point), limit=60)
        rows.append(
            (
                f"{name} (chosen)" if point.get("chosen") is True else name,
                plain(point.get("label"), limit=60) or "–",
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
            *table_lines(columns, rows),
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
    rows = [(plain(name, limit=60), f"`{_code(d)}`") for name, d in files.items() if d]
    rows += [("bundle", f"`{_code(own)}`")] if own else []
    if not rows:
        return ""
    return "\n".join(
        ["## Digests (SHA-256)", "", *table_lines(("File", "Digest"), rows)]
    )


def _code(text: str) -> str:
    return text.replace("`", "").replace("|", "").replace("<", "")
