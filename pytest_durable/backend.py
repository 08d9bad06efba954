"""Runner: what a test may do with the execution of a durable function, on any backend."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Protocol, Self

from pytest_durable.durations import DurationLike
from pytest_durable.result.execution import DurableFunctionTestResult

# A failure belongs to the test's own line, not to ours.
__tracebackhide__ = True


class Runner(Protocol):
    """The fixture ``durable_runner``."""

    mode: str
    """``"local"`` for the simulator."""

    def run(self, input: Any = None, timeout: DurationLike | None = None) -> DurableFunctionTestResult:
        """Start an execution, run it to its end and return the result."""
        ...

    def run_async(self, input: Any = None, timeout: DurationLike | None = None) -> str:
        """Start an execution and return its ARN."""
        ...

    def wait_for_result(
        self, execution_arn: str, timeout: DurationLike | None = None
    ) -> DurableFunctionTestResult:
        """Run the execution to its end and return the result."""
        ...

    def wait_for_callback(
        self, execution_arn: str, name: str | None = None, timeout: DurationLike | None = None
    ) -> str:
        """Wait until a callback of that name is open and the handler awaits it; return its id."""
        ...

    def send_callback_success(
        self, callback_id: str, result: bytes | str | None = None, *, value: Any = None
    ) -> None:
        """Answer a callback: with text or bytes, or with any JSON ``value``."""
        ...

    def send_callback_failure(self, callback_id: str, error: Any = None) -> None:
        """Answer a callback with an error."""
        ...

    def send_callback_heartbeat(self, callback_id: str) -> None:
        """Tell that somebody still works on a callback."""
        ...

    def get_execution_history(
        self, execution_arn: str, include_execution_data: bool = True
    ) -> list[dict[str, Any]]:
        """Return the events so far, as boto3 returns them."""
        ...

    def close(self) -> None:
        """Release whatever the runner holds, and check that all came about that the test has arranged."""
        ...

    def release(self) -> None:
        """Release whatever the runner holds, for a test that has failed or has been checked."""
        ...

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is None:
            self.close()
        else:
            self.release()
