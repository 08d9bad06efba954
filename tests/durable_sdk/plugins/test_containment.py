"""What plugin code raises, binds or changes, and how far that reaches."""

from __future__ import annotations

import asyncio
import contextvars
import logging
from collections.abc import Callable
from typing import Any

import pytest
from corpus import ONCE, fail, make_runner
from durable_sdk_fakes import FakeLambda
from plugin_recorder import Recorder, Recording

from durable_sdk import DurableContext, ParallelBranch, StepError, durable_execution
from durable_sdk.exceptions import qualified_name
from durable_sdk.plugin import (
    DurableInstrumentationPlugin,
    InvocationEndInfo,
    InvocationStartInfo,
    OperationChangeInfo,
    OperationEndInfo,
    OperationStartInfo,
    PluginExecutor,
    UserFunctionStartInfo,
)

HOOKS = [
    "on_invocation_start",
    "on_operation_start",
    "on_user_function_start",
    "on_user_function_end",
    "on_operation_change",
    "on_operation_end",
    "on_invocation_end",
]
STOPS = [KeyboardInterrupt, SystemExit, GeneratorExit]


def one_step(event: Any, context: DurableContext) -> int:
    return context.step(lambda: 1, "a")


class Raising(DurableInstrumentationPlugin):
    """Notes the name of each hook, and raises from those that it is told to."""

    def __init__(self, errors: dict[str, BaseException]) -> None:
        self.errors = errors
        self.called: list[str] = []

    def __getattribute__(self, name: str) -> Any:
        if name not in HOOKS:
            return super().__getattribute__(name)

        def hook(info: Any) -> None:
            self.called.append(name)
            if name in self.errors:
                raise self.errors[name]

        return hook


def invoke(*plugins: Any, func: Callable[[Any, Any], Any] = one_step) -> dict[str, Any]:
    """Invoke a handler once, on real threads, and return its answer."""
    service = FakeLambda('{"in": 1}')
    return durable_execution(boto3_client=service, plugins=list(plugins))(func)(service.event(), None)


def test_a_plugin_that_fails_in_every_hook_disturbs_nobody(caplog: pytest.LogCaptureFixture) -> None:
    faulty, healthy = Raising({hook: ValueError(hook) for hook in HOOKS}), Raising({})
    assert invoke(faulty, healthy) == {"Status": "SUCCEEDED", "Result": "1"}
    assert faulty.called == healthy.called == HOOKS
    errors = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert [record.getMessage().split()[0] for record in errors] == HOOKS
    assert all("Raising" in record.getMessage() and record.exc_info for record in errors)


@pytest.mark.parametrize(
    "error",
    [asyncio.CancelledError(), BaseException("odd"), ExceptionGroup("two", [ValueError(), KeyError()])],
    ids=lambda error: type(error).__name__,
)
def test_whatever_does_not_ask_to_stop_is_contained(error: BaseException) -> None:
    assert invoke(Raising(dict.fromkeys(HOOKS, error)))["Status"] == "SUCCEEDED"


@pytest.mark.parametrize("stop", STOPS)
@pytest.mark.parametrize(
    "hook", [hook for hook in HOOKS if hook not in ("on_invocation_end", "on_operation_change")]
)
def test_a_hook_that_asks_to_stop_ends_the_invocation_with_retry(
    hook: str, stop: type[BaseException]
) -> None:
    recording = Recording()
    with pytest.raises(stop):
        invoke(recording, Raising({hook: stop("now")}))
    assert recording.lines[-1] == "invocation-end RETRY"
    (ended,) = recording.of(InvocationEndInfo)
    assert (ended.error.type, ended.error.message) == (stop.__name__, "now")


def test_a_hook_that_asks_to_stop_keeps_later_plugins_from_it() -> None:
    first, last = Raising({"on_operation_end": KeyboardInterrupt()}), Raising({})
    with pytest.raises(KeyboardInterrupt):
        invoke(first, last)
    assert "on_operation_end" not in last.called
    assert last.called[-1] == first.called[-1] == "on_invocation_end"


