"""The HTTP side of a server: Lambda's API, and the page for people."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Iterable

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect
from starlette.requests import Request as HttpRequest
from starlette.responses import PlainTextResponse
from starlette.responses import Response as HttpResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from pytest_durable.endpoint.server.engine import Engine
from pytest_durable.endpoint.server.pages import Pages
from pytest_durable.endpoint.wire import Request, Response, parse, serialize, serialize_error
from pytest_durable.endpoint.wire.requests import BODY_BYTES
from pytest_durable.errors import ServiceError
from pytest_durable.service_errors import RequestTooLargeException, ServiceException

_METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS")

_log = logging.getLogger(__name__)


class Guard:
    """Refuses what a browser sends on behalf of another site: it might read or start executions.

    Without ``hosts`` the server is open to other machines, by whatever names it has there.
    """

    def __init__(self, app: ASGIApp, hosts: Iterable[str]) -> None:
        self._app = app
        self._hosts = frozenset(name.lower() for name in hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what comes from this machine's own programs and pages."""
        if scope["type"] == "http":
            headers = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
            host = headers.get(b"host", "")
            origin = headers.get(b"origin")
            is_known = not self._hosts or _name_of(host) in self._hosts
            if not is_known or (origin is not None and origin.partition("://")[2] != host):
                refusal = PlainTextResponse(
                    "This server answers requests for the host that it was started on, and no other site's "
                    "pages. It is started on another one with --host.\n",
                    status_code=403,
                )
                await refusal(scope, receive, send)
                return
        await self._app(scope, receive, send)


def _name_of(host: str) -> str:
    """Return a Host header without the port."""
    name, colon, port = host.rpartition(":")
    return (name if colon and port.isdecimal() else host).strip("[]").lower()


class Api:
    """Answers Lambda's API."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def serve(self, request: HttpRequest) -> HttpResponse:
        """Serve one request."""
        try:
            answer = await self._answer(request)
        except ServiceError as error:
            answer = serialize_error(error)
        except ClientDisconnect:
            return HttpResponse(status_code=400)
        except Exception:
            # Whoever called is to see an error of the service; whoever serves, what has gone wrong.
            _log.exception("A call of %s %s has failed.", request.method, request.url.path)
            answer = serialize_error(ServiceException("The service encountered an internal error."))
        headers = {**answer.headers, "x-amzn-requestid": str(uuid.uuid4())}
        return HttpResponse(answer.body, status_code=answer.status, headers=headers)

    async def _answer(self, request: HttpRequest) -> Response:
        raw_path = request.scope.get("raw_path") or request.scope["path"].encode()
        call = parse(
            Request(
                request.method,
                raw_path.decode("latin-1"),
                request.scope["query_string"].decode("latin-1"),
                dict(request.headers),
                await _body(request),
            )
        )
        output = await asyncio.wrap_future(self._engine.call(call.operation, call.params))
        return serialize(call.operation, output)


async def _body(request: HttpRequest) -> bytes:
    """Return the body.

    Raises:
        RequestTooLargeException: it is too large; what follows is not read.
    """
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > BODY_BYTES:
            raise RequestTooLargeException(f"Request must be smaller than {BODY_BYTES} bytes")
        parts.append(part)
    return b"".join(parts)


def make_app(engine: Engine, hosts: Iterable[str]) -> Starlette:
    """Return the application. ``hosts`` are the names under which it may be called."""
    api = Api(engine)
    return Starlette(
        routes=[*Pages(engine).routes, Route("/{path:path}", api.serve, methods=list(_METHODS))],
        middleware=[Middleware(Guard, hosts=hosts)],
    )
