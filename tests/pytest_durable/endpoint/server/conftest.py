"""A server for the tests of one module, and one for a single test."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from served import Caller, serving

from pytest_durable.endpoint.server.serving import Server

FUNCTIONS = (
    "greet",
    "nap",
    "look_at_the_time",
    "ask",
    "flaky",
    "chain",
    "pass_on",
    "twice",
    "misbehave",
    "plain",
    "linger",
)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """Serve every function of ``served_functions``; waits take no time."""
    handlers = {name: f"served_functions:{name}" for name in FUNCTIONS}
    handlers["with_own_client"] = "served_functions_with_boto3:with_own_client"
    with serving(handlers, processes=3, invocation_timeout_seconds=30) as server:
        yield server


@pytest.fixture
def api(server: Server) -> Iterator[Caller]:
    """Call the server."""
    caller = Caller(server.url)
    yield caller
    caller.close()


@pytest.fixture
def serve() -> Iterator[Callable[..., Caller]]:
    """Serve functions for this test, and call them; nothing may be left afterwards."""
    before = set(threading.enumerate())
    open_now: list[Any] = []

    def serve(*functions: str, **options: Any) -> Caller:
        context = serving(functions, **options)
        server = context.__enter__()
        caller = Caller(server.url)
        open_now.append((context, caller))
        return caller

    yield serve
    for context, caller in open_now:
        caller.close()
        context.__exit__(None, None, None)
    assert set(threading.enumerate()) - before == set()
