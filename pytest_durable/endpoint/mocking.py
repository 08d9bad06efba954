"""mock_durable: boto3's Lambda client answers from the simulator, in this process and in virtual time."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from datetime import datetime
from types import TracebackType
from typing import Any, ParamSpec, TypeVar, cast

from durable_sdk import DurableContext, durable_execution
from durable_sdk.execution import is_durable
from pytest_durable.durations import DurationLike
from pytest_durable.endpoint.in_process import InProcessEndpoint
from pytest_durable.endpoint.interception import intercepted, patch_client
from pytest_durable.errors import UsageError
from pytest_durable.faults import Fault
from pytest_durable.result.execution import DurableFunctionTestResult
from pytest_durable.scripts.callbacks import CallbackScript
from pytest_durable.simulator.functions import RegisteredFunction
from pytest_durable.simulator.identifiers import FunctionVersion
from pytest_durable.simulator.invocation import Handler
from pytest_durable.simulator.options import DEFAULT_START, MODES, SimulatorOptions
from pytest_durable.simulator.runner import LocalRunner, Target
from pytest_durable.simulator.runner_clock import RunnerClock
from pytest_durable.simulator.scripts.invokes import InvokeScript
from pytest_durable.simulator.scripts.steps import StepScript
from pytest_durable.simulator.service.limits import Limits

P = ParamSpec("P")
R = TypeVar("R")

# A failure belongs to the test's own line, not to ours.
__tracebackhide__ = True


class DurableMock:
    """What `mock_durable` gives: functions, scripts, faults and time of what boto3 invokes."""

    def __init__(self, runner: LocalRunner) -> None:
        self.runner = runner
        """Runs what boto3 invokes. All that a runner can do, it can."""
        self._patched: list[Callable[[], None]] = []

    def __repr__(self) -> str:
        return f"<mock of {', '.join(self.runner.functions.names) or 'no function'}>"

    def register(
        self, function_name: str, handler: Handler, execution_timeout: DurationLike | None = None
    ) -> DurableMock:
        """Let boto3 and ``context.invoke`` find a function: durable or plain, as it is decorated.

        ``execution_timeout`` is that of a durable one, by default what the runner's is.

        Raises:
            UsageError: an argument is wrong.
        """
        if execution_timeout is not None:
            self.runner.register_durable_function(function_name, handler, execution_timeout)
        else:
            self.runner.functions.register_all({function_name: handler})
        return self

    def patch_client(self, client: Any) -> None:
        """Let a Lambda client be answered that was made before the mock, and before moto was imported.

        Raises:
            UsageError: it is no Lambda client of boto3.
        """
        self._patched.append(patch_client(client))

    def unpatch_clients(self) -> None:
        """Take back what `patch_client` has done."""
        while self._patched:
            self._patched.pop()()

    @property
    def clock(self) -> RunnerClock:
        """Virtual time: ``now``, ``advance(duration)``, ``advance_to_next()``."""
        return self.runner.clock

    @property
    def results(self) -> list[DurableFunctionTestResult]:
        """What became of every execution so far, in order of start."""
        return self.runner.results

    def on_callback(self, name: str | None = None, times: int | None = None) -> CallbackScript:
        """Decide beforehand what becomes of callbacks, as on a runner."""
        return self.runner.on_callback(name, times)

    def on_invoke(self, function_name: str, times: int | None = None) -> InvokeScript:
        """Decide beforehand what ``context.invoke`` gets from a function, as on a runner."""
        return self.runner.on_invoke(function_name, times)

    def on_step(self, name: str, times: int | None = None) -> StepScript:
        """Replace the bodies of steps, as on a runner."""
        return self.runner.on_step(name, times)

    def inject(self, *faults: Fault) -> None:
        """Add faults, as on a runner."""
        self.runner.inject(*faults)


class MockDurable:
    """A context manager, and a decorator of tests. Each time it begins, it begins anew."""

    def __init__(
        self, make_runner: Callable[[], LocalRunner], replay_check: str, *, owns_runner: bool
    ) -> None:
        self._make_runner = make_runner
        self._replay_check = replay_check
        self._owns_runner = owns_runner
        self._entered: list[tuple[DurableMock, ExitStack]] = []

    def __enter__(self) -> DurableMock:
        """Begin to answer boto3."""
        mock = DurableMock(self._make_runner())
        stack = ExitStack()
        stack.enter_context(intercepted(InProcessEndpoint(mock.runner)))
        stack.callback(mock.unpatch_clients)
        self._entered.append((mock, stack))
        return mock

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End it, and check what the runner would be checked for if nothing else has failed."""
        mock, stack = self._entered.pop()
        with stack:
            if not self._owns_runner:
                return
            try:
                if error is None:
                    mock.runner.check_replay(self._replay_check)
                    mock.runner.close()
            finally:
                mock.runner.release()

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        """Decorate a test, which may be asynchronous.

        Raises:
            UsageError: it is a class or a generator.
        """
        if inspect.isclass(function) or inspect.isgeneratorfunction(function):
            raise UsageError(
                f"mock_durable decorates test functions, got {function!r}. "
                "In a fixture, use it in a with statement around the yield."
            )
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def run_async(*args: P.args, **kwargs: P.kwargs) -> Any:
                with self:
                    return await function(*args, **kwargs)

            return cast("Callable[P, R]", run_async)

        @functools.wraps(function)
        def run(*args: P.args, **kwargs: P.kwargs) -> R:
            with self:
                return function(*args, **kwargs)

        return run


