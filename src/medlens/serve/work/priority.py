"""How soon a study is answered: by the rules, as far as the index shows what it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace

import sqlalchemy as sa

from medlens.serve.store.tables import series
from medlens.serve.work.facts import Facts
from medlens.serve.work.rule import Rule, misfit
from medlens.serve.work.rules import Rules

# Conditions on what the index does not hold are left for the answer itself.
INDEXED = (
    "modality", "body_part", "series_description", "protocol_name", "manufacturer",
    "laterality",
)  # fmt: skip
KEPT = (*INDEXED, "name", "bundle", "exclude", "captures", "priority")


def priority_by(rules: Rules | None) -> Callable[[sa.Connection, int], int]:
    """(connection, study) → the highest priority of a rule that may fit one series."""
    if rules is None or not any(rule.priority for rule in rules.rules):
        return lambda _connection, _study: 0
    widened = [_widen(rule) for rule in rules.rules if not rule.exclude]

    def priority_of(connection: sa.Connection, study_id: int) -> int:
        rows = connection.execute(
            sa.select(
                series.c.modality,
                series.c.body_part,
                series.c.description.label("series_description"),
                series.c.protocol_name,
                series.c.manufacturer,
                series.c.laterality,
            ).where(series.c.study_id == study_id, series.c.is_own.is_(sa.false()))
        ).mappings()
        facts = [Facts(**row) for row in rows]
        fitting = [
            rule.priority
            for rule in widened
            if any(not misfit(rule, each) for each in facts)
        ]
        return max(fitting, default=0)

    return priority_of


def _widen(rule: Rule) -> Rule:
    plain = Rule(name=rule.name)
    cleared = {
        field.name: getattr(plain, field.name)
        for field in fields(Rule)
        if field.name not in KEPT
    }
    return replace(rule, **cleared)
