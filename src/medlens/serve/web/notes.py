"""Lines of the trail for what is looked at and put in, durable before the reply."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from medlens.serve.access.caller import Caller
from medlens.serve.access.trail import Line, line_of
from medlens.serve.receive.receipt import Receipt
from medlens.serve.web.state import Service

MOST_NAMED = 200
"""Studies that one line names; a list of more has several lines."""


def note_look(
    service: Service, caller: Caller, action: str, study_id: int, **detail: Any
) -> None:
    """One line for a request that shows something of one study.

    Args:
        service: whose trail.
        caller: who looks.
        action: "view study", "retrieve", ….
        study_id: our own number.
        detail: what of it: numbers of our own and kinds, no UID.
    """
    service.scribe.write(line_of(caller, action, study_id=study_id, detail=detail))


def note_list(
    service: Service,
    caller: Caller,
    action: str,
    studies: Iterable[int],
    **detail: Any,
) -> None:
    """A line for a list, with our own numbers of every study that it shows.

    Args:
        service, caller, action: see `note_look`.
        studies: numbers, in any order.
        detail: what else to tell.
    """
    found = sorted(set(studies))
    detail = {**detail, "found": len(found)}
    service.scribe.write(*_lines(caller, action, found, detail))


def _lines(
    caller: Caller, action: str, found: list[int], detail: Mapping[str, Any]
) -> list[Line]:
    return [
        line_of(
            caller,
            action,
            detail={**detail, "studies": found[start : start + MOST_NAMED]},
        )
        for start in range(0, max(len(found), 1), MOST_NAMED)
    ]


def note_upload(
    service: Service, caller: Caller, way: str, receipts: Sequence[Receipt]
) -> None:
    """One line for each study that something came into.

    Args:
        service, caller: see `note_look`.
        way: "upload" or "stow".
        receipts: of everything that came.
    """
    came = Counter(each.study_id for each in receipts if each.study_id is not None)
    service.scribe.write(
        *(
            line_of(
                caller,
                "upload",
                study_id=study_id,
                detail={"instances": count, "way": way},
            )
            for study_id, count in came.items()
        )
    )
