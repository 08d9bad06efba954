"""CloudExecution: one execution of a deployed function, in the calls of the simulator's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, Self

from pytest_durable.cloud.needs import execution_need
from pytest_durable.durations import DurationLike
from pytest_durable.history.log import EventLog
from pytest_durable.points import matches
from pytest_durable.scripts.names import demand_name, path_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn

    from pytest_durable.result.execution import DurableFunctionTestResult

# A failure belongs to the test's own line, not to ours.
__tracebackhide__ = True


class Starter(Protocol):
    """What an execution asks of the runner that has started it."""

    def wait_for_result(
        self, execution_arn: str, timeout: DurationLike | None = None
    ) -> DurableFunctionTestResult: ...

    def wait_for_callback(
        self, execution_arn: str, name: str | None = None, timeout: DurationLike | None = None
    ) -> str: ...

    def wait_until(self, execution_arn: str, found: Callable[[EventLog], bool], what: str) -> None: ...

    def result_so_far(self, execution_arn: str) -> DurableFunctionTestResult: ...

    def stop_execution(self, execution_arn: str, error: Any = None) -> None: ...

    def refuse(self, reason: str, /) -> NoReturn: ...


class CloudExecution:
    """An execution that has started. It goes on by itself, and these calls wait for it."""

    def __init__(self, runner: Starter, arn: str) -> None:
        self._runner = runner
        self.arn = arn

    def __repr__(self) -> str:
        return f"<CloudExecution {self.arn}>"

    def __getattr__(self, name: str) -> Any:
        need = None if name.startswith("_") else execution_need(name)
        if need is None:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        self._runner.refuse(need)

    @property
    def pending(self) -> list[str]:
        """The operations that have not ended, in words."""
        return self.result().pending

    def until(self, operation_name: str) -> Self:
        """Wait until the operation of that name has begun, or the one at a path such as ``orders/charge``.

        Raises:
            UsageError: the name is no text, or is empty.
            DurableTestError: the execution ends before.
            TimeoutError: it has not begun in the time that calls wait.
        """
        demand_name(operation_name, "the operation")

        def has_begun(log: EventLog) -> bool:
            return any(
                matches(operation_name, path_of(log.operations, operation.subject))
                for operation in log.operations.values()
            )

        self._runner.wait_until(self.arn, has_begun, f"operation {operation_name!r}")
        return self

    def until_callback(self, name: str | None = None, timeout: DurationLike | None = None) -> str:
        """Wait until a callback of that name can be answered; return its id.

        Raises:
            ExecutionFailedError: the execution fails before.
            DurableTestError: the execution succeeds before, or the callback has ended already.
            TimeoutError: none is open when ``timeout`` of real time has passed.
        """
        return self._runner.wait_for_callback(self.arn, name, timeout)

    def stop(self, error: Any = None) -> Self:
        """End the execution from outside, with status STOPPED.

        Raises:
            UsageError: the error is no exception, message, ErrorObject or JSON form of one.
        """
        self._runner.stop_execution(self.arn, error)
        return self

    def finish(self) -> DurableFunctionTestResult:
        """Wait for the end and return the result.

        Raises:
            TimeoutError: it has not ended in the time that calls wait.
        """
        return self._runner.wait_for_result(self.arn)

    def result(self) -> DurableFunctionTestResult:
        """Return the result so far."""
        return self._runner.result_so_far(self.arn)
