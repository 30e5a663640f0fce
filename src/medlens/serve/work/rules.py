"""A TOML file of rules → which bundle runs on what; unknown keys are errors."""

from __future__ import annotations

import difflib
import hashlib
import json
import math
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, get_args

from medlens.core import UsageError
from medlens.serve.settings import Peer
from medlens.serve.work.glob import LONGEST_PATTERN
from medlens.serve.work.rule import NUMBERS, TEXTS, Range, Rule, Uneven, conditions_of

MAX_BYTES, MAX_RULES, MAX_PATTERNS = 1_000_000, 500, 50
LEAST_DIGITS = 8  # of a digest that names a bundle
HIGHEST_PRIORITY = 100

Match = Literal["first", "all"]


@dataclass(frozen=True)
class Rules:
    """Rules in their order.

    Attributes:
        rules: as in the file.
        match: "first": the first rule that fits an image has it; "all": every one.
        digest: changes when the rules do.
    """

    rules: tuple[Rule, ...]
    match: Match = "first"

    @cached_property
    def digest(self) -> str:
        """SHA-256 of what the rules say, whatever the file looks like; asked often."""
        said = json.dumps(asdict(self), sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(said.encode()).hexdigest()


def load_rules(path: Path) -> Rules:
    """Read and check a file of rules.

    Raises:
        UsageError: the file cannot be read, is no TOML, or says something that is
            unknown or of the wrong type.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise UsageError(
            f"{path.name}: cannot be read ({error.strerror}); wanted a TOML file of "
            "[[rule]] tables"
        ) from error
    if len(raw) > MAX_BYTES:
        raise UsageError(f"{path.name}: has {len(raw):,} bytes; at most {MAX_BYTES:,}")
    try:
        table = tomllib.loads(raw.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        said = str(error).split("\n", 1)[0][:200]
        raise UsageError(f"{path.name}: is no TOML ({said}); mend that place") from None
    return rules_from_table(table, name=path.name)


def rules_from_table(table: Mapping[str, Any], *, name: str = "rules") -> Rules:
    """Rules from tables, for TOML and JSON.

    Raises:
        UsageError: as `load_rules`.
    """
    _check_keys(table, {"rule", "match"}, name)
    match = table.get("match", "first")
    if match not in get_args(Match):
        raise UsageError(f"{name}: match is {match!r:.60}; wanted 'first' or 'all'")
    entries = table.get("rule", [])
    if not isinstance(entries, list) or not all(isinstance(e, dict) for e in entries):
        raise UsageError(f"{name}: rule is no list of tables; wanted [[rule]]")
    if not 1 <= len(entries) <= MAX_RULES:
        raise UsageError(f"{name}: has {len(entries)} rules; wanted 1 to {MAX_RULES}")
    rules = tuple(
        _rule(entry, f"{name}: rule[{at}]") for at, entry in enumerate(entries)
    )
    names = [rule.name for rule in rules]
    for each in names:
        if names.count(each) > 1:
            raise UsageError(f"{name}: two rules are named {each!r}; name each its own")
    return Rules(rules, match)


def check_destinations(rules: Rules, peers: Sequence[Peer]) -> None:
    """Refuse rules that send to a peer that nobody described.

    Raises:
        UsageError: a destination is no peer, or a peer that only sends.
    """
    able = {peer.name for peer in peers if peer.port or peer.url}
    for rule in rules.rules:
        for name in rule.destinations:
            if name not in able:
                near = difflib.get_close_matches(name, able, 1)
                hint = f"nearest: {near[0]!r}" if near else "none is described"
                raise UsageError(
                    f"rule {rule.name!r}: destination {name!r:.60} is no peer with a "
                    f"port or URL; {hint}"
                )


def rule_lines(rules: Rules) -> list[str]:
    """The rules as a table for people: name, bundle, conditions, destinations."""
    rows = [("rule", "bundle", "wants", "sends to", "priority")]
    for rule in rules.rules:
        rows.append(
            (
                rule.name,
                "left out" if rule.exclude else rule.bundle,
                conditions_of(rule),
                ", ".join(rule.destinations) or "nobody",
                str(rule.priority),
            )
        )
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    return [
        "  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def _rule(entry: Mapping[str, Any], where: str) -> Rule:
    _check_keys(entry, {field.name for field in fields(Rule)}, where)
    values: dict[str, Any] = {}
    for key, value in entry.items():
        if key in (*TEXTS, "destinations"):
            values[key] = _texts(value, f"{where}: {key}")
        elif key in NUMBERS:
            values[key] = _range(value, f"{where}: {key}")
        else:
            values[key] = _plain(key, value, where)
    rule = Rule(**{"name": "", **values})
    if not rule.name:
        raise UsageError(f'{where}: has no name; reasons need one: name = "chest"')
    if bool(rule.bundle) == rule.exclude:
        raise UsageError(
            f"{where}: wanted a bundle, or exclude = true to leave images out"
        )
    return rule


def _plain(key: str, value: Any, where: str) -> Any:
    """A value of its field's type."""
    if key in ("exclude", "captures", "has_contrast"):
        if isinstance(value, bool):
            return value
        raise _wrong(where, key, value, "true or false")
    if key == "priority":
        is_whole = isinstance(value, int) and not isinstance(value, bool)
        if is_whole and abs(value) <= HIGHEST_PRIORITY:
            return value
        raise _wrong(where, key, value, f"a whole number, at most {HIGHEST_PRIORITY}")
    if key == "uneven":
        if value in get_args(Uneven):
            return value
        raise _wrong(where, key, value, f"one of {', '.join(get_args(Uneven))}")
    if isinstance(value, str) and 0 < len(value) <= LONGEST_PATTERN:
        return value
    raise _wrong(where, key, value, f"text of 1 to {LONGEST_PATTERN} characters")


def _texts(value: Any, where: str) -> tuple[str, ...]:
    given = [value] if isinstance(value, str) else value
    if not isinstance(given, list) or not 1 <= len(given) <= MAX_PATTERNS:
        raise UsageError(f"{where}: wanted text, or a list of 1 to {MAX_PATTERNS}")
    for item in given:
        if not isinstance(item, str) or not 0 < len(item) <= LONGEST_PATTERN:
            raise UsageError(
                f"{where}: {item!r:.60} is no text of 1 to {LONGEST_PATTERN} characters"
            )
    return tuple(given)


def _range(value: Any, where: str) -> Range:
    if _is_number(value):
        return Range(float(value), float(value))
    if not isinstance(value, dict) or not value:
        raise UsageError(f"{where}: wanted a number or {{ min = …, max = … }}")
    _check_keys(value, {"min", "max"}, where)
    for key, end in value.items():
        if not _is_number(end):
            raise _wrong(where, key, end, "a number of 0 or more")
    made = Range(**{key: float(end) for key, end in value.items()})
    if made.min is not None and made.max is not None and made.min > made.max:
        raise UsageError(f"{where}: min {made.min:g} is above max {made.max:g}")
    return made


def _is_number(value: Any) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and 0 <= value < 1e9 and math.isfinite(value)


def _check_keys(table: Mapping[str, Any], known: set[str], where: str) -> None:
    for key in table:
        if key not in known:
            near = difflib.get_close_matches(key, known, 1)
            hint = (
                f"nearest: {near[0]}" if near else f"known: {', '.join(sorted(known))}"
            )
            raise UsageError(f"{where}: {key[:60]} is unknown; {hint}")


def _wrong(where: str, key: str, value: Any, wanted: str) -> UsageError:
    return UsageError(f"{where}: {key} is {value!r:.60}; wanted {wanted}")
