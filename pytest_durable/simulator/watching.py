"""What an invariant is shown of a simulation while it runs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pytest_durable.errors import OperationNotFoundError, UsageError
from pytest_durable.history.codec import event_to_json, to_datetime
from pytest_durable.history.events import Event
from pytest_durable.result.execution import DurableFunctionTestResult
from pytest_durable.result.operations import Operation
from pytest_durable.result.query import walk
from pytest_durable.scripts.names import demand_name
from pytest_durable.simulator.ledger.ledger import EffectLedger
from pytest_durable.simulator.simulator import Simulator

# A failure belongs to the test's own line, not to ours.
__tracebackhide__ = True


class WorldView:
    """The executions of a runner, the effects and the time, to be read. Nothing is computed unasked."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator
        self.ledger: EffectLedger | None = None
        """The ledger of the test, if it has one."""
        self._last: tuple[int, Event] | None = None

    def __repr__(self) -> str:
        return f"<world of {len(self._simulator.executions)} executions at {self.now:%Y-%m-%d %H:%M:%S}>"

    @property
    def executions(self) -> list[DurableFunctionTestResult]:
        """Every execution so far, those of invoked functions too, in order of start."""
        return [self._simulator.result(execution) for execution in self._simulator.executions.values()]

    def operations(self, name: str | None = None) -> list[Operation]:
        """Return the operations of all executions, those in contexts too; with ``name``, those so called."""
        return [
            operation
            for execution in self.executions
            for operation in walk(execution.operations)
            if name in (None, operation.name)
        ]

    def operation(self, path: str) -> Operation | None:
        """Return the operation at a path such as ``orders/charge``, None while there is none.

        Raises:
            UsageError: the path is no text, or is empty.
        """
        demand_name(path, "an operation")
        for execution in self.executions:
            try:
                return execution.operation(path)
            except OperationNotFoundError:
                continue
        return None

    @property
    def effects(self) -> EffectLedger:
        """The ledger of the fixture ``durable_effects``.

        Raises:
            UsageError: the test has none.
        """
        if self.ledger is None:
            raise UsageError("world.effects is the ledger of the fixture durable_effects: ask for it, too.")
        return self.ledger

    @property
    def now(self) -> datetime:
        """Virtual time, aware."""
        return to_datetime(self._simulator.now)

    @property
    def last_event(self) -> Mapping[str, Any] | None:
        """The event that was recorded last, as boto3 returns it; None before the first."""
        if self._last is None:
            return None
        number, event = self._last
        return event_to_json(number, event)

    def use_ledger(self, ledger: EffectLedger | None) -> None:
        """Show this ledger as ``effects``."""
        self.ledger = ledger

    def saw(self, number: int, event: Event) -> None:
        """Take note of the event that was recorded last; ``number`` is its id in its execution."""
        self._last = (number, event)
