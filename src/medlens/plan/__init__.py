"""Rules from a data set's fingerprint to a recipe."""

from medlens.plan.facts import Choice, Facts
from medlens.plan.plan import Plan, make_plan
from medlens.plan.schedule import Speed

__all__ = ["Choice", "Facts", "Plan", "Speed", "make_plan"]
