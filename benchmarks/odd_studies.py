"""A hundred odd studies in one go: each has a result or a reason, nothing crashes.

python -m benchmarks.odd_studies [--data FOLDER] [--database URL]

Starts `medlens serve` with a bundle for chest radiographs and a rule that says so,
sends everything of `odd_cases` by C-STORE and upload, waits until nothing is open, and
looks at what became of each. Prints the odd ones out; keeps the figures in
results/odd_studies.json.
"""

from __future__ import annotations

import argparse
import json
import re
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.machine import keep
from benchmarks.odd_cases import Odd, odd_studies
from medlens.client import Client, ClientError

RULES = """
[[rule]]
name = "chest"
bundle = "tiny"
modality = ["CR", "DX"]
body_part = "CHEST"
"""
PATIENCE_S = 600.0
ENDED = ("answered", "refused", "failed")


@dataclass
class Fate:
    """What became of a study.

    Attributes:
        receipts: (outcome, reason) of each file.
        state, reason: of the study, "" where nothing of it was stored.
        left_out: reasons in its diagnosis, and of those not assessable.
    """

    receipts: list[tuple[str, str]] = field(default_factory=list)
    study: int | None = None
    state: str = ""
    reason: str = ""
    left_out: list[str] = field(default_factory=list)

    @property
    def is_silent(self) -> bool:
        """True when something is without a result and without a reason."""
        for outcome, reason in self.receipts:
            if outcome in ("refused", "conflict") and not reason:
                return True
        if self.study is None:
            return not any(reason for _, reason in self.receipts)
        if self.state not in ENDED:
            return True
        return self.state != "answered" and not (self.reason or self.left_out)


class Running:
    """A service under test.

    Args:
        folder: for its data, bundle, rules and log.
        database: URL, "" for SQLite.
    """

    def __init__(self, folder: Path, database: str) -> None:
        from tests.tiny import CARD, bundle_of, plain_graph

        from medlens.bundle import write_bundle

        write_bundle(
            folder / "bundle", bundle_of(plain_graph(), name="tiny"), card=CARD
        )
        (folder / "rules.toml").write_text(RULES, encoding="utf-8")
        self.log = (folder / "service.log").open("w+b")
        command = [sys.executable, "-m", "medlens", "serve", str(folder / "bundle")]
        command += [
            "--data",
            str(folder / "data"),
            "--rules",
            str(folder / "rules.toml"),
        ]
        command += ["--port", "0", "--dicom-port", "0", "--quiet", "2", "--demo"]
        command += ["--database", database] if database else []
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=self.log, text=True
        )
        assert self.process.stdout is not None
        said = ""
        while "Stop with" not in said:
            line = self.process.stdout.readline()
            if not line:
                raise SystemExit("the service did not start; see its log")
            said += line
        self.url = re.search(r"http://\S+", said)[0]  # type: ignore[index]
        self.dicom_port = int(re.search(r" at \S+:(\d+)", said)[1])  # type: ignore[index]

    def peak_mb(self) -> float:
        """Largest memory of any of its processes."""
        peaks = []
        for pid in _below(self.process.pid):
            status = Path(f"/proc/{pid}/status").read_text()
            found = re.search(r"VmHWM:\s+(\d+)", status)
            peaks += [int(found[1]) / 1000] if found else []
        return max(peaks)

    def restarts(self) -> int:
        """How often one of its processes died."""
        self.log.flush()
        text = Path(self.log.name).read_text()
        return text.count("process ended, is started again")

    def stop(self) -> None:
        """End it and wait."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)


def main() -> None:
    """Run it and print what is odd."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=None)
    parser.add_argument("--database", default="")
    chosen = parser.parse_args()
    warnings.simplefilter("ignore")
    odd = odd_studies(chosen.data)
    with tempfile.TemporaryDirectory() as name:
        running = Running(Path(name), chosen.database)
        try:
            figures = _run(running, odd, Path(name))
        finally:
            running.stop()
            text = Path(running.log.name).read_text()
        figures["identity_in_log"] = sum(
            word in text for word in ("Odd^Case", "ODD", "DROP TABLE", "Wang")
        )
    print(json.dumps({k: v for k, v in figures.items() if k != "fates"}, indent=1))
    print(keep("odd_studies", figures))


