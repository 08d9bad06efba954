"""Pages: what a browser gets from the server."""

from __future__ import annotations

import asyncio
import hashlib
import json
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from pytest_durable.endpoint.server import views
from pytest_durable.endpoint.server.engine import Engine
from pytest_durable.errors import ServiceError
from pytest_durable.result.html import STYLE

_DIRECTORY = Path(__file__).with_name("page")

_HEADERS = {
    # Whatever a function stores, nothing of it runs, and nothing is fetched from elsewhere. The timeline
    # indents its rows by styles of their own.
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; connect-src 'self'; "
        "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    # A browser asks again each time, and is told when nothing has changed.
    "cache-control": "no-cache",
}


class Pages:
    """The page at ``/``, and under ``/_durable/`` what it is made of."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._files = {
            "": ("text/html", (_DIRECTORY / "page.html").read_bytes()),
            "_durable/page.js": ("text/javascript", (_DIRECTORY / "page.js").read_bytes()),
            "_durable/page.css": (
                "text/css",
                STYLE.encode() + b"\n" + (_DIRECTORY / "page.css").read_bytes(),
            ),
        }

    @property
    def routes(self) -> list[Route]:
        """Where each of them is."""
        return [
            *(Route(f"/{path}", self._file, methods=["GET"]) for path in self._files),
            Route("/_durable/executions", self._executions, methods=["GET"]),
            Route("/_durable/execution", self._execution, methods=["GET"]),
        ]

    async def _file(self, request: Request) -> Response:
        media_type, content = self._files[request.url.path.removeprefix("/")]
        return _unless_known(request, content, media_type)

    async def _executions(self, request: Request) -> Response:
        function, status = request.query_params.get("function"), request.query_params.get("status")
        return await self._seen(request, lambda world: views.listed(world, function, status))

    async def _execution(self, request: Request) -> Response:
        arn = request.query_params.get("arn", "")
        return await self._seen(request, lambda world: views.snapshot(world, arn))

    async def _seen(self, request: Request, see: Any) -> Response:
        try:
            seen = await asyncio.wrap_future(self._engine.look(see))
        except ServiceError:
            return JSONResponse({"error": "The server is stopping."}, 503, _HEADERS)
        if seen is None:
            return JSONResponse({"error": "There is no such execution."}, 404, _HEADERS)
        # A long history takes a while; neither the engine nor other requests wait for it.
        content = await asyncio.to_thread(_rendered, seen)
        return _unless_known(request, content, "application/json")


def _rendered(seen: views.Snapshot | views.Json) -> bytes:
    view = views.detailed(seen) if isinstance(seen, views.Snapshot) else seen
    return json.dumps(view).encode()


def _unless_known(request: Request, content: bytes, media_type: str) -> Response:
    """Return what was asked for, or that the browser has it already."""
    tag = f'"{hashlib.blake2b(content, digest_size=12).hexdigest()}"'
    headers = {**_HEADERS, "etag": tag}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(content, media_type=media_type, headers=headers)
