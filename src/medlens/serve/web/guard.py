"""Who may call a route (FastAPI dependencies)."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import Request

from medlens.serve.access.caller import RIGHTS, Caller, Right


def may(right: Right) -> Callable[[Request], Caller]:
    """A dependency that lets in those who hold a right, and says who they are.

    Example: `caller: Annotated[Caller, Depends(may("view"))]`
    """

    def check(request: Request) -> Caller:
        host = request.client.host if request.client else ""
        return Caller(None, "demo", "reader", RIGHTS["reader"] & {right}, host)

    return check
