"""`medlens features`: edges, texture and shape of every image as a table."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from medlens.cli.console import Console, tell_failed


def features(
    data: Annotated[Path, typer.Argument(help="Data, any form.", show_default=False)],
    labels: Annotated[Path | None, typer.Option(help="CSV of labels.")] = None,
    out: Annotated[Path, typer.Option(help="The table.")] = Path("features.csv"),
    label_column: Annotated[
        str | None, typer.Option(help="Column that holds the label.")
    ] = None,
    voxel_mm: Annotated[
        float | None, typer.Option(help="Volumes: resample to cubes of this side.")
    ] = None,
    bin_width: Annotated[
        float | None,
        typer.Option(help="Volumes: width of a grey level (25 for CT in HU)."),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace an existing table.")
    ] = False,
) -> None:
    """Write a table of edge, texture and shape features, IBSI names where it has them.

    Volumes in images/ with masks in labels/ give one row for each label.

    Example: medlens features images/ --out features.csv
    """
    from medlens.experiment.tabulate import tabulate_features

    console = Console()
    try:
        written, failed = tabulate_features(
            data,
            labels=labels,
            label_column=label_column,
            voxel_mm=voxel_mm,
            bin_width=bin_width,
            out=out,
            force=force,
            narrator=console,
        )
    finally:
        console.close()
    typer.echo(f"{written} rows in {out}")
    for key, reason in failed:
        tell_failed(key, reason)
    if failed:
        raise typer.Exit(1)
