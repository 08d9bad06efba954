"""PluginExecutor: what the SDK tells the plugins of one invocation; PluginHost: that of every invocation."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from datetime import datetime
from functools import wraps
from typing import Any

from durable_sdk import _runtime
from durable_sdk._plugins.base import DurableInstrumentationPluginFactory
from durable_sdk._plugins.dispatch import Dispatcher, Info, in_hook
from durable_sdk._plugins.endings import Endings
from durable_sdk._plugins.infos import (
    InvocationEndInfo,
    InvocationStartInfo,
    OperationChangeInfo,
    OperationEndInfo,
    OperationInfo,
    OperationStartInfo,
    OperationType,
    PropagationInput,
    PropagationMetadata,
    UserFunctionEndInfo,
    UserFunctionOutcome,
    UserFunctionStartInfo,
    copy_error,
    describe,
    to_datetime,
    to_operation_type,
)
from durable_sdk._wire import enums as wire
from durable_sdk._wire.enums import InvocationStatus, OperationStatus
from durable_sdk._wire.errors import ErrorObject
from durable_sdk._wire.invocation import DurableExecutionInvocationOutput
from durable_sdk._wire.operations import StoredOperation
from durable_sdk.identifier import OperationIdentifier
from durable_sdk.types import LambdaContext

_logger = logging.getLogger("durable_sdk.plugin")


class PluginExecutor:
    """The plugins of one invocation: what happens is told here, and the hooks are called from here.

    It serves one invocation. Nothing of it may be called before `on_invocation_start`.
    """

    def __init__(self, plugins: Sequence[DurableInstrumentationPluginFactory] | None) -> None:
        self._factories = tuple(plugins or ())
        self._runtime = _runtime.current.get()
        self._dispatcher = Dispatcher(self._runtime)
        self._lock = self._runtime.lock()
        self._start_info: InvocationStartInfo | None = None
        self._known: dict[str, OperationInfo] = {}
        self._changed: dict[str, None] = {}
        self._announcing = False
        self._begun: set[str] = set()
        self._endings = Endings(self._runtime, self._dispatcher.dispatch, self._parent_of)
        self._entered = False

    @property
    def has_plugins(self) -> bool:
        """Whether there is any plugin to call."""
        return bool(self._factories)

    @contextmanager
    def run(self) -> Iterator[None]:
        """Serve one invocation.

        Raises:
            RuntimeError: it has served one.
        """
        if self._entered:
            raise RuntimeError(
                "This PluginExecutor has served an invocation. Make one for each, "
                "or use PluginHost.invocation()."
            )
        self._entered = True
        yield

    # The invocation.

    def on_invocation_start(
        self,
        execution_arn: str,
        is_first_invocation: bool,
        execution_start_time: datetime | None,
        lambda_context: LambdaContext | None,
        execution_input: Any = None,
        operations_provider: Callable[[], Mapping[str, StoredOperation]] | None = None,
        updated_operation_ids: Sequence[str] | None = None,
    ) -> None:
        """Make the plugins and tell them that an invocation begins.

        ``operations_provider`` returns what is recorded so far. Operations of ``updated_operation_ids``
        that have ended are reported as ended when somebody observes them.
        """
        if not self._factories:
            return
        recorded = operations_provider() if operations_provider is not None else {}
        self._known = {
            operation_id: OperationInfo.from_operation(operation)
            for operation_id, operation in recorded.items()
        }
        updated = [operation_id for operation_id in updated_operation_ids or () if operation_id in recorded]
        for operation_id in updated:
            self._record_ending(recorded[operation_id])
        info = InvocationStartInfo(
            getattr(lambda_context, "aws_request_id", None),
            execution_arn,
            is_first_invocation,
            execution_start_time,
            execution_input=_copy_of(execution_input),
            operations=dict(self._known),
            updated_operations={operation_id: self._known[operation_id] for operation_id in updated},
        )
        self._start_info = info
        self._dispatcher.create(self._factories, info)
        self._dispatcher.dispatch(info)

    def on_invocation_end(self, output: DurableExecutionInvocationOutput) -> None:
        """Report what nobody has read, and tell the plugins how the invocation ended.

        Raises:
            KeyboardInterrupt, SystemExit, GeneratorExit: a hook raised it; every plugin was told.
        """
        if self._start_info is None:
            return
        try:
            self._endings.drain()
        finally:
            # A stop that a hook asked for comes first, but the plugins are told of the end all the same.
            self.announce_changes()
            self._dispatcher.dispatch(
                InvocationEndInfo.from_durable_execution_invocation_output(
                    self._start_info, output, dict(self._known)
                ),
                finish_fan_out=True,
            )

    # Operations.

    def on_operation_action(
        self,
        update: MutableMapping[str, Any],
        operation: StoredOperation | None = None,
        previous_operation: StoredOperation | None = None,
    ) -> None:
        """Tell that ``update``, a start, is about to be recorded; an invoke gets its trace id."""
        if update["Type"] == OperationType.CHAINED_INVOKE.value and self._start_info is not None:
            self._propagate(update)
        self._begun.add(update["Id"])
        self._dispatcher.dispatch(
            OperationStartInfo(
                update["Id"],
                OperationType(update["Type"]),
                update.get("SubType"),
                update.get("Name"),
                update.get("ParentId"),
                None,
                previous_operation is not None,
                OperationStatus.STARTED,
            )
        )

    def on_operation_replay(self, operation: StoredOperation) -> None:
        """Tell once that the handler has come to an operation that began earlier and has not ended.

        A step whose next attempt is due is left out: it is about to begin again.
        """
        operation_id = operation.operation_id
        if operation.is_terminal or operation.status is OperationStatus.READY or operation_id in self._begun:
            return
        self._begun.add(operation_id)
        self._dispatcher.dispatch(
            OperationStartInfo(
                operation_id,
                to_operation_type(operation.operation_type),
                operation.sub_type,
                operation.name,
                operation.parent_id,
                to_datetime(operation.start_timestamp),
                True,
                OperationStatus.STARTED,
            )
        )

    def on_operation_update(self, operations: Sequence[StoredOperation]) -> None:
        """Take note of what an answer of the service reports, before anybody can read it."""
        with self._lock:
            for operation in operations:
                operation_id = operation.operation_id
                before = self._known.get(operation_id)
                if before is None or not before.status.is_terminal:
                    self._record_ending(operation)
                if before is None or before.status is not operation.status:
                    self._changed[operation_id] = None
                self._known[operation_id] = OperationInfo.from_operation(operation)

    def claim_end_hook(self, operation_id: str) -> None:
        """Report that the operation has ended, if it has and nobody has reported it.

        Called by whoever observes a result, before acting on it. A hook that reads a result only looks.
        """
        if not in_hook():
            self._endings.observe(operation_id)

    def drain_end_hooks(self) -> None:
        """Report every ending that nobody has read."""
        self._endings.drain()

    def on_child_context_end(
        self,
        operation_identifier: OperationIdentifier,
        status: OperationStatus,
        *,
        error: ErrorObject | None = None,
        is_replayed: bool = False,
    ) -> None:
        """Tell that a context has ended that records no end, or whose recorded end lacks the result."""
        self.claim_end_hook(operation_identifier.operation_id)
        self._dispatcher.dispatch(
            OperationEndInfo(
                operation_identifier.operation_id,
                to_operation_type(operation_identifier.operation_type),
                str(operation_identifier.sub_type),
                operation_identifier.name,
                operation_identifier.parent_id,
                None,
                is_replayed,
                status,
                end_time=to_datetime(self._runtime.now()),
                error=copy_error(error),
            )
        )

    def announce_changes(self) -> None:
        """Tell the plugins what has changed since they were told last, unless another task is doing so."""
        if not self._dispatcher.heeds_changes():
            return
        while True:
            with self._lock:
                if self._announcing or not self._changed or self._start_info is None:
                    return
                self._announcing = True
                info = OperationChangeInfo(
                    self._start_info.execution_arn,
                    {operation_id: self._known[operation_id] for operation_id in self._changed},
                    dict(self._known),
                )
                self._changed.clear()
            try:
                self._dispatcher.dispatch(info, finish_fan_out=True)
            except BaseException as error:
                self._dispatcher.demand_alive()
                # The task has a result of the service to go on with, whatever an observer thinks of it.
                _logger.error("A plugin's on_operation_change asked to stop; ignored.", exc_info=error)
            finally:
                self._announcing = False

    # User functions.

    def on_user_function_start(
        self,
        operation_identifier: OperationIdentifier,
        is_replay_children: bool = False,
        attempt: int | None = None,
    ) -> UserFunctionStartInfo:
        """Tell that a function of the user is about to run, and return what `on_user_function_end` needs."""
        info = UserFunctionStartInfo(
            operation_identifier.operation_id,
            to_operation_type(operation_identifier.operation_type),
            str(operation_identifier.sub_type),
            operation_identifier.name,
            operation_identifier.parent_id,
            to_datetime(self._runtime.now()),
            False,
            OperationStatus.STARTED,
            is_replay_children,
            attempt=attempt,
        )
        self._dispatcher.dispatch(info)
        return info

    def on_user_function_end(
        self,
        start_info: UserFunctionStartInfo,
        error: ErrorObject | None,
        *,
        outcome: UserFunctionOutcome | None = None,
    ) -> None:
        """Tell how the function ended; by default it failed if there is an error."""
        self._dispatcher.dispatch(UserFunctionEndInfo.from_start_info(start_info, error, outcome=outcome))

    # Everything.

    def execute_plugins(self, info: Info, *, finish_fan_out: bool = False) -> None:
        """Call the hook that takes this kind of info on every plugin, in order.

        ``finish_fan_out``: an exception that asks to stop is raised only after every plugin was called.
        """
        self._dispatcher.dispatch(info, finish_fan_out=finish_fan_out)

    def provide_propagation_metadata(self, info: PropagationInput) -> PropagationMetadata:
        """Ask the plugins what an invoke is to carry."""
        return self._dispatcher.propagate(info)

    def _propagate(self, update: MutableMapping[str, Any]) -> None:
        options: dict[str, Any] = update.get("ChainedInvokeOptions") or {}
        metadata = self.provide_propagation_metadata(
            PropagationInput(
                (self._start_info.execution_arn if self._start_info else None) or "",
                update["Id"],
                options.get("FunctionName", ""),
                update.get("ParentId"),
            )
        )
        if metadata.x_amzn_trace_id is not None:
            update["ChainedInvokeOptions"] = options | {"XAmznTraceId": metadata.x_amzn_trace_id}

    def _record_ending(self, operation: StoredOperation) -> None:
        # The execution is no operation of the handler's: the end of the invocation tells of its end.
        if operation.is_terminal and operation.operation_type is not wire.OperationType.EXECUTION:
            self._endings.record(describe(OperationEndInfo, operation))

    def _parent_of(self, operation_id: str) -> str | None:
        info = self._known.get(operation_id)
        return None if info is None else info.parent_id


def _copy_of(execution_input: Any) -> Any:
    try:
        return deepcopy(execution_input)
    except Exception:
        _logger.exception("The input of the execution cannot be copied; plugins get None.")
        return None


InvocationBody = Callable[[Any, Any, PluginExecutor], MutableMapping[str, Any]]


class PluginHost:
    """The plugin factories of a handler. It gives each invocation plugins of its own."""

    def __init__(self, plugins: Sequence[DurableInstrumentationPluginFactory] | None) -> None:
        self._factories = tuple(plugins or ())

    @contextmanager
    def invocation(self) -> Iterator[PluginExecutor]:
        """Serve one invocation with a new `PluginExecutor`."""
        executor = PluginExecutor(self._factories)
        with executor.run():
            yield executor

    @property
    def handle_durable_output(
        self,
    ) -> Callable[[InvocationBody], Callable[[Any, Any], MutableMapping[str, Any]]]:
        """A decorator that makes ``func(event, context, executor)`` a handler whose end the plugins are told.

        The function calls ``executor.on_invocation_start`` and returns the answer to the service.
        """

        def decorate(func: InvocationBody) -> Callable[[Any, Any], MutableMapping[str, Any]]:
            @wraps(func)
            def handler(event: Any, context: Any) -> MutableMapping[str, Any]:
                with self.invocation() as executor:
                    answer: list[MutableMapping[str, Any]] = []

                    def body() -> DurableExecutionInvocationOutput:
                        answer.append(func(event, context, executor))
                        return DurableExecutionInvocationOutput.from_dict(answer[0])

                    observe_end(executor, body)
                    return answer[0]

            return handler

        return decorate


def observe_end(
    executor: PluginExecutor, body: Callable[[], DurableExecutionInvocationOutput]
) -> DurableExecutionInvocationOutput:
    """Run an invocation and tell the plugins how it ended, also if it ends with an exception."""
    try:
        output = body()
    except BaseException as error:
        retry = DurableExecutionInvocationOutput(
            InvocationStatus.RETRY, error=ErrorObject.from_exception(error)
        )
        try:
            executor.on_invocation_end(retry)
        except BaseException:
            _runtime.current.get().now()  # Raises in a process that has died, where nothing is to be told.
            _logger.exception("A plugin's hook at the end of the invocation raised; ignored.")
        raise
    executor.on_invocation_end(output)
    return output
