"""The data: splits, classes, patients, and what the audit found in them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from medlens.report.caution import NOTICES
from medlens.report.figure import Row, Table
from medlens.report.load import Columns, RunFolder
from medlens.report.quantity import stacked_text, to_quantity
from medlens.report.subject import Subject
from medlens.report.values import (
    Json,
    as_list,
    as_mapping,
    clean_count,
    clean_text,
    count_of,
    join_words,
)

GROUPS = 6
"""Groups and cases listed in a table; the rest is counted."""
COLUMNS = 4
"""Labels up to which each gets a column in the table of splits."""
WORDS = 600
"""Longest warning; a sentence cut short would hide what to do."""
_ORDER = ("train", "validation", "test")


@dataclass(frozen=True)
class Material:
    """The data section.

    Attributes:
        sentences: sizes in prose.
        tables: splits and classes, then what the audit found.
        warnings: the audit's own, in its words.
    """

    sentences: tuple[str, ...]
    tables: tuple[Table, ...]
    warnings: tuple[str, ...]


def describe_material(folder: RunFolder, subject: Subject) -> Material:
    """The data section of a run or of an evaluation."""
    audit = folder.audit
    tables = (
        *_split_tables(folder, subject),
        _shortcut_table(audit),
        _duplicate_table(audit, folder.splits),
        _conflict_table(audit),
        _unreadable_table(audit),
    )
    warnings = [_warning(item) for item in as_list(audit.get("warnings"))]
    if as_list(audit.get("shortcuts")):  # they have a table of their own
        warnings = [text for text in warnings if not text.startswith("Shortcut:")]
    shown = [text for text in warnings if text][:NOTICES]
    if len(warnings) > len(shown):
        shown.append(f"… and {len(warnings) - len(shown)} more in audit.json.")
    return Material(
        tuple(text for text in _sentences(audit) if text),
        tuple(table for table in tables if table),
        tuple(shown),
    )


def _warning(item: object) -> str:
    held = as_mapping(item)
    if not held:
        return clean_text(item, limit=WORDS)
    words = held.get("message") or held.get("text") or held.get("what")
    said = clean_text(words, limit=WORDS)
    return said or clean_text(", ".join(map(str, held.values())), limit=WORDS)


def _sentences(audit: Json) -> list[str]:
    cases, patients = (
        clean_count(audit.get("cases")),
        clean_count(audit.get("patients")),
    )
    said = []
    if cases is not None:
        text = count_of(cases, "case")
        said.append(
            f"{text} of {count_of(patients, 'patient')}." if patients else f"{text}."
        )
    if not audit:
        return said
    groups = as_list(audit.get("near_duplicates"))
    members = sum(len(as_list(group)) for group in groups)
    if groups:
        said.append(
            f"{members:,} images are copies or near-copies of another, in "
            f"{count_of(len(groups), 'group')}; each group stays in one split."
        )
    clean = [
        words
        for key, words in (
            ("near_duplicates", "no near-duplicates"),
            ("label_conflicts", "no contradicting labels"),
            ("unreadable", "no unreadable files"),
            ("shortcuts", "no shortcuts"),
        )
        if key in audit and not as_list(audit.get(key))
    ]
    if clean:
        said.append(f"The audit found {join_words(clean)}.")
    return said


def _split_tables(folder: RunFolder, subject: Subject) -> list[Table]:
    """Splits with their sizes, and the labels in them; one table where it fits."""
    counts = _split_counts(folder.splits) or {
        name: (clean_count(s.get("n_cases")), clean_count(s.get("n_patients")), None)
        for name, s in subject.splits.items()
    }
    if not counts:
        return []
    names = sorted(counts, key=lambda n: _ORDER.index(n) if n in _ORDER else 9)
    sizes = {name: counts[name][0] for name in names}
    classes = _class_counts(folder, subject, sizes)
    has_groups = any(values[2] is not None for values in counts.values())
    has_patients = any(values[1] is not None for values in counts.values())
    kept = [0, *([1] if has_patients else []), *([2] if has_groups else [])]
    is_one = 0 < len(subject.labels) <= COLUMNS
    labels = subject.labels if is_one and classes else ()
    rows = tuple(
        (
            clean_text(name, limit=30),
            *(_count(counts[name][k]) for k in kept),
            *(_class_cell(classes.get(name, {}), k, sizes[name]) for k in labels),
        )
        for name in names
    )
    heads = [("Cases", "Patients", "Groups")[k] for k in kept]
    note = "A group holds the cases of one patient and all near-duplicates of them."
    if not has_patients:
        note = "A group holds an image and all near-duplicates of it."
    table = Table(
        f"{join_words([*heads, 'labels'])} per split".capitalize()
        if labels
        else "Cases per split",
        ("Split", *heads, *map(clean_text, labels)),
        rows,
        note=note if has_groups else "",
    )
    others = _label_rows(subject, classes, sizes) if not is_one else None
    return [table, others] if others else [table]


def _label_rows(
    subject: Subject, classes: dict[str, dict[str, int]], sizes: dict[str, int | None]
) -> Table | None:
    """A row for each label, where there are too many for columns."""
    known = [name for name in sizes if name in classes]
    if not known:
        return None
    rows = tuple(
        (
            clean_text(label, limit=60),
            *(_class_cell(classes[name], label, sizes[name]) for name in known),
        )
        for label in subject.labels
    )
    heads = (clean_text(name, limit=30).capitalize() for name in known)
    return Table("Cases with each label per split", ("Label", *heads), rows)


def _count(value: int | None) -> str:
    return "–" if value is None else f"{value:,}"


def _class_cell(counts: dict[str, int], label: str, total: int | None) -> str:
    count = counts.get(label)
    if count is None:
        return "–"
    # labels of slices are counted in slices, the cases of a split in series
    whole = sum(counts.values()) if max(counts.values()) > (total or 0) else total
    return f"{count:,} ({100 * count / whole:.0f}%)" if whole else f"{count:,}"


SplitCounts = dict[str, tuple[int | None, int | None, int | None]]


def _split_counts(splits: Columns) -> SplitCounts:
    """Cases, patients (None when not named) and groups of each split."""
    names = splits.get("split", [])
    patients = splits.get("patient", [""] * len(names))
    groups = splits.get("group", [""] * len(names))
    cases = Counter(names)
    persons: dict[str, set[str]] = {name: set() for name in cases}
    sets: dict[str, set[str]] = {name: set() for name in cases}
    for name, patient, group in zip(names, patients, groups, strict=True):
        persons[name] |= {patient} if patient else set()
        sets[name] |= {group} if group else set()
    return {
        name: (count, len(persons[name]) or None, len(sets[name]) or None)
        for name, count in cases.most_common(10)
        if name
    }


def _with_label(entry: Json) -> int | None:
    """Cases that have the label: "n_present" where all cases are looked at."""
    return clean_count(entry.get("n_present", entry.get("n_cases")))


def _class_counts(
    folder: RunFolder, subject: Subject, sizes: dict[str, int | None]
) -> dict[str, dict[str, int]]:
    """Cases per label and split; training's by subtraction where that is exact."""
    found: dict[str, dict[str, int]] = {}
    for name, split in subject.splits.items():
        per_label = as_mapping(split.get("per_label"))
        counts = {
            label: _with_label(as_mapping(per_label.get(label)))
            for label in subject.labels
        }
        known = {label: n for label, n in counts.items() if n is not None}
        if len(known) == len(subject.labels) and known:
            found[name] = known
    totals = as_mapping(folder.audit.get("classes"))
    left = [name for name in sizes if name not in found]
    if len(left) == 1 and found and subject.kind != "multilabel":
        rest = {
            label: (clean_count(totals.get(label)) or 0)
            - sum(counts[label] for counts in found.values())
            for label in subject.labels
        }
        # Unreadable or unlabelled cases would make the difference a guess.
        if min(rest.values()) >= 0 and sum(rest.values()) == sizes[left[0]]:
            found[left[0]] = rest
    return found


