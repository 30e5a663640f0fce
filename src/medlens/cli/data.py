"""`medlens data`: sample data sets."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from medlens.cli.console import Console

app = typer.Typer(
    help="List and fetch sample data sets.", no_args_is_help=True, rich_markup_mode=None
)


@app.command("list")
def show() -> None:
    """List the data sets that can be fetched."""
    from medlens.datasets import list_datasets

    for entry in list_datasets():
        typer.echo(f"{entry.name:<20} {entry.summary}")
        typer.echo(f"{'':<20} licence: {entry.licence}")


@app.command("get")
def fetch(
    name: Annotated[str, typer.Argument(help="As in the list.", show_default=False)],
    out: Annotated[Path, typer.Option(help="Folder for data sets.")] = Path(
        "medlens-data"
    ),
) -> None:
    """Fetch a data set and check its digest.

    Example: medlens data get br35h
    """
    from medlens.datasets import get_dataset

    console = Console()
    try:
        path = get_dataset(name, out, progress=console.progress)
    finally:
        console.close()
    typer.echo(f"{path}")
    typer.echo(f"Next:    medlens run {shlex.quote(str(path))}")
