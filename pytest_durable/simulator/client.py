"""SimulatedClient: the SDK's two calls, as requests in the event queue.

A call posts its request, in the service's JSON form, and parks its task. The loop serves the request like
any other event and gives the task a turn with the answer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from durable_sdk._client import CheckpointOutput
from durable_sdk._updates import UpdateJson
from durable_sdk._wire.invocation import StatePage
from durable_sdk.exceptions import CheckpointError, GetExecutionStateError
from pytest_durable.simulator.runtime import SimulatedRuntime
from pytest_durable.simulator.service.errors import ServiceError
from pytest_durable.simulator.turns import Task


class Call:
    """A request on its way to the service, and later its answer or error."""

    __slots__ = ("answer", "api", "error", "request", "task")

    def __init__(self, api: str, request: dict[str, Any], task: Task) -> None:
        self.api = api
        self.request = request
        self.task = task
        self.answer: dict[str, Any] | None = None
        self.error: ServiceError | None = None


class SimulatedClient:
    """The service, as the SDK of one invocation sees it."""

    def __init__(self, runtime: SimulatedRuntime, post: Callable[[Call], None]) -> None:
        self._runtime = runtime
        self._post = post

    def checkpoint(
        self, durable_execution_arn: str, checkpoint_token: str, updates: Sequence[UpdateJson]
    ) -> CheckpointOutput:
        """Call CheckpointDurableExecution."""
        request = {
            "DurableExecutionArn": durable_execution_arn,
            "CheckpointToken": checkpoint_token,
            "Updates": updates,
        }
        try:
            answer = self._call("CheckpointDurableExecution", request)
        except ServiceError as error:
            raise CheckpointError.from_exception(error) from error
        return CheckpointOutput(
            answer.get("CheckpointToken"), StatePage.from_dict(answer["NewExecutionState"])
        )

    def get_execution_state(
        self, durable_execution_arn: str, checkpoint_token: str, next_marker: str
    ) -> StatePage:
        """Call GetDurableExecutionState."""
        request = {
            "DurableExecutionArn": durable_execution_arn,
            "CheckpointToken": checkpoint_token,
            "Marker": next_marker,
        }
        try:
            return StatePage.from_dict(self._call("GetDurableExecutionState", request))
        except ServiceError as error:
            raise GetExecutionStateError.from_exception(error) from error

    def _call(self, api: str, request: dict[str, Any]) -> dict[str, Any]:
        self._runtime.demand_turn()
        call = Call(api, request, self._runtime.current_task)
        self._post(call)
        self._runtime.park()
        if call.error is not None:
            raise call.error
        if call.answer is None:
            raise AssertionError(f"{api} got a turn without an answer")
        return call.answer
