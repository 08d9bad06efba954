"""What users write: a plugin, and the factory that makes one for each invocation."""

from __future__ import annotations

from typing import Protocol

from durable_sdk._plugins.infos import (
    InvocationEndInfo,
    InvocationStartInfo,
    OperationChangeInfo,
    OperationEndInfo,
    OperationStartInfo,
    PropagationInput,
    PropagationMetadata,
    UserFunctionEndInfo,
    UserFunctionStartInfo,
)


class DurableInstrumentationPlugin:
    """Observes executions. Override the hooks that you need; each does nothing by default.

    Every hook is an ordinary call on the task that does what the hook tells of, and that task waits for it.
    No hook runs while the SDK holds a lock, and none delays the checkpoint of another task. Branches run
    at the same time, so hooks of different branches do, too.

    The order on one task: ``on_operation_start``, ``on_user_function_start``, ``on_user_function_end``,
    the checkpoint, ``on_operation_end``, and only then does the operation return. So an operation ends
    before the next one begins, and before the context around it ends.

    What a hook raises is logged and ignored, and the next plugin is called. KeyboardInterrupt, SystemExit
    and GeneratorExit alone, also inside an exception group, leave the SDK's call that ran the hook.
    """

    def provide_propagation_metadata(self, info: PropagationInput) -> PropagationMetadata | None:
        """Return what the next invoke is to carry to the function that it calls, or None.

        Called before the start of a new invoke is recorded, not on replay. Of several plugins the first
        that returns a trace id that is not blank wins.
        """

    def on_invocation_start(self, info: InvocationStartInfo) -> None:
        """Tell that an invocation begins; the handler has not been called yet."""

    def on_invocation_end(self, info: InvocationEndInfo) -> None:
        """Tell how an invocation ended. Every task has ended, and every other hook has returned."""

    def on_operation_start(self, info: OperationStartInfo) -> None:
        """Tell that an operation is about to begin, or that a replay has found it unfinished."""

    def on_operation_end(self, info: OperationEndInfo) -> None:
        """Tell that an operation has ended, at most once in an invocation.

        Called by the task that observes the result, before it acts on it. An operation whose result
        nobody reads is reported before the end of the context around it, or of the invocation. An
        operation that ended in an earlier invocation is not reported again, unless its end was recorded
        between the two. A context that stores no result (virtual, or too large a one) is reported on
        every replay.
        """

    def on_operation_change(self, info: OperationChangeInfo) -> None:
        """Tell what an answer of the service has changed.

        Called by the task that sent the request, once that is settled. Answers that arrive while a
        notification is being delivered are merged into the next. What it raises is only logged.
        """

    def on_user_function_start(self, info: UserFunctionStartInfo) -> None:
        """Tell that a function of the user is about to run."""

    def on_user_function_end(self, info: UserFunctionEndInfo) -> None:
        """Tell how a function of the user ended; every start is followed by one."""


class DurableInstrumentationPluginFactory(Protocol):
    """Makes the plugin that serves one invocation; it lives as long as the handler and is never called
    before an invocation begins."""

    def create_plugin(self, info: InvocationStartInfo, /) -> DurableInstrumentationPlugin:
        """Return a plugin for the invocation. ``info`` is the object that its first hook gets, too.

        What it raises is logged, and the invocation goes on without the plugin.
        """
        ...
