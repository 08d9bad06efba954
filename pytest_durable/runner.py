"""DurableFunctionTestRunner: AWS's test runner, over the simulator.

For suites written for AWS's package, and for tests that want a runner of their own. New tests need less with
the fixture ``durable_runner``.

Time is virtual: nothing waits in reality unless ``skip_time`` is False. Timeouts given here do not count
waits and delays of retries, as on AWS's runner, which skips them.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, Self

from durable_sdk.context import DurableContext
from durable_sdk.execution import InvocationStatus, durable_execution
from durable_sdk.lambda_service import ErrorObject, OperationType
from durable_sdk.lambda_service import Operation as SvcOperation
from pytest_durable.durations import to_whole_seconds
from pytest_durable.errors import DurableStuckError, ServiceError
from pytest_durable.exceptions import InvalidParameterValueException, ResourceNotFoundException
from pytest_durable.model import GetDurableExecutionHistoryResponse
from pytest_durable.result.execution import ExecutionStatus
from pytest_durable.result.invocation_result import DurableFunctionTestResult
from pytest_durable.result.operations import (
    CallbackOperation,
    ContextOperation,
    ExecutionOperation,
    InvokeOperation,
    Operation,
    StepOperation,
    WaitOperation,
    create_operation,
)
from pytest_durable.simulator.driver import Execution
from pytest_durable.simulator.identifiers import ACCOUNT_ID, FunctionVersion
from pytest_durable.simulator.options import DEFAULT_INVOCATION_TIMEOUT_SECONDS, SimulatorOptions
from pytest_durable.simulator.runner import LocalRunner, Target
from pytest_durable.simulator.service.limits import Limits

if TYPE_CHECKING:
    from pytest_durable.cloud_runner import DurableFunctionCloudTestRunner

__all__ = [
    "OPERATION_FACTORIES",
    "CallbackOperation",
    "ContextOperation",
    "DurableChildContextTestRunner",
    "DurableFunctionCloudTestRunner",
    "DurableFunctionTestResult",
    "DurableFunctionTestRunner",
    "ExecutionOperation",
    "ExecutionStatus",
    "InvocationStatus",
    "InvokeOperation",
    "Operation",
    "OperationFactory",
    "StepOperation",
    "WaitOperation",
    "create_operation",
]

# A failure belongs to the test's own line, not to ours.
__tracebackhide__ = True


def __getattr__(name: str) -> Any:
    # It needs boto3, which nothing else here does.
    if name == "DurableFunctionCloudTestRunner":
        return import_module("pytest_durable.cloud_runner").DurableFunctionCloudTestRunner
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


class OperationFactory(Protocol):
    """A class of operations, which makes a view of an operation that the service reports."""

    @staticmethod
    def from_svc_operation(
        operation: SvcOperation, all_operations: list[SvcOperation] | None = None
    ) -> Operation:
        """Return the view, with those of ``all_operations`` inside that belong there."""
        ...


OPERATION_FACTORIES: dict[OperationType, type[OperationFactory]] = {
    OperationType.EXECUTION: ExecutionOperation,
    OperationType.CONTEXT: ContextOperation,
    OperationType.STEP: StepOperation,
    OperationType.WAIT: WaitOperation,
    OperationType.CALLBACK: CallbackOperation,
    OperationType.CHAINED_INVOKE: InvokeOperation,
}


class DurableFunctionTestRunner:
    """Runs one durable handler, as often as it is told to.

    ``execution_timeout`` and ``invocation_timeout`` are in seconds. ``max_invocation_page_bytes`` is how much
    of the state an invocation begins with; the SDK fetches the rest. ``poll_interval`` and ``store`` mean
    nothing here: nobody polls, and executions live as long as the runner.

    Raises:
        UsageError: the handler is not durable, or an argument is wrong.
    """

    def __init__(
        self,
        handler: Callable[..., Any],
        poll_interval: float = 1.0,
        max_invocation_page_bytes: int | None = None,
        execution_timeout: int = 300,
        invocation_timeout: int = DEFAULT_INVOCATION_TIMEOUT_SECONDS,
        store: object = None,
        skip_time: bool = True,
        region: str = "us-west-2",
    ) -> None:
        self._execution_timeout = to_whole_seconds(execution_timeout, "execution_timeout")
        self._function = FunctionVersion("test-function", region=region)
        self._names: set[tuple[FunctionVersion, str]] = set()
        self._started: dict[str, Execution] = {}
        limits = Limits()
        if max_invocation_page_bytes is not None:
            limits = Limits.overridden({"state_page_bytes": max_invocation_page_bytes})
        options = SimulatorOptions(
            limits=limits,
            invocation_timeout_seconds=to_whole_seconds(invocation_timeout, "invocation_timeout"),
            skip_time=skip_time,
            timeouts_count_waits=False,
        )
        self._runner = LocalRunner(Target(handler, self._function), lambda: options)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Unwind whatever still runs. Results stay readable."""
        self._runner.release()

    def register_durable_function(
        self,
        function_name: str,
        handler: Callable[..., Any],
        execution_timeout: int = 120,
        retention_period_days: int = 1,
    ) -> Self:
        """Let ``context.invoke`` find a durable function; ``execution_timeout`` is in seconds.

        Raises:
            UsageError: an argument is wrong.
        """
        self._runner.register_durable_function(
            function_name, handler, execution_timeout, retention_period_days
        )
        return self

    def register_function(self, function_name: str, handler: Callable[..., Any]) -> Self:
        """Let ``context.invoke`` find a function that is not durable.

        Raises:
            UsageError: an argument is wrong.
        """
        self._runner.register_function(function_name, handler)
        return self

    def run(
        self,
        input: str | None = None,
        execution_timeout: int | None = None,
        timeout: int | None = None,
        function_name: str = "test-function",
        execution_name: str = "execution-name",
        account_id: str = ACCOUNT_ID,
        tenant_id: str | None = None,
    ) -> DurableFunctionTestResult:
        """Start an execution, run it to its end and return the result.

        ``input`` is text; what is JSON already passes as it is. An execution that takes longer than
        ``execution_timeout`` seconds ends as timed out; ``timeout`` is its former name.

        Raises:
            UsageError: an argument is wrong.
            DurableStuckError: the execution cannot end.
        """
        if timeout is not None:
            warnings.warn(
                "run(timeout=...) is called execution_timeout now.", DeprecationWarning, stacklevel=2
            )
        seconds = self._seconds(execution_timeout, timeout)
        started = self._start(input, seconds, function_name, execution_name, account_id, tenant_id)
        started.finish()
        return self._result(started)

    def run_async(
        self,
        input: str | None = None,
        execution_timeout: int | None = None,
        timeout: int | None = None,
        function_name: str = "test-function",
        execution_name: str = "execution-name",
        account_id: str = ACCOUNT_ID,
        tenant_id: str | None = None,
    ) -> str:
        """Start an execution and return its ARN. It goes on inside other calls only; see `run`.

        Raises:
            UsageError: an argument is wrong.
        """
        seconds = self._seconds(execution_timeout, timeout)
        return self._start(input, seconds, function_name, execution_name, account_id, tenant_id).arn

    def _seconds(self, execution_timeout: int | None, timeout: int | None) -> int:
        if execution_timeout is not None:
            return to_whole_seconds(execution_timeout, "execution_timeout")
        return self._execution_timeout if timeout is None else to_whole_seconds(timeout, "timeout")

    def _start(
        self,
        input: str | None,
        timeout_seconds: int,
        function_name: str,
        execution_name: str,
        account_id: str,
        tenant_id: str | None,
    ) -> Execution:
        function = replace(self._function, name=function_name, account_id=account_id)
        started = self._runner.start(
            "null" if input is None else input,
            self._unused(function, execution_name),
            timeout_seconds,
            function=function,
            tenant_id=tenant_id,
        )
        self._started[started.arn] = started
        return started

    def _unused(self, function: FunctionVersion, name: str) -> str:
        """Return the name, numbered if it is taken: here a repeated name starts another execution."""
        unused, number = name, 1
        while (function, unused) in self._names:
            number += 1
            unused = f"{name}-{number}"
        self._names.add((function, unused))
        return unused

    def wait_for_result(self, execution_arn: str, timeout: int = 60) -> DurableFunctionTestResult:
        """Run the execution to its end and return the result; may be called again.

        Raises:
            ResourceNotFoundException: there is no such execution.
            TimeoutError: it has not ended after ``timeout`` seconds.
        """
        started = self._find(execution_arn)
        try:
            self._runner.wait_for_result(execution_arn, timeout)
        except DurableStuckError as error:
            raise TimeoutError(str(error)) from error
        return self._result(started)

    def wait_for_callback(self, execution_arn: str, name: str | None = None, timeout: int = 60) -> str:
        """Run until the handler awaits a callback of that name, or any, and return its id.

        Raises:
            ResourceNotFoundException: there is no such execution.
            DurableFunctionsTestError: the callback has ended already, or the execution has.
            TimeoutError: none is open after ``timeout`` seconds.
        """
        self._find(execution_arn)
        try:
            return self._runner.wait_for_callback(execution_arn, name, timeout)
        except DurableStuckError as error:
            raise TimeoutError(str(error)) from error

    def send_callback_success(self, callback_id: str, result: bytes | None = None) -> None:
        """Answer a callback; no result, or an empty one, answers None.

        Raises:
            InvalidParameterValueException: the id is blank.
            ResourceNotFoundException: there is no such callback, it has ended, or the result is no UTF-8.
        """
        self._answer("success", callback_id, lambda: self._succeed(callback_id, result))

    def _succeed(self, callback_id: str, result: bytes | None) -> None:
        self._runner.send_callback_success(callback_id, result.decode() if result else None)

    def send_callback_failure(self, callback_id: str, error: ErrorObject | None = None) -> None:
        """Answer a callback with an error, an empty one if none is given.

        Raises:
            InvalidParameterValueException: the id is blank.
            ResourceNotFoundException: there is no such callback, or it has ended.
        """
        self._answer("failure", callback_id, lambda: self._runner.send_callback_failure(callback_id, error))

    def send_callback_heartbeat(self, callback_id: str) -> None:
        """Restart the heartbeat timeout of a callback.

        Raises:
            InvalidParameterValueException: the id is blank.
            ResourceNotFoundException: there is no such callback, or it has ended.
        """
        self._answer("heartbeat", callback_id, lambda: self._runner.send_callback_heartbeat(callback_id))

    def _answer(self, what: str, callback_id: object, send: Callable[[], None]) -> None:
        if not isinstance(callback_id, str) or not callback_id.strip():
            raise InvalidParameterValueException("callback_id is required")
        try:
            send()
        except ServiceError as error:
            raise ResourceNotFoundException(error.message) from error
        except UnicodeDecodeError as error:
            raise ResourceNotFoundException(f"Failed to process callback {what}: {error}") from error

    def get_execution_history(
        self, execution_arn: str, include_execution_data: bool = False
    ) -> GetDurableExecutionHistoryResponse:
        """Return the events so far, all in one page; inputs, results and errors only if asked for.

        Raises:
            ResourceNotFoundException: there is no such execution.
        """
        self._find(execution_arn)
        events = self._runner.get_execution_history(execution_arn, include_execution_data)
        return GetDurableExecutionHistoryResponse.from_dict({"Events": events})

    def pause_execution(self, execution_arn: str, timeout: float = 60) -> None:
        """Invoke the handler no more, and run until no invocation goes on; ``timeout`` is in seconds.

        Raises:
            InvalidParameterValueException: the ARN is blank.
            ResourceNotFoundException: there is no such execution.
            TimeoutError: an invocation still runs after that time. The pause stands.
            ValueError: the timeout is no positive number.
        """
        if not 0 < timeout < float("inf"):
            raise ValueError(f"timeout must be finite and positive, got {timeout!r}")
        self._find(execution_arn)
        self._runner.pause_execution(execution_arn, timeout)

    def resume_execution(self, execution_arn: str) -> None:
        """Invoke the handler again, at once if an invocation was held back.

        Raises:
            InvalidParameterValueException: the ARN is blank.
            ResourceNotFoundException: there is no such execution.
        """
        self._find(execution_arn)
        self._runner.resume_execution(execution_arn)

    def _find(self, execution_arn: object) -> Execution:
        if not isinstance(execution_arn, str) or not execution_arn.strip():
            raise InvalidParameterValueException("Invalid Durable Execution ARN")
        started = self._started.get(execution_arn)
        if started is None:
            known = ", ".join(self._started) or "none"
            raise ResourceNotFoundException(
                f"Durable Execution does not exist: {execution_arn!r}; this runner has {known}."
            )
        return started

    def _result(self, started: Execution) -> DurableFunctionTestResult:
        return DurableFunctionTestResult.from_log(started.log, seed=self._runner.seed)


class DurableChildContextTestRunner(DurableFunctionTestRunner):
    """Runs a function of a child context by itself, as the only thing that a handler does.

    The function is decorated with ``durable_with_child_context``; it is called with ``args`` and ``kwargs``.
    """

    def __init__(
        self,
        context_function: Callable[..., Callable[[Any], Any]],
        *args: Any,
        skip_time: bool = True,
        **kwargs: Any,
    ) -> None:
        @durable_execution
        def handler(event: Any, context: DurableContext) -> Any:
            return context_function(*args, **kwargs)(context)

        super().__init__(handler, skip_time=skip_time)