def _run(running: Running, odd: list[Odd], folder: Path) -> dict[str, Any]:
    started = time.monotonic()
    fates: list[Fate] = []
    with Client(running.url) as client:
        for number, one in enumerate(odd):
            fates.append(_send(one, running, client, folder / f"{number}"))
        _wait(client)
        for one, fate in zip(odd, fates, strict=True):
            _look(one, fate, client)
    wrong = [
        one.name
        for one, fate in zip(odd, fates, strict=True)
        if fate.state == "answered" and one.may_answer is False
    ]
    missed = [
        f"{one.name}: {fate.state} {fate.reason} {fate.left_out}"
        for one, fate in zip(odd, fates, strict=True)
        if one.may_answer and fate.state != "answered"
    ]
    silent = [one.name for one, fate in zip(odd, fates, strict=True) if fate.is_silent]
    for one, fate in zip(odd, fates, strict=True):
        said = fate.reason or "; ".join(fate.left_out)
        said = said or "; ".join(r for _, r in fate.receipts if r)
        print(f"{one.name:<34.34} {fate.state or '-':<9} {said:.150}")
    return {
        "studies": len(odd),
        "files": sum(len(one.files) for one in odd),
        "seconds": round(time.monotonic() - started, 1),
        "crashes": running.restarts(),
        "silent": silent,
        "answered_wrongly": wrong,
        "not_answered_though_it_could": missed,
        "states": dict(Counter(fate.state or "not stored" for fate in fates)),
        "outcomes": dict(Counter(o for fate in fates for o, _ in fate.receipts)),
        "peak_mb": round(running.peak_mb()),
    }


def _send(one: Odd, running: Running, client: Client, folder: Path) -> Fate:
    folder.mkdir()
    paths = []
    for number, data in enumerate(one.files):
        paths.append(folder / f"{number}.bin")
        paths[-1].write_bytes(data)
    if one.way == "dicom":
        return Fate([_store(path, running.dicom_port) for path in paths])
    fate = Fate()
    for path in paths:
        try:
            upload = client.upload(path)
        except ClientError as error:
            said = [(e.get("outcome", "refused"), e["what"]) for e in error.errors]
            fate.receipts += said or [("refused", error.detail)]
            continue
        fate.receipts += [(entry.outcome, entry.reason) for entry in upload.entries]
        fate.study = upload.studies[0] if upload.studies else None
    return fate


def _store(path: Path, port: int) -> tuple[str, str]:
    """C-STORE of one file; the service's word is its status."""
    import pydicom
    from pynetdicom import AE

    data = pydicom.dcmread(path)
    entity = AE("SENDER")
    entity.add_requested_context(
        data.file_meta.MediaStorageSOPClassUID, data.file_meta.TransferSyntaxUID
    )
    link = entity.associate("127.0.0.1", port, ae_title="MEDLENS")
    if not link.is_established:
        return "refused", "no association"
    try:
        status = link.send_c_store(data)
        code = status.get("Status")
        said = status.get("ErrorComment", "")
        return ("stored", "") if code == 0 else ("refused", f"{code:#06x} {said}")
    except (ValueError, AttributeError, TypeError, OverflowError) as error:
        # What the sender's own library will not send goes by the other way.
        return "not sent", f"{type(error).__name__}"
    finally:
        link.release()


def _wait(client: Client) -> None:
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        if all(study.state in ENDED for study in client.studies()):
            return
        time.sleep(0.5)


def _look(one: Odd, fate: Fate, client: Client) -> None:
    if one.study_uid:
        found = list(client.studies(study_uid=one.study_uid))
        fate.study = found[0].id if found else None
    if fate.study is None:
        return
    study = client.study(fate.study)
    fate.state, fate.reason = study.state, study.reason
    if study.result_id is not None:
        diagnosis = client.result(study.result_id).diagnosis
        fate.left_out = [entry["reason"] for entry in diagnosis["left_out"]]
        fate.left_out += [a["reason"] for a in diagnosis["assessments"] if a["reason"]]


def _below(pid: int) -> list[int]:
    """A process and all that it started."""
    found = [pid]
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(path.read_text().rsplit(")", 1)[1].split()[1])
        except (OSError, IndexError):
            continue
        if parent == pid:
            found += _below(int(path.parent.name))
    return found


if __name__ == "__main__":
    main()
