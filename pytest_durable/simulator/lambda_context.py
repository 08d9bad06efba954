"""SimulatedLambdaContext: the second argument of a Lambda handler."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pytest_durable.simulator.identifiers import FunctionVersion


@dataclass(frozen=True, slots=True)
class SimulatedLambdaContext:
    """What Lambda tells a handler of its invocation, with the time left in virtual time."""

    aws_request_id: str
    function: FunctionVersion
    deadline: int
    now: Callable[[], int]
    memory_limit_in_mb: str = "128"
    identity: None = None
    client_context: None = None
    tenant_id: str | None = None

    @property
    def function_name(self) -> str:
        """The name of the function."""
        return self.function.name

    @property
    def function_version(self) -> str:
        """The version that runs."""
        return self.function.version

    @property
    def invoked_function_arn(self) -> str:
        """The qualified ARN of the function."""
        return self.function.arn

    @property
    def log_group_name(self) -> str:
        """The log group that Lambda would write to."""
        return f"/aws/lambda/{self.function.name}"

    @property
    def log_stream_name(self) -> str:
        """The log stream that Lambda would write to; the same in every run."""
        return f"[{self.function.version}]{self.aws_request_id}"

    def log(self, msg: object) -> None:
        """Write to standard output, as Lambda does."""
        print(msg)

    def get_remaining_time_in_millis(self) -> int:
        """Return the virtual milliseconds until the invocation times out."""
        return max(0, (self.deadline - self.now()) // 1000)
