"""What a report is about: the task, and the split whose figures lead."""

from __future__ import annotations

from dataclasses import dataclass, field

from medlens.report.load import RunFolder, form_of
from medlens.report.quantity import MEASURES, Quantity, to_quantity
from medlens.report.values import (
    Json,
    as_list,
    as_mapping,
    clean_count,
    clean_text,
    unit_of,
    units_of,
)

LABEL_LIMIT = 200
"""Labels a page lists; a task with more says how many it left out."""


@dataclass(frozen=True)
class Subject:
    """The task and its evaluated splits.

    Attributes:
        form: "image", "sequence", "volume" or "segment".
        kind: "binary", "multiclass", "multilabel", or "" when unknown.
        labels: names as in metrics.json, not cleaned (they are keys there);
            without the background where voxels are labelled.
        positive: the label that sensitivity is about; "" unless binary.
        split: name of the leading split ("test", else "all", else the first).
        leading: that split's mapping.
        splits: all evaluated splits by name, the leading one first.
    """

    kind: str = ""
    labels: tuple[str, ...] = ()
    positive: str = ""
    split: str = ""
    leading: Json = field(default_factory=dict)
    splits: dict[str, Json] = field(default_factory=dict)
    form: str = "image"

    @property
    def is_masks(self) -> bool:
        """Whether voxels are labelled."""
        return self.form == "segment"

    @property
    def noun(self) -> str:
        """What a case is, in the plural: "cases", "volumes", "slices"."""
        named = self.leading.get("unit"), self.leading.get("case_unit")
        known = ("volumes", "images", "slices", "series")
        return next((word for word in known if word in named), "cases")

    @property
    def n_cases(self) -> int | None:
        """Cases of the leading split."""
        return clean_count(self.leading.get("n_cases"))

    @property
    def n_patients(self) -> int | None:
        """Patients of the leading split."""
        return clean_count(self.leading.get("n_patients"))

    @property
    def units(self) -> str:
        """ "24 patients", or "64 groups of copies" where no patient is named."""
        return units_of(self.leading)

    @property
    def unit(self) -> str:
        """What is drawn and counted as independent: "patient" or "group"."""
        return unit_of(self.leading)

    @property
    def focus(self) -> tuple[str, ...]:
        """Labels worth a curve: the positive one of a binary task, else all."""
        return (self.positive,) if self.positive else self.labels

    def quantity(self, name: str) -> Quantity:
        """A metric of the leading split."""
        return metric(self.leading, name)


def metric(holder: object, name: str) -> Quantity:
    """A metric of anything that holds a "metrics" mapping."""
    return to_quantity(as_mapping(as_mapping(holder).get("metrics")).get(name))


def known_metrics(*holders: Json) -> tuple[str, ...]:
    """Names of metrics that any of the holders gives, in the usual order."""
    given: dict[str, None] = {}
    for holder in holders:
        given |= dict.fromkeys(map(str, as_mapping(holder.get("metrics"))))
    first = [name for name in MEASURES if name in given]
    return tuple(first + sorted(set(given) - set(first))[:20])


def find_subject(folder: RunFolder) -> Subject:
    """The subject of a run folder; the bundle or recipe names the task if needed."""
    splits = {
        str(name): as_mapping(split)
        for name, split in as_mapping(folder.metrics.get("splits")).items()
        if as_mapping(split)
    }
    leading = next((name for name in ("test", "all") if name in splits), "")
    leading = leading or next(iter(splits), "")
    first = {leading: splits[leading]} if leading else {}
    tasks = (folder.metrics, folder.bundle, folder.recipe)
    task = next((t for f in tasks if (t := as_mapping(f.get("task")))), {})
    own = as_list(as_mapping(splits.get(leading)).get("labels"))
    labels = as_list(task.get("labels")) or own
    form = form_of(*tasks)
    if form == "segment":
        labels = own or labels[1:]  # the first is the background
    names = tuple(str(label) for label in labels)[:LABEL_LIMIT]
    kind = clean_text(task.get("kind"), limit=20)
    positive = str(task.get("positive") or "")
    if kind == "binary" and not positive and len(names) == 2:
        positive = names[1]
    return Subject(
        kind=kind,
        labels=names,
        positive=positive if kind == "binary" else "",
        split=leading,
        leading=as_mapping(splits.get(leading)),
        splits=first | splits,
        form=form,
    )


def chosen_point(subject: Subject) -> Json:
    """The operating point that decisions use; empty when none is marked."""
    points = [as_mapping(p) for p in as_list(subject.leading.get("operating_points"))]
    return next((point for point in points if point.get("chosen") is True), {})


def point_name(point: Json) -> str:
    """An operating point's name in words: "Youden", "sensitivity ≥ 0.95"."""
    name = clean_text(point.get("name") or point.get("rule"), limit=60)
    if name.lower() == "youden":
        return "Youden"
    return name.replace(">=", " ≥ ") or "unnamed"


def mean_words(kind: str) -> str:
    """Which figures are means over labels; "" for a binary task."""
    if kind == "multilabel":
        return "Figures are means over labels, except exact match."
    if kind == "multiclass":
        return (
            "AUROC, average precision, sensitivity, specificity, PPV, NPV and F1 are "
            "means over labels, each against the rest."
        )
    return ""


def split_words(name: str, noun: str = "cases") -> str:
    """A split as prose calls it: "test cases", "cases"."""
    return noun if name in ("", "all") else f"{clean_text(name, limit=30)} {noun}"
