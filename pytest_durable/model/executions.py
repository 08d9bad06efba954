"""An execution: how it is started, what is known of it, and the Lambda context of its handler."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from durable_sdk._wire.codec import Message
from durable_sdk.exceptions import ValidationError
from durable_sdk.types import LambdaContext as LambdaContextProtocol
from pytest_durable.exceptions import InvalidParameterValueException

LATEST_PUBLISHED_QUALIFIER = "$LATEST.PUBLISHED"


def executed_version(qualifier: str | None) -> str:
    """Return the version that runs under a qualifier: a number or $LATEST.PUBLISHED itself, else $LATEST."""
    if qualifier and (qualifier.isdecimal() or qualifier == LATEST_PUBLISHED_QUALIFIER):
        return qualifier
    return "$LATEST"


@dataclass(frozen=True)
class StartDurableExecutionInput(Message):
    """A request to start an execution."""

    account_id: str
    function_name: str
    function_qualifier: str
    execution_name: str
    execution_timeout_seconds: int
    execution_retention_period_days: int
    invocation_id: str | None = None
    trace_fields: dict[str, Any] | None = None
    tenant_id: str | None = None
    input: str | None = None
    lambda_endpoint: str | None = None

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Decode a request.

        Raises:
            InvalidParameterValueException: a member is missing or malformed.
        """
        try:
            return super().from_dict(data)
        except ValidationError as error:
            raise InvalidParameterValueException(str(error)) from error

    def get_normalized_input(self) -> str:
        """Return the input as it is stored: text that is JSON as it is, any other text in quotes."""
        if self.input is not None:
            try:
                json.loads(self.input)
            except ValueError:
                return json.dumps(self.input)
            return self.input
        return "null"


@dataclass(frozen=True)
class StartDurableExecutionOutput(Message):
    """The execution that was started."""

    execution_arn: str | None = None


@dataclass(frozen=True)
class Execution(Message, absent={"function_arn": ""}):
    """An execution in a list of executions."""

    durable_execution_arn: str
    durable_execution_name: str
    function_arn: str
    status: str
    start_timestamp: datetime
    end_timestamp: datetime | None = None


@dataclass(frozen=True)
class LambdaContext(LambdaContextProtocol):
    """A Lambda context with the values given, for a test that calls a handler itself."""

    aws_request_id: str
    log_group_name: str | None = None
    log_stream_name: str | None = None
    function_name: str | None = None
    memory_limit_in_mb: str | None = None
    function_version: str | None = None
    invoked_function_arn: str | None = None
    tenant_id: str | None = None
    client_context: dict[str, Any] | None = None
    identity: dict[str, Any] | None = None

    def get_remaining_time_in_millis(self) -> int:
        """Return 15 minutes, the longest that a function may run."""
        return 15 * 60 * 1000

    def log(self, msg: object) -> None:
        """Write to standard output, as Lambda does."""
        print(msg)
