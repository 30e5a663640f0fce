"""The folder of a service, opened for a command."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from medlens.serve.access.caller import Caller
    from medlens.serve.store.store import Store

DataOption = Annotated[Path, typer.Option("--data", help="Folder of the service.")]
DatabaseOption = Annotated[
    str,
    typer.Option(
        "--database",
        help="Database URL; SQLite in --data without it.",
        envvar="MEDLENS_DATABASE",
        show_envvar=False,
    ),
]
DATA = Path("medlens-service")


@contextmanager
def opened(data: Path, database: str, *, make: bool = False) -> Iterator[Store]:
    """The store of a service; closed when the block ends.

    Args:
        data, database: as for `medlens serve`.
        make: a folder that is not there yet is made.

    Raises:
        UsageError: the folder is no service's.
        MissingExtraError: the packages of the service are not installed.
    """
    from medlens.core import MissingExtraError, UsageError

    try:
        from medlens.serve.store.store import open_store
    except ModuleNotFoundError as error:
        raise MissingExtraError("medlens serve", "serve") from error
    if not make and not (data / "blobs").is_dir():
        raise UsageError(
            f"--data {data.name}: is no folder of a service; start `medlens serve "
            "--data DIR` once, or name the folder that it uses"
        )
    store = open_store(data, database)
    try:
        yield store
    finally:
        store.close()


def operator() -> Caller:
    """Whoever has a shell on this machine, for the trail."""
    import getpass

    from medlens.serve.access.caller import RIGHTS, Caller

    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # a container's number without a name
        name = "?"
    return Caller(
        None, f"shell of {name}", "administrator", RIGHTS["administrator"], ""
    )