def mock_durable(
    functions: Mapping[str, Handler] | None = None,
    *,
    runner: LocalRunner | None = None,
    start_time: datetime = DEFAULT_START,
    seed: int = 0,
    limits: Mapping[str, int] | None = None,
    replay_check: str = "all",
) -> MockDurable:
    """Let boto3's Lambda clients invoke ``functions`` and call the API of durable executions, in a test.

    Usable as a context manager, which gives a `DurableMock`, and as a decorator; inside ``moto.mock_aws`` or
    without it. Virtual time begins at ``start_time``, which is aware. ``limits`` overrides the service's.
    When it ends without an error, it checks that every script came to use and every fault struck, and that
    replays do the same, as ``replay_check`` says: "all", "final" or "off".

    With a ``runner``, such as the fixture ``durable_runner``, its handler and functions are invoked, in its
    world, and whoever made the runner checks it; the other arguments are the runner's business.

    Raises:
        UsageError: an argument is wrong.
    """
    if replay_check not in MODES:
        raise UsageError(f"replay_check is one of {', '.join(map(repr, MODES))}, got {replay_check!r}.")
    if functions is not None and not isinstance(functions, Mapping):
        raise UsageError(
            "mock_durable takes handlers by the names of their functions: write "
            "@mock_durable({'my_function': handler}) above a test, or a with statement of the same, "
            f"got {functions!r}."
        )
    given = dict(functions or {})
    if runner is not None:
        return MockDurable(lambda: _with_target(runner, given), replay_check, owns_runner=False)
    if start_time.tzinfo is None:
        raise UsageError(f"start_time needs a time zone, got {start_time!r}.")
    options = SimulatorOptions(
        start_time=start_time, seed=seed, limits=Limits.overridden(limits or {}), traces_operations=True
    )

    def make_runner() -> LocalRunner:
        target = Target(_nothing_of_its_own, FunctionVersion("mock-durable"))
        made = LocalRunner(target, lambda: options)
        made.functions.register_all(given)
        return made

    # Wrong functions are found now, and not when the test begins.
    make_runner().release()
    return MockDurable(make_runner, replay_check, owns_runner=True)


def _with_target(runner: LocalRunner, functions: Mapping[str, Handler]) -> LocalRunner:
    """Return the runner, with its own handler and the given ones among the functions."""
    target = runner.target
    if runner.functions.find([target.function.name]) is None:
        seconds = runner.simulator.options.execution_timeout_seconds
        runner.functions.register(
            target.function.name, RegisteredFunction(target.handler, is_durable(target.handler), seconds)
        )
    runner.functions.register_all(functions)
    return runner


@durable_execution
def _nothing_of_its_own(event: Any, context: DurableContext) -> None:
    """Stand where a runner has a handler: this one runs only what boto3 invokes."""
