"""What ``os._exit`` does in handler code: it ends the sandbox, and not the process of the tests."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from durable_sdk import _runtime
from pytest_durable.simulator.runtime import SimulatedRuntime

_real_exit = os._exit
_test_processes: list[int] = []
"""The ids of the processes in which a block of `process_exits_caught` runs, the innermost last."""


def _exit(status: int) -> NoReturn:
    runtime = _runtime.current.get()
    # A process that handler code has forked is no sandbox of ours, though it looks like one.
    if isinstance(runtime, SimulatedRuntime) and os.getpid() in _test_processes[-1:]:
        runtime.exit(status)
    _real_exit(status)


@contextmanager
def process_exits_caught() -> Iterator[None]:
    """Let ``os._exit`` end the sandbox of whoever calls it while the block runs.

    What a test has put in its place, before or meanwhile, stays.
    """
    if os._exit is not _real_exit:
        yield
        return
    os._exit = _exit
    _test_processes.append(os.getpid())
    try:
        yield
    finally:
        _test_processes.pop()
        if os._exit is _exit:
            os._exit = _real_exit
