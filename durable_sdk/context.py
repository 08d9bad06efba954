"""DurableContext: what a durable handler calls."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar, overload

from durable_sdk._callables import demand_callable, demand_config, original_name, takes_an_argument
from durable_sdk._checks import check_name
from durable_sdk._decorators import (
    durable_parallel_branch,
    durable_step,
    durable_wait_for_callback,
    durable_with_child_context,
)
from durable_sdk._duration import LONGEST_DELAY_SECONDS, Duration, as_duration
from durable_sdk._sequence import OperationSequence
from durable_sdk._wire.enums import OperationSubType, OperationType
from durable_sdk._wording import shown
from durable_sdk.concurrency.models import BatchResult
from durable_sdk.config import (
    CallbackConfig,
    ChildConfig,
    InvokeConfig,
    MapConfig,
    NestingType,
    ParallelConfig,
    StepConfig,
    WaitForCallbackConfig,
)
from durable_sdk.exceptions import ValidationError
from durable_sdk.identifier import OperationIdentifier
from durable_sdk.logger import Logger, LogInfo
from durable_sdk.operation import wait_for_callback
from durable_sdk.operation.batch import MAP, PARALLEL, BatchOperation
from durable_sdk.operation.callback import PASS_THROUGH_SERDES, Callback, CallbackOperation
from durable_sdk.operation.child import ContextOperation, VirtualContextOperation
from durable_sdk.operation.invoke import InvokeOperation
from durable_sdk.operation.map import demand_item_function, map_plans
from durable_sdk.operation.parallel import parallel_plans
from durable_sdk.operation.step import StepOperation
from durable_sdk.operation.wait import WaitOperation
from durable_sdk.operation.wait_for_condition import WaitForConditionOperation
from durable_sdk.serdes import DEFAULT_SERDES
from durable_sdk.typed_serdes import TypedSerDes
from durable_sdk.types import (
    LambdaContext,
    LoggerInterface,
    StepContext,
    WaitForCallbackContext,
    WaitForConditionCheckContext,
)
from durable_sdk.waits import WaitForConditionConfig

__all__ = [
    "PASS_THROUGH_SERDES",
    "Callback",
    "DurableContext",
    "ExecutionContext",
    "StepContext",
    "WaitForCallbackContext",
    "durable_parallel_branch",
    "durable_step",
    "durable_wait_for_callback",
    "durable_with_child_context",
]

T = TypeVar("T")
U = TypeVar("U")
P = TypeVar("P")
R = TypeVar("R")

# The service's limit.
MIN_WAIT_SECONDS = 1

_DEFAULT_STEP_CONFIG = StepConfig()
_DEFAULT_CALLBACK_CONFIG = CallbackConfig()
_DEFAULT_WAIT_FOR_CALLBACK_CONFIG = WaitForCallbackConfig()
_DEFAULT_INVOKE_CONFIG: InvokeConfig[Any, Any] = InvokeConfig()
_DEFAULT_CHILD_CONFIG: ChildConfig[Any] = ChildConfig()
_DEFAULT_PARALLEL_CONFIG = ParallelConfig()
_DEFAULT_MAP_CONFIG: MapConfig[Any] = MapConfig()


@dataclass(frozen=True, slots=True)
class ExecutionContext:
    """The execution that a handler runs for."""

    durable_execution_arn: str


class DurableContext:
    """The operations of a durable handler, or of a child context.

    Every operation is recorded at its position: the n-th call of a context. Handlers must therefore make
    the same calls in the same order each time they run.
    """

    def __init__(
        self,
        sequence: OperationSequence,
        lambda_context: LambdaContext | None = None,
        logger: LoggerInterface | None = None,
    ) -> None:
        self.lambda_context = lambda_context
        self._sequence = sequence
        self._state = sequence.state
        self._underlying_logger = logger

    @property
    def execution_context(self) -> ExecutionContext:
        """The execution that the handler runs for."""
        return ExecutionContext(self._state.durable_execution_arn)

    @property
    def logger(self) -> Logger:
        """A logger that is silent while this context replays, so that each line appears once."""
        info = LogInfo(self._state, parent_id=self._sequence.record_id)
        return Logger.from_log_info(self._underlying_logger, info, self._sequence.replay)

    def set_logger(self, new_logger: LoggerInterface) -> None:
        """Write to ``new_logger`` from now on (the root logger until then), still silent during replay."""
        self._underlying_logger = new_logger

    @property
    def is_virtual(self) -> bool:
        """Whether the context has no record of its own (`ChildConfig.is_virtual`, or a FLAT branch)."""
        return self._sequence.is_virtual

    def is_replaying(self) -> bool:
        """Return whether the code that runs now has run before: its next operation answers from a record."""
        return self._sequence.replay()

    def step(
        self,
        func: Callable[[StepContext], T] | Callable[[], T],
        name: str | None = None,
        config: StepConfig | None = None,
    ) -> T:
        """Run ``func`` once and record its result; every replay returns the recorded result.

        ``func`` is a call of a `durable_step` function, or any callable; it is handed a StepContext if it
        has a parameter without a default. The name defaults to that of the decorated function. Without
        a retry strategy in ``config`` a failing step is tried six times (`RetryPresets.default`).

        Raises:
            StepError: the step failed for good.
            SerDesError: its result cannot be stored.
            ValidationError: an argument is wrong.
        """
        demand_callable(func, "step", "durable_step")
        config = demand_config(config, _DEFAULT_STEP_CONFIG)
        identifier = self._sequence.identify(
            OperationType.STEP,
            config.sub_type or OperationSubType.STEP,
            name or original_name(func),
        )
        call: Callable[..., T] = func
        takes_context = takes_an_argument(func)

        def body(attempt: int) -> T:
            if takes_context:
                return call(StepContext(self._operation_logger(identifier, attempt), attempt))
            return call()

        operation = StepOperation(self._state, identifier, body, config)
        return self._sequence.perform(operation, {"func": func, "config": config})

    def _operation_logger(self, identifier: OperationIdentifier, attempt: int) -> Logger:
        info = LogInfo.from_operation_identifier(self._state, identifier, attempt)
        return Logger.from_log_info(self._underlying_logger, info, self._sequence.replay)

    def wait(
        self,
        duration: Duration | timedelta | int | float | None = None,
        name: str | None = None,
        *,
        seconds: float | None = None,
        minutes: float | None = None,
        hours: float | None = None,
        days: float | None = None,
    ) -> None:
        """Wait, without an invocation running meanwhile.

        Give ``duration`` (a plain number is in seconds) or the units, which add up:
        ``wait(hours=1, minutes=30)``. 1 second to 366 days, the service's limits.

        Raises:
            ValidationError: the duration is missing, malformed or out of range.
        """
        length = as_duration(duration, seconds=seconds, minutes=minutes, hours=hours, days=days)
        wait_seconds = length.to_seconds()
        if not MIN_WAIT_SECONDS <= wait_seconds <= LONGEST_DELAY_SECONDS:
            given = "less than a second" if wait_seconds == 0 else f"{wait_seconds} seconds"
            raise ValidationError(
                f"wait{f' {name!r}' if name else ''} was given {given}; "
                f"it takes {MIN_WAIT_SECONDS} to {LONGEST_DELAY_SECONDS} seconds."
            )
        identifier = self._sequence.identify(OperationType.WAIT, OperationSubType.WAIT, name)
        self._sequence.perform(WaitOperation(identifier, wait_seconds), {"duration": wait_seconds})

    def create_callback(self, name: str | None = None, config: CallbackConfig | None = None) -> Callback[Any]:
        """Create a callback and return at once; ``result()`` of what is returned waits for the answer.

        Give its ``callback_id`` to whoever is to answer, inside a step. `wait_for_callback` does all three.

        Raises:
            ValidationError: an argument is wrong.
        """
        config = demand_config(config, _DEFAULT_CALLBACK_CONFIG)
        identifier = self._sequence.identify(
            OperationType.CALLBACK, config.sub_type or OperationSubType.CALLBACK, name
        )
        callback_id = self._sequence.perform(CallbackOperation(identifier, config), {"config": config})
        return Callback(callback_id, identifier, self._state, config.serdes or PASS_THROUGH_SERDES)

    def wait_for_callback(
        self,
        submitter: Callable[[str, WaitForCallbackContext], object],
        name: str | None = None,
        config: WaitForCallbackConfig | None = None,
    ) -> Any:
        """Create a callback, hand out its id in a step, and return what the outside answers.

        ``submitter(callback_id, context)`` is the body of the step, retried like any other; it is a call of a
        `durable_wait_for_callback` function, or any callable. All is recorded inside a context of its own.
        The name defaults to that of the decorated function.

        Raises:
            CallbackTimeoutError: no answer, or no heartbeat, came in time.
            CallbackExternalError: the outside reported a failure.
            CallbackSubmitterError: the step failed for good.
            SerDesError: the answer could not be read.
            ValidationError: an argument is wrong.
        """
        demand_callable(submitter, "wait_for_callback", "durable_wait_for_callback")
        config = demand_config(config, _DEFAULT_WAIT_FOR_CALLBACK_CONFIG)
        name = name or original_name(submitter)
        check_name(wait_for_callback.callback_name(name))
        identifier = self._sequence.identify(OperationType.CONTEXT, OperationSubType.WAIT_FOR_CALLBACK, name)
        # A serdes for values of one type stores the answer, wherever it goes, and nothing else.
        is_typed = isinstance(config.serdes, TypedSerDes)
        serdes = config.serdes if is_typed and config.serdes else DEFAULT_SERDES
        step_config = StepConfig(
            retry_strategy=config.retry_strategy, serdes=None if is_typed else config.serdes
        )

        def body(is_rerun: bool) -> Any:
            child = self._child(identifier, is_rerun)
            callback = child.create_callback(wait_for_callback.callback_name(name), config)
            child.step(
                lambda step: submitter(callback.callback_id, WaitForCallbackContext(step.logger)),
                wait_for_callback.submitter_name(name),
                step_config,
            )
            return callback.result()

        operation: ContextOperation[Any] = ContextOperation(
            self._state, identifier, body, serdes, surface=wait_for_callback.surface
        )
        return self._sequence.perform(operation, {"submitter": submitter, "config": config})

    @overload
    def invoke(
        self, function_name: str, payload: Any, name: str | None = None, config: None = None
    ) -> Any: ...
    @overload
    def invoke(self, function_name: str, payload: P, name: str | None, config: InvokeConfig[P, R]) -> R: ...
    @overload
    def invoke(
        self, function_name: str, payload: P, name: str | None = None, *, config: InvokeConfig[P, R]
    ) -> R: ...
    def invoke(
        self,
        function_name: str,
        payload: Any,
        name: str | None = None,
        config: InvokeConfig[Any, Any] | None = None,
    ) -> Any:
        """Call another Lambda function and return its result, without an invocation running meanwhile.

        ``function_name`` is a name or an ARN, with a version or alias (durable functions need one on Lambda).

        Raises:
            InvokeError: the function failed, timed out or was stopped.
            SerDesError: the payload cannot be stored, or the result cannot be read.
            ValidationError: an argument is wrong.
        """
        given: object = function_name
        if not (isinstance(given, str) and given):
            raise ValidationError(f"invoke takes the name or ARN of a function, got {shown(given)}.")
        config = demand_config(config, _DEFAULT_INVOKE_CONFIG)
        identifier = self._sequence.identify(
            OperationType.CHAINED_INVOKE, OperationSubType.CHAINED_INVOKE, name
        )
        operation: InvokeOperation[Any] = InvokeOperation(
            self._state, identifier, function_name, payload, config
        )
        inputs = {"function_name": function_name, "payload": payload, "config": config}
        return self._sequence.perform(operation, inputs)

    def wait_for_condition(
        self,
        check: Callable[[T, WaitForConditionCheckContext], T],
        config: WaitForConditionConfig[T],
        name: str | None = None,
    ) -> T:
        """Call ``check(state, context)`` until the strategy of ``config`` says that its state will do.

        Between two checks no invocation runs. Returns the last state.

        Raises:
            WaitForConditionError: a check failed (it is not retried), or the strategy gave up.
            SerDesError: a state cannot be stored or read.
            ValidationError: an argument is wrong.
        """
        demand_callable(check, "wait_for_condition")
        if not isinstance(config, WaitForConditionConfig):
            raise ValidationError(f"wait_for_condition takes a WaitForConditionConfig, got {shown(config)}.")
        identifier = self._sequence.identify(OperationType.STEP, OperationSubType.WAIT_FOR_CONDITION, name)

        def body(state: T, attempt: int) -> T:
            logger = self._operation_logger(identifier, attempt)
            return check(state, WaitForConditionCheckContext(logger, attempt))

        operation = WaitForConditionOperation(self._state, identifier, body, config)
        return self._sequence.perform(operation, {"check": check, "config": config})

    def run_in_child_context(
        self,
        func: Callable[[DurableContext], T],
        name: str | None = None,
        config: ChildConfig[T] | None = None,
    ) -> T:
        """Run ``func`` with a context of its own and record its result as that of one operation.

        Raises:
            ChildContextError: an error left ``func``.
            SerDesError: its result cannot be stored.
            ValidationError: an argument is wrong.
        """
        demand_callable(func, "run_in_child_context", "durable_with_child_context")
        config = demand_config(config, _DEFAULT_CHILD_CONFIG)
        identifier = self._sequence.identify(
            OperationType.CONTEXT,
            config.sub_type or OperationSubType.RUN_IN_CHILD_CONTEXT,
            name or original_name(func),
        )
        serdes = config.serdes or DEFAULT_SERDES
        if config.is_virtual:
            virtual: VirtualContextOperation[T] = VirtualContextOperation(
                self._state, identifier, lambda: func(self._virtual_child(identifier)), serdes
            )
            return self._sequence.perform_virtual(virtual, {"func": func})
        operation: ContextOperation[T] = ContextOperation(
            self._state,
            identifier,
            lambda is_rerun: func(self._child(identifier, is_rerun)),
            serdes,
            config.summary_generator,
        )
        return self._sequence.perform(operation, {"func": func})

    def parallel(
        self,
        functions: Sequence[Callable[[DurableContext], T]],
        name: str | None = None,
        config: ParallelConfig | None = None,
    ) -> BatchResult[T]:
        """Run ``functions`` at the same time, each with a context of its own; `ParallelBranch` names them.

        A failed branch does not raise: the result tells what became of each. By default the batch ends
        early when one branch fails (`CompletionConfig.all_successful`).

        Raises:
            ChildContextError: the batch itself failed: ``should_complete`` or a summary generator raised.
            ValidationError: an argument is wrong.
        """
        config = demand_config(config, _DEFAULT_PARALLEL_CONFIG)
        plans = parallel_plans(functions, self._branch_context(config))
        config.completion_config.check_total(len(plans))
        identifier = self._sequence.identify(OperationType.CONTEXT, OperationSubType.PARALLEL, name)
        batch = BatchOperation(self._state, identifier, PARALLEL, plans, config)
        return self._sequence.perform(batch.operation, {"functions": functions})

    def map(
        self,
        inputs: Sequence[U],
        func: Callable[[DurableContext, U, int, Sequence[U]], T],
        name: str | None = None,
        config: MapConfig[U] | None = None,
    ) -> BatchResult[T]:
        """Call ``func(context, item, index, inputs)`` for all ``inputs`` at the same time.

        Each call has a context of its own. A failed one does not raise: the result tells what became of each.
        By default the batch ends early when one fails.

        Raises:
            ChildContextError: the batch itself failed: ``should_complete`` or a summary generator raised.
            ValidationError: an argument is wrong.
        """
        demand_item_function(func)
        config = demand_config(config, _DEFAULT_MAP_CONFIG)
        plans = map_plans(inputs, func, config.item_namer, self._branch_context(config))
        config.completion_config.check_total(len(plans))
        identifier = self._sequence.identify(
            OperationType.CONTEXT, OperationSubType.MAP, name or original_name(func)
        )
        batch = BatchOperation(self._state, identifier, MAP, plans, config)
        return self._sequence.perform(batch.operation, {"inputs": inputs, "func": func})

    def _branch_context(
        self, config: ParallelConfig | MapConfig[Any]
    ) -> Callable[[OperationIdentifier, bool], DurableContext]:
        if config.nesting_type is NestingType.FLAT:
            return lambda branch, is_rerun: self._virtual_child(branch)
        return self._child

    def _child(self, identifier: OperationIdentifier, is_rerun: bool) -> DurableContext:
        return self._around(self._sequence.child(identifier, is_rerun))

    def _virtual_child(self, identifier: OperationIdentifier) -> DurableContext:
        return self._around(self._sequence.virtual_child(identifier))

    def _around(self, sequence: OperationSequence) -> DurableContext:
        return DurableContext(sequence, self.lambda_context, self._underlying_logger)
