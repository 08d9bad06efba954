"""SimulatorOptions: everything that shapes a simulated run, fixed before it starts."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

from pytest_durable.schedules.base import Schedule
from pytest_durable.schedules.in_order import InOrder
from pytest_durable.simulator.checkers.base import Checker
from pytest_durable.simulator.service.limits import Limits

DEFAULT_START = datetime(2026, 1, 1, tzinfo=UTC)

# One invocation: what Lambda allows at most.
DEFAULT_INVOCATION_TIMEOUT_SECONDS = 15 * 60

# Real time that a branch may take between two durable operations before it counts as blocked.
DEFAULT_STALL_SECONDS = 30.0


MODES = ("off", "final", "all")
"""What a replay check replays: nothing, the whole record, or each prefix of it."""


@dataclass(frozen=True, slots=True)
class SimulatorOptions:
    """``virtual_clock`` shows virtual time to handler code; ``skip_time`` jumps where nothing happens.

    ``stall_seconds`` is the real time after which a branch that does not go on counts as blocked.

    ``execution_timeout_seconds`` of None stands for the service's maximum. With ``timeouts_count_waits`` off,
    execution timeouts leave out waits and delays of retries. ``more_checkers`` watch the run beside those
    that watch every run. ``traces_operations`` keeps what handlers call, for the replay check.
    """

    start_time: datetime = DEFAULT_START
    seed: int = 0
    schedule: Schedule = field(default_factory=InOrder)
    limits: Limits = field(default_factory=Limits)
    execution_timeout_seconds: int | None = None
    invocation_timeout_seconds: int = DEFAULT_INVOCATION_TIMEOUT_SECONDS
    skip_time: bool = True
    stall_seconds: float = DEFAULT_STALL_SECONDS
    virtual_clock: bool = True
    timeouts_count_waits: bool = True
    more_checkers: tuple[Checker, ...] = ()
    traces_operations: bool = False
