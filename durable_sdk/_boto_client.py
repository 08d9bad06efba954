"""BotoClient: the checkpoint client that talks to AWS Lambda through boto3."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from durable_sdk._client import CheckpointOutput
from durable_sdk._updates import UpdateJson
from durable_sdk._version import __version__
from durable_sdk._wire.invocation import StatePage
from durable_sdk.exceptions import CheckpointError, GetExecutionStateError

# The service's default is 100 and its maximum 1,000: fewer round trips before a replay can begin.
STATE_PAGE_ITEMS = 1000

# A checkpoint is short; the service may hold it while it works, but a dead connection must show.
_CONNECT_TIMEOUT_SECONDS = 5
_READ_TIMEOUT_SECONDS = 50


@cache
def default_boto3_client() -> Any:
    """Return the process-wide boto3 Lambda client, made from the environment at its first use."""
    # boto3 takes a tenth of a second to import, and a handler under test never needs it.
    import boto3
    from botocore.config import Config

    return boto3.client(
        "lambda",
        config=Config(
            connect_timeout=_CONNECT_TIMEOUT_SECONDS,
            read_timeout=_READ_TIMEOUT_SECONDS,
            user_agent_extra=f"durable-sdk/{__version__}",
        ),
    )


class BotoClient:
    """A CheckpointClient over a boto3 Lambda client."""

    def __init__(self, boto3_client: Any = None) -> None:
        self._client = default_boto3_client() if boto3_client is None else boto3_client

    def checkpoint(
        self,
        durable_execution_arn: str,
        checkpoint_token: str,
        updates: Sequence[UpdateJson],
        client_token: str | None = None,
    ) -> CheckpointOutput:
        """Call CheckpointDurableExecution."""
        if not checkpoint_token:
            raise CheckpointError(
                f"There is no checkpoint token for {durable_execution_arn!r}: "
                "the service sends one with each invocation and each answer."
            )
        request: dict[str, Any] = {
            "DurableExecutionArn": durable_execution_arn,
            "CheckpointToken": checkpoint_token,
            "Updates": list(updates),
        }
        if client_token is not None:
            request["ClientToken"] = client_token
        try:
            response = self._client.checkpoint_durable_execution(**request)
        except Exception as error:
            raise CheckpointError.from_exception(error) from error
        return CheckpointOutput(
            checkpoint_token=response.get("CheckpointToken") or None,
            new_execution_state=StatePage.from_dict(response.get("NewExecutionState")),
        )

    def get_execution_state(
        self,
        durable_execution_arn: str,
        checkpoint_token: str,
        next_marker: str,
        max_items: int = STATE_PAGE_ITEMS,
    ) -> StatePage:
        """Call GetDurableExecutionState."""
        if not checkpoint_token:
            raise GetExecutionStateError(
                f"There is no checkpoint token for {durable_execution_arn!r}: "
                "the service sends one with each invocation and each answer."
            )
        try:
            response = self._client.get_durable_execution_state(
                DurableExecutionArn=durable_execution_arn,
                CheckpointToken=checkpoint_token,
                Marker=next_marker,
                MaxItems=max_items,
            )
        except Exception as error:
            raise GetExecutionStateError.from_exception(error) from error
        return StatePage.from_dict(response)
