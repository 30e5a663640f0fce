"""The service's TOML file: every field, and every way of getting it wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from medlens.core import UsageError
from medlens.serve.run.config import load_settings
from medlens.serve.settings import Limits, Peer, ServeSettings


def written(folder: Path, text: str) -> Path:
    path = folder / "service.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_an_empty_file_gives_the_defaults(tmp_path: Path) -> None:
    assert load_settings(written(tmp_path, "")) == ServeSettings()


def test_every_kind_of_value_is_read(tmp_path: Path) -> None:
    text = """
port = 9000
dicom_port = -1
quiet_s = 3
bundles = ["a", "b"]
hosts = ["ai.local"]
rules = "rules.toml"
[limits]
associations = 7
store_gb = 1.5
[weights]
pneumothorax = 8
"Pleural effusion" = 0.5
[openid]
issuer = "https://login.example"
roles = {radiology = "reader"}
[[peers]]
name = "pacs"
ae_title = "PACS"
host = "10.0.0.5"
port = 104
address = "10.0.0.0/24"
"""
    found = load_settings(written(tmp_path, text))
    assert (found.port, found.dicom_port, found.quiet_s) == (9000, -1, 3.0)
    assert found.bundles == (tmp_path / "a", tmp_path / "b")
    assert found.hosts == ("ai.local",)
    assert found.rules == tmp_path / "rules.toml"
    assert found.limits == Limits(associations=7, store_gb=1.5)
    assert found.weights == {"pneumothorax": 8.0, "Pleural effusion": 0.5}
    assert found.openid.roles == {"radiology": "reader"}
    assert found.peers == (
        Peer("pacs", "PACS", "10.0.0.5", 104, address="10.0.0.0/24"),
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("prot = 1", "prot is unknown; nearest: port"),
        ("port = 'x'", "port is 'x'; wanted int"),
        ("port = true", "port is True; wanted int"),
        ("port = -1", "port is -1; wanted 0 or more"),
        ("dicom_port = -2", "dicom_port is -2; wanted -1 or more"),
        ("quiet_s = nan", "quiet_s is nan; wanted 0 or more"),
        ("demo = true", "demo is said on the command line alone"),
        ("bundles = 'a'", "bundles: wanted a list of folders"),
        ("limits = 3", "limits: wanted a table"),
        ("[limits]\nasociations = 3", "asociations is unknown; nearest: associations"),
        ("[openid]\nroles = {a = 1}", "roles: wanted a table of texts"),
        ("weights = 1", "weights: wanted a table of labels with numbers"),
        ("[weights]\na = 11", "weights: 'a' is 11; wanted a number from 0 to 10"),
        ("[weights]\na = nan", "'a' is nan; wanted a number from 0 to 10"),
        ("[weights]\na = -1", "'a' is -1; wanted a number from 0 to 10"),
        ("[weights]\na = true", "'a' is True; wanted a number from 0 to 10"),
        ("[weights]\na = '3'", "'a' is '3'; wanted a number from 0 to 10"),
        ("peers = 1", r"peers: wanted \[\[peers\]\] tables"),
        ("[[peers]]\nae_title = 'A'", "a peer has no name"),
        (
            f"[[peers]]\nname = '{'n' * 65}'",
            "name has 65 characters; wanted at most 64",
        ),
        ("[[peers]]\nname='a'\n[[peers]]\nname='a'", "the name 'a' is there twice"),
        ("[[peers]]\nname='a'\naddress='ten'", "address of 'a' is no network"),
        ("[[peers]]\nname='a'\nurl='ftp://x'", "url of 'a' is no http"),
        ("[[peers]]\nname='a'\nport=104", "has a port; wanted its ae_title and host"),
        (
            "[[peers]]\nname='a'\nae_title='ABCDEFGHIJKLMNOPQ'",
            "has 17 characters; wanted at most 16",
        ),
        ("port = ", "service.toml: is no TOML"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        load_settings(written(tmp_path, text))


def test_a_missing_file_is_named_by_its_last_part(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"^none\.toml: cannot be read"):
        load_settings(tmp_path / "none.toml")


def test_a_huge_file_is_not_parsed(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="wanted at most 1000000"):
        load_settings(written(tmp_path, "#" * 1_000_001))
