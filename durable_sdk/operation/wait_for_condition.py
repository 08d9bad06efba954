"""Conditions: user code checks a state, again and again, until its strategy says that it will do."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Generic, NoReturn, TypeVar

from durable_sdk import _updates
from durable_sdk._backoff import MIN_DELAY_SECONDS
from durable_sdk._duration import LONGEST_DELAY_SECONDS
from durable_sdk._wire.enums import OperationStatus
from durable_sdk._wire.errors import ErrorObject, rebuild_error
from durable_sdk._wire.operations import StoredOperation
from durable_sdk._wording import shown
from durable_sdk.exceptions import WaitForConditionError, ends_more_than_an_operation
from durable_sdk.identifier import OperationIdentifier
from durable_sdk.operation.base import (
    Begin,
    Completed,
    Decision,
    Execute,
    RunningStep,
    Suspend,
    repeat_or_suspend,
    run_user_function,
    running_step,
)
from durable_sdk.operation.values import Values
from durable_sdk.serdes import DEFAULT_SERDES
from durable_sdk.state import ExecutionState
from durable_sdk.waits import WaitForConditionConfig, WaitForConditionDecision

T = TypeVar("T")


class WaitForConditionOperation(Generic[T]):
    """One condition. ``check`` is called with the state and the number of the check, 1 for the first."""

    __slots__ = ("_check", "_config", "_state", "_values", "identifier")

    def __init__(
        self,
        state: ExecutionState,
        identifier: OperationIdentifier,
        check: Callable[[T, int], T],
        config: WaitForConditionConfig[T],
    ) -> None:
        self.identifier = identifier
        self._state = state
        self._check = check
        self._config = config
        self._values: Values[T] = Values(
            state, identifier, config.serdes or DEFAULT_SERDES, "state of condition"
        )

    def decide(self, recorded: StoredOperation | None, *, begun: bool) -> Decision[T]:
        """Begin, check, wait for the time of the next check, or answer from the record."""
        status = None if recorded is None else recorded.status
        if recorded is not None and status is OperationStatus.SUCCEEDED:
            return Completed(self._values.read(recorded.result))
        if recorded is not None and status is OperationStatus.PENDING:
            return Suspend(
                f"Condition {self.identifier.label} waits for its next check.", recorded.next_attempt_at
            )
        if recorded is not None and recorded.is_terminal:
            raise rebuild_error(recorded.error, WaitForConditionError)
        if not begun and status in (None, OperationStatus.READY):
            return Begin(_updates.start(self.identifier), synchronous=False)
        attempt = 1 if recorded is None else recorded.attempt + 1
        return Execute(partial(self._attempt, attempt, None if recorded is None else recorded.result))

    def _attempt(self, attempt: int, stored: str | None) -> T:
        """Check once; ``stored`` is the state that the check before left, None if there was none."""
        token = running_step.set(RunningStep(self.identifier, attempt, self._state))
        try:
            given = self._values.write(self._config.initial_state) if stored is None else stored
            before = self._values.read(given)
            path = self._state.lineage.path(self.identifier.parent_id, self.identifier.name)
            check = self._state.runtime.step_body(path, lambda number: self._check(before, number))
            after = run_user_function(self._state, self.identifier, check, attempt, attempt=attempt)
            payload = self._values.write(after)
            delay_seconds = self._delay_seconds(self._values.read(payload), attempt)
            result = self._values.read(payload)
        except Exception as error:
            if ends_more_than_an_operation(error):
                raise
            self._fail(error)
        finally:
            running_step.reset(token)
        if delay_seconds is None:
            self._state.checkpoint(_updates.succeed(self.identifier, payload), synchronous=True)
            return result
        self._state.checkpoint(_updates.poll_again(self.identifier, payload, delay_seconds), synchronous=True)
        reason = f"Condition {self.identifier.label} waits for check {attempt + 1}."
        return repeat_or_suspend(self, reason, self._state)

    def _delay_seconds(self, state: T, attempt: int) -> int | None:
        """Return the seconds until the next check, None if the condition is met."""
        decision: object = self._config.wait_strategy(state, attempt)
        if not isinstance(decision, WaitForConditionDecision):
            raise TypeError(
                f"The wait strategy of condition {self.identifier.label} returned {shown(decision)}; "
                "it returns a WaitForConditionDecision."
            )
        if not decision.should_continue:
            return None
        return min(max(decision.delay_seconds, MIN_DELAY_SECONDS), LONGEST_DELAY_SECONDS)

    def _fail(self, error: Exception) -> NoReturn:
        recorded = ErrorObject.from_exception(error).fitted()
        self._state.checkpoint(_updates.fail(self.identifier, recorded), synchronous=True)
        raise rebuild_error(recorded, WaitForConditionError)