def test_a_start_hook_that_asks_to_stop_keeps_later_plugins_from_start_and_end() -> None:
    first, stops, last = Raising({}), Raising({"on_invocation_start": SystemExit()}), Raising({})
    with pytest.raises(SystemExit):
        invoke(first, stops, last)
    assert first.called == stops.called == ["on_invocation_start", "on_invocation_end"]
    assert last.called == []


def test_a_plugin_whose_start_hook_failed_gets_its_other_hooks() -> None:
    faulty = Raising({"on_invocation_start": ValueError()})
    invoke(faulty)
    assert faulty.called == HOOKS


def test_at_the_end_every_plugin_is_called_and_the_first_stop_is_raised() -> None:
    plugins = [Raising({"on_invocation_end": stop}) for stop in (KeyboardInterrupt(), SystemExit())]
    with pytest.raises(KeyboardInterrupt):
        invoke(*plugins)
    assert [plugin.called.count("on_invocation_end") for plugin in plugins] == [1, 1]


def test_the_handlers_own_exception_wins_over_that_of_the_last_hook(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def exits(event: Any, context: DurableContext) -> None:
        raise SystemExit(3)

    with pytest.raises(SystemExit, match="3"):
        invoke(Raising({"on_invocation_end": KeyboardInterrupt()}), func=exits)
    assert "end of the invocation raised; ignored" in caplog.text


def test_a_change_hook_that_asks_to_stop_is_only_logged(caplog: pytest.LogCaptureFixture) -> None:
    stops, other = Raising({"on_operation_change": KeyboardInterrupt()}), Raising({})
    assert invoke(stops, other)["Status"] == "SUCCEEDED"
    assert stops.called == other.called == HOOKS
    assert "on_operation_change asked to stop; ignored" in caplog.text


def test_an_exception_group_is_split_into_what_stops_and_what_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    group = BaseExceptionGroup("both", [ValueError("logged"), KeyboardInterrupt("stop")])
    with pytest.raises(BaseExceptionGroup) as caught:
        invoke(Raising({"on_operation_start": group}))
    assert [str(error) for error in caught.value.exceptions] == ["stop"]
    (logged,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert "logged" in str(logged.exc_info[1].exceptions[0])  # type: ignore[index,union-attr]


def test_a_hook_that_is_a_coroutine_function_is_reported(caplog: pytest.LogCaptureFixture) -> None:
    class Async(DurableInstrumentationPlugin):
        async def on_operation_start(self, info: OperationStartInfo) -> None:  # type: ignore[override]
            raise AssertionError("nobody awaits it")

    assert invoke(Async())["Status"] == "SUCCEEDED"
    assert "on_operation_start" in caplog.text
    assert "coroutine function" in caplog.text


class Factory:
    """Returns or raises what it was given."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.infos: list[InvocationStartInfo] = []

    def create_plugin(self, info: InvocationStartInfo, /) -> Any:
        self.infos.append(info)
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer


@pytest.mark.parametrize("answer", [None, 7, Recording(), ValueError("boom"), asyncio.CancelledError()])
def test_a_factory_that_makes_no_plugin_is_skipped_and_logged_once(
    answer: Any, caplog: pytest.LogCaptureFixture
) -> None:
    recording = Recording()
    assert invoke(Factory(answer), recording)["Status"] == "SUCCEEDED"
    assert recording.lines[-1] == "invocation-end SUCCEEDED"
    (logged,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert logged.getMessage() == f"create_plugin of {qualified_name(Factory)} failed; ignored."


def test_a_factory_that_asks_to_stop_stops_before_any_hook() -> None:
    first = Raising({})
    with pytest.raises(KeyboardInterrupt):
        invoke(first, Factory(KeyboardInterrupt()))
    assert first.called == []


def test_a_factory_makes_one_plugin_for_each_invocation_from_the_info_that_its_first_hook_gets() -> None:
    made: list[Recorder] = []
    recording = Recording()

    class Making(Factory):
        def create_plugin(self, info: InvocationStartInfo, /) -> Any:
            super().create_plugin(info)
            assert recording.lines == [] or recording.lines[-1] == "invocation-end PENDING"
            made.append(Recorder(recording))
            return made[-1]

    factory = Making(None)
    runner = make_runner(durable_execution(plugins=[factory])(lambda event, context: context.wait(seconds=1)))
    with runner:
        runner.run()
    assert len(made) == len(factory.infos) == 2
    starts = recording.of(InvocationStartInfo)
    assert all(given is told for given, told in zip(factory.infos, starts, strict=True))


def test_a_plugin_given_instead_of_a_factory_serves_every_invocation() -> None:
    recording = Recording()
    plugin = Recorder(recording)
    handler = durable_execution(plugins=[plugin])(lambda event, context: context.wait(seconds=1))  # type: ignore[arg-type]
    with make_runner(handler) as runner:
        runner.run()
    assert [len(lines) for lines in recording.invocations()] == [3, 3]


variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="unbound")


class Binding(DurableInstrumentationPlugin):
    """Binds a context variable at the start, and notes what it is in every other hook."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def on_invocation_start(self, info: InvocationStartInfo) -> None:
        self.seen.append(variable.get())
        variable.set("bound")

    def on_user_function_start(self, info: UserFunctionStartInfo) -> None:
        self.seen.append(variable.get())

    def on_invocation_end(self, info: InvocationEndInfo) -> None:
        self.seen.append(variable.get())


def test_what_a_start_hook_binds_reaches_handler_branches_and_hooks_but_not_the_caller() -> None:
    inside: list[str] = []

    def body(context: DurableContext) -> None:
        context.step(lambda: inside.append(variable.get()), "step")

    def handler(event: Any, context: DurableContext) -> None:
        inside.append(variable.get())
        context.parallel([ParallelBranch(body, name="a"), ParallelBranch(body, name="b")], "all")

    plugin = Binding()
    token = variable.set("of the caller")
    try:
        invoke(plugin, func=handler)
        assert variable.get() == "of the caller"
    finally:
        variable.reset(token)
    assert inside == ["bound"] * 3
    assert plugin.seen == ["of the caller", *["bound"] * 6]


class Vandal(DurableInstrumentationPlugin):
    """Changes whatever it is given."""

    def on_invocation_start(self, info: InvocationStartInfo) -> None:
        info.execution_input["in"] = "changed"
        for operation in info.operations.values():
            if operation.error and operation.error.stack_trace:
                operation.error.stack_trace.clear()
        info.operations.clear()

    def on_operation_end(self, info: OperationEndInfo) -> None:
        if info.error and info.error.stack_trace:
            info.error.stack_trace.clear()

    def on_operation_change(self, info: OperationChangeInfo) -> None:
        info.operations.clear()


def test_a_plugin_changes_neither_the_event_nor_what_is_recorded() -> None:
    traces: list[Any] = []

    def handler(event: Any, context: DurableContext) -> Any:
        try:
            context.step(fail("boom"), "a", ONCE)
        except StepError as error:
            traces.append(error.stack_trace)
        context.wait(seconds=1)
        return event["in"]

    recording = Recording()
    with make_runner(durable_execution(plugins=[Vandal(), recording])(handler)) as runner:  # type: ignore[list-item]
        result = runner.run({"in": 1})
    assert result.value == 1
    assert traces[0] == traces[1]
    ended = recording.of(InvocationEndInfo)[-1]
    assert [each.name for each in ended.operations.values()][1:] == ["a", None]


def test_an_event_that_cannot_be_copied_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    class Uncopyable:
        def __deepcopy__(self, memo: Any) -> Any:
            raise TypeError("unique")

    recording = Recording()
    PluginExecutor([recording]).on_invocation_start("arn", True, None, None, Uncopyable())
    assert recording.of(InvocationStartInfo)[0].execution_input is None
    assert "cannot be copied" in caplog.text
