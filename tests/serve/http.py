"""Ask an application as over HTTP, without a socket."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
from fastapi import FastAPI

HERE = "http://127.0.0.1:8000"


class InLoop(httpx.BaseTransport):
    """Each request in an event loop of its own."""

    def __init__(self, app: FastAPI, address: str) -> None:
        self._transport = httpx.ASGITransport(
            app, raise_app_exceptions=False, client=(address, 50000)
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return asyncio.run(self._answer(request))

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        reply = await self._transport.handle_async_request(request)
        body = b"".join([part async for part in reply.aiter_raw()])
        return httpx.Response(
            reply.status_code, headers=reply.headers, content=body, request=request
        )


def client_for(
    app: FastAPI, *, url: str = HERE, address: str = "127.0.0.1", **more: Any
) -> httpx.Client:
    """A client of an application; it keeps cookies and follows no redirect.

    Args:
        app: to ask.
        url: that the client thinks it talks to.
        address: that the application sees.
        more: of `httpx.Client`.
    """
    return httpx.Client(transport=InLoop(app, address), base_url=url, **more)
