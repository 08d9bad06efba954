"""The reaper: how tasks die, because their sandbox has, or because they are parked for ever."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

from pytest_durable.errors import DurableStuckError
from pytest_durable.simulator.event_queue import EventQueue, Priority
from pytest_durable.simulator.execution import SimulatedExecution
from pytest_durable.simulator.invocation import Invocation
from pytest_durable.simulator.pending import stuck_error
from pytest_durable.simulator.scheduled import Item
from pytest_durable.simulator.turns import Task


class Reaper:
    """Closes sandboxes and hands their tasks to the loop, one after the other, to be unwound."""

    def __init__(self, executions: Mapping[str, SimulatedExecution], queue: EventQueue[Item]) -> None:
        self._executions = executions
        self._queue = queue
        self._dying: deque[Task] = deque()

    def kill(self, run: Invocation | None) -> None:
        """Close the sandbox. Its tasks are unwound, each by an exception where it is parked."""
        if run is not None:
            run.sandbox.close()
            self._dying.extend(run.tasks)
            run.tasks.clear()

    def kill_all(self) -> None:
        """Kill every sandbox, without a trace in any log."""
        for execution in self._executions.values():
            for run in _runs(execution):
                self.kill(run)
            execution.invocation = None
            execution.shadows.clear()
            execution.calls.clear()

    def live_tasks(self) -> list[Task]:
        """Return the tasks that have begun and not ended."""
        runs = [run for execution in self._executions.values() for run in _runs(execution)]
        return [task for run in runs for task in run.tasks if task.started and not task.finished]

    @property
    def is_idle(self) -> bool:
        """Whether no task has to be unwound."""
        return not any(task.started and not task.finished for task in self._dying)

    def next_dying(self) -> Task | None:
        """Return the next task that has to be unwound."""
        while self._dying:
            task = self._dying.popleft()
            if task.started and not task.finished:
                return task
        return None

    def end_deadlock(self, now: int) -> DurableStuckError | None:
        """Kill tasks that are parked for ever; return the error that names them, if there were any.

        A task that sleeps, or waits for the service, has a turn in the queue. Without one, whatever it
        waits for will not happen: its invocation would only run into its time limit, again and again.
        """
        if self._queue.has_before(Priority.DEADLINE):
            return None
        for execution in self._executions.values():
            runs = _runs(execution)
            if runs:
                tasks = [task for run in runs for task in run.tasks]
                parked = [task.name for task in tasks if task.started and not task.finished]
                self.kill_all()
                return stuck_error(self._executions, execution, now, parked)
        return None

    def only_waits_for_ever(self) -> bool:
        """Return whether nothing is left to happen but executions reaching the service's longest timeout."""
        return not self._queue.has_before(Priority.DEADLINE) and all(
            execution.closed or execution.has_default_timeout for execution in self._executions.values()
        )


def _runs(execution: SimulatedExecution) -> list[Invocation]:
    """Return what runs for an execution: its handler, perhaps twice, and plain functions it has invoked."""
    handler = [] if execution.invocation is None else [execution.invocation]
    return [*handler, *execution.shadows, *execution.calls.values()]
