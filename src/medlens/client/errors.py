"""What a client raises."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class ClientError(Exception):
    """The service did not do what was asked.

    Attributes:
        status: of HTTP; 0 where no reply came.
        kind: last part of the problem's type, "not-found"; "" where there is none.
        detail: what was found, what was wanted, what to do.
        instance: number of the request in the service's log.
        errors: what is wrong where, as {"where": …, "what": …}.
    """

    def __init__(
        self,
        detail: str,
        *,
        status: int = 0,
        kind: str = "",
        instance: str = "",
        errors: tuple[Mapping[str, str], ...] = (),
    ) -> None:
        super().__init__(f"{detail} (HTTP {status})" if status else detail)
        self.status, self.kind, self.detail = status, kind, detail
        self.instance, self.errors = instance, errors


def error_of(status: int, problem: Any) -> ClientError:
    """The error that a problem document tells of; anything else gives the status."""
    if not isinstance(problem, dict) or not isinstance(problem.get("detail"), str):
        return ClientError("the service did not answer as expected", status=status)
    errors = problem.get("errors")
    return ClientError(
        problem["detail"],
        status=status,
        kind=str(problem.get("type", "")).rpartition("/")[2],
        instance=str(problem.get("instance", "")),
        errors=tuple(errors) if isinstance(errors, list) else (),
    )
