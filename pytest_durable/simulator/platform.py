"""Platform: what runs handlers for the service."""

from __future__ import annotations

from typing import Any, Protocol

from pytest_durable.simulator.execution import SimulatedExecution
from pytest_durable.simulator.functions import RegisteredFunction
from pytest_durable.simulator.identifiers import FunctionVersion
from pytest_durable.simulator.service.effects import StartInvoke
from pytest_durable.simulator.turns import Task


class Platform(Protocol):
    """Starts runs of handlers, and puts into the event queue how each of them ends."""

    def invoke(self, execution: SimulatedExecution, event: dict[str, Any]) -> Task | None:
        """Begin an invocation with ``event``. Returns the task that is to have the turn, if any."""
        ...

    def invoke_again(self, execution: SimulatedExecution, event: dict[str, Any]) -> None:
        """Deliver the invocation of ``event`` once more, to another sandbox."""
        ...

    def call(
        self,
        execution: SimulatedExecution,
        invoke: StartInvoke,
        function: RegisteredFunction,
        version: FunctionVersion,
    ) -> None:
        """Call a plain function on behalf of an operation of ``execution``."""
        ...
