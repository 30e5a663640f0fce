"""A private PostgreSQL for the tests: its own folder, its own port, gone afterwards."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

BINARIES = sorted(Path("/usr/lib/postgresql").glob("*/bin"))[-1:]
# Nothing of a test must outlive a power cut.
_QUICK = "-c fsync=off -c synchronous_commit=off -c full_page_writes=off"


@dataclass
class Cluster:
    """A running server.

    Attributes:
        port: on 127.0.0.1, trusting everybody there.
    """

    folder: Path
    port: int
    count: int = 0

    def url(self, name: str) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{name}"

    def create(self, *, template: str = "template1") -> str:
        """A fresh database; its URL."""
        self.count += 1
        name = f"test_{self.count}"
        self.sql(f"CREATE DATABASE {name} TEMPLATE {template}")
        return self.url(name)

    def drop(self, url: str) -> None:
        self.sql(f"DROP DATABASE {url.rsplit('/', 1)[1]} WITH (FORCE)")

    def sql(self, statement: str, *, database: str = "postgres") -> None:
        """Run a statement outside of any transaction."""
        import pg8000.native

        connection = pg8000.native.Connection(
            "postgres", host="127.0.0.1", port=self.port, database=database
        )
        try:
            connection.run(statement)
        finally:
            connection.close()


def why_not() -> str:
    """Why no server can be started here, "" where one can."""
    if not BINARIES:
        return "PostgreSQL's server is not installed"
    if os.getuid() == 0 and not _servant():
        return "PostgreSQL does not run as root, and there is no user postgres"
    return ""


def start() -> Cluster:
    """Make and start a cluster in a temporary folder that its user may enter."""
    # Not a folder of pytest's: those are closed to every other user.
    home = Path(tempfile.mkdtemp(prefix="medlens-postgres-"))
    servant = _servant()
    if servant:
        os.chown(home, servant.pw_uid, servant.pw_gid)
    data = home / "data"
    _run("initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8",
         "--locale=C.UTF-8", "--no-sync")  # fmt: skip
    port = _free_port()
    options = f"{_QUICK} -p {port} -c listen_addresses=127.0.0.1 -k {home}"
    _run("pg_ctl", "-D", data, "-o", options, "-l", home / "log", "-w", "start")
    return Cluster(home, port)


def stop(cluster: Cluster) -> None:
    """Stop the server and remove its folder."""
    _run("pg_ctl", "-D", cluster.folder / "data", "-m", "immediate", "-w", "stop")
    shutil.rmtree(cluster.folder)


def _servant() -> pwd.struct_passwd | None:
    """Who runs the server where we are root."""
    if os.getuid() != 0:
        return None
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        return None


def _run(program: str, *arguments: object) -> None:
    servant = _servant()
    who = {"user": servant.pw_uid, "group": servant.pw_gid} if servant else {}
    subprocess.run(
        [str(BINARIES[0] / program), *map(str, arguments)],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        timeout=60,
        cwd="/",
        **who,  # type: ignore[arg-type]
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
