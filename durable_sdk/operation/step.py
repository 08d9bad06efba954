"""Steps: user code whose result is recorded, retried by its strategy."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Generic, NoReturn, TypeVar

from durable_sdk import _updates
from durable_sdk._backoff import MIN_DELAY_SECONDS
from durable_sdk._duration import LONGEST_DELAY_SECONDS
from durable_sdk._retry_strategies import RetryDecision, RetryPresets
from durable_sdk._wire.enums import OperationStatus
from durable_sdk._wire.errors import ErrorObject, rebuild_error
from durable_sdk._wire.operations import StoredOperation
from durable_sdk._wording import shown
from durable_sdk.config import StepConfig, StepSemantics
from durable_sdk.exceptions import (
    ExecutionError,
    RetryableSerDesError,
    SerDesError,
    StepError,
    StepInterruptedError,
)
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

T = TypeVar("T")

_default_retry_strategy = RetryPresets.default()


class StepOperation(Generic[T]):
    """One step. ``body`` is called with the number of the attempt, 1 for the first."""

    __slots__ = ("_body", "_config", "_state", "_values", "identifier")

    def __init__(
        self,
        state: ExecutionState,
        identifier: OperationIdentifier,
        body: Callable[[int], T],
        config: StepConfig,
    ) -> None:
        self.identifier = identifier
        self._state = state
        self._body = body
        self._config = config
        self._values: Values[T] = Values(state, identifier, config.serdes or DEFAULT_SERDES, "result of step")

    def decide(self, recorded: StoredOperation | None, *, begun: bool) -> Decision[T]:
        """Begin, run the next attempt, wait for its time, or answer from the record."""
        status = None if recorded is None else recorded.status
        at_most_once = self._config.step_semantics is StepSemantics.AT_MOST_ONCE_PER_RETRY
        if recorded is not None and status is OperationStatus.SUCCEEDED:
            return Completed(self._values.read(recorded.result))
        if recorded is not None and status is OperationStatus.PENDING:
            return Suspend(
                f"Step {self.identifier.label} waits for its next attempt.", recorded.next_attempt_at
            )
        if recorded is not None and recorded.is_terminal:
            raise rebuild_error(recorded.error, StepError)
        if not begun and status in (None, OperationStatus.READY):
            return Begin(_updates.start(self.identifier), synchronous=at_most_once)
        attempt = 1 if recorded is None else recorded.attempt + 1
        if status is OperationStatus.STARTED and at_most_once and not begun:
            return Execute(partial(self._interrupted, attempt))
        return Execute(partial(self._attempt, attempt))

    def _attempt(self, attempt: int) -> T:
        token = running_step.set(RunningStep(self.identifier, attempt, self._state))
        try:
            result = run_user_function(
                self._state, self.identifier, self._body_to_run(), attempt, attempt=attempt
            )
            payload = self._values.write(result)
            value = self._values.read(payload)
        except (ExecutionError, RetryableSerDesError):
            raise
        except SerDesError as error:
            self._fail(error)
        except Exception as error:
            return self._retry_or_fail(error, attempt)
        finally:
            running_step.reset(token)
        self._state.checkpoint(_updates.succeed(self.identifier, payload), synchronous=True)
        return value

    def _body_to_run(self) -> Callable[[int], T]:
        runtime = self._state.runtime
        if not runtime.replaces_steps:
            return self._body
        path = self._state.lineage.path(self.identifier.parent_id, self.identifier.name)
        return runtime.step_body(path, self._body)

    def _interrupted(self, attempt: int) -> T:
        return self._retry_or_fail(
            StepInterruptedError(
                f"Step {self.identifier.label} was interrupted during attempt {attempt}. It runs at most "
                "once per attempt, so its body was not run again.",
                self.identifier.operation_id,
            ),
            attempt,
        )

    def _retry_or_fail(self, error: Exception, attempt: int) -> T:
        strategy = self._config.retry_strategy or _default_retry_strategy
        try:
            decision: object = strategy(error, attempt)
            if not isinstance(decision, RetryDecision):
                raise TypeError(
                    f"The retry strategy of step {self.identifier.label} returned {shown(decision)}; "
                    "it returns a RetryDecision."
                ) from error
            delay_seconds = decision.delay_seconds if decision.should_retry else None
        except (ExecutionError, RetryableSerDesError):
            raise
        except Exception as strategy_error:
            self._fail(strategy_error)
        if delay_seconds is None:
            self._fail(error)
        self._state.checkpoint(
            _updates.retry(
                self.identifier,
                ErrorObject.from_exception(error).fitted(),
                min(max(delay_seconds, MIN_DELAY_SECONDS), LONGEST_DELAY_SECONDS),
            ),
            synchronous=True,
        )
        reason = f"Step {self.identifier.label} waits for attempt {attempt + 1}."
        return repeat_or_suspend(self, reason, self._state)

    def _fail(self, error: Exception) -> NoReturn:
        recorded = ErrorObject.from_exception(error).fitted()
        self._state.checkpoint(_updates.fail(self.identifier, recorded), synchronous=True)
        raise rebuild_error(recorded, StepError)
