"""LocalRunner: the fixture ``durable_runner`` on the simulator."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Any, Self

from pytest_durable.backend import Runner
from pytest_durable.durations import DurationLike, to_microseconds, to_whole_seconds
from pytest_durable.errors import UsageError
from pytest_durable.history.codec import events_to_json, to_datetime
from pytest_durable.result.execution import DurableFunctionTestResult
from pytest_durable.result.wording import counted
from pytest_durable.simulator.determinism import check_deterministic
from pytest_durable.simulator.driver import Execution
from pytest_durable.simulator.execution import SimulatedExecution
from pytest_durable.simulator.identifiers import FunctionVersion
from pytest_durable.simulator.invocation import Handler, demand_durable
from pytest_durable.simulator.options import SimulatorOptions
from pytest_durable.simulator.payload import encode_input
from pytest_durable.simulator.pending import PendingOperation, pending_operations
from pytest_durable.simulator.simulator import Simulator

# A failure belongs to the test's own line, not to ours.
__tracebackhide__ = True


@dataclass(frozen=True, slots=True)
class Target:
    """What a runner runs."""

    handler: Handler
    function: FunctionVersion


class RunnerClock:
    """Virtual time, as a test sees and moves it."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    @property
    def now(self) -> datetime:
        """Virtual time, aware."""
        return to_datetime(self._simulator.now)

    def advance(self, duration: DurationLike) -> None:
        """Let virtual time pass, with all that happens in it."""
        horizon = self._simulator.now + to_microseconds(duration)
        self._simulator.run_until(lambda: False, horizon=horizon, between_invocations=False)

    def advance_to_next(self) -> None:
        """Move to the time at which something happens next, and let it; nothing if nothing will."""
        due = self._simulator.next_event_at()
        if due is not None:
            self._simulator.run_until(lambda: False, horizon=due, between_invocations=False)


class LocalRunner(Runner):
    """Runs a handler under the simulator. Virtual time moves only inside its calls."""

    mode = "local"

    def __init__(self, target: Target, make_options: Callable[[], SimulatorOptions]) -> None:
        demand_durable(target.handler)
        self._target = target
        self._make_options = make_options
        self._simulator = Simulator(make_options())
        self._executions: dict[str, SimulatedExecution] = {}
        self.clock = RunnerClock(self._simulator)

    def __repr__(self) -> str:
        name = getattr(self._target.handler, "__qualname__", repr(self._target.handler))
        return (
            f"<runner of {name}, {counted(len(self._executions), 'execution')}, "
            f"virtual time {self.clock.now:%Y-%m-%d %H:%M:%S}>"
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def seed(self) -> int:
        """The seed of everything left to chance."""
        return self._simulator.options.seed

    def start(
        self, input: Any = None, name: str | None = None, timeout: DurationLike | None = None
    ) -> Execution:
        """Start an execution and stop before its first invocation.

        Raises:
            UsageError: the input is not JSON, or the timeout is malformed.
        """
        return Execution(self._simulator, self._start(input, name, timeout))

    def _start(self, value: Any, name: str | None, timeout: DurationLike | None) -> SimulatedExecution:
        execution = self._simulator.start(
            self._target.handler,
            encode_input(value),
            function=self._target.function,
            name=name,
            timeout_seconds=None if timeout is None else to_whole_seconds(timeout, "timeout"),
        )
        self._executions[execution.record.arn] = execution
        return execution

    def run(self, input: Any = None, timeout: DurationLike | None = None) -> DurableFunctionTestResult:
        """Start an execution, run it to its end and return the result.

        ``input`` is any JSON value; text that is valid JSON passes as it is. ``timeout`` is the
        execution timeout, in virtual time.

        Raises:
            UsageError: the input is not JSON, or the timeout is malformed.
            DurableStuckError: the execution cannot end.
        """
        return self.start(input, timeout=timeout).finish()

    def run_async(self, input: Any = None, timeout: DurationLike | None = None) -> str:
        """Start an execution and return its ARN. It goes on when `wait_for_result` or `clock` lets it."""
        return self.start(input, timeout=timeout).arn

    def wait_for_result(
        self, execution_arn: str, timeout: DurationLike | None = None
    ) -> DurableFunctionTestResult:
        """Run the execution to its end and return the result; may be called again.

        Raises:
            TimeoutError: it has not ended when ``timeout`` of virtual time has passed.
            DurableStuckError: it cannot end.
        """
        execution = self._find(execution_arn)
        if timeout is not None:
            self._simulator.run_until(
                lambda: execution.closed and execution.invocation is None,
                horizon=self._simulator.now + to_microseconds(timeout, "timeout"),
                between_invocations=False,
            )
            if not execution.closed:
                waits = "; ".join(str(pending) for pending in pending_operations(execution))
                raise TimeoutError(f"{execution_arn} has not ended after {timeout}: {waits}")
        return Execution(self._simulator, execution).finish()

    def get_execution_history(self, execution_arn: str) -> list[dict[str, Any]]:
        """Return the events so far, as boto3's ``get_durable_execution_history(...)["Events"]``."""
        return events_to_json(self._find(execution_arn).record.log)

    def _find(self, execution_arn: str) -> SimulatedExecution:
        execution = self._executions.get(execution_arn)
        if execution is None:
            known = ", ".join(self._executions) or "none"
            raise UsageError(f"This runner has no execution {execution_arn!r}; it has {known}.")
        return execution

    def check_determinism(
        self, input: Any = None, timeout: DurationLike | None = None, runs: int = 2
    ) -> DurableFunctionTestResult:
        """Run the handler several times on the same input and seed, each in a world of its own.

        Returns the result of the first run.

        Raises:
            NonDeterminismError: the histories differ; it names the first difference.
        """

        def run() -> DurableFunctionTestResult:
            fresh = LocalRunner(self._target, self._make_options)
            try:
                return fresh.run(input, timeout)
            finally:
                fresh.close()

        return check_deterministic(run, runs)

    @property
    def results(self) -> list[DurableFunctionTestResult]:
        """What became of every execution so far, in the order in which they started."""
        return [
            DurableFunctionTestResult(execution.record.log, seed=self.seed)
            for execution in self._executions.values()
        ]

    @property
    def pending(self) -> list[PendingOperation]:
        """The operations of unfinished executions that have not ended."""
        return [
            pending
            for execution in self._executions.values()
            if not execution.closed
            for pending in pending_operations(execution)
        ]

    def close(self) -> None:
        """Unwind whatever still runs. What has been recorded stays readable."""
        self._simulator.close()
