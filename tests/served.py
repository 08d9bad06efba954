"""Servers for tests: one in this process, and the command in a process of its own."""

from __future__ import annotations

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

    def __init__(self, *arguments: str, cwd: Path = TESTS) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "pytest_durable.endpoint.server.command", "serve", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=cwd,
            env={**os.environ, **ENVIRONMENT},
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
def command(*arguments: str, cwd: Path = TESTS) -> Iterator[Command]:
    """Run the command, and end it."""
    started = Command(*arguments, cwd=cwd)
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
        time.sleep(0.005)
    raise AssertionError(f"{condition} has not come true in {seconds} seconds")
