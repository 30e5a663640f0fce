"""The table of verbs."""

from __future__ import annotations

import typer

from medlens.cli import (
    compare,
    data,
    deidentify,
    doctor,
    evaluate,
    features,
    info,
    predict,
    road,
    serve,
    store,
    trail,
    users,
)

app = typer.Typer(
    name="medlens",
    help="From a folder of medical images and labels to a classifier that can be "
    "trusted: audited, evaluated, calibrated, explained. Research software, not a "
    "medical device.",
    epilog="Start with: medlens run DATA --labels labels.csv",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.command("run")(road.run)
app.command("audit")(road.audit)
app.command("plan")(road.plan)
app.command("train")(road.train)
app.command("evaluate")(evaluate.evaluate)
app.command("predict")(predict.predict)
app.command("features")(features.features)
app.command("compare")(compare.compare)
app.command("deidentify")(deidentify.deidentify)
app.command("serve")(serve.serve)
app.command("backup")(store.backup)
app.command("restore")(store.restore)
app.command("info")(info.info)
app.command("doctor")(doctor.doctor)
app.add_typer(data.app, name="data")
app.add_typer(users.app, name="users")
app.add_typer(trail.app, name="trail")


def _print_version(wanted: bool) -> None:
    if wanted:
        import medlens

        typer.echo(f"medlens {medlens.__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: bool = typer.Option(
        False,
        "--version",
        callback=_print_version,
        is_eager=True,
        help="Print the version and stop.",
    ),
) -> None:
    del version
