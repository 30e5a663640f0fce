"""`medlens doctor`: is everything there that a run needs, and is a store whole?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from medlens.cli.service import DatabaseOption, opened


def doctor(
    data: Annotated[
        Path | None,
        typer.Option("--data", help="Check the store of this service instead."),
    ] = None,
    database: DatabaseOption = "",
    deep: Annotated[
        bool, typer.Option("--deep", help="With --data: read every file again.")
    ] = False,
    clean: Annotated[
        bool,
        typer.Option(
            "--clean", help="With --data: delete files that nothing has named for 1 h."
        ),
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document.")
    ] = False,
) -> None:
    """Check this installation: packages, engines, decoders, memory, disk.

    With --data, check a service's store instead: every row has its file with the
    right digest, every file its row, counters and jobs are right. The service may
    run meanwhile.

    Exit code 1 when something that `medlens run` needs is missing, or when a store
    has lost something.

    Example: medlens doctor --data service --deep
    """
    if data is not None:
        _check_store(data, database, deep=deep, clean=clean, as_json=as_json)
        return
    if deep or clean:
        from medlens.core import UsageError

        raise UsageError("--deep and --clean go with --data DIR")
    from medlens.experiment.health import check_health

    checks = check_health()
    if as_json:
        typer.echo(json.dumps([vars(check) for check in checks], indent=1))
    else:
        for check in checks:
            mark = "ok  " if check.is_ok else ("MISS" if check.is_needed else "none")
            typer.echo(f"{mark}  {check.name:<28} {check.found}")
            if not check.is_ok:
                typer.echo(f"      {check.advice}")
    if any(check.is_needed and not check.is_ok for check in checks):
        raise typer.Exit(1)


def _check_store(
    data: Path, database: str, *, deep: bool, clean: bool, as_json: bool
) -> None:
    with opened(data, database) as store:
        from medlens.serve.store.doctor import check_store

        findings = check_store(store, deep=deep, clean=clean)
    if as_json:
        typer.echo(json.dumps([vars(finding) for finding in findings], indent=1))
    else:
        for finding in findings:
            bad = "BAD " if finding.is_serious else "note"
            typer.echo(f"{bad if finding.count else 'ok  '}  {finding.name}")
            if finding.detail:
                typer.echo(f"      {finding.detail}")
    if any(finding.count and finding.is_serious for finding in findings):
        raise typer.Exit(1)
