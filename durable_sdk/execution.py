"""durable_execution: turns a handler into the function that Lambda invokes."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence
from contextvars import copy_context
from functools import wraps
from typing import Any, Protocol, overload

from durable_sdk import _runtime, _updates
from durable_sdk._callables import demand_plain
from durable_sdk._invocation_input import (
    DurableExecutionInvocationInput,
    DurableExecutionInvocationInputWithClient,
    InitialExecutionState,
    bind,
)
from durable_sdk._plugins.executor import PluginHost, observe_end
from durable_sdk._plugins.infos import to_datetime
from durable_sdk._sequence import OperationSequence
from durable_sdk._wire.enums import InvocationStatus
from durable_sdk._wire.errors import ErrorObject
from durable_sdk._wire.invocation import DurableExecutionInvocationOutput
from durable_sdk._wording import shown
from durable_sdk.context import DurableContext
from durable_sdk.exceptions import (
    BackgroundThreadError,
    BotoClientError,
    CheckpointError,
    ExecutionError,
    GetExecutionStateError,
    InvocationError,
    OrphanedChildException,
    SuspendExecution,
    ValidationError,
)
from durable_sdk.plugin import DurableInstrumentationPlugin, DurableInstrumentationPluginFactory
from durable_sdk.plugin_discovery import load_configured_plugins
from durable_sdk.state import ExecutionState
from durable_sdk.types import LambdaContext

__all__ = [
    "LAMBDA_RESPONSE_SIZE_LIMIT",
    "DurableExecutionInvocationInput",
    "DurableExecutionInvocationInputWithClient",
    "InitialExecutionState",
    "InvocationStatus",
    "durable_execution",
    "handle_checkpoint_error",
    "is_durable",
]

# Lambda answers with at most 6 MiB; the rest of the answer needs a little room.
_LONGEST_ANSWER = 6 * 1024 * 1024
LAMBDA_RESPONSE_SIZE_LIMIT = _LONGEST_ANSWER - 50

_logger = logging.getLogger(__name__)

_PENDING = DurableExecutionInvocationOutput.create_pending()

Handler = Callable[[Any, DurableContext], Any]
Plugins = Sequence[DurableInstrumentationPluginFactory | DurableInstrumentationPlugin] | None
Factories = Sequence[DurableInstrumentationPluginFactory]


class DurableHandler(Protocol):
    """A decorated handler, as Lambda calls it."""

    __name__: str
    __durable_execution__: bool

    def __call__(self, event: Any, context: LambdaContext | None = None) -> dict[str, Any]:
        """Run one invocation.

        Raises:
            ExecutionError: the event does not come from the durable execution service.
            InvocationError: the invocation has to be retried.
        """
        ...


@overload
def durable_execution(func: Handler) -> DurableHandler: ...
@overload
def durable_execution(
    func: None = None, *, boto3_client: Any = None, plugins: Plugins = None
) -> Callable[[Handler], DurableHandler]: ...
def durable_execution(
    func: Handler | None = None, *, boto3_client: Any = None, plugins: Plugins = None
) -> DurableHandler | Callable[[Handler], DurableHandler]:
    """Make ``func(event, context)`` a durable handler; use it with or without parentheses.

    ``event`` is the decoded input of the execution, ``context`` a DurableContext; what it returns must be
    JSON. ``boto3_client`` is the boto3 Lambda client to use for checkpoints; by default one is made from
    the environment at the first invocation.

    ``plugins`` observe the executions: factories of `durable_sdk.plugin.DurableInstrumentationPlugin`, or
    such plugins themselves. Those that the environment variable DURABLE_EXECUTION_PLUGINS names follow.

    Raises:
        PluginLoadError: one of the plugins cannot be used.
    """
    if func is None:
        return lambda handler: _decorate(handler, boto3_client, plugins)
    return _decorate(func, boto3_client, plugins)


def is_durable(handler: object) -> bool:
    """Return whether ``handler`` was made by `durable_execution`."""
    return getattr(handler, "__durable_execution__", False) is True


def _decorate(func: Handler, boto3_client: Any, plugins: Plugins) -> DurableHandler:
    if not callable(func):
        raise ValidationError(
            f"durable_execution decorates a function, got {shown(func)}. "
            "Options are passed by name: @durable_execution(boto3_client=...)."
        )

    demand_plain(func, "durable handler")
    factories = load_configured_plugins(plugins)

    @wraps(func)
    def handler(event: Any, context: LambdaContext | None = None) -> dict[str, Any]:
        bound = bind(event, boto3_client)
        state = ExecutionState(bound.event, bound.client, bound.runtime)
        token = _runtime.current.set(bound.runtime)
        try:
            return _run(func, state, context, factories).to_dict()
        finally:
            _runtime.current.reset(token)

    handler.__durable_execution__ = True  # type: ignore[attr-defined]
    return handler  # type: ignore[return-value]


def _run(
    func: Handler, state: ExecutionState, lambda_context: LambdaContext | None, factories: Factories
) -> DurableExecutionInvocationOutput:
    try:
        state.load()
    except GetExecutionStateError as error:
        if error.is_retryable():
            raise
        return _failed(error, state.durable_execution_arn)
    event = _decode_input(state)
    if not factories:
        return _invoke(func, event, state, lambda_context)
    # What a hook binds to a context variable is for the handler and the other hooks, not for the caller.
    return copy_context().run(_invoke_observed, func, event, state, lambda_context, factories)


def _invoke_observed(
    func: Handler,
    event: Any,
    state: ExecutionState,
    lambda_context: LambdaContext | None,
    factories: Factories,
) -> DurableExecutionInvocationOutput:
    with PluginHost(factories).invocation() as plugins:

        def body() -> DurableExecutionInvocationOutput:
            plugins.on_invocation_start(
                state.durable_execution_arn,
                not state.has_history,
                None if state.execution is None else to_datetime(state.execution.start_timestamp),
                lambda_context,
                event,
                lambda: state.operations,
                state.updated_operation_ids,
            )
            state.watch(plugins)
            return _invoke(func, event, state, lambda_context)

        return observe_end(plugins, body)


def _invoke(
    func: Handler, event: Any, state: ExecutionState, lambda_context: LambdaContext | None
) -> DurableExecutionInvocationOutput:
    context = DurableContext(OperationSequence.root(state, replaying=state.has_history), lambda_context)
    try:
        output = _answer(func, event, context, state)
    finally:
        # Branches that the handler no longer waits for still have to end before the sandbox may freeze.
        state.runtime.close()
    return _PENDING if state.token_revoked else output


def _answer(
    func: Handler, event: Any, context: DurableContext, state: ExecutionState
) -> DurableExecutionInvocationOutput:
    """Run the handler, and turn whatever comes out of it into the answer to the service."""
    try:
        try:
            result = _call(func, event, context, state)
            # A bare except in the handler may have swallowed the news that nothing is recorded any more.
            state.demand_intact()
            return _succeed(state, result)
        except OrphanedChildException as error:
            # A context was used after it had ended. It would be in every invocation, so none is repeated.
            return _fail(state, ExecutionError(str(error)))
        except InvocationError as error:
            if error.is_retryable() and not state.token_revoked:
                raise
            return _fail(state, error)
        except Exception as error:
            return _fail(state, error)
    except SuspendExecution:
        return _PENDING
    except BackgroundThreadError as error:
        source = error.source_exception
        if isinstance(source, BotoClientError) and not source.is_retryable():
            return _failed(source, state.durable_execution_arn)
        raise source from source.__cause__


def _call(func: Handler, event: Any, context: DurableContext, state: ExecutionState) -> Any:
    """Call the handler, and tell a runtime that watches how it ended."""
    if not state.runtime.watches_operations:
        return func(event, context)
    try:
        result = func(event, context)
    except BaseException as error:
        state.runtime.body_ended(None, error)
        raise
    state.runtime.body_ended(None, None)
    return result


def _decode_input(state: ExecutionState) -> Any:
    execution = state.execution
    payload = None if execution is None else execution.input_payload
    if payload is None or not payload.strip():
        return {}
    try:
        return json.loads(payload)
    except json.JSONDecodeError as error:
        message = f"InputPayload of the execution is not JSON: {error.msg}"
        raise json.JSONDecodeError(message, error.doc, error.pos) from None


def _succeed(state: ExecutionState, result: Any) -> DurableExecutionInvocationOutput:
    try:
        text = json.dumps(result, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise type(error)(f"The handler's result is not JSON: {error}") from error
    if len(text) > LAMBDA_RESPONSE_SIZE_LIMIT or _outgrows_the_answer(text):
        state.checkpoint(_updates.succeed_execution(text, state.runtime.now()), synchronous=True)
        text = ""
    return DurableExecutionInvocationOutput(InvocationStatus.SUCCEEDED, result=text)


def _outgrows_the_answer(text: str) -> bool:
    """Return whether the answer is too long for Lambda because of what has to be escaped in it."""
    # Inside the answer every quotation mark takes two characters.
    if 2 * len(text) <= LAMBDA_RESPONSE_SIZE_LIMIT:
        return False
    output = DurableExecutionInvocationOutput(InvocationStatus.SUCCEEDED, result=text)
    return len(json.dumps(output.to_dict())) > _LONGEST_ANSWER


def _fail(state: ExecutionState, error: Exception) -> DurableExecutionInvocationOutput:
    output = _failed(error, state.durable_execution_arn)
    if len(json.dumps(output.to_dict())) > LAMBDA_RESPONSE_SIZE_LIMIT:
        recorded = ErrorObject.from_exception(error).fitted()
        state.checkpoint(_updates.fail_execution(recorded, state.runtime.now()), synchronous=True)
        return DurableExecutionInvocationOutput(InvocationStatus.FAILED)
    return output


def _failed(error: Exception, which: str = "of this invocation") -> DurableExecutionInvocationOutput:
    # What the service keeps of an error is its last line or so: the whole of it is in the log only.
    _logger.error("The execution %s has failed.", which, exc_info=error)
    return DurableExecutionInvocationOutput(InvocationStatus.FAILED, error=ErrorObject.from_exception(error))


def handle_checkpoint_error(error: CheckpointError) -> DurableExecutionInvocationOutput:
    """Return the FAILED answer for an error that is final; raise one that another invocation may mend.

    Raises:
        CheckpointError: the error itself, if it is retryable.
    """
    if error.is_retryable():
        raise error
    return _failed(error)
