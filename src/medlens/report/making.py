"""How the model was made: plan, learning, time, machine, and its limits."""

from __future__ import annotations

import re

from medlens.report.charts import draw_bars
from medlens.report.figure import Figure, Row, Table
from medlens.report.load import RunFolder
from medlens.report.quantity import seconds_text
from medlens.report.subject import Subject
from medlens.report.values import (
    Json,
    as_list,
    as_mapping,
    clean_count,
    clean_number,
    clean_text,
    count_of,
    join_words,
    without_folder,
)

ROWS = 60
_PLAIN = {
    "audit": "Audit",
    "plan": "Plan",
    "split": "Split",
    "train": "Train",
    "calibrate": "Calibrate",
    "evaluate": "Evaluate",
    "bundle": "Pack the bundle",
    "report": "Report",
}


def plan_table(run: Json) -> Table | None:
    """The plan's rules: what was chosen, and why."""
    rows = []
    for item in as_list(run.get("plan"))[:ROWS]:
        rule = as_mapping(item)
        cells = [clean_text(rule.get(key)) for key in ("rule", "choice", "reason")]
        if any(cells):
            rows.append(tuple(cells))
    if not rows:
        return None
    return Table(
        "What the plan chose, and why",
        ("Rule", "Choice", "Reason"),
        tuple(rows),
        words=frozenset({1, 2}),
    )


def recipe_table(recipe: Json) -> Table | None:
    """Every setting of the recipe as the run used it."""
    rows: list[Row] = []
    for section, held in recipe.items():
        if not isinstance(held, dict):
            if section != "schema":
                rows.append((clean_text(section, limit=60), _setting(held)))
            continue
        for name, value in held.items():
            if name == "steps" and isinstance(value, list):
                rows += _steps(section, value)
            else:
                rows.append(
                    (clean_text(f"{section}.{name}", limit=60), _setting(value))
                )
    if not rows:
        return None
    return Table(
        "Recipe: every setting",
        ("Setting", "Value"),
        tuple(rows[: 3 * ROWS]),
        words=frozenset({1}),
    )


def _steps(section: str, steps: list[object]) -> list[Row]:
    rows: list[Row] = []
    for number, item in enumerate(steps, start=1):
        step = as_mapping(item)
        params = as_mapping(step.get("params")) or {
            key: value for key, value in step.items() if key not in ("name", "params")
        }
        said = ", ".join(f"{clean_text(k)} = {_setting(v)}" for k, v in params.items())
        name = clean_text(step.get("name"), limit=60)
        rows.append((f"{section} step {number}", f"{name} ({said})" if said else name))
    return rows


def _setting(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(_setting(item) for item in value[:40])
    if isinstance(value, dict):
        return ", ".join(f"{clean_text(k)} = {_setting(v)}" for k, v in value.items())
    return without_folder(str(value)) if value != "" else "(none)"


def timing_figure(run: Json) -> Figure | None:
    """Wall-clock per step as bars."""
    spent = []
    for name, value in as_mapping(run.get("seconds")).items():
        seconds = clean_number(value)
        if seconds is not None and seconds >= 0 and name not in ("total", "whole"):
            label = clean_text(name, limit=40)
            spent.append((_PLAIN.get(label, label), seconds, seconds_text(seconds)))
    spent = spent[:20]
    total = sum(seconds for _, seconds, _ in spent)
    budget = clean_number(run.get("budget_seconds"))
    caption = f"Together {seconds_text(total)}"
    caption += f" of a budget of {seconds_text(budget)}." if budget else "."
    return draw_bars(spent, name="timing", title="Time per step", caption=caption)


def environment_rows(folder: RunFolder) -> tuple[tuple[str, str], ...]:
    """Machine, versions, seed and digests, as name and value."""
    run, bundle = folder.run, folder.bundle
    machine = as_mapping(run.get("machine"))
    data = as_mapping(run.get("data"))
    training = as_mapping(bundle.get("training"))
    memory = clean_count(machine.get("memory_mb"))
    cores = clean_count(machine.get("cores"))
    seed = clean_number(run.get("seed"))
    rows = [
        ("Command", without_folder(str(run.get("command") or ""))),
        ("Seed", "" if seed is None else f"{seed:g}"),
        ("Data", without_folder(str(data.get("name") or ""))),
        ("Data digest", clean_text(data.get("digest"), limit=90)),
        ("Bundle", clean_text(bundle.get("name"), limit=60)),
        ("Bundle digest", clean_text(bundle.get("digest"), limit=90)),
        ("Trained on", clean_text(training.get("data"), limit=90)),
        ("Processor", clean_text(machine.get("cpu"), limit=90)),
        ("Cores", "" if cores is None else str(cores)),
        ("Memory", "" if memory is None else f"{memory / 1024:.1f} GB"),
        (
            "GPU",
            clean_text(machine.get("gpu"), limit=90) or ("none" if machine else ""),
        ),
    ]
    versions = as_mapping(run.get("versions"))
    said = ", ".join(
        f"{clean_text(name, limit=40)} {clean_text(version, limit=40)}"
        for name, version in list(versions.items())[:40]
    )
    return tuple((name, value) for name, value in (*rows, ("Versions", said)) if value)


def _without_device(intended: str) -> str:
    """The intended use without the sentence that the page says at its top."""
    parts = re.split(r"(?<=[.!?])\s+", intended)
    return " ".join(part for part in parts if "medical device" not in part.lower())


_MASK_LIMITS = (
    "The reference is one reading. Readers differ too, and these figures cannot tell a "
    "model from a reader where two readers agree no better with each other.",
    "Small test sets hide rare failures: outlines have to be looked at, case by case, "
    "before anything is measured from them.",
    "Sizes and distances hold for images of the spacing and protocol seen here; check "
    "them again when scanner, protocol or patients change.",
)


def limits_of_use(folder: RunFolder, subject: Subject) -> tuple[str, ...]:
    """What the model must not be taken for, from this run's own facts."""
    limits = []
    intended = _without_device(clean_text(folder.bundle.get("intended_use"), limit=600))
    if intended:
        limits.append(f"Made for: {intended}")
    labels = [clean_text(label, limit=40) for label in subject.labels]
    if labels and subject.is_masks:
        limits.append(
            f"It outlines {join_words([f'“{label}”' for label in labels[:8]])}"
            f"{' and more' if len(labels) > 8 else ''} and sees nothing else; it "
            "outlines them in whatever image it is shown."
        )
    elif labels:
        others = "gives one of them for every image, whatever the image shows"
        if subject.kind == "multilabel":
            others = "finds nothing else"
        limits.append(f"It knows {count_of(len(labels), 'label')} and {others}.")
    if subject.split == "test":
        limits.append(
            "It was tested on cases from the same collection as its training. Expect "
            "it to do worse at another hospital or scanner until medlens evaluate has "
            "shown otherwise there."
        )
    elif subject.leading:
        limits.append(
            "These figures hold for this data set only; make sure that none of its "
            "patients took part in training."
        )
    if subject.is_masks:
        return (*limits, *_MASK_LIMITS)
    limits += [
        "PPV and NPV hold at the prevalence of the cases tested; where the finding is "
        "rarer, more of the positive answers will be wrong.",
        "Evidence maps show where the network found support for its answer. They are "
        "not outlines of disease and do not prove that the reason is a medical one.",
        "Thresholds, calibration and prediction sets were fitted on validation cases; "
        "check them again when scanner, protocol or patients change.",
    ]
    return tuple(limits)
