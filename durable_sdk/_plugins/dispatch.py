"""Dispatching: calls the plugins of one invocation in order, and contains what they raise."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from inspect import iscoroutine
from typing import TypeAlias, TypeVar

from durable_sdk._plugins.base import DurableInstrumentationPlugin, DurableInstrumentationPluginFactory
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
from durable_sdk._runtime import Runtime
from durable_sdk._wording import shown
from durable_sdk.exceptions import qualified_name

T = TypeVar("T")

_logger = logging.getLogger("durable_sdk.plugin")

Info: TypeAlias = (
    InvocationStartInfo
    | InvocationEndInfo
    | OperationStartInfo
    | OperationEndInfo
    | OperationChangeInfo
    | UserFunctionStartInfo
    | UserFunctionEndInfo
)

_HOOKS: dict[type[Info], str] = {
    InvocationStartInfo: "on_invocation_start",
    InvocationEndInfo: "on_invocation_end",
    OperationStartInfo: "on_operation_start",
    OperationEndInfo: "on_operation_end",
    OperationChangeInfo: "on_operation_change",
    UserFunctionStartInfo: "on_user_function_start",
    UserFunctionEndInfo: "on_user_function_end",
}

# They tell the code that runs to stop, so they are no news of a plugin's. asyncio.CancelledError is: nobody
# cancels a task of the SDK.
_STOPS = (KeyboardInterrupt, SystemExit, GeneratorExit)

_in_hook: ContextVar[bool] = ContextVar("durable_sdk_in_plugin_hook", default=False)


def in_hook() -> bool:
    """Return whether the calling code belongs to a hook."""
    return _in_hook.get()


@contextmanager
def _inside_hook() -> Iterator[None]:
    token = _in_hook.set(True)
    try:
        yield
    finally:
        _in_hook.reset(token)


class Dispatcher:
    """The plugins of one invocation."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._plugins: list[DurableInstrumentationPlugin] = []
        self._started: list[DurableInstrumentationPlugin] = []

    def create(
        self, factories: Sequence[DurableInstrumentationPluginFactory], info: InvocationStartInfo
    ) -> None:
        """Make the plugins. A factory that fails is logged, and the invocation goes on without its plugin."""
        for factory in factories:
            plugin = self._contained(factory, "create_plugin", info, _as_plugin)
            if plugin is not None:
                self._plugins.append(plugin)

    def dispatch(self, info: Info, *, finish_fan_out: bool = False) -> None:
        """Call the hook for ``info`` on every plugin whose invocation-start hook has been called.

        Raises:
            KeyboardInterrupt, SystemExit, GeneratorExit: a hook raised it. The plugins after it are not
                called; with ``finish_fan_out`` each is, and the first such exception is raised afterwards.
        """
        self.demand_alive()
        hook = _HOOKS[type(info)]
        stop: BaseException | None = None
        for plugin in self._plugins if isinstance(info, InvocationStartInfo) else self._started:
            if isinstance(info, InvocationStartInfo):
                # A hook that fails half-way may own something that only its end hook gives back.
                self._started.append(plugin)
            try:
                self._contained(plugin, hook, info, _demand_synchronous)
            except BaseException as error:
                if not finish_fan_out:
                    raise
                self.demand_alive()
                stop = stop or error
        if stop is not None:
            raise stop

    def heeds_changes(self) -> bool:
        """Return whether any plugin has a change hook, whose info is the dearest to make."""
        return any(_has_own(plugin, "on_operation_change") for plugin in self._started)

    def propagate(self, info: PropagationInput) -> PropagationMetadata:
        """Ask every plugin what an invoke is to carry; the first value that is not blank wins."""
        self.demand_alive()
        value: str | None = None
        owner = ""
        for plugin in self._plugins:
            trace_id = self._contained(plugin, "provide_propagation_metadata", info, _as_trace_id)
            if trace_id is None or not trace_id.strip():
                continue
            if value is None:
                value, owner = trace_id, _name(plugin)
            elif trace_id != value:
                _logger.warning(
                    "Plugins %s and %s provide different trace ids for the invoke of %s; that of %s is kept.",
                    owner,
                    _name(plugin),
                    info.target_function_name,
                    owner,
                )
        return PropagationMetadata(value)

    def demand_alive(self) -> None:
        """Raise what ends a task whose process has died: in a simulated crash no hook may be called."""
        self._runtime.now()

    def _contained(
        self, owner: object, method: str, info: object, convert: Callable[[object], T]
    ) -> T | None:
        """Call ``owner.method(info)`` and convert what it returns.

        Log what that raises and return None, but raise the part that tells the caller to stop.
        """
        try:
            with _inside_hook():
                return convert(getattr(owner, method)(info))
        except BaseException as error:
            if not isinstance(error, Exception):
                self.demand_alive()
            stop, failure = _split(error)
            if failure is not None:
                _logger.error("%s of %s failed; ignored.", method, _name(owner), exc_info=failure)
            if stop is not None:
                raise stop from None
        return None


def _has_own(plugin: DurableInstrumentationPlugin, hook: str) -> bool:
    try:
        method = getattr(plugin, hook)
    except Exception:
        # To be found out, contained and logged when it is called.
        return True
    return getattr(method, "__func__", None) is not getattr(DurableInstrumentationPlugin, hook)


def _split(error: BaseException) -> tuple[BaseException | None, BaseException | None]:
    """Split what was raised into the part that tells the caller to stop, and the rest."""
    if isinstance(error, BaseExceptionGroup):
        return error.split(_STOPS)
    return (error, None) if isinstance(error, _STOPS) else (None, error)


def _as_plugin(answer: object) -> DurableInstrumentationPlugin:
    if not isinstance(answer, DurableInstrumentationPlugin):
        raise TypeError(f"It returned {shown(answer)}, which is no DurableInstrumentationPlugin.")
    return answer


def _as_trace_id(answer: object) -> str | None:
    _demand_synchronous(answer)
    if answer is None:
        return None
    if not isinstance(answer, PropagationMetadata):
        raise TypeError(f"It returned {shown(answer)}, which is neither PropagationMetadata nor None.")
    trace_id: object = answer.x_amzn_trace_id
    if trace_id is not None and not isinstance(trace_id, str):
        raise TypeError(f"It returned the x_amzn_trace_id {shown(trace_id)}, which is no text.")
    return trace_id


def _demand_synchronous(answer: object) -> None:
    if iscoroutine(answer):
        answer.close()
        raise TypeError("It is a coroutine function, and nothing would await it; hooks are plain functions.")


def _name(owner: object) -> str:
    return qualified_name(owner if isinstance(owner, type) else type(owner))
