"""`medlens doctor`: is everything there that a run needs?"""

from __future__ import annotations

import json
from typing import Annotated

import typer


def doctor(
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document.")
    ] = False,
) -> None:
    """Check this installation: packages, engines, decoders, memory, disk.

    Exit code 1 when something that `medlens run` needs is missing.
    """
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
