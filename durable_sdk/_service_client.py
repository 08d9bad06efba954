"""DurableServiceClient: the service in terms of AWS's objects, and adapters between it and the SDK's seam.

The SDK speaks to a CheckpointClient, in the service's JSON. ObjectClient makes one of a DurableServiceClient;
LambdaClient is a DurableServiceClient over a boto3 client.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from durable_sdk._boto_client import STATE_PAGE_ITEMS, BotoClient, default_boto3_client
from durable_sdk._client import CheckpointOutput as CheckpointAnswer
from durable_sdk._operation_update import OperationUpdate
from durable_sdk._updates import UpdateJson
from durable_sdk._wire.invocation import StatePage
from durable_sdk._wire.messages import (
    CheckpointOutput,
    CheckpointUpdatedExecutionState,
    Operation,
    StateOutput,
)


class DurableServiceClient(Protocol):
    """The two calls that the SDK makes to the service."""

    def checkpoint(
        self,
        durable_execution_arn: str,
        checkpoint_token: str,
        updates: list[OperationUpdate],
        client_token: str | None,
    ) -> CheckpointOutput:
        """Record ``updates``, all or none; no updates only ask what is new.

        Raises:
            CheckpointError: the service refused or could not be reached.
        """
        ...

    def get_execution_state(
        self,
        durable_execution_arn: str,
        checkpoint_token: str,
        next_marker: str,
        max_items: int = STATE_PAGE_ITEMS,
    ) -> StateOutput:
        """Return the page of operations at ``next_marker``.

        Raises:
            GetExecutionStateError: the service refused or could not be reached.
        """
        ...


class LambdaClient(DurableServiceClient):
    """The service on AWS Lambda, through a boto3 client."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self._calls = BotoClient(client)

    @classmethod
    def initialize_client(cls) -> LambdaClient:
        """Return a client over the process-wide boto3 client, made from the environment at its first use."""
        return cls(default_boto3_client())

    def checkpoint(
        self,
        durable_execution_arn: str,
        checkpoint_token: str,
        updates: list[OperationUpdate],
        client_token: str | None,
    ) -> CheckpointOutput:
        """Call CheckpointDurableExecution.

        Raises:
            CheckpointError: the service refused or could not be reached.
        """
        answer = self._calls.checkpoint(
            durable_execution_arn,
            checkpoint_token,
            [update.to_dict() for update in updates],
            client_token,
        )
        page = answer.new_execution_state
        return CheckpointOutput(
            answer.checkpoint_token,
            CheckpointUpdatedExecutionState(_operations(page), page.next_marker or None),
        )

    def get_execution_state(
        self,
        durable_execution_arn: str,
        checkpoint_token: str,
        next_marker: str,
        max_items: int = STATE_PAGE_ITEMS,
    ) -> StateOutput:
        """Call GetDurableExecutionState.

        Raises:
            GetExecutionStateError: the service refused or could not be reached.
        """
        page = self._calls.get_execution_state(
            durable_execution_arn, checkpoint_token, next_marker, max_items
        )
        return StateOutput(_operations(page), page.next_marker or None)


def _operations(page: StatePage) -> list[Operation]:
    return [Operation.from_dict(operation) for operation in page.operations]


class ObjectClient:
    """A CheckpointClient over a client that speaks in objects."""

    def __init__(self, client: DurableServiceClient) -> None:
        self._client = client

    def checkpoint(
        self, durable_execution_arn: str, checkpoint_token: str, updates: Sequence[UpdateJson]
    ) -> CheckpointAnswer:
        """Call the client's ``checkpoint``."""
        output = self._client.checkpoint(
            durable_execution_arn,
            checkpoint_token,
            [OperationUpdate.from_dict(update) for update in updates],
            None,
        )
        return CheckpointAnswer(output.checkpoint_token or None, _page(output.new_execution_state))

    def get_execution_state(
        self, durable_execution_arn: str, checkpoint_token: str, next_marker: str
    ) -> StatePage:
        """Call the client's ``get_execution_state``."""
        return _page(self._client.get_execution_state(durable_execution_arn, checkpoint_token, next_marker))


def _page(state: StateOutput | CheckpointUpdatedExecutionState) -> StatePage:
    return StatePage([operation.to_dict() for operation in state.operations], state.next_marker or "")
