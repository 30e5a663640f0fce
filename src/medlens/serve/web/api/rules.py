"""Rules: which bundle looks at what; a draft of them can be checked."""

from __future__ import annotations

import tomllib
from typing import Annotated, Literal

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from medlens.core import UsageError
from medlens.serve.access.caller import Caller
from medlens.serve.web.api.fields import Strict
from medlens.serve.web.api.work_key import rules_of
from medlens.serve.web.guard import may
from medlens.serve.web.state import Service, service_of
from medlens.serve.work.rule import conditions_of
from medlens.serve.work.rules import Rules, check_destinations, rules_from_table

router = APIRouter(prefix="/api/v1/rules", tags=["rules"])
LONGEST = 500_000


class RuleView(BaseModel):
    """One rule."""

    name: str
    bundle: str = Field(description="empty where what fits is left out")
    wants: str = Field(description="all conditions, in words")
    destinations: list[str]
    priority: int


class RulesView(BaseModel):
    """The rules in their order."""

    source: Literal["file", "bundles"] = Field(
        description="bundles: there is no file, each bundle says what it is for"
    )
    match: Literal["first", "all"]
    digest: str
    rules: list[RuleView]


class RulesDraft(Strict):
    """Rules that are not in force."""

    toml: str = Field(
        max_length=LONGEST,
        description="as they would stand in the file",
        examples=['[[rule]]\nname = "chest"\nbundle = "chest"\nmodality = ["DX"]'],
    )


class RulesCheck(BaseModel):
    """Whether a draft could be used."""

    is_good: bool
    reason: str = Field(description="what is wrong and what to do, else empty")
    rules: list[RuleView]


@router.get("", response_model=RulesView)
def read_rules(
    service: Annotated[Service, Depends(service_of)],
    caller: Annotated[Caller, Depends(may("view"))],
) -> RulesView:
    """The rules in force."""
    del caller
    rules = rules_of(service)
    if rules is None:
        return RulesView(source="bundles", match="first", digest="", rules=[])
    return RulesView(
        source="file", match=rules.match, digest=rules.digest, rules=_views(rules)
    )


@router.post("/check", response_model=RulesCheck)
def check_rules(
    draft: RulesDraft,
    service: Annotated[Service, Depends(service_of)],
    caller: Annotated[Caller, Depends(may("read"))],
) -> RulesCheck:
    """Read rules and say what is wrong with them; nothing is changed."""
    del caller
    try:
        rules = rules_from_table(tomllib.loads(draft.toml), name="rules")
        check_destinations(rules, service.settings.peers)
    except UsageError as error:
        return RulesCheck(is_good=False, reason=str(error), rules=[])
    except (ValueError, RecursionError) as error:
        said = str(error).split("\n", 1)[0][:200]
        reason = f"this is no TOML ({said}); mend that place"
        return RulesCheck(is_good=False, reason=reason, rules=[])
    return RulesCheck(is_good=True, reason="", rules=_views(rules))


def _views(rules: Rules) -> list[RuleView]:
    return [
        RuleView(
            name=rule.name,
            bundle=rule.bundle,
            wants=conditions_of(rule),
            destinations=list(rule.destinations),
            priority=rule.priority,
        )
        for rule in rules.rules
    ]
