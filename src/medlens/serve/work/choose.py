"""Which bundle runs on which series, and a reason for everything that none runs on."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from medlens.bundle import Bundle
from medlens.serve.work.candidates import Candidate
from medlens.serve.work.facts import Facts
from medlens.serve.work.models import Model, Models
from medlens.serve.work.rule import Rule, misfit
from medlens.serve.work.rules import Rules

MODALITY = re.compile(r"[A-Z]{2,8}")
# Defined terms of Body Part Examined (PS3.16 Annex L) that are met most. A header may
# hold anything there, a name too: only these are ever repeated.
_TERMS = """
    ABDOMEN ABDOMENPELVIS ANKLE ARM BLADDER BRAIN BREAST CALCANEUS CAROTID CHEST
    CHESTABDOMEN CHESTABDPELVIS CLAVICLE COCCYX COLON CSPINE EAR ELBOW EYE FEMUR FINGER
    FOOT FOREARM HAND HEAD HEADNECK HEART HIP HUMERUS JAW KIDNEY KNEE LEG LIVER LSPINE
    LUNG MANDIBLE MAXILLA NECK NOSE ORBIT PANCREAS PATELLA PELVIS PROSTATE RIB SCAPULA
    SHOULDER SINUS SKULL SPINE SPLEEN STERNUM THIGH THORAX THUMB TIBIA TOE TSPINE UTERUS
    WHOLEBODY WRIST
    """
BODY_PARTS = frozenset(_TERMS.split())
RADIOGRAPHS = ("CR", "DX", "DR", "RG", "PX", "IO", "XA", "RF")
MOST_REASONS = 4
# Steps that take Hounsfield units: such a bundle is for CT, whatever it is called.
HU_STEPS = ("multi_window",)


@dataclass(frozen=True)
class Task:
    """One bundle on one candidate.

    Attributes:
        candidate: what it looks at.
        model: that runs.
        rule: that chose it.
    """

    candidate: Candidate
    model: Model
    rule: Rule


@dataclass(frozen=True)
class Plan:
    """What is done with a study.

    Attributes:
        tasks: in the order in which they run.
        left_out: (case, reason) of candidates that no bundle runs on.
    """

    tasks: tuple[Task, ...]
    left_out: tuple[tuple[str, str], ...]

    @property
    def destinations(self) -> tuple[str, ...]:
        """Of all rules that chose something, each once."""
        names = (name for task in self.tasks for name in task.rule.destinations)
        return tuple(dict.fromkeys(names))


def choose(
    candidates: Sequence[Candidate], rules: Rules | None, models: Models
) -> Plan:
    """Hold every candidate against the rules.

    Args:
        candidates: of a study.
        rules: None for what the bundles say of themselves, see `own_rules`.
        models: bundles at work.
    """
    chosen = (
        rules
        if rules is not None
        else own_rules([model.bundle for model in models.active])
    )
    tasks: list[Task] = []
    left_out: list[tuple[str, str]] = []
    for candidate in candidates:
        found, reason = _choose_one(candidate, chosen, models, is_own=rules is None)
        tasks += found
        if not found:
            left_out.append((candidate.case, reason))
    return Plan(tuple(tasks), tuple(left_out))


def own_rules(bundles: Sequence[Bundle]) -> Rules:
    """Rules without a file: every bundle takes what is like its training images.

    A bundle of single radiographs takes single radiographs, one of CT series takes CT
    series, as far as its training note or its preparation says so; one that says
    nothing takes every image of its form, and its outlier gate speaks.
    """
    return Rules(
        tuple(
            Rule(
                name=f"{bundle.name} {bundle.digest[:8]}",
                bundle=bundle.digest,
                modality=modalities_of(bundle),
            )
            for bundle in bundles
        ),
        match="all",
    )


def modalities_of(bundle: Bundle) -> tuple[str, ...]:
    """Modalities of the training images, () where the bundle does not say."""
    said = bundle.training.get("modalities") or bundle.training.get("modality") or ()
    names = said if isinstance(said, list | tuple | dict) else [said]
    known = [n for n in names if isinstance(n, str) and MODALITY.fullmatch(n)]
    if any(name in RADIOGRAPHS for name in known):
        known += [name for name in RADIOGRAPHS if name not in known]
    if not known and any(step.name in HU_STEPS for step in bundle.steps):
        return ("CT",)
    return tuple(known)


def form_misfit(bundle: Bundle, facts: Facts) -> str:
    """Why a bundle's form cannot take a candidate, "" where it can."""
    takes_volumes = bundle.form in ("sequence", "volume") or (
        bundle.form == "segment" and bundle.depth > 1
    )
    if facts.is_series and bundle.form == "image":
        return f"takes single images, and this is a series of {facts.slices} slices"
    if takes_volumes and not facts.is_series:
        return "takes series, and this is a single image"
    return ""


def describe(facts: Facts) -> str:
    """ "MR KNEE", as far as its codes are known and are codes."""
    shown = [facts.modality] if MODALITY.fullmatch(facts.modality) else []
    shown += [facts.body_part] if facts.body_part in BODY_PARTS else []
    kind = "series" if facts.is_series else "image"
    return " ".join(shown) if shown else f"this {kind}"


def _choose_one(
    candidate: Candidate, rules: Rules, models: Models, *, is_own: bool
) -> tuple[list[Task], str]:
    facts = candidate.facts
    reasons: list[str] = []
    near: list[str] = []  # of bundles that would take it but for its form
    tasks: list[Task] = []
    for rule in rules.rules:
        unfit = misfit(rule, facts)
        if rule.exclude:
            if not unfit:
                return [], f"left out by rule {rule.name!r}"
            continue
        model = None if unfit else models.named(rule.bundle)
        if unfit:
            reasons.append(f"{_subject(rule, is_own=is_own)} wants {unfit}")
        elif model is None:
            reasons.append(f"rule {rule.name!r} names a bundle that is not at work")
        elif wrong := form_misfit(model.bundle, facts):
            near.append(f"bundle {model.bundle.name!r} {wrong}")
        else:
            tasks.append(Task(candidate, model, rule))
            if rules.match == "first":
                break
    reasons += [f"bundle {name!r} cannot be run: {why}" for name, why in models.failed]
    return tasks, _tell(facts, [*near, *reasons])


def _subject(rule: Rule, *, is_own: bool) -> str:
    """Who wants something: nobody wrote the rules that bundles make for themselves."""
    return (
        f"bundle {rule.name.rpartition(' ')[0]!r}" if is_own else f"rule {rule.name!r}"
    )


def _tell(facts: Facts, reasons: Sequence[str]) -> str:
    if not reasons:
        return "the service has no bundle at work; give it one and ask again"
    shown = list(dict.fromkeys(reasons))
    rest = len(shown) - MOST_REASONS
    more = f"; and {rest} more" if rest > 0 else ""
    return f"no bundle takes {describe(facts)}: {'; '.join(shown[:MOST_REASONS])}{more}"
