"""What ``os._exit`` does in handler code: it ends the sandbox, and not the process of the tests."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from durable_sdk import _runtime
from pytest_durable.simulator.runtime import SimulatedRuntime


@contextmanager
def process_exits_caught() -> Iterator[None]:
    """Let ``os._exit`` end the sandbox of whoever calls it while the block runs."""
    real = os._exit
    process_id = os.getpid()

    def exit_sandbox(status: int) -> NoReturn:
        runtime = _runtime.current.get()
        # A process that handler code has forked is no sandbox of ours, though it looks like one.
        if isinstance(runtime, SimulatedRuntime) and os.getpid() == process_id:
            runtime.exit(status)
        real(status)

    os._exit = exit_sandbox
    try:
        yield
    finally:
        # What a test has put in its place meanwhile stays.
        if os._exit is exit_sandbox:
            os._exit = real
