"""schemathesis against a running web side: every operation of its description.

All checks, in all phases: examples, bounds of each value, random ones, and sequences of
requests. Left out are the event streams, which answer for minutes, and /readyz, whose
503 is an answer.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from medlens.serve.settings import Peer, ServeSettings
from medlens.serve.store.store import open_store
from medlens.serve.store.tables import bundles, tokens, users
from tests.serve.people import token_of
from tests.serve.web.api.filled import add_job, add_result, add_study
from tests.serve.web.live import live_server

pytest.importorskip("schemathesis")
HERE = Path(__file__).parent
EXAMPLES = 5  # of each operation in each random phase
FAR = 987_654_321  # number of the caller's own user and token, that no example hits
LIMIT_S = 1200
SKIPPED = "/events$|^/readyz$"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """URL of a service with something in it, and an administrator's header."""
    folder = tmp_path_factory.mktemp("service")
    store = open_store(folder)
    for _ in range(3):
        study = add_study(store)
        add_result(store, study)
        add_job(store, study_id=study, state="done")
    header = token_of(store)["Authorization"]
    with store.begin() as connection:
        connection.exec_driver_sql("PRAGMA defer_foreign_keys=ON")
        connection.execute(sa.update(users).values(id=FAR))
        connection.execute(sa.update(tokens).values(id=FAR, user_id=FAR))
        connection.execute(  # so that the service counts as ready
            sa.insert(bundles).values(
                digest="a" * 64,
                name="x",
                role="active",
                folder="x",
                added_at=time.time(),
                changed_at=time.time(),
            )
        )
    store.close()
    peers = (Peer("pacs", ae_title="P", host="127.0.0.1", port=1),)
    with live_server(ServeSettings(data=folder, peers=peers)) as url:
        yield url, header


@pytest.mark.slow
@pytest.mark.timeout(LIMIT_S + 60)
@pytest.mark.parametrize("who", ["administrator", "nobody"])
def test_every_operation_answers_as_it_says(
    served: tuple[str, str], who: str, tmp_path: Path
) -> None:
    url, header = served
    command = [
        sys.executable, "-m", "schemathesis.cli", "--config-file", HERE / "fuzz.toml",
        "run", f"{url}/api/v1/openapi.json", "--max-examples", EXAMPLES,
        "--exclude-path-regex", SKIPPED, "--generation-deterministic",
        "--no-color", "--request-timeout", 20,
        "--warnings", "off",
    ]  # fmt: skip
    if who == "administrator":
        command += ["--header", f"Authorization: {header}"]
    else:
        command += ["--phases", "examples,fuzzing"]
    done = subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        cwd=tmp_path,
        env={
            **os.environ,
            "SCHEMATHESIS_HOOKS": "tests.serve.web.api.fuzz_hooks",
            "PYTHONPATH": str(HERE.parents[3]),
        },
    )
    assert done.returncode == 0, done.stdout[-12_000:] + done.stderr[-2000:]
    assert "Tested: " in done.stdout, "nothing was tested"
