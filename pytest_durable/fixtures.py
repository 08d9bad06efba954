"""From the marker and the settings of a test to its runner."""

from __future__ import annotations

import pytest

from pytest_durable.markers import DurableMark, durable_mark
from pytest_durable.settings import Settings
from pytest_durable.simulator.choices import Schedule
from pytest_durable.simulator.functions import Functions
from pytest_durable.simulator.identifiers import FunctionVersion
from pytest_durable.simulator.options import SimulatorOptions
from pytest_durable.simulator.runner import LocalRunner, Target
from pytest_durable.simulator.schedules.in_order import InOrder
from pytest_durable.simulator.schedules.seeded import Seeded


def make_runner(item: pytest.Item) -> LocalRunner:
    """Return the runner of a test.

    Raises:
        UsageError: the marker or a setting is wrong.
    """
    mark = durable_mark(item)
    settings = Settings.from_config(item.config)
    seed = settings.seed(mark.seed)
    target = Target(mark.handler, FunctionVersion(mark.lambda_function_name))
    functions = Functions()
    functions.register_all(mark.functions)
    return LocalRunner(target, lambda: _options(mark, seed, settings.stall_seconds), functions)


def replay_check(item: pytest.Item) -> str:
    """Return which prefixes of its executions a test has replayed: the marker wins, then the file.

    Raises:
        UsageError: the setting is malformed.
    """
    return durable_mark(item).replay_check or Settings.from_config(item.config).replay_check


def _options(mark: DurableMark, seed: int, stall_seconds: float) -> SimulatorOptions:
    schedule: Schedule = Seeded(seed) if mark.schedule == "random" else InOrder()
    return SimulatorOptions(
        start_time=mark.start_time,
        seed=seed,
        schedule=schedule,
        limits=mark.limits,
        execution_timeout_seconds=mark.execution_timeout_seconds,
        invocation_timeout_seconds=mark.invocation_timeout_seconds,
        skip_time=mark.skip_time,
        virtual_clock=mark.virtual_clock,
        stall_seconds=stall_seconds,
        traces_operations=True,
    )