def _shortcut_table(audit: Json) -> Table | None:
    rows: list[Row] = []
    for item in as_list(audit.get("shortcuts"))[:GROUPS]:
        shortcut = as_mapping(item)
        quantity = to_quantity({**shortcut, "value": shortcut.get("auroc")})
        rows.append(
            (
                clean_text(shortcut.get("what")),
                stacked_text(quantity),
                clean_text(shortcut.get("meaning")),
                clean_text(shortcut.get("advice")),
            )
        )
    if not rows:
        return None
    return Table(
        "Shortcuts: what predicts the label without looking at the finding",
        ("What", "AUROC", "Meaning", "Advice"),
        tuple(rows),
        words=frozenset({2, 3}),
    )


def _duplicate_table(audit: Json, splits: Columns) -> Table | None:
    groups = [as_list(group) for group in as_list(audit.get("near_duplicates"))]
    if not groups:
        return None
    home = dict(zip(splits.get("case", []), splits.get("split", []), strict=False))
    largest = sorted(groups, key=len, reverse=True)[:GROUPS]
    rows = []
    for group in largest:
        shown = [clean_text(case, limit=60) for case in group[:3]]
        more = f" and {len(group) - 3} more" if len(group) > 3 else ""
        places = sorted({home[str(case)] for case in group if str(case) in home})
        said = ", ".join(clean_text(place, limit=30) for place in places) or "–"
        rows.append((", ".join(shown) + more, f"{len(group):,}", said))
    hidden = len(groups) - len(largest)
    return Table(
        "Largest groups of near-duplicates",
        ("Cases", "Images", "Split"),
        tuple(rows),
        note=f"{hidden:,} smaller groups stand in audit.json." if hidden > 0 else "",
    )


def _conflict_table(audit: Json) -> Table | None:
    conflicts = as_list(audit.get("label_conflicts"))
    if not conflicts:
        return None
    rows = tuple((str(i), _conflict(c)) for i, c in enumerate(conflicts[:GROUPS], 1))
    hidden = len(conflicts) - len(rows)
    return Table(
        "The same image under different labels",
        ("Conflict", "Cases"),
        rows,
        words=frozenset({1}),
        note=f"{hidden:,} more stand in audit.json." if hidden > 0 else "",
    )


def _conflict(item: object) -> str:
    """A conflict in words, whether it is a list of cases or a mapping."""
    held = as_mapping(item)
    if not held:
        return ", ".join(clean_text(c, limit=60) for c in as_list(item)[:6]) or (
            clean_text(item)
        )
    parts = []
    for key, value in list(held.items())[:4]:
        words = as_list(value)[:6] or [value]
        said = ", ".join(clean_text(word, limit=60) for word in words)
        parts.append(f"{clean_text(key, limit=30).replace('_', ' ')}: {said}")
    return "; ".join(parts)


def _unreadable_table(audit: Json) -> Table | None:
    failed = [as_mapping(item) for item in as_list(audit.get("unreadable"))]
    if not failed:
        return None
    rows = tuple(
        (clean_text(item.get("case"), limit=90), clean_text(item.get("reason")))
        for item in failed[:GROUPS]
    )
    hidden = len(failed) - len(rows)
    return Table(
        f"{count_of(len(failed), 'file')} could not be read and took no part",
        ("Case", "Reason"),
        rows,
        words=frozenset({1}),
        note=f"{hidden:,} more stand in audit.json." if hidden > 0 else "",
    )
