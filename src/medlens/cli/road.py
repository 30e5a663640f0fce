"""`medlens run`, and its steps as commands of their own: audit, plan, train."""

from __future__ import annotations

import json
import shlex
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from medlens.cli.console import Console

if TYPE_CHECKING:
    from medlens.experiment.folder import RunFolder

DISCLAIMER = "Research software, not a medical device."

Data = Annotated[
    Path,
    typer.Argument(
        help="Folder, CSV, DICOM tree, NIfTI files or MedMNIST .npz.",
        show_default=False,
    ),
]
Labels = Annotated[
    Path | None, typer.Option(help="CSV with image, label and further columns.")
]
LabelColumn = Annotated[str | None, typer.Option(help="Column that holds the label.")]
PatientColumn = Annotated[
    str | None, typer.Option(help="Column that holds the patient key.")
]
Out = Annotated[Path, typer.Option(help="Folder for the results.")]
Budget = Annotated[
    str,
    typer.Option(
        help="Time for the whole run: 90s, 10m, 2h. auto: 10m for images, 45m for "
        "series, volumes and masks."
    ),
]
Seed = Annotated[int, typer.Option(min=0, help="Same seed, same result.")]
Task = Annotated[str, typer.Option(help="auto, classify or segment (masks).")]
RecipeFile = Annotated[
    Path | None, typer.Option(help="Follow this recipe.toml instead of planning.")
]
Force = Annotated[bool, typer.Option("--force", help="Replace an earlier result.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


def run(
    data: Data,
    labels: Labels = None,
    out: Out = Path("medlens-run"),
    budget: Budget = "auto",
    seed: Seed = 0,
    task: Task = "auto",
    label_column: LabelColumn = None,
    patient_column: PatientColumn = None,
    recipe: RecipeFile = None,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Walk the whole road: audit, plan, split, train, calibrate, evaluate, report."""
    folder = _walk("run", locals())
    metrics = json.loads((folder.path / "metrics.json").read_text(encoding="utf-8"))
    if as_json:
        typer.echo(json.dumps({"run": str(folder.path), **metrics}, indent=1))
        return
    from medlens.experiment import headline

    typer.echo("")
    for line in headline(metrics):
        typer.echo(line)
    typer.echo(f"\nReport:  {folder.path / 'report.html'}")
    typer.echo(f"Bundle:  {folder.path / 'bundle'}")
    typer.echo("Next:")
    bundle = shlex.quote(str(folder.path / "bundle"))
    form = metrics["task"]["form"]
    words = {"volume": "VOLUME…", "sequence": "SERIES…", "segment": "FILE…"}
    more = "" if form == "segment" else " --labels labels.csv"
    typer.echo(f"  medlens predict {bundle} {words.get(form, 'IMAGE…')}")
    typer.echo(f"  medlens evaluate {bundle} OTHER_DATA{more}")
    typer.echo(DISCLAIMER)


def audit(
    data: Data,
    labels: Labels = None,
    out: Out = Path("medlens-run"),
    budget: Budget = "auto",
    seed: Seed = 0,
    task: Task = "auto",
    label_column: LabelColumn = None,
    patient_column: PatientColumn = None,
    recipe: RecipeFile = None,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Look for leaks, duplicates, unreadable files and shortcuts: audit.json."""
    given = locals()
    _end(_walk("audit", given), "audit.json", "plan", given)


def plan(
    data: Data,
    labels: Labels = None,
    out: Out = Path("medlens-run"),
    budget: Budget = "auto",
    seed: Seed = 0,
    task: Task = "auto",
    label_column: LabelColumn = None,
    patient_column: PatientColumn = None,
    recipe: RecipeFile = None,
    force: Force = False,
) -> None:
    """Audit, split by patient and choose a recipe: recipe.toml, splits.csv."""
    given = {**locals(), "as_json": False}
    _end(_walk("plan", given), "recipe.toml", "train", given)


def train(
    data: Data,
    labels: Labels = None,
    out: Out = Path("medlens-run"),
    budget: Budget = "auto",
    seed: Seed = 0,
    task: Task = "auto",
    label_column: LabelColumn = None,
    patient_column: PatientColumn = None,
    recipe: RecipeFile = None,
    force: Force = False,
) -> None:
    """Train, calibrate and pack a bundle, without looking at the test split."""
    given = {**locals(), "as_json": False}
    _end(_walk("train", given), "bundle", "run", given)


def _walk(
    until: Literal["audit", "plan", "train", "run"], given: dict[str, Any]
) -> RunFolder:
    from medlens.experiment import Request, parse_budget, walk

    console = Console(quiet=given["as_json"])
    request = Request(
        data=given["data"],
        labels=given["labels"],
        label_column=given["label_column"],
        patient_column=given["patient_column"],
        out=given["out"],
        budget=parse_budget(given["budget"]),
        seed=given["seed"],
        task=given["task"],
        recipe=given["recipe"],
        force=given["force"],
    )
    try:
        return walk(request, console, until=until)
    except KeyboardInterrupt:
        console.close()
        typer.echo("\nStopped. Repeat the same command to go on from here.", err=True)
        raise typer.Exit(130) from None
    finally:
        console.close()


def _end(folder: RunFolder, name: str, following: str, given: dict[str, Any]) -> None:
    path = folder.path / name
    if given["as_json"]:
        typer.echo(path.read_text(encoding="utf-8"), nl=False)
        return
    typer.echo(f"\nWritten: {path}")
    typer.echo(f"Next:    {command_after(following, given)}")


def command_after(verb: str, given: dict[str, Any]) -> str:
    """The command that goes on in the same folder, as a shell reads it.

    Every option that differs from its default is repeated: with other ones the
    folder would be refused as that of another command.

    Args:
        verb: the next step.
        given: arguments of this one, by name.
    """
    words = ["medlens", verb, str(given["data"])]
    for name, parameter in signature(run).parameters.items():
        if name in ("data", "out", "force", "as_json"):
            continue
        if given[name] != parameter.default:
            words += [f"--{name.replace('_', '-')}", str(given[name])]
    return shlex.join([*words, "--out", str(given["out"])])
