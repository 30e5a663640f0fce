"""`medlens compare`: two runs or evaluations on the same cases."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer


def compare(
    first: Annotated[
        Path, typer.Argument(metavar="A", help="Run folder.", show_default=False)
    ],
    second: Annotated[
        Path, typer.Argument(metavar="B", help="Run folder.", show_default=False)
    ],
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document.")
    ] = False,
) -> None:
    """Compare two results case by case: the difference with its interval.

    Example: medlens compare run-a run-b
    """
    from medlens.experiment.comparison import compare_runs, describe_comparison

    found = compare_runs(first, second)
    if as_json:
        typer.echo(json.dumps(found, indent=1))
        return
    for line in describe_comparison(found, first.name, second.name):
        typer.echo(line)
