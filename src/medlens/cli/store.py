"""`medlens backup` and `medlens restore`: all of a service in one place, and back."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from medlens.cli.service import DATA, DatabaseOption, DataOption, opened

if TYPE_CHECKING:
    from medlens.serve.store.backup import Backup

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


def backup(
    out: Annotated[
        Path,
        typer.Option(
            help="A folder, brought up to date each time, or a name ending in .tar.",
            show_default=False,
        ),
    ],
    data: DataOption = DATA,
    database: DatabaseOption = "",
    force: Annotated[
        bool, typer.Option("--force", help="Replace a tar file that is there.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Back up studies, results, users and the trail, while the service runs.

    The backup holds patients' images: keep it as safe as the service itself.

    Example: medlens backup --data service --out /backup/medlens
    """
    with opened(data, database) as store:
        from medlens.serve.store.backup import back_up

        made = back_up(store, out, force=force, on_progress=_tell)
    _print(made, as_json, f"next: medlens restore {out.name} --data NEW_FOLDER")


def restore(
    source: Annotated[
        Path,
        typer.Argument(metavar="BACKUP", help="Folder or tar file of a backup."),
    ],
    data: DataOption = DATA,
    database: DatabaseOption = "",
    force: Annotated[
        bool, typer.Option("--force", help="Replace the index that is there.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Fill a service's folder and database from a backup; every file is checked.

    The service must not run. SQLite and PostgreSQL take each other's backups.

    Example: medlens restore /backup/medlens --data service
    """
    from medlens.core import MissingExtraError

    try:
        from medlens.serve.run.lock import hold
        from medlens.serve.store.backup import restore as fill
        from medlens.serve.store.store import Store
    except ModuleNotFoundError as error:
        raise MissingExtraError("medlens serve", "serve") from error
    with hold(data):
        store = Store(data, database)
        try:
            found = fill(source, store, force=force, on_progress=_tell)
        finally:
            store.close()
    _print(found, as_json, f"next: medlens doctor --data {data}")


def _print(found: Backup, as_json: bool, after: str) -> None:
    if as_json:
        typer.echo(json.dumps(asdict(found), indent=1))
        return
    size = found.bytes / 1e9
    typer.echo(
        f"{found.rows:,} rows, {found.files:,} files ({size:,.2f} GB), "
        f"{found.copied:,} of them copied by the backup"
    )
    typer.echo(after, err=True)


def _tell(done: int, of: int) -> None:
    """Progress, now and then, for a person who watches."""
    if sys.stderr.isatty() and (done % 500 == 0 or done == of):
        end = "\n" if done == of else "\r"
        sys.stderr.write(f"{done:,} of {of:,} files{end}")
