"""`medlens data`: sample data sets."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from medlens.cli.console import Console

app = typer.Typer(
    help="List, fetch and make sample data.",
    no_args_is_help=True,
    rich_markup_mode=None,
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


@app.command("samples")
def samples(
    run: Annotated[
        Path, typer.Argument(help="Folder of a finished run.", show_default=False)
    ],
    data: Annotated[Path, typer.Argument(help="Data of that run.", show_default=False)],
    out: Annotated[Path, typer.Option(help="Folder for the samples.")] = Path(
        "medlens-samples"
    ),
    modality: Annotated[
        str, typer.Option(help="Of the images, as DICOM writes it: MR, DX, …")
    ] = "",
    body_part: Annotated[str, typer.Option(help="Likewise: HEAD, CHEST, …")] = "",
) -> None:
    """Make studies to try a service on: test images of a run, and a made CT.

    Example: medlens data samples medlens-run medlens-data/br35h --modality MR
    """
    from medlens.experiment.sample_studies import write_samples

    path = write_samples(run, data, out, modality=modality, body_part=body_part)
    typer.echo(f"{path}")
    bundle = shlex.quote(str(run / "bundle"))
    typer.echo(
        f"Next:    medlens serve {bundle} --demo --samples {shlex.quote(str(path))}"
    )
