"""Interception: the requests of boto3's Lambda clients of this process, on their way to the network.

Botocore asks the handlers of the event ``before-send`` for a response before it opens a connection. Ours is
there, before all others, in every client that is made while an endpoint is active, and answers what the
endpoint simulates. Clients that were made before are reached

- if moto was imported before they were made: by way of moto's own handler, which they have;
- if cloud mode has made them;
- by `patch_client`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit

from pytest_durable.cloud.clock import standing_in
from pytest_durable.endpoint.in_process import InProcessEndpoint
from pytest_durable.endpoint.moto_stubber import asked_first, reach_moto, time_shown_to_moto
from pytest_durable.endpoint.wire import Request, Response, parse, supported_operations
from pytest_durable.errors import ServiceError, UsageError

_EVENT = "before-send"
_LAMBDA = "before-send.lambda."

# botocore calls every handler of an event, even after one has answered. No service has this address, so that
# the others, moto's among them, let the request be.
_ANSWERED = "https://answered.invalid/"

_active: list[InProcessEndpoint] = []
"""The innermost last."""


@contextmanager
def intercepted(endpoint: InProcessEndpoint) -> Iterator[None]:
    """Let an endpoint answer boto3 while the block runs, before those that are active already."""
    # Each has its own, as the blocks need not end in the order of a stack.
    with _new_clients_reached(), asked_first(_before_send), time_shown_to_moto(endpoint.time_shown):
        _active.append(endpoint)
        try:
            with standing_in(endpoint.let_pass):
                yield
        finally:
            _active.remove(endpoint)


@contextmanager
def _new_clients_reached() -> Iterator[None]:
    from botocore.handlers import BUILTIN_HANDLERS, REGISTER_FIRST

    handler = (_EVENT, _before_send, REGISTER_FIRST)
    BUILTIN_HANDLERS.append(handler)
    _reach_clients_of_cloud_mode()
    try:
        yield
    finally:
        BUILTIN_HANDLERS.remove(handler)


def patch_client(client: Any) -> Callable[[], None]:
    """Let endpoints answer a client that was made before. Returns what takes that back.

    Raises:
        UsageError: it is no Lambda client of boto3.
    """
    service = getattr(getattr(client, "meta", None), "service_model", None)
    if getattr(service, "service_name", None) != "lambda":
        raise UsageError(f"patch_client takes a Lambda client of boto3, got {client!r}.")
    events = client.meta.events
    events.register_first(_EVENT, _before_send, unique_id="pytest-durable")
    return lambda: events.unregister(_EVENT, _before_send, unique_id="pytest-durable")


def _reach_clients_of_cloud_mode() -> None:
    """Be in the clients that are kept for all tests, of which some may have had no endpoint here.

    They are ours, and stay reached: without an endpoint there is no answer.
    """
    module: Any = sys.modules.get("pytest_durable.cloud.api")
    for client in [] if module is None else list(module.clients):
        client.meta.events.register_first(_EVENT, _before_send, unique_id="pytest-durable cloud mode")


def _before_send(request: Any, event_name: str, **others: Any) -> Any:
    """Answer a request; None leaves it to others."""
    if not _active:
        return None
    reach_moto()
    url = urlsplit(str(request.url))
    # A client with another address, such as that of an endpoint over HTTP, means that one.
    if not event_name.startswith(_LAMBDA) or not (url.hostname or "").startswith("lambda"):
        return None
    if event_name.removeprefix(_LAMBDA) not in supported_operations():
        return None
    headers = {**_headers(request), "host": url.hostname or ""}
    asked = Request(request.method, url.path, url.query, headers, _body(request))
    endpoint = _responsible(asked)
    if endpoint is None:
        return None
    response = endpoint.answer(asked)
    answer = _to_botocore(request.url, response)
    request.url = _ANSWERED
    return answer


def _responsible(request: Request) -> InProcessEndpoint | None:
    """Return the endpoint that knows what a request is about; the innermost if none does."""
    try:
        call = parse(request)
    except ServiceError:
        # It would be refused anywhere.
        return _active[-1]
    for endpoint in reversed(_active):
        if endpoint.knows(call):
            return endpoint
    # A function that was created in moto's Lambda, or is unknown there as well.
    return None if call.operation == "Invoke" and _moto_is_active() else _active[-1]


def _moto_is_active() -> bool:
    module: Any = sys.modules.get("moto.core.models")
    return module is not None and bool(module.botocore_stubber.enabled)


def _headers(request: Any) -> dict[str, str]:
    return {
        name: value.decode("latin-1") if isinstance(value, bytes) else str(value)
        for name, value in request.headers.items()
    }


def _body(request: Any) -> bytes:
    body = request.body
    if hasattr(body, "read"):
        body = body.read()
    if isinstance(body, str):
        return body.encode()
    return bytes(body or b"")


class _Raw(BytesIO):
    """A body as botocore reads it from urllib3: at once, or as a stream."""

    def stream(self, **options: Any) -> Iterator[bytes]:
        """Yield what is left."""
        rest = self.read()
        if rest:
            yield rest


def _to_botocore(url: str, response: Response) -> Any:
    from botocore.awsrequest import AWSResponse

    headers: Any = {**response.headers, "content-length": str(len(response.body))}
    return AWSResponse(url, response.status, headers, _Raw(response.body))
