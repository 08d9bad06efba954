"""Servers for tests: one in this process, and the command in a process of its own."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from pytest_durable.endpoint.server.engine import EngineOptions
from pytest_durable.endpoint.server.serving import Server, ServerOptions

TESTS = Path(__file__).parent
_PYTHON_PATH = os.pathsep.join(str(path) for path in (TESTS, TESTS.parent / "examples", TESTS.parent))

# Handlers import from the examples and the tests; nothing of the machine's own configuration takes part.
ENVIRONMENT = {
    "PYTHONPATH": _PYTHON_PATH,
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "us-east-1",
}


def client_of(url: str, **config: Any) -> Any:
    """Return a client of Lambda that calls a server, and calls again nothing."""
    options = Config(
        retries={"total_max_attempts": 1},
        connect_timeout=5,
        read_timeout=60,
        max_pool_connections=100,
        # The machine's proxies are for other machines.
        proxies={},
        **config,
    )
    return boto3.client(
        "lambda",
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=options,
    )


@contextmanager
def serving(
    handlers: dict[str, str] | Sequence[str],
    *,
    store: Path | None = None,
    skip_time: bool = True,
    execution_timeout_seconds: int | None = None,
    environment: dict[str, str] | None = None,
    **options: Any,
) -> Iterator[Server]:
    """Serve handlers in this process. Names alone stand for those of ``served_functions``."""
    if not isinstance(handlers, dict):
        handlers = {name: f"served_functions:{name}" for name in handlers}
    server = Server(
        ServerOptions(
            handlers,
            engine=EngineOptions(store, skip_time, **options),
            execution_timeout_seconds=execution_timeout_seconds,
            grace_seconds=0,
            environment={**ENVIRONMENT, **(environment or {})},
        )
    )
    try:
        server.start()
        yield server
    finally:
        server.stop()


class Command:
    """``pytest-durable serve`` in a process of its own, ready to serve."""

    def __init__(self, *arguments: str, cwd: Path = TESTS, environment: dict[str, str] | None = None) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "pytest_durable.endpoint.server.command", "serve", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=cwd,
            env={**os.environ, **ENVIRONMENT, **(environment or {})},
        )
        assert self.process.stdout is not None
        self.first_line = self.process.stdout.readline()
        match = re.search(r" at (http://\S+)", self.first_line)
        if match is None:
            _, errors = self.process.communicate()
            raise AssertionError(f"It did not start: {errors}")
        self.url = match[1]

    @property
    def port(self) -> str:
        """Where it serves."""
        return self.url.rpartition(":")[2]

    def kill(self) -> None:
        """End it as a crash does."""
        self.process.kill()
        self.process.communicate()

    def stop(self, sig: int = signal.SIGTERM) -> tuple[int, str]:
        """Tell it to stop; return its exit code and what it has written to standard error."""
        if self.process.returncode is not None:
            return self.process.returncode, ""
        self.process.send_signal(sig)
        _, errors = self.process.communicate(timeout=30)
        return self.process.returncode, errors


@contextmanager
def command(
    *arguments: str, cwd: Path = TESTS, environment: dict[str, str] | None = None
) -> Iterator[Command]:
    """Run the command, and end it."""
    started = Command(*arguments, cwd=cwd, environment=environment)
    try:
        yield started
    finally:
        started.stop()


def wait_until(condition: Any, seconds: float = 20.0) -> Any:
    """Return what a condition comes to once it is true.

    Raises:
        AssertionError: it does not come true in time.
    """
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        value = condition()
        if value:
            return value
        # Each look costs both processes as much as an invocation.
        time.sleep(0.025)
    raise AssertionError(f"{condition} has not come true in {seconds} seconds")


class Caller:
    """Lambda's API at a server, and what tests ask of it again and again."""

    def __init__(self, url: str) -> None:
        self.client = client_of(url)

    def close(self) -> None:
        """Close the connections."""
        self.client.close()

    def run(self, function: str, event: Any = None, **params: Any) -> Any:
        """Invoke a durable function, wait, and return its result.

        Raises:
            FunctionFailed: it fails.
        """
        answer = self.client.invoke(FunctionName=f"{function}:$LATEST", Payload=json.dumps(event), **params)
        return _read(answer)

    def call(self, function: str, event: Any = None) -> Any:
        """Invoke a function that is not durable, and return what it returns.

        Raises:
            FunctionFailed: it fails.
        """
        return _read(self.client.invoke(FunctionName=function, Payload=json.dumps(event)))

    def start(self, function: str, event: Any = None, **params: Any) -> str:
        """Start an execution and return its ARN."""
        answer = self.client.invoke(
            FunctionName=f"{function}:$LATEST",
            InvocationType="Event",
            Payload=json.dumps(event),
            **params,
        )
        assert answer["StatusCode"] == 202
        return str(answer["DurableExecutionArn"])

    def status(self, arn: str) -> str:
        """Return the status of an execution."""
        return str(self.client.get_durable_execution(DurableExecutionArn=arn)["Status"])

    def ended(self, arn: str, seconds: float = 20.0) -> Any:
        """Return what the service tells of an execution once it has ended."""

        def look() -> Any:
            found = self.client.get_durable_execution(DurableExecutionArn=arn)
            return found if found["Status"] not in ("RUNNING", "PAUSED") else None

        return wait_until(look, seconds)

    def history(self, arn: str) -> list[dict[str, Any]]:
        """Return all events of an execution."""
        pages = self.client.get_paginator("get_durable_execution_history").paginate(
            DurableExecutionArn=arn, IncludeExecutionData=True
        )
        return [event for page in pages for event in page["Events"]]

    def types(self, arn: str) -> list[str]:
        """Return the types of all events of an execution."""
        return [event["EventType"] for event in self.history(arn)]

    def callback_id(self, arn: str) -> str:
        """Return the id of the last callback of an execution, once there is one."""

        def look() -> str | None:
            ids = [
                event["CallbackStartedDetails"]["CallbackId"]
                for event in self.history(arn)
                if event["EventType"] == "CallbackStarted"
            ]
            return ids[-1] if ids else None

        return str(wait_until(look))

    def suspended(self, arn: str, invocations: int = 1) -> None:
        """Wait until an execution has ended so many invocations."""
        wait_until(lambda: self.types(arn).count("InvocationCompleted") >= invocations)


class FunctionFailed(Exception):  # noqa: N818 - it is the function's error
    """A function has failed; the argument is what Invoke told of it."""


def _read(answer: Any) -> Any:
    told = json.loads(answer["Payload"].read() or "null")
    if "FunctionError" in answer:
        raise FunctionFailed(told)
    return told
