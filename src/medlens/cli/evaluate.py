"""`medlens evaluate`: a bundle on another labelled set."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from medlens.cli.console import Console, tell_failed


def evaluate(
    bundle: Annotated[Path, typer.Argument(help="Bundle folder.", show_default=False)],
    data: Annotated[
        Path, typer.Argument(help="Labelled data, any form.", show_default=False)
    ],
    labels: Annotated[Path | None, typer.Option(help="CSV of labels.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder; default evaluation-<DATA>.")
    ] = None,
    label_column: Annotated[
        str | None, typer.Option(help="Column that holds the label.")
    ] = None,
    patient_column: Annotated[
        str | None, typer.Option(help="Column that holds the patient key.")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace an earlier evaluation.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document.")
    ] = False,
) -> None:
    """Measure a bundle on other data: external validation, with intervals.

    Example: medlens evaluate medlens-run/bundle other/ --labels other/labels.csv
    """
    from medlens.experiment import evaluate_bundle, headline
    from medlens.experiment.external import default_out

    console = Console(quiet=as_json)
    folder = out or default_out(bundle, data)
    try:
        found = evaluate_bundle(
            bundle,
            data,
            labels=labels,
            label_column=label_column,
            patient_column=patient_column,
            out=folder,
            force=force,
            narrator=console,
        )
    finally:
        console.close()
    if as_json:
        shown = {key: value for key, value in found.items() if key != "curves"}
        typer.echo(json.dumps(shown, indent=1))
    else:
        for line in headline(found):
            typer.echo(line)
        typer.echo(f"Report:  {folder / 'report.html'}")
        typer.echo("Research software, not a medical device.")
    for item in found["failed"]:
        tell_failed(item["case"], item["reason"])
    if found["failed"]:
        raise typer.Exit(1)
