"""`--check` says what a service would do and what would stop it, and starts nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from medlens.core import MedlensError, UsageError
from medlens.serve.run import check
from medlens.serve.run.check import bind, check_settings
from medlens.serve.run.preview import preview
from medlens.serve.settings import Peer, ServeSettings
from tests.cli.command import medlens
from tests.serve.work.studies import put_bundle

PACS = Peer("pacs", ae_title="PACS", host="127.0.0.1", port=104)
RULES = """
[[rule]]
name = "chest"
bundle = "tiny"
modality = "DX"
destinations = ["pacs"]
"""


@pytest.fixture
def settings(tmp_path: Path) -> ServeSettings:
    (tmp_path / "rules.toml").write_text(RULES)
    return ServeSettings(
        data=tmp_path / "data",
        bundles=(put_bundle(tmp_path / "bundle"),),
        rules=tmp_path / "rules.toml",
        peers=(PACS,),
        port=0,
        dicom_port=0,
    )


def answer(_: Peer) -> None:
    """A destination that is there."""


def refuse(peer: Peer) -> None:
    raise MedlensError(f"destination {peer.name}: cannot be reached; start it")


def test_all_is_told(settings: ServeSettings) -> None:
    found = preview(settings, ask=answer)
    assert found.faults == ()
    text = "\n".join(found.lines)
    assert [line.split() for line in found.lines if "chest" in line] == [
        ["chest", "tiny", "modality", "DX", "pacs", "0"]
    ]
    assert "  pacs  answers" in text
    assert "  DICOM listener MEDLENS  127.0.0.1:0  is free" in text
    assert not settings.data.exists()


def test_without_rules_the_bundles_speak(settings: ServeSettings) -> None:
    text = "\n".join(preview(replace(settings, rules=None), ask=answer).lines)
    assert "takes what is like its training images" in text
    assert "tiny" in text


def test_a_silent_destination_is_a_fault(settings: ServeSettings) -> None:
    found = preview(settings, ask=refuse)
    assert "  pacs  does not answer" in found.lines
    assert found.faults == ("destination pacs: cannot be reached; start it",)


def test_a_rule_of_no_bundle_is_a_fault(settings: ServeSettings) -> None:
    (fault,) = preview(replace(settings, bundles=()), ask=answer).faults
    assert fault.startswith("rule 'chest': bundle 'tiny' is not given here")


def test_a_taken_port_is_a_fault(
    settings: ServeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check, "PATIENCE_S", 0.0)
    with bind("127.0.0.1", 0, option="--port") as taken:
        port = taken.getsockname()[1]
        (fault,) = preview(replace(settings, port=port), ask=answer).faults
    assert fault.startswith(f"--port {port}: cannot be bound")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"peers": ()}, "destination 'pacs' is no peer with a port or URL"),
        ({"database": "not a URL"}, "--database: is no URL"),
        ({"database": "mysql://u:secret@h/d"}, "of kind 'mysql'"),
        (
            {"tls_certificate": Path("no.pem"), "tls_key": Path("no.pem")},
            "tls_certificate, tls_key: cannot be used",
        ),
    ],
)
def test_what_would_stop_a_process_stops_the_start(
    settings: ServeSettings, changes: dict[str, object], said: str
) -> None:
    changed = replace(settings, **changes)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=said) as caught:
        check_settings(changed)
    assert "secret" not in str(caught.value)
    assert preview(changed, ask=answer).faults == (str(caught.value),)


def test_the_exit_code(settings: ServeSettings, tmp_path: Path) -> None:
    words = ["serve", "--check", *settings.bundles, "--data", tmp_path / "data"]
    words += ["--port", "0", "--dicom-port", "0"]
    good = medlens(*words)
    assert good.returncode == 0, good.stderr
    assert good.stdout.endswith("All is well. Nothing was started.\n")
    bad = medlens(*words, "--rules", settings.rules)
    assert bad.returncode == 2
    assert "error: rule 'chest': destination 'pacs' is no peer" in bad.stderr
    assert not (tmp_path / "data").exists()
