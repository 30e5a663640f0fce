"""The body of a request, pushed through as it comes."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import Request
from fastapi.concurrency import run_in_threadpool

PIECE = 1 << 20
"""Bytes that are handed on at a time."""


async def push_body(request: Request, take: Callable[[bytes], object]) -> None:
    """Hand a body on, off the event loop; `Bounds` has counted it.

    Args:
        request: whose body it is.
        take: gets pieces of `PIECE` bytes and more, and the rest.
    """
    held = bytearray()
    async for chunk in request.stream():
        held += chunk
        if len(held) >= PIECE:
            await run_in_threadpool(take, bytes(held))
            held.clear()
    await run_in_threadpool(take, bytes(held))
