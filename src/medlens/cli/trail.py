"""`medlens trail`: who did what, and is the record whole."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Annotated

import typer

from medlens.cli.service import DATA, DatabaseOption, DataOption, opened

app = typer.Typer(
    help="The trail of who did what: show it, verify it.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.command("verify")
def verify(
    data: DataOption = DATA,
    database: DatabaseOption = "",
    anchor: Annotated[
        str, typer.Option(help="An earlier end, as it was printed.", show_default=False)
    ] = "",
) -> None:
    """Check every row; print the end of the trail as an anchor.

    Keep the anchor where the service cannot write, and give it next time: without one
    a cut-off end cannot be noticed. Exit code 1 when a row does not hold.

    Example: medlens trail verify --data service --anchor 1042:9f2c…
    """
    with opened(data, database) as store:
        from medlens.serve.access.trail import read_anchor, verify_trail

        known = read_anchor(anchor) if anchor else None
        found = verify_trail(store, anchor=known)
    if found.is_whole:
        typer.echo(f"{found.rows} rows, all hold. Anchor:")
        typer.echo(str(found.end))
        return
    typer.echo(f"broken at row {found.broken}: {found.reason}")
    typer.echo(f"{found.rows} rows before it hold.")
    raise typer.Exit(1)


@app.command("show")
def show(
    data: DataOption = DATA,
    database: DatabaseOption = "",
    study: Annotated[
        int | None, typer.Option(help="Of this study, by our own number.")
    ] = None,
    limit: Annotated[int, typer.Option(help="Newest rows.", min=1)] = 50,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document.")
    ] = False,
) -> None:
    """Show the newest rows, oldest of them first.

    Example: medlens trail show --data service --limit 20
    """
    with opened(data, database) as store:
        from medlens.serve.access.trail import read_trail

        with store.read() as connection:
            rows = read_trail(connection, study_id=study, limit=limit)[::-1]
    if as_json:
        typer.echo(json.dumps(rows, indent=1))
        return
    for row in rows:
        at = datetime.fromtimestamp(row["at"], UTC).strftime("%Y-%m-%d %H:%M:%SZ")
        about = f" study {row['study_id']}" if row["study_id"] else ""
        detail = json.dumps(row["detail"]) if row["detail"] else ""
        typer.echo(
            f"{row['number']:>7} {at} {row['who']:<16} {row['address']:<15} "
            f"{row['action']}{about} {detail}".rstrip()
        )
