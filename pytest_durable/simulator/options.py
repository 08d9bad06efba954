"""SimulatorOptions: everything that shapes a simulated run, fixed before it starts."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

from pytest_durable.simulator.choices import Schedule
from pytest_durable.simulator.schedules.in_order import InOrder
from pytest_durable.simulator.service.limits import Limits

DEFAULT_START = datetime(2026, 1, 1, tzinfo=UTC)

# One invocation: what Lambda allows at most.
DEFAULT_INVOCATION_TIMEOUT_SECONDS = 15 * 60


@dataclass(frozen=True, slots=True)
class SimulatorOptions:
    """``virtual_clock`` shows virtual time to handler code; ``skip_time`` jumps where nothing happens.

    ``execution_timeout_seconds`` of None stands for the service's maximum.
    """

    start_time: datetime = DEFAULT_START
    seed: int = 0
    schedule: Schedule = field(default_factory=InOrder)
    limits: Limits = field(default_factory=Limits)
    execution_timeout_seconds: int | None = None
    invocation_timeout_seconds: int = DEFAULT_INVOCATION_TIMEOUT_SECONDS
    skip_time: bool = True
    virtual_clock: bool = True
