"""Rules from a data set's fingerprint to a recipe."""

from medlens.plan.facts import Choice, Facts
from medlens.plan.fits import check_step
from medlens.plan.plan import make_plan
from medlens.plan.result import Plan
from medlens.plan.schedule import Speed

__all__ = ["Choice", "Facts", "Plan", "Speed", "check_step", "make_plan"]
