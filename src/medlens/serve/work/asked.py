"""An answer of one bundle that a person chose, whatever the rules say."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from medlens.bundle import Bundle
from medlens.serve.work.candidates import Candidate
from medlens.serve.work.choose import Plan, choose
from medlens.serve.work.models import Models
from medlens.serve.work.refusal import FinalError
from medlens.serve.work.rule import Rule
from medlens.serve.work.rules import LEAST_DIGITS, Rules

NAME = "asked for"


def plan_asked(
    candidates: Sequence[Candidate], rules: Rules | None, models: Models, digest: str
) -> Plan:
    """Let one bundle look at all that its form fits.

    Args:
        candidates: of a study.
        rules: of the service: what they do with this bundle's results is done with
            these, too.
        models: bundles at work.
        digest: of the bundle.

    Raises:
        FinalError: it is not at work any more.
    """
    model = models.at_work(digest)
    if model is None or model.role != "active":
        raise FinalError(
            f"bundle {digest[:12]} was asked for and is not at work; let it be active "
            "and try again, or ask for another"
        )
    rule = Rule(NAME, bundle=digest, destinations=_destinations_of(rules, model.bundle))
    return choose(candidates, Rules((rule,)), models)


def asked_digest(digest: str) -> str:
    """What decides such an answer besides the images, for the key of its job."""
    return hashlib.sha256(f"{NAME}\n{digest}".encode()).hexdigest()


def is_meant(word: str, *, name: str, digest: str) -> bool:
    """Whether a word names a bundle: by name, or by 8 or more digits of its digest."""
    return word == name or (len(word) >= LEAST_DIGITS and digest.startswith(word))


def _destinations_of(rules: Rules | None, bundle: Bundle) -> tuple[str, ...]:
    names = (
        name
        for rule in (rules.rules if rules is not None else ())
        if is_meant(rule.bundle, name=bundle.name, digest=bundle.digest)
        for name in rule.destinations
    )
    return tuple(dict.fromkeys(names))
