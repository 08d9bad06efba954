"""Virtual time in calls that the code of a test makes, and whose turn it is."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module

from pytest_durable.endpoint.moto_stubber import time_shown_to_moto
from pytest_durable.simulator.runner import LocalRunner
from pytest_durable.simulator.wall_clock import wall_clock

call_turn = threading.RLock()
"""Worlds share the clock of the process, so one call at a time is served, of whichever runner."""


@contextmanager
def time_shown(runner: LocalRunner) -> Iterator[None]:
    """Show a runner's virtual time to whatever answers a call of the test.

    Handlers see it anyway; of several threads of the test one does at a time.
    """
    simulator = runner.simulator
    world = simulator.world
    if world.turns.is_given or not simulator.options.virtual_clock or not call_turn.acquire(blocking=False):
        yield
        return
    try:
        with wall_clock.shown(world.clock, to_all=True):
            yield
    finally:
        call_turn.release()


@contextmanager
def moto_follows(runner: LocalRunner) -> Iterator[None]:
    """Let moto see a runner's virtual time in calls of the test while the block runs."""
    # moto itself imports it with the first mock only.
    import_module("moto.core.botocore_stubber")
    with time_shown_to_moto(lambda: time_shown(runner)):
        yield
