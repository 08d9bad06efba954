"""CloudRunner: the fixture ``durable_runner`` for a function that is deployed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

from pytest_durable.backend import Runner
from pytest_durable.cloud.answers import callback_names, is_named, open_callbacks
from pytest_durable.cloud.api import LambdaApi
from pytest_durable.cloud.execution import CloudExecution
from pytest_durable.cloud.following import Following
from pytest_durable.cloud.names import ExecutionNames
from pytest_durable.cloud.needs import simulator_need
from pytest_durable.cloud.polling import LONGEST_SECONDS
from pytest_durable.cloud.translate import translate
from pytest_durable.cloud.watched import Watched
from pytest_durable.durations import DurationLike, to_microseconds
from pytest_durable.errors import CloudError, DurableTestError, UnusedScriptError, UsageError
from pytest_durable.history.log import EventLog
from pytest_durable.payload import encode_callback_text, encode_error, encode_input, encode_json
from pytest_durable.result.execution import DurableFunctionTestResult
from pytest_durable.result.wording import counted
from pytest_durable.scripts.callbacks import CallbackScript
from pytest_durable.scripts.names import demand_name

# A failure belongs to the test's own line, not to ours.
__tracebackhide__ = True

DEFAULT_TIMEOUT_SECONDS: float = 60

# Longer than an execution may take: where time is virtual, nobody gives up.
_VIRTUAL_TIMEOUT_SECONDS: float = 400 * 86400


def _refuse(reason: str) -> NoReturn:
    raise UsageError(reason)


class CloudRunner(Runner):
    """Runs a deployed function. Time is real, and timeouts are how long the test waits.

    ``refuse`` is called with the reason when a test asks for what only the simulator can do; it raises.
    ``timeout_seconds`` is how long calls wait that are given no timeout.
    """

    mode = "cloud"

    def __init__(
        self,
        api: LambdaApi,
        function_name: str,
        names: ExecutionNames,
        *,
        timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS,
        longest_interval_seconds: float = LONGEST_SECONDS,
        refuse: Callable[[str], NoReturn] = _refuse,
    ) -> None:
        self.function_name = function_name
        self._api = api
        self._clock = api.clock
        self._names = names
        self._timeout_seconds = timeout_seconds
        self.refuse = refuse
        self._scripts: list[CallbackScript] = []
        self._scripts_are_checked = False
        self.following = Following(api, self._scripts, longest_interval_seconds)

    def __repr__(self) -> str:
        return f"<runner of {self.function_name}, {counted(len(self.following.watched), 'execution')}>"

    @property
    def endpoint(self) -> str | None:
        """Where the function is; None if that is AWS."""
        return self._api.endpoint

    def __getattr__(self, name: str) -> Any:
        # Only for what is not there: powers of the simulator, and mistakes.
        need = None if name.startswith("_") else simulator_need(name)
        if need is None:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        self.refuse(need)

    def start(
        self, input: Any = None, name: str | None = None, timeout: DurationLike | None = None
    ) -> CloudExecution:
        """Start an execution. It goes on by itself: nothing here can hold it.

        A name that was used before, with the same input, gives the execution of that name. ``timeout``
        is how long the start is tried.

        Raises:
            UsageError: the input is not JSON, or the timeout is malformed.
            CloudError: it cannot be started.
        """
        deadline = self._clock.now() + self._seconds(timeout)
        self._demand_answerable(None)
        return CloudExecution(self, self._start(input, name, deadline))

    def _start(self, input: Any, name: str | None, deadline: float) -> str:
        payload = encode_input(input)
        name = name or self._names.next()
        try:
            arn = self._api.invoke(self.function_name, payload, name, deadline)
        except CloudError:
            raise
        except BaseException:
            # Ctrl-C while the answer was on its way: what has begun is stopped with the rest.
            self.following.search(self.function_name, name)
            raise
        self.following.started(arn)
        return arn

    def run(
        self, input: Any = None, timeout: DurationLike | None = None, *, plan: object = None
    ) -> DurableFunctionTestResult:
        """Start an execution, wait for its end and return the result.

        ``input`` is any JSON value; text that is valid JSON passes as it is. ``timeout`` is real time,
        after which the execution is stopped. A ``plan`` needs the simulator.

        Raises:
            UsageError: the input is not JSON, or the timeout is malformed.
            CloudError: something on the way to the function fails.
            TimeoutError: the execution has not ended in time.
        """
        if plan is not None:
            self.refuse("run(plan=...) needs the simulator")
        seconds = self._seconds(timeout)
        self._demand_answerable(seconds)
        deadline = self._clock.now() + seconds
        arn = self._start(input, None, deadline)
        try:
            return self._finish(self.following.find(arn), deadline, seconds)
        except BaseException as error:
            # Nobody else knows the ARN. Ctrl-C comes here, too.
            self.following.stop(self.following.find(arn), f"The test has given up: {type(error).__name__}.")
            raise

    def run_async(self, input: Any = None, timeout: DurationLike | None = None) -> str:
        """Start an execution and return its ARN. ``timeout`` is how long the start is tried.

        Raises:
            UsageError: the input is not JSON, or the timeout is malformed.
            CloudError: it cannot be started.
        """
        return self.start(input, timeout=timeout).arn

    def wait_for_result(
        self, execution_arn: str, timeout: DurationLike | None = None
    ) -> DurableFunctionTestResult:
        """Wait for the end of the execution and return the result; may be called again.

        Raises:
            TimeoutError: it has not ended when ``timeout`` of real time has passed. It goes on.
            CloudError: something on the way to the function fails.
        """
        seconds = self._seconds(timeout)
        self._demand_answerable(seconds)
        return self._finish(self._find(execution_arn), self._clock.now() + seconds, seconds)

    def _finish(self, watched: Watched, deadline: float, seconds: float) -> DurableFunctionTestResult:
        def ended() -> DurableFunctionTestResult | None:
            watched.look(deadline)
            may_be_hopeless = not watched.has_ended and not self._clock.is_virtual
            need = watched.needs_virtual_time(seconds) if may_be_hopeless else None
            if need is not None:
                self.refuse(need)
            return watched.result() if watched.settled() else None

        result = self.following.wait(ended, deadline, lambda: watched.has_ended)
        if result is not None:
            return result
        self.following.read_quietly(watched)
        waits = "; ".join(watched.result().pending) or "nothing of it is known to be unfinished"
        raise TimeoutError(
            f"{watched.arn} has not ended after {seconds:g} seconds (status {watched.status}): {waits}. "
            f"Give a longer timeout=, or look why it waits.{watched.unread()}"
        )

    def wait_for_callback(
        self, execution_arn: str, name: str | None = None, timeout: DurationLike | None = None
    ) -> str:
        """Wait until a callback of that name is open and its submitter has ended; return its id.

        ``name`` is the one that the handler gave, or a path. Without one any callback will do, the newest
        first. ``timeout`` is real time.

        Raises:
            ExecutionFailedError: the execution fails before.
            DurableTestError: the execution succeeds before, or the callback has ended already.
            TimeoutError: none is open when ``timeout`` has passed.
            CloudError: something on the way to the function fails.
        """
        if name is not None:
            demand_name(name, "the callback")
        watched, seconds = self._find(execution_arn), self._seconds(timeout)
        deadline = self._clock.now() + seconds
        what = "a callback" if name is None else f"callback {name!r}"

        def opened() -> str | None:
            watched.look(deadline)
            watched.read(deadline)
            named = [one for one in open_callbacks(watched.log) if is_named(watched.log, one, name)]
            if named and not watched.has_ended:
                return (named[-1] if name is None else named[0]).callback_id
            if watched.settled():
                result = watched.result().raise_for_status()
                raise DurableTestError(
                    f"The execution ended ({result.status}) without {what} to answer; its callbacks: "
                    f"{', '.join(callback_names(watched.log)) or 'none'}."
                )
            return None

        callback_id = self.following.wait(opened, deadline, lambda: watched.has_ended)
        if callback_id is None:
            waits = "; ".join(watched.result().pending) or "nothing of it is known to be unfinished"
            raise TimeoutError(
                f"{execution_arn} awaits no {what.removeprefix('a ')} after {seconds:g} seconds: {waits}"
            )
        return callback_id

    def wait_until(self, execution_arn: str, found: Callable[[EventLog], bool], what: str) -> None:
        """Wait until ``found`` is true of the history of an execution; ``what`` names it in errors.

        Raises:
            DurableTestError: the execution ends before.
            TimeoutError: it is not in the time that calls wait.
            CloudError: something on the way to the function fails.
        """
        watched, seconds = self._find(execution_arn), self._seconds(None)
        deadline = self._clock.now() + seconds

        def is_found() -> bool | None:
            watched.look(deadline)
            watched.read(deadline)
            if found(watched.log):
                return True
            if watched.settled():
                raise DurableTestError(f"The execution ended ({watched.status}) without {what}.")
            return None

        if not self.following.wait(is_found, deadline, lambda: watched.has_ended):
            raise TimeoutError(f"{execution_arn} has come to no {what} after {seconds:g} seconds.")

    def send_callback_success(
        self, callback_id: str, result: bytes | str | None = None, *, value: Any = None
    ) -> None:
        """Answer a callback: with text or bytes, or with any JSON ``value``.

        Raises:
            UsageError: both are given, or one is of the wrong kind.
            ServiceError: the service refuses, as it does for an unknown callback and one that has ended.
        """
        if result is not None and value is not None:
            raise UsageError("send_callback_success takes a result or a value, not both.")
        text = encode_callback_text(result) if value is None else encode_json(value, "value")
        self._api.succeed_callback(callback_id, text)

    def send_callback_failure(self, callback_id: str, error: Any = None) -> None:
        """Answer a callback with an error: an exception, a message, an ErrorObject or its JSON form.

        Raises:
            UsageError: the error is none of these.
            ServiceError: the service refuses, as it does for an unknown callback and one that has ended.
        """
        self._api.fail_callback(callback_id, encode_error(error))

    def send_callback_heartbeat(self, callback_id: str) -> None:
        """Tell that somebody still works on a callback, which restarts its heartbeat timeout.

        Raises:
            ServiceError: the service refuses, as it does for an unknown callback and one that has ended.
        """
        self._api.keep_callback(callback_id)

    def on_callback(self, name: str | None = None, times: int | None = None) -> CallbackScript:
        """Decide beforehand what becomes of the callbacks of a name; without one, of all others.

        Answers are sent while a call of the runner waits; ``after`` is real time. ``times`` demands that
        many uses. A script that is never used fails the test.
        """
        script = CallbackScript(name, times)
        self._scripts.append(script)
        return script

    def _demand_answerable(self, seconds: float | None) -> None:
        """Refuse scripts that only virtual time can keep to, before anything is invoked."""
        for script in self._scripts:
            for reply in script.outcomes:
                if reply.early:
                    self.refuse(f"{script!r} with early=True needs the simulator")
                after = (reply.after or 0) / 1_000_000
                if seconds is not None and after >= seconds:
                    self.refuse(
                        f"{script!r} answers after {after:g} seconds, which needs virtual time, or a longer "
                        f"timeout= than {seconds:g} seconds"
                    )

    def stop_execution(self, execution_arn: str, error: Any = None) -> None:
        """End an execution from outside, with status STOPPED; nothing happens to one that has ended.

        Raises:
            UsageError: the error is no exception, message, ErrorObject or JSON form of one.
            CloudError: it cannot be stopped.
        """
        self._api.stop(execution_arn, encode_error(error))

    def pause_execution(self, execution_arn: str, timeout: DurationLike = 60) -> None:
        """Invoke the handler no more, and wait until no invocation goes on.

        Raises:
            TimeoutError: an invocation still runs when ``timeout`` of real time has passed.
            CloudError: it cannot be paused.
        """
        watched, seconds = self._find(execution_arn), self._seconds(timeout)
        deadline = self._clock.now() + seconds
        self._api.pause(execution_arn)

        def is_paused() -> bool | None:
            watched.look(deadline)
            return True if watched.has_ended or watched.status == "PAUSED" else None

        if not self.following.wait(is_paused, deadline):
            raise TimeoutError(f"{execution_arn} still runs an invocation after {timeout}. The pause stands.")

    def resume_execution(self, execution_arn: str) -> None:
        """Invoke the handler again, at once if an invocation was held back.

        Raises:
            CloudError: it cannot be resumed.
        """
        self._api.resume(execution_arn)

    def get_execution_history(
        self, execution_arn: str, include_execution_data: bool = True
    ) -> list[dict[str, Any]]:
        """Return the events so far, of all pages, as boto3 returns them; times are in UTC.

        Raises:
            CloudError: there is no answer.
        """
        events: list[dict[str, Any]] = []
        marker = None
        while True:
            page = self._api.history_page(execution_arn, marker, with_data=include_execution_data)
            events.extend(page["Events"])
            marker = page.get("NextMarker")
            if not marker:
                return translate(events).history

    def result_so_far(self, execution_arn: str) -> DurableFunctionTestResult:
        """Return the result of an execution as it stands.

        Raises:
            CloudError: there is no answer.
        """
        watched = self._find(execution_arn)
        watched.look()
        watched.read()
        return watched.result()

    @property
    def arns(self) -> list[str]:
        """The ARNs of the executions so far, in order of start."""
        return list(self.following.watched)

    @property
    def results(self) -> list[DurableFunctionTestResult]:
        """What is known of every execution so far, in order of start."""
        return self.following.results

    def timeline(self) -> str:
        """Return every execution as text, each under its ARN."""
        return self.following.timeline()

    def _find(self, execution_arn: Any) -> Watched:
        if not isinstance(execution_arn, str) or not execution_arn:
            raise UsageError(f"The ARN of an execution is a text, got {execution_arn!r}.")
        return self.following.find(execution_arn)

    def _seconds(self, timeout: DurationLike | None) -> float:
        if timeout is None:
            return _VIRTUAL_TIMEOUT_SECONDS if self._clock.is_virtual else self._timeout_seconds
        seconds = to_microseconds(timeout, "timeout") / 1_000_000
        if seconds == 0:
            raise UsageError(f"timeout must be longer than zero, got {timeout!r}.")
        return seconds

    def close(self) -> None:
        """Stop what still runs, and check that every script came to use, once.

        Raises:
            UnusedScriptError: a script was never used, or not as often as its ``times`` says.
        """
        self.following.stop_all()
        self.check_scripts()

    def release(self) -> None:
        """Stop what still runs, for a test that has failed or has been checked."""
        self._scripts_are_checked = True
        self.following.stop_all()

    def check_scripts(self) -> None:
        """Check, once, that every script came to use.

        Raises:
            UnusedScriptError: one was never used, or not as often as its ``times`` says.
        """
        if self._scripts_are_checked:
            return
        self._scripts_are_checked = True
        names = self.following.callback_names
        complaints = [script.complaint(names) for script in self._scripts]
        told = "\n".join(complaint for complaint in complaints if complaint is not None)
        if told:
            raise UnusedScriptError(told)
