"""The earlier diagnosis that a user hands in, and which case it is of."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from medlens.core import MedlensError, UsageError
from medlens.core.diagnosis import Diagnosis
from medlens.predict.find import legible
from medlens.write.document import SCHEMA, from_document

PREDICTIONS = "medlens/prediction/1"
MOST_BYTES = 1 << 28


@dataclass(frozen=True)
class Priors:
    """Earlier diagnoses.

    Attributes:
        only: that of one study, whatever its key.
        by_case: those of several, which are told apart by their keys.
    """

    only: Diagnosis | None = None
    by_case: dict[str, Diagnosis] = field(default_factory=dict)

    def check(self, cases: int) -> None:
        """Refuse one prior for several studies: it can be of one patient only.

        Raises:
            UsageError: there is one, and several cases.
        """
        if self.only is not None and cases > 1:
            raise UsageError(
                f"--prior: holds the diagnosis of one study, and there are {cases} "
                "cases; give one case at a time, or a predictions.json whose cases "
                "have the same keys"
            )

    def of(self, case: str) -> Diagnosis | None:
        """The prior of a case, or None."""
        return self.only if self.only is not None else self.by_case.get(case)


def load_priors(path: Path) -> Priors:
    """Read `--prior`: a diagnosis, or a predictions.json with its cases.

    Raises:
        UsageError: it cannot be read, or is neither.
    """
    name = legible(path.name)
    document = _read(path, name)
    schema = document.get("schema") if isinstance(document, dict) else None
    try:
        if schema == SCHEMA:
            return Priors(only=from_document(document))
        if schema == PREDICTIONS:
            return _of_predictions(document, name)
    except MedlensError as error:
        raise UsageError(f"--prior {name}: {error}") from error
    raise UsageError(
        f"--prior {name}: wanted a document of schema {SCHEMA!r} or "
        f"{PREDICTIONS!r}, as predictions.json of --out is"
    )


def _read(path: Path, name: str) -> Any:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise UsageError(f"--prior {name}: is larger than {MOST_BYTES >> 20} MB")
        return json.loads(path.read_bytes())
    except OSError as error:
        raise UsageError(
            f"--prior {name}: cannot be read ({error.strerror})"
        ) from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"--prior {name}: is no JSON document") from error


def _of_predictions(document: dict[str, Any], name: str) -> Priors:
    cases = document.get("cases")
    if not isinstance(cases, list):
        cases = []
    found = [
        from_document(case["diagnosis"])
        for case in cases
        if isinstance(case, dict) and "diagnosis" in case
    ]
    if not found:
        raise UsageError(
            f"--prior {name}: none of its cases has a diagnosis; predict the prior "
            "study again with this version"
        )
    if len(found) == 1:
        return Priors(only=found[0])
    return Priors(by_case={one.case: one for one in found})
