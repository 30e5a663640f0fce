"""`medlens predict`: a bundle's answer for images, series and volumes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from medlens.cli.console import tell_failed


def predict(
    context: typer.Context,
    bundle: Annotated[Path, typer.Argument(help="Bundle folder.", show_default=False)],
    inputs: Annotated[
        list[Path],
        typer.Argument(
            metavar="INPUT...",
            help="Images, series, volumes or folders.",
            show_default=False,
        ),
    ],
    out: Annotated[
        Path | None, typer.Option(help="Folder for files; wanted by --format.")
    ] = None,
    formats: Annotated[
        str,
        typer.Option(
            "--format",
            help="Files to write: json, csv, png, nifti, text, dicom, fhir.",
        ),
    ] = "json,csv",
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document.")
    ] = False,
    engine: Annotated[
        str, typer.Option(help="auto, onnxruntime, openvino or int8.")
    ] = "auto",
    uneven: Annotated[
        str, typer.Option(help="Uneven slices: refuse, resample or keep.")
    ] = "refuse",
    with_text: Annotated[
        bool | None,
        typer.Option(
            "--text/--no-text",
            help="Print each case's report; by default that of a single case.",
        ),
    ] = None,
    lang: Annotated[str, typer.Option(help="Of reports and results: en or zh.")] = "en",
    prior: Annotated[
        Path | None,
        typer.Option(help="Earlier diagnosis, or predictions.json, to compare with."),
    ] = None,
    timing: Annotated[
        bool, typer.Option("--timing", help="Tell the seconds of each stage.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Replace files in --out.")
    ] = False,
) -> None:
    """Answer for each image, series or volume: findings, probabilities, doubt.

    Example: medlens predict medlens-run/bundle scan.dcm --json
    """
    from medlens.core import UsageError
    from medlens.predict.answers import answer_inputs

    source = context.get_parameter_source("formats")
    is_asked = source is not None and source.name == "COMMANDLINE"
    if is_asked and out is None:
        raise UsageError(
            f"--format {formats}: names files, and there is no folder for them; add "
            "--out DIR, or pass --json to print the document"
        )
    found = answer_inputs(
        bundle,
        inputs,
        out=out,
        formats=formats,
        engine=engine,
        force=force,
        uneven=uneven,
        timing=timing,
        lang=lang,
        with_texts=with_text,
        prior=prior,
    )
    if as_json:
        typer.echo(json.dumps(found.document, ensure_ascii=False, indent=1))
    else:
        for line in found.lines():
            typer.echo(line)
    for item in found.document["failed"]:
        tell_failed(item["case"], item["reason"])
    if found.document["failed"]:
        raise typer.Exit(1)
