"""`medlens deidentify`: DICOM files without the patient's identity."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from medlens.cli.console import Console, tell_failed


def deidentify(
    inputs: Annotated[
        list[Path],
        typer.Argument(
            metavar="INPUT...", help="DICOM files or folders.", show_default=False
        ),
    ],
    out: Annotated[
        Path, typer.Option(help="Folder for the new files.", show_default=False)
    ],
    key: Annotated[
        Path | None,
        typer.Option(help="Key file; made where there is none. Same key, same UIDs."),
    ] = None,
    keep: Annotated[
        str,
        typer.Option(help="Some of dates, shifted-dates, patient, device, uids."),
    ] = "",
    allow_burned_in: Annotated[
        bool,
        typer.Option(
            "--allow-burned-in", help="Write images, too, that may hold text in pixels."
        ),
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Write into a folder that is not empty.")
    ] = False,
) -> None:
    """Remove the patient's identity (DICOM PS3.15, basic profile).

    Example: medlens deidentify study/ --out shared/ --key hospital.key
    """
    from medlens.deidentify import (
        deidentify_folder,
        load_secret,
        new_secret,
        parse_keep,
    )

    chosen = parse_keep(keep)
    secret = load_secret(key) if key is not None else new_secret()
    console = Console()
    try:
        report = deidentify_folder(
            inputs,
            out,
            secret,
            keep=chosen,
            allow_burned_in=allow_burned_in,
            force=force,
            tell=lambda done, total: console.progress(done, total, "files"),
        )
    finally:
        console.close()
    if as_json:
        typer.echo(json.dumps(asdict(report), ensure_ascii=False, indent=1))
    else:
        typer.echo(
            f"{report.written} files of {report.patients} patients written to {out}; "
            f"{len(report.held)} held for a person, {len(report.failed)} failed"
        )
        if key is None and not chosen.uids:
            typer.echo(
                "No --key: another run gives the same patients other names and UIDs."
            )
    for case, reason in report.held:
        typer.echo(f"medlens: held: {case}: {reason}", err=True)
    for case, reason in report.failed:
        tell_failed(case, reason)
    if report.held or report.failed:
        raise typer.Exit(1)
