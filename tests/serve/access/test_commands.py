"""`medlens users` and `medlens trail`, as somebody with a shell uses them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner, Result

from medlens.cli.app import app
from medlens.core import ExistsError, UsageError
from medlens.serve.access.invitations import accept_invitation
from medlens.serve.access.passwords import is_password
from medlens.serve.access.tokens import read_token
from medlens.serve.access.trail import record
from medlens.serve.access.users import password_of
from medlens.serve.store.store import Store, open_store
from medlens.serve.store.tables import TRAIL_GUARDS, trail
from tests.cli.command import medlens

WORDS = "four plain words here\n"


class Shell:
    """Commands on one service, on either database."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.where = ["--data", str(store.folder)]
        if not store.is_sqlite:
            self.where += ["--database", store.url]

    def try_(self, *words: str, typed: str = "") -> Result:
        return CliRunner().invoke(app, [*words, *self.where], input=typed)

    def run(self, *words: str, typed: str = "") -> str:
        done = self.try_(*words, typed=typed)
        assert done.exit_code == 0, done.output
        return done.stdout


@pytest.fixture
def shell(store: Store) -> Shell:
    return Shell(store)


def test_accounts_are_made_changed_and_listed(shell: Shell) -> None:
    shell.run("users", "add", "Chief", "--role", "administrator", typed=WORDS)
    assert shell.run("users", "add", "anna", typed=WORDS) == "anna is a reader.\n"
    shell.run("users", "role", "anna", "viewer")
    shell.run("users", "disable", "anna")
    found = json.loads(shell.run("users", "list", "--json"))
    assert [(u["name"], u["role"], u["is_active"]) for u in found] == [
        ("anna", "viewer", False),
        ("chief", "administrator", True),
    ]
    assert "disabled" in shell.run("users", "list").splitlines()[0]
    shell.run("users", "enable", "anna")
    shell.run("users", "password", "anna", typed="quite other words now\n")
    user, kept = password_of(shell.store, "anna")
    assert user is not None
    assert is_password("quite other words now", kept)
    shown = json.loads(shell.run("trail", "show", "--json"))
    assert [row["action"] for row in shown] == [
        "add user", "add user", "change role", "disable user", "enable user",
        "set password",
    ]  # fmt: skip
    assert all(row["who"].startswith("shell of ") for row in shown)
    assert "words" not in json.dumps(shown)


def test_an_invitation_and_a_token_work(shell: Shell) -> None:
    link = shell.run("users", "invite", "--role", "viewer", "--url", "https://x.org/")
    assert link.startswith("https://x.org/welcome#")
    secret = link.strip().partition("#")[2]
    assert accept_invitation(shell.store, secret, "anna", WORDS).role == "viewer"
    token = shell.run(
        "users", "token", "anna", "--for", "pacs", "--scope", "view", "--scope", "read"
    ).strip()
    caller = read_token(shell.store, token)
    assert caller is not None
    assert (caller.name, caller.rights) == ("anna", {"view"})


@pytest.mark.parametrize(
    ("words", "kind", "said"),
    [
        (["users", "role", "nobody", "viewer"], UsageError, "there is none such"),
        (["users", "role", "chief", "king"], UsageError, "wanted one of viewer"),
        (["users", "role", "chief", "viewer"], ExistsError, "last administrator"),
        (["users", "disable", "chief"], ExistsError, "last administrator"),
        (["users", "add", "chief"], ExistsError, "is taken"),
        (["users", "add", "a b"], UsageError, "without blanks"),
        (["users", "token", "chief", "--for", "x", "--scope", "fly"], UsageError,
         "wanted one or more of view"),
        (["users", "token", "chief", "--for", "x", "--scope", "view", "--days", "999"],
         UsageError, "up to 366"),
        (["trail", "verify", "--anchor", "x"], UsageError, "wanted NUMBER:DIGEST"),
    ],
)  # fmt: skip
def test_wrong_use_says_what_to_do(
    shell: Shell, words: list[str], kind: type[Exception], said: str
) -> None:
    shell.run("users", "add", "chief", "--role", "administrator", typed=WORDS)
    done = shell.try_(*words, typed=WORDS)
    assert isinstance(done.exception, kind)
    assert said in str(done.exception)


def test_the_trail_is_verified_with_an_anchor(shell: Shell) -> None:
    from medlens.cli.service import operator

    for number in range(1, 6):
        record(shell.store, operator(), "view study", study_id=number)
    said = shell.run("trail", "verify").splitlines()
    assert said[0] == "5 rows, all hold. Anchor:"
    assert said[1].startswith("5:")
    record(shell.store, operator(), "view study", study_id=6)
    shell.run("trail", "verify", "--anchor", said[1])
    with shell.store.begin() as connection:
        for guard in TRAIL_GUARDS[shell.store.engine.dialect.name]:
            words = guard.split()
            if words[1] == "TRIGGER":
                table = "" if shell.store.is_sqlite else " ON trail"
                connection.exec_driver_sql(f"DROP TRIGGER {words[2]}{table}")
        connection.execute(sa.delete(trail).where(trail.c.number > 3))
    shell.run("trail", "verify")
    done = shell.try_("trail", "verify", "--anchor", said[1])
    assert done.exit_code == 1
    assert "broken at row 4: rows 4 to 5 are missing from the end" in done.stdout
    with shell.store.begin() as connection:
        connection.execute(sa.update(trail).where(trail.c.number == 2).values(who="x"))
    done = shell.try_("trail", "verify")
    assert done.exit_code == 1
    assert "broken at row 2: row 2 was changed" in done.stdout


def test_the_trail_is_shown_by_study(shell: Shell) -> None:
    from medlens.cli.service import operator

    for number in (7, 8, 7):
        record(shell.store, operator(), "view study", study_id=number, now=0.0)
    shown = shell.run("trail", "show", "--study", "7").splitlines()
    assert len(shown) == 2
    assert "1970-01-01 00:00:00Z shell of " in shown[0]
    assert shown[0].endswith("view study study 7")
    assert len(shell.run("trail", "show", "--limit", "1").splitlines()) == 1


def test_a_folder_that_is_no_service(tmp_path: Path) -> None:
    done = medlens("trail", "verify", "--data", tmp_path / "nothing")
    assert done.returncode == 2
    assert "nothing: is no folder of a service" in done.stderr
    assert not (tmp_path / "nothing").exists()


def test_from_a_real_shell(tmp_path: Path) -> None:
    data = tmp_path / "service"
    open_store(data).close()
    done = medlens("users", "list", "--data", data)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
