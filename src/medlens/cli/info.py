"""`medlens info`: what a path is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer


def info(
    path: Annotated[
        Path,
        typer.Argument(help="Bundle, run folder or image.", show_default=False),
    ],
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document.")
    ] = False,
) -> None:
    """Say what a bundle, a run folder or an image is; no patient's identity.

    Example: medlens info medlens-run/bundle
    """
    from medlens.experiment.about import describe_path

    found = describe_path(path)
    if as_json:
        typer.echo(json.dumps(found, indent=1, ensure_ascii=False))
        return
    for key, value in found.items():
        typer.echo(f"{key + ':':<20} {value}")
