"""DurableContext: what a durable handler calls, and the decorators for the functions that it passes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import wraps
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar, overload

from durable_sdk._callables import (
    BoundCall,
    demand_callable,
    demand_config,
    demand_plain,
    mark_decorated,
    original_name,
    takes_an_argument,
)
from durable_sdk._duration import LONGEST_DELAY_SECONDS, Duration, as_duration
from durable_sdk._wire.enums import OperationSubType, OperationType
from durable_sdk._wording import shown
from durable_sdk.concurrency.models import BatchResult
from durable_sdk.config import ChildConfig, ParallelBranch, ParallelConfig, StepConfig
from durable_sdk.exceptions import ExecutionError, ValidationError
from durable_sdk.identifier import OperationIdentifier, operation_id
from durable_sdk.logger import Logger, LogInfo
from durable_sdk.operation.base import DurableOperation, perform
from durable_sdk.operation.child import ContextOperation
from durable_sdk.operation.parallel import Branch, ParallelOperation
from durable_sdk.operation.step import StepOperation, running_step
from durable_sdk.operation.wait import WaitOperation
from durable_sdk.serdes import DEFAULT_SERDES
from durable_sdk.state import ExecutionState
from durable_sdk.types import LambdaContext, LoggerInterface, StepContext

__all__ = [
    "BoundCall",
    "DurableContext",
    "DurableStep",
    "ExecutionContext",
    "StepContext",
    "durable_step",
    "durable_with_child_context",
]

P = ParamSpec("P")
T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

# The service's limits.
MIN_WAIT_SECONDS = 1
MAX_NAME_CHARACTERS = 256

_DEFAULT_STEP_CONFIG = StepConfig()
_DEFAULT_CHILD_CONFIG = ChildConfig()
_DEFAULT_PARALLEL_CONFIG = ParallelConfig()


class DurableStep(Protocol[P, T_co]):
    """A function decorated with `durable_step`."""

    @overload
    def __call__(self, step_context: StepContext, /, *args: P.args, **kwargs: P.kwargs) -> T_co: ...
    @overload
    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> BoundCall[StepContext, T_co]: ...


def durable_step(func: Callable[Concatenate[StepContext, P], T]) -> DurableStep[P, T]:
    """Make ``func(step_context, ...)`` a step: ``context.step(func(...))`` runs it, named after it.

    Called with a StepContext first, it simply runs, which is how a unit test calls it:
    ``func(StepContext(), ...)``.

    Raises:
        ValidationError: it is a coroutine function.
    """
    demand_plain(func, "step")

    @wraps(func)
    def bind(*args: Any, **kwargs: Any) -> Any:
        if args and isinstance(args[0], StepContext):
            return func(*args, **kwargs)
        return BoundCall[StepContext, T](
            func.__name__, lambda step_context: func(step_context, *args, **kwargs)
        )

    return mark_decorated(bind)


def durable_with_child_context(
    func: Callable[Concatenate[DurableContext, P], T],
) -> Callable[P, BoundCall[DurableContext, T]]:
    """Make ``func(context, ...)`` a child context: ``context.run_in_child_context(func(...))`` runs it."""

    @wraps(func)
    def bind(*args: P.args, **kwargs: P.kwargs) -> BoundCall[DurableContext, T]:
        return BoundCall(func.__name__, lambda context: func(context, *args, **kwargs))

    return mark_decorated(bind)


@dataclass(frozen=True, slots=True)
class ExecutionContext:
    """The execution that a handler runs for."""

    durable_execution_arn: str


class _Replay:
    """Whether the operations of one context are being replayed, or are new.

    ``is_rebuild``: the context has ended and its body runs only to make its result again, so nothing in
    it is new.
    """

    __slots__ = ("_is_rebuild", "active")

    def __init__(self, active: bool, is_rebuild: bool) -> None:
        self.active = active or is_rebuild
        self._is_rebuild = is_rebuild

    def __call__(self) -> bool:
        return self.active

    def end(self) -> None:
        """What follows is new."""
        self.active = self._is_rebuild


class DurableContext:
    """The operations of a durable handler, or of a child context.

    Every operation is recorded at its position: the n-th call of a context. Handlers must therefore make
    the same calls in the same order each time they run.
    """

    def __init__(
        self,
        state: ExecutionState,
        lambda_context: LambdaContext | None,
        *,
        context_id: str | None = None,
        replaying: bool = False,
        is_rebuild: bool = False,
        logger: LoggerInterface | None = None,
    ) -> None:
        self.lambda_context = lambda_context
        self._state = state
        self._context_id = context_id
        self._replay = _Replay(replaying, is_rebuild)
        self._lock = state.runtime.lock()
        self._position = 0
        self._underlying_logger = logger

    @property
    def execution_context(self) -> ExecutionContext:
        """The execution that the handler runs for."""
        return ExecutionContext(self._state.durable_execution_arn)

    @property
    def logger(self) -> Logger:
        """A logger that is silent while this context replays, so that each line appears once."""
        info = LogInfo(self._state.durable_execution_arn, parent_id=self._context_id)
        return Logger.from_log_info(self._underlying_logger, info, self._replay)

    def set_logger(self, logger: LoggerInterface) -> None:
        """Write to ``logger`` from now on (the root logger until then), still silent during replay."""
        self._underlying_logger = logger

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
        identifier = self._identify(
            OperationType.STEP,
            config.sub_type or OperationSubType.STEP,
            name or original_name(func),
        )
        call: Callable[..., T] = func
        takes_context = takes_an_argument(func)

        def body(attempt: int) -> T:
            if takes_context:
                return call(self._step_context(identifier, attempt))
            return call()

        return self._perform(
            StepOperation(self._state, identifier, body, config, config.serdes or DEFAULT_SERDES)
        )

    def _step_context(self, identifier: OperationIdentifier, attempt: int) -> StepContext:
        info = LogInfo(
            self._state.durable_execution_arn,
            parent_id=identifier.parent_id,
            operation_name=identifier.name,
            operation_id=identifier.operation_id,
            attempt=attempt,
        )
        return StepContext(Logger.from_log_info(self._underlying_logger, info, self._replay), attempt)

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
        identifier = self._identify(OperationType.WAIT, OperationSubType.WAIT, name)
        self._perform(WaitOperation(identifier, wait_seconds))

    def run_in_child_context(
        self,
        func: Callable[[DurableContext], T],
        name: str | None = None,
        config: ChildConfig | None = None,
    ) -> T:
        """Run ``func`` with a context of its own and record its result as that of one operation.

        Raises:
            ChildContextError: an error left ``func``.
            SerDesError: its result cannot be stored.
        """
        demand_callable(func, "run_in_child_context", "durable_with_child_context")
        config = demand_config(config, _DEFAULT_CHILD_CONFIG)
        identifier = self._identify(
            OperationType.CONTEXT,
            config.sub_type or OperationSubType.RUN_IN_CHILD_CONTEXT,
            name or original_name(func),
        )
        operation: ContextOperation[T] = ContextOperation(
            self._state,
            identifier,
            lambda is_rerun: func(self._child(identifier, is_rerun)),
            config.serdes or DEFAULT_SERDES,
            config.summary_generator,
        )
        return self._perform(operation)

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
            ValidationError: an argument is wrong.
        """
        config = demand_config(config, _DEFAULT_PARALLEL_CONFIG)
        if callable(functions):
            raise ValidationError(
                "parallel takes a list of functions, one for each branch; got one function."
            )
        functions = list(functions)
        config.completion_config.check_total(len(functions))
        branches: list[Branch[T]] = []
        for index, function in enumerate(functions):
            branch = function if isinstance(function, ParallelBranch) else ParallelBranch(function)
            demand_callable(branch.func, f"parallel()[{index}]", "durable_with_child_context")
            branch_name = f"parallel-branch-{index}" if branch.name is None else branch.name
            _check_name(branch_name)
            branches.append((branch_name, self._branch_body(branch.func)))
        identifier = self._identify(OperationType.CONTEXT, OperationSubType.PARALLEL, name)
        serdes = config.serdes or DEFAULT_SERDES
        item_serdes = config.item_serdes or serdes
        parallel = ParallelOperation(self._state, identifier, branches, config, serdes, item_serdes)
        return self._perform(parallel.operation)

    def _branch_body(self, func: Callable[[DurableContext], T]) -> Callable[[OperationIdentifier, bool], T]:
        return lambda branch, is_rerun: func(self._child(branch, is_rerun))

    def _child(self, identifier: OperationIdentifier, is_rerun: bool) -> DurableContext:
        recorded = self._state.peek(identifier.operation_id)
        return DurableContext(
            self._state,
            self.lambda_context,
            context_id=identifier.operation_id,
            replaying=is_rerun,
            is_rebuild=recorded is not None and recorded.is_terminal,
            logger=self._underlying_logger,
        )

    def _identify(
        self, operation_type: OperationType, sub_type: str, name: str | None
    ) -> OperationIdentifier:
        step = running_step.get()
        if step is not None:
            # No retry of the step would mend it.
            raise ExecutionError(
                f"An operation was called inside the body of step {step!r}, which is recorded as a whole. "
                "Call it in the handler, or group operations with run_in_child_context."
            )
        if name is not None:
            _check_name(name)
        with self._lock:
            self._position += 1
            position = self._position
        return OperationIdentifier(
            operation_id(self._context_id, position),
            operation_type,
            sub_type,
            self._context_id,
            name,
        )

    def _perform(self, operation: DurableOperation[T]) -> T:
        recorded = self._state.find(operation.identifier)
        if not self._replay.active:
            return perform(operation, recorded, self._state)
        if recorded is None:
            self._replay.end()
        elif not recorded.is_terminal:
            if recorded.operation_type is OperationType.STEP:
                self._replay.end()
            else:
                # The point at which the last invocation stopped: what follows is new.
                try:
                    return perform(operation, recorded, self._state)
                finally:
                    self._replay.end()
        result = perform(operation, recorded, self._state)
        if not self._next_is_recorded():
            self._replay.end()
        return result

    def _next_is_recorded(self) -> bool:
        return self._state.has(operation_id(self._context_id, self._position + 1))


def _check_name(name: str) -> None:
    if not isinstance(name, str):
        raise ValidationError(f"The name of an operation is a text, got {shown(name)}.")
    if len(name) > MAX_NAME_CHARACTERS or not (name.isascii() and name.isprintable()):
        raise ValidationError(
            f"The name of an operation has at most {MAX_NAME_CHARACTERS} printable ASCII "
            f"characters, got {len(name)}: {name!r:.100}"
        )
