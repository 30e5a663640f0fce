"""Label texts → kind, label names and targets; never depends on file order."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

from medlens.core import DataError
from medlens.datasets.drafts import Draft, Entry, count_of, list_some
from medlens.datasets.label_text import (
    is_blank,
    is_negative,
    is_nothing,
    is_positive,
    natural_key,
    normalise_label,
    to_flag,
)
from medlens.datasets.manifest import UNKNOWN, Problem
from medlens.recipe.settings import Kind

MAX_LABELS = 200


@dataclass(frozen=True)
class Labelling:
    """What is to be told apart and the target of each entry.

    Attributes:
        kind, labels, positive: as in `Manifest`.
        targets: one per entry; None for an entry without a label.
        notes: what was decided, in plain words.
    """

    kind: Kind
    labels: tuple[str, ...]
    positive: str
    targets: tuple[tuple[int, ...] | None, ...]
    notes: tuple[str, ...]


def resolve_labels(draft: Draft) -> Labelling:
    """Decide the kind of task and number the labels of all entries.

    Raises:
        DataError: no entry has a label, or the label column is no label.
    """
    if draft.label_names:
        return _from_flags(draft)
    texts = _spell_signs([_text(entry, draft) for entry in draft.entries])
    if all(is_blank(text) for text in texts):
        raise DataError(
            f"{draft.label_source}: all {len(texts):,} labels are empty; "
            "pass another column with --label-column"
        )
    mark = _separator(texts)
    if mark:
        return _from_lists(texts, mark, source=draft.label_source)
    uncertain = texts.count("-1") if _are_flags(texts) else 0
    if not uncertain:
        return _from_texts(texts, source=draft.label_source)
    # As in several 0/1 columns: -1 says that nobody could tell, and is no class.
    texts = ["" if text == "-1" else text for text in texts]
    found = _from_texts(texts, source=draft.label_source)
    note = f"{count_of(uncertain, 'label')} of -1 not read, as usual beside 0 and 1"
    return replace(found, notes=(*found.notes, note))


def _spell_signs(texts: list[str]) -> list[str]:
    """ "+" and "-" in words: beside a plus a dash is a finding, not a blank."""
    if not {"+", "-"} <= set(texts):
        return texts
    words = {"+": "positive", "-": "negative"}
    return [words.get(text, text) for text in texts]


def _are_flags(texts: list[str]) -> bool:
    """Whether 0, 1 and -1 are all that a label column holds."""
    return {text for text in texts if not is_blank(text)} == {"-1", "0", "1"}


def drop_unlabelled(
    entries: list[Entry], labelling: Labelling, *, keep: bool = False
) -> tuple[list[Entry], list[tuple[int, ...]], list[Problem]]:
    """Entries with a target, their targets, and problems for the others.

    Args:
        entries, labelling: as resolved.
        keep: entries without a label stay, all their targets UNKNOWN: slices of
            a series, of which others may have one.
    """
    kept: list[Entry] = []
    targets: list[tuple[int, ...]] = []
    problems: list[Problem] = []
    for entry, target in zip(entries, labelling.targets, strict=True):
        if target is None and keep:
            kept.append(entry)
            targets.append((UNKNOWN,) * len(labelling.labels))
        elif target is None:
            reason = "label is empty or -1: taken as not read and left out"
            problems.append(Problem(entry.key, reason, "no_label"))
        else:
            kept.append(entry)
            targets.append(target)
    return kept, targets, problems


def _text(entry: Entry, draft: Draft) -> str:
    text = normalise_label(entry.values[0])
    known = draft.known_labels
    if known and text.isdecimal() and int(text) < len(known):
        return known[int(text)]
    return text


def _separator(texts: list[str]) -> str:
    """The mark that parts several labels in one text, or "".

    A ";" counts only where one of its parts also stands elsewhere; otherwise
    it is part of a name.
    """
    if any("|" in text for text in texts):
        return "|"
    lists = {text for text in texts if ";" in text}
    parts = Counter(
        part for text in set(texts) for part in {p.strip() for p in text.split(";")}
    )
    return ";" if lists and max(parts.values()) > 1 else ""


def _from_texts(texts: list[str], *, source: str) -> Labelling:
    spelling = _spellings(texts)
    counts = Counter(spelling[text.casefold()] for text in texts if not is_blank(text))
    _check_repeats(counts, source=source)
    labels = tuple(sorted(counts, key=natural_key))
    notes = [*_merged_spellings(texts, spelling)]
    positive = ""
    kind: Kind = "multiclass"
    if len(labels) == 2:
        kind = "binary"
        negative, positive, why = _order_pair(labels, counts)
        labels = (negative, positive)
        notes.append(f"positive label: '{positive}' ({why})")
    number = {label: at for at, label in enumerate(labels)}
    hot = [tuple(int(k == at) for k in range(len(labels))) for at in number.values()]
    targets = tuple(
        None if is_blank(text) else hot[number[spelling[text.casefold()]]]
        for text in texts
    )
    return Labelling(kind, labels, positive, targets, tuple(notes))


def _spellings(texts: list[str]) -> dict[str, str]:
    """Case-blind text → its most frequent spelling (first by name if equal)."""
    counts = Counter(texts)
    ordered = sorted(counts, key=lambda text: (-counts[text], text))
    found: dict[str, str] = {}
    for text in ordered:
        found.setdefault(text.casefold(), text)
    return found


def _merged_spellings(texts: list[str], spelling: dict[str, str]) -> list[str]:
    merged = sorted(set(texts) - set(spelling.values()))
    if not merged:
        return []
    pairs = ", ".join(f"'{t}' as '{spelling[t.casefold()]}'" for t in merged[:6])
    return [f"labels that differ in letter case only were joined: {pairs}"]


def _check_repeats(counts: Counter[str], *, source: str) -> None:
    n, distinct = sum(counts.values()), len(counts)
    if distinct > MAX_LABELS or (n >= 20 and distinct > n // 2):
        raise DataError(
            f"{source}: {count_of(distinct, 'different value')} in {n:,} rows, e.g. "
            f"{list_some(sorted(counts, key=natural_key), most=3)}; a label repeats. "
            "Pass another column with --label-column"
        )


def _order_pair(labels: tuple[str, ...], counts: Counter[str]) -> tuple[str, str, str]:
    """Negative label, positive label, and the rule that told them apart."""
    first, second = labels
    for test, negative_is_first in (
        (is_negative(first, other=second), True),
        (is_negative(second, other=first), False),
    ):
        other = second if negative_is_first else first
        if test and not is_negative(other, other=""):
            negative = first if negative_is_first else second
            return negative, other, f"'{negative}' reads as negative"
    if is_positive(first) != is_positive(second):
        positive = first if is_positive(first) else second
        negative = second if positive == first else first
        return negative, positive, "by its name"
    if counts[first] != counts[second]:
        negative, positive = sorted(labels, key=lambda label: -counts[label])
        return negative, positive, f"the rarer: {counts[positive]} of {counts.total()}"
    return first, second, "both are equally frequent; the second by name"


def _from_lists(texts: list[str], mark: str, *, source: str) -> Labelling:
    """Multi-label from texts such as "Edema|Effusion"."""
    lists = [
        None if is_blank(text) else [p.strip() for p in text.split(mark) if p.strip()]
        for text in texts
    ]
    flat = [part for parts in lists if parts for part in parts]
    spelling = _spellings(flat)
    counts = Counter(spelling[part.casefold()] for part in flat)
    # "No Finding" beside real findings says that none is there: no label of
    # its own, but a case with every label absent.
    empty = sorted(label for label in counts if is_nothing(label))
    labels = tuple(sorted(set(counts) - set(empty), key=natural_key))
    if not labels or len(labels) > MAX_LABELS:
        raise DataError(
            f"{source}: {count_of(len(labels), 'label')} parted by '{mark}'; wanted 1 "
            f"to {MAX_LABELS}; pass another column with --label-column"
        )
    notes = [f"several labels a case, parted by '{mark}' in {source}"]
    if empty:
        notes.append(f"{list_some(empty)} means that no label is present")
    number = {label: at for at, label in enumerate(labels)}

    def target(parts: list[str]) -> tuple[int, ...]:
        held = {number.get(spelling[part.casefold()]) for part in parts}
        return tuple(int(at in held) for at in range(len(labels)))

    targets = tuple(None if not parts else target(parts) for parts in lists)
    return Labelling("multilabel", labels, "", targets, tuple(notes))


def _from_flags(draft: Draft) -> Labelling:
    """Multi-label from 0/1 columns; columns that never vary are left out."""
    rows = [tuple(to_flag(text) for text in entry.values) for entry in draft.entries]
    odd = [
        name
        for at, name in enumerate(draft.label_names)
        if any(row[at] is None for row in rows)
    ]
    if odd:
        raise DataError(
            f"{draft.label_source}: {list_some(odd)} holds something else than 1 "
            "(present), 0 (absent) or nothing (not read)"
        )
    clean = [tuple(flag if flag is not None else UNKNOWN for flag in r) for r in rows]
    targets = tuple(None if all(f == UNKNOWN for f in row) else row for row in clean)
    unread = sum(flag == UNKNOWN for row in clean for flag in row)
    notes = [f"{count_of(unread, 'label')} not read (empty or -1)"] if unread else []
    return Labelling("multilabel", draft.label_names, "", targets, tuple(notes))
