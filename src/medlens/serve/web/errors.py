"""One shape for every failure: problem details (RFC 9457)."""

from __future__ import annotations


class Problem(Exception):
    """A request that cannot be answered.

    Args:
        status: of HTTP.
        detail: for a person: what was found, what was wanted, what to do.
        kind: last part of the problem's `type`, stable for programs.
    """

    def __init__(self, status: int, detail: str, *, kind: str = "") -> None:
        super().__init__(detail)
        self.status, self.detail, self.kind = status, detail, kind
