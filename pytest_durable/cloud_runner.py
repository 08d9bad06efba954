"""DurableFunctionCloudTestRunner: AWS's test runner for a deployed function."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self

from durable_sdk.lambda_service import ErrorObject
from pytest_durable.cloud.api import LambdaApi
from pytest_durable.cloud.clock import RealClock
from pytest_durable.cloud.names import ExecutionNames
from pytest_durable.cloud.runner import DEFAULT_TIMEOUT_SECONDS, CloudRunner
from pytest_durable.payload import encode_json
from pytest_durable.result.invocation_result import DurableFunctionTestResult

# A failure belongs to the test's own line, not to ours.
__tracebackhide__ = True


class DurableFunctionCloudTestRunner:
    """Runs a deployed function, in the calls of AWS's runner. A context manager, which is optional.

    ``function_name`` is qualified (``"MyFunction:$LATEST"``) or an ARN. ``poll_interval`` is the longest time
    in seconds between two questions how an execution stands; the first come sooner. What has been started
    and not awaited is stopped by `close`.

    Raises:
        CloudError: the region or the profile is missing.
    """

    def __init__(
        self,
        function_name: str,
        region: str = "us-west-2",
        lambda_endpoint: str | None = None,
        poll_interval: float = 1.0,
    ) -> None:
        self.function_name = function_name
        self.region = region
        self.lambda_endpoint = lambda_endpoint
        self.poll_interval = poll_interval
        self._api = LambdaApi.connect(function_name, region, lambda_endpoint, RealClock())
        self._runner = CloudRunner(
            self._api,
            function_name,
            ExecutionNames("cloud-runner"),
            longest_interval_seconds=poll_interval,
        )

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
        """Stop what has been started and is not known to have ended, and close the connections."""
        self._runner.release()
        self._api.close()

    def run(self, input: Any = None, timeout: float = DEFAULT_TIMEOUT_SECONDS) -> DurableFunctionTestResult:
        """Start an execution, wait for its end and return the result.

        ``input`` is any JSON value, and text is one, too; ``timeout`` is in seconds, after which the
        execution is stopped.

        Raises:
            UsageError: an argument is wrong.
            CloudError: something on the way to the function fails.
            TimeoutError: the execution has not ended in time.
        """
        return DurableFunctionTestResult.like(self._runner.run(encode_json(input, "input"), timeout))

    def run_async(self, input: Any = None, timeout: float = DEFAULT_TIMEOUT_SECONDS) -> str:
        """Start an execution and return its ARN; ``timeout`` is how many seconds the start is tried.

        Raises:
            UsageError: an argument is wrong.
            CloudError: it cannot be started.
        """
        return self._runner.run_async(encode_json(input, "input"), timeout)

    def wait_for_result(
        self, execution_arn: str, timeout: float = DEFAULT_TIMEOUT_SECONDS
    ) -> DurableFunctionTestResult:
        """Wait for the end of an execution and return the result; may be called again.

        Raises:
            TimeoutError: it has not ended after ``timeout`` seconds. It goes on.
            CloudError: something on the way to the function fails.
        """
        return DurableFunctionTestResult.like(self._runner.wait_for_result(execution_arn, timeout))

    def wait_for_callback(
        self, execution_arn: str, name: str | None = None, timeout: float = DEFAULT_TIMEOUT_SECONDS
    ) -> str:
        """Wait until a callback of that name, or any, can be answered, and return its id.

        Raises:
            DurableFunctionsTestError: the execution ends before.
            TimeoutError: none is open after ``timeout`` seconds.
        """
        return self._runner.wait_for_callback(execution_arn, name, timeout)

    def send_callback_success(self, callback_id: str, result: bytes | None = None) -> None:
        """Answer a callback.

        Raises:
            ServiceError: the service refuses, as it does for an unknown callback and one that has ended.
        """
        self._runner.send_callback_success(callback_id, result)

    def send_callback_failure(self, callback_id: str, error: ErrorObject | None = None) -> None:
        """Answer a callback with an error, an empty one if none is given.

        Raises:
            ServiceError: the service refuses, as it does for an unknown callback and one that has ended.
        """
        self._runner.send_callback_failure(callback_id, error)

    def send_callback_heartbeat(self, callback_id: str) -> None:
        """Restart the heartbeat timeout of a callback.

        Raises:
            ServiceError: the service refuses, as it does for an unknown callback and one that has ended.
        """
        self._runner.send_callback_heartbeat(callback_id)

    def pause_execution(self, execution_arn: str, timeout: float = DEFAULT_TIMEOUT_SECONDS) -> None:
        """Invoke the handler no more, and wait until no invocation goes on; ``timeout`` is in seconds.

        Raises:
            TimeoutError: an invocation still runs after that time. The pause stands.
            CloudError: it cannot be paused, as with a boto3 that does not know how.
        """
        self._runner.pause_execution(execution_arn, timeout)

    def resume_execution(self, execution_arn: str) -> None:
        """Invoke the handler again, at once if an invocation was held back.

        Raises:
            CloudError: it cannot be resumed.
        """
        self._runner.resume_execution(execution_arn)
