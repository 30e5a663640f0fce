"""One run folder → one self-contained report.html."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import os
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from medlens import __version__
from medlens.core import ResourceError
from medlens.report.answer import Answer, write_answer
from medlens.report.caution import find_notices
from medlens.report.charts import draw_learning
from medlens.report.curves import draw_curves, draw_reliability
from medlens.report.example import Example
from medlens.report.figure import Figure, Table
from medlens.report.load import RunFolder, load_run
from medlens.report.making import (
    environment_rows,
    limits_of_use,
    plan_table,
    recipe_table,
    timing_figure,
)
from medlens.report.mask_answer import write_mask_answer
from medlens.report.mask_charts import draw_dice, draw_sizes
from medlens.report.mask_example import MaskExample
from medlens.report.mask_results import (
    agreement_table,
    mask_label_table,
    mask_metric_table,
    part_table,
    undefined_words,
)
from medlens.report.material import describe_material
from medlens.report.outlines import to_mask_pictures
from medlens.report.performance import (
    comparison_figure,
    comparison_table,
    confusion,
    counts_per_label,
    elsewhere_table,
    label_table,
    metric_table,
    point_table,
    subgroup_tables,
)
from medlens.report.pictures import legend_stops, to_pictures
from medlens.report.series import describe_series
from medlens.report.series_example import SeriesExample
from medlens.report.subject import Subject, find_subject
from medlens.report.suspects import suspect_table
from medlens.report.trust import describe_trust, stranger_words
from medlens.report.values import as_mapping, without_folder

REPORT_NAME = "report.html"


AnyExample = Example | MaskExample | SeriesExample


def write_report(folder: Path, *, examples: Sequence[AnyExample] = ()) -> Path:
    """Write report.html into a run folder; an older one is replaced.

    Reads whatever the folder holds of audit.json, recipe.toml, splits.csv,
    history.csv, bundle/bundle.json, predictions.csv, metrics.json and run.json.
    What is missing or broken is left out and named on the page. What the page
    shows follows `task.form` of metrics.json: outlines and sizes for "segment",
    series beside slices for "sequence", else the classification of cases.

    Args:
        folder: of `medlens run` or `medlens evaluate`.
        examples: cases to show: `Example` with evidence (wrong ones come first,
            at most 12 of each), `MaskExample` with outlines (worst first, at most
            12), `SeriesExample` with curves over slices (wrong first, at most 8).

    Returns:
        The path of the page.

    Raises:
        DataError: the folder is missing or holds nothing to report.
        ResourceError: the page cannot be written (disk full, no permission).
    """
    page = render_report(load_run(folder), examples=examples)
    path = folder / REPORT_NAME
    unfinished = folder / f".{REPORT_NAME}.{os.getpid()}.part"
    try:
        unfinished.write_text(page, encoding="utf-8", newline="\n")
        unfinished.replace(path)
    except OSError as error:
        raise ResourceError(
            f"{REPORT_NAME}: cannot be written ({error.strerror or 'unknown reason'}); "
            "free disk space or pick another folder with --out"
        ) from error
    finally:
        with contextlib.suppress(OSError):
            unfinished.unlink(missing_ok=True)
    return path


def render_report(run: RunFolder, *, examples: Sequence[AnyExample] = ()) -> str:
    """The page as text, from a folder already read."""
    subject = find_subject(run)
    pictures, left_out = to_pictures([e for e in examples if isinstance(e, Example)])
    drawn = [e for e in examples if isinstance(e, MaskExample)]
    followed = [e for e in examples if isinstance(e, SeriesExample)]
    style = _style()
    context: dict[str, Any] = {
        "style": Markup(style),
        "style_hash": _hash_of(style),
        "version": __version__,
        "answer": _answer(run, subject),
        "notices": find_notices(run, subject),
        "subject": subject,
        "pictures": pictures,
        "pictures_left_out": left_out,
        "has_overlay": any(picture.overlay for picture in pictures),
        "legend_stops": legend_stops(),
        "environment": environment_rows(run),
        "limits": limits_of_use(run, subject),
        "missing": run.missing,
        **_made(run),
        **(
            _measured_masks(run, subject, drawn)
            if subject.is_masks
            else _measured(run, subject)
            | {"series": describe_series(subject, followed)}
        ),
    }
    return _environment().get_template("report.html.j2").render(context)


def _answer(run: RunFolder, subject: Subject) -> Answer:
    """The first screen of this form."""
    if subject.is_masks and subject.leading:
        return write_mask_answer(subject, run.masks, data_name=_data_name(run))
    return write_answer(subject, data_name=_data_name(run))


def _measured_masks(
    run: RunFolder, subject: Subject, examples: Sequence[MaskExample]
) -> dict[str, Any]:
    """What stands in the sections on data and results where voxels are labelled."""
    groups, groups_figures = subgroup_tables(subject)
    pictures, left_out = to_mask_pictures(examples)
    return {
        "material": describe_material(run, subject),
        "comparison": [figure] if (figure := draw_dice(subject, run.masks)) else [],
        "metrics": mask_metric_table(subject),
        "groups": groups,
        "groups_figures": groups_figures,
        "masks": {
            "labels": mask_label_table(subject),
            "parts": part_table(subject),
            "undefined": undefined_words(subject),
            "agreement": agreement_table(subject),
            "sizes": draw_sizes(subject, run.masks),
            "strangers": stranger_words(subject),
            "pictures": pictures,
            "left_out": left_out,
        },
    }


def _made(run: RunFolder) -> dict[str, Any]:
    """What stands in the sections on plan and learning."""
    return {
        "plan": plan_table(run.run),
        "recipe": recipe_table(run.recipe),
        "learning": draw_learning(run.history),
        "timing": timing_figure(run.run),
    }


def _measured(run: RunFolder, subject: Subject) -> dict[str, Any]:
    """What stands in the sections on data, results and trust."""
    labels, labels_figure = label_table(subject)
    groups, groups_figures = subgroup_tables(subject)
    reliability = draw_reliability(subject)
    figures: list[Figure | None] = [comparison_figure(subject)]
    tables: list[Table | None] = [comparison_table(subject)]
    return {
        "material": describe_material(run, subject),
        "comparison": [figure for figure in figures if figure],
        "comparison_tables": [table for table in tables if table],
        "metrics": metric_table(subject),
        "curves": draw_curves(subject, run),
        "confusion": confusion(subject),
        "counts": counts_per_label(subject),
        "points": point_table(subject),
        "elsewhere": elsewhere_table(subject),
        "labels": labels,
        "suspects": suspect_table(subject),
        "labels_figure": labels_figure,
        "groups": groups,
        "groups_figures": groups_figures,
        "reliability": reliability,
        "trust": describe_trust(run, subject),
    }


def _data_name(run: RunFolder) -> str:
    name = as_mapping(run.run.get("data")).get("name")
    return without_folder(str(name)) if name else ""


@cache
def _environment() -> Environment:
    """Templates with autoescape on: case keys and labels are hostile text."""
    return Environment(
        loader=PackageLoader("medlens.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@cache
def _style() -> str:
    """The style sheet, exactly as it stands between the style tags."""
    sheet = files("medlens.report").joinpath("templates", "report.css")
    return sheet.read_text(encoding="utf-8").replace("\r\n", "\n")


def _hash_of(text: str) -> str:
    """The source expression that lets one style element through the policy."""
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    return f"sha256-{base64.b64encode(digest).decode('ascii')}"
