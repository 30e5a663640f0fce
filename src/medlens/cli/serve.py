"""`medlens serve`: the hospital side."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from medlens.serve.settings import ServeSettings


def serve(
    context: typer.Context,
    bundles: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[BUNDLE]...", help="Bundle folders.", show_default=False
        ),
    ] = None,
    data: Annotated[
        Path, typer.Option(help="Folder of the service: images, index, results.")
    ] = Path("medlens-service"),
    host: Annotated[str, typer.Option(help="Address of the web side.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port of the web side.")] = 8000,
    dicom_port: Annotated[
        int, typer.Option(help="Port of the DICOM listener; -1 for none.")
    ] = 11112,
    ae_title: Annotated[str, typer.Option(help="Our AE title.")] = "MEDLENS",
    database: Annotated[
        str,
        typer.Option(
            help="Database URL; SQLite in --data without it.",
            envvar="MEDLENS_DATABASE",
            show_envvar=False,
        ),
    ] = "",
    rules: Annotated[
        Path | None, typer.Option(help="TOML file: which bundle for which series.")
    ] = None,
    config: Annotated[
        Path | None, typer.Option(help="TOML file with all settings.")
    ] = None,
    workers: Annotated[int, typer.Option(help="Processes that answer.")] = 1,
    quiet: Annotated[
        float, typer.Option(help="Seconds without an image until a study is ready.")
    ] = 10.0,
    lang: Annotated[str, typer.Option(help="Texts of results: en or zh.")] = "en",
    demo: Annotated[
        bool, typer.Option("--demo", help="No account; for this machine only.")
    ] = False,
    samples: Annotated[
        Path | None,
        typer.Option(help="Folder of studies to try a demo on; put in once."),
    ] = None,
    open_page: Annotated[
        bool,
        typer.Option(
            "--open/--no-open", help="Open the page where there is a display."
        ),
    ] = False,
    check: Annotated[
        bool,
        typer.Option(
            "--check", help="Check settings, rules, bundles, ports; start nothing."
        ),
    ] = False,
) -> None:
    """Receive studies, answer them, and give standard DICOM results back.

    Example: medlens serve medlens-run/bundle --data service
    """
    from medlens.core import MissingExtraError

    try:
        from medlens.serve.run.config import load_settings
        from medlens.serve.run.start import Started, run_service
        from medlens.serve.settings import ServeSettings
    except ModuleNotFoundError as error:
        raise MissingExtraError("medlens serve", "serve") from error

    settings = load_settings(config) if config is not None else ServeSettings()
    given: dict[str, Any] = {
        "bundles": tuple(bundles or ()),
        "data": data,
        "host": host,
        "port": port,
        "dicom_port": dicom_port,
        "ae_title": ae_title,
        "database": database,
        "rules": rules,
        "workers": workers,
        "quiet_s": quiet,
        "language": lang,
        "demo": demo,
    }
    options = {"quiet_s": "quiet", "language": "lang"}
    said = {
        key: value
        for key, value in given.items()
        if _is_said(context, options.get(key, key))
    }

    def tell(started: Started) -> None:
        for line in started.lines:
            typer.echo(line)
        if open_page:
            _open(started.url)

    settings = replace(settings, **said)
    if check:
        _check(settings)
    else:
        run_service(settings, tell, samples=samples)


def _check(settings: ServeSettings) -> None:
    """Print what the service would do; exit code 2 where something is wrong."""
    from medlens.serve.run.preview import preview

    found = preview(settings)
    for line in found.lines:
        typer.echo(line)
    for fault in found.faults:
        typer.echo(f"error: {fault}", err=True)
    if found.faults:
        raise typer.Exit(2)
    typer.echo("All is well. Nothing was started.")


def _open(url: str) -> None:
    """Show the page in the person's browser, where there is a display."""
    import os
    import sys
    import webbrowser

    has_display = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    if has_display or sys.platform == "darwin":
        webbrowser.open(f"{url}/")


def _is_said(context: typer.Context, name: str) -> bool:
    """Whether the user gave it, so that a default does not undo the file's word."""
    source = context.get_parameter_source(name)
    return source is not None and source.name != "DEFAULT"
