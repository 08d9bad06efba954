"""The driver: runs a handler on the simulator, answers its callbacks, and compares what came out."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from conformance.expected import Event
from conformance.matching import ANY, Logged, Matcher
from wire_model import Recorder, faults_of_history

from durable_sdk.lambda_service import ErrorObject
from pytest_durable.result.execution import DurableFunctionTestResult
from pytest_durable.schedules.in_order import InOrder
from pytest_durable.schedules.seeded import Seeded
from pytest_durable.simulator.driver import Execution
from pytest_durable.simulator.identifiers import FunctionVersion
from pytest_durable.simulator.options import SimulatorOptions
from pytest_durable.simulator.runner import LocalRunner, Target

PLUGIN_LOGGER = "conformance.plugin"
"""Where the plugins of the handlers write their records, as JSON objects."""

# No case answers a callback later than this.
_LAST_ANSWER_SECONDS = 60

# What logging gives every record. All else came with the call.
_OWN_MEMBERS = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


@dataclass(frozen=True, slots=True)
class Answer:
    """What the outside world does to a callback, ``after`` seconds from its start.

    ``callback`` is the name of the callback, or its number in the order of starts. ``payload`` is the result
    (any JSON value, or None for no payload) or the error.
    """

    action: str
    payload: Any = None
    after: float = 1
    callback: int | str = 0


def success(payload: Any = None, **options: Any) -> Answer:
    """The callback succeeds."""
    return Answer("success", payload, **options)


def failure(payload: dict[str, Any] | None = None, **options: Any) -> Answer:
    """The callback fails."""
    return Answer("failure", payload, **options)


def heartbeat(**options: Any) -> Answer:
    """The callback is told that its work goes on."""
    return Answer("heartbeat", **options)


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """A handler, how it is driven, and what must come out.

    ``history`` begins with EventId 2; EventId 1 is always ExecutionStarted. A whole history has no other
    events. ``result`` is compared decoded. A case that ``suspends`` ends where the handler first waits for
    something.
    """

    id: str
    handler: Callable[..., Any]
    input: Any = None
    functions: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    plain_functions: Mapping[str, Callable[..., Any]] = field(default_factory=dict)
    function_timeout_seconds: int = 120
    answers: Sequence[Answer] = ()
    suspends: bool = False
    status: str = "SUCCEEDED"
    result: Any = ANY
    history: Sequence[Event | list[Event]]
    is_whole_history: bool = True
    logs: Sequence[Logged] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came out."""

    result: DurableFunctionTestResult
    events: list[dict[str, Any]]
    logs: list[dict[str, Any]]


def check(case: Case) -> Outcome:
    """Run a case and compare everything that it lists.

    Raises:
        AssertionError: something is not as expected; it names every difference and shows the history.
    """
    outcome = run(case)
    found = compare(case, outcome)
    if found:
        shown = "\n".join(json.dumps(event, default=str) for event in outcome.events)
        logs = "\n".join(json.dumps(record, default=str) for record in outcome.logs)
        raise AssertionError(f"{case.id}:\n" + "\n".join(found) + f"\n\nhistory:\n{shown}\n\nlogs:\n{logs}")
    return outcome


def compare(case: Case, outcome: Outcome) -> list[str]:
    """Return in words what differs from what the case expects."""
    matcher = Matcher()
    found = compare_results(case, outcome, matcher)
    expected: list[Event] = []
    for entry in case.history:
        expected += entry if isinstance(entry, list) else [entry]
    found += matcher.event_differences(dict(enumerate(expected, 2)), outcome.events)
    if case.is_whole_history and len(outcome.events) != len(expected) + 1:
        found.append(f"expected {len(expected) + 1} events, got {len(outcome.events)}")
    return found + matcher.log_differences(case.logs, outcome.logs)


def compare_results(case: Case, outcome: Outcome, matcher: Matcher) -> list[str]:
    """Return in words how the execution ended otherwise than the case expects."""
    status = "RUNNING" if case.suspends else case.status
    found = matcher.differences(status, outcome.result.status.value, "status")
    if not found and case.result is not ANY:
        found = matcher.differences(case.result, outcome.result.value, "result")
    return found


def run(case: Case, seed: int | None = None) -> Outcome:
    """Run a case in a simulation of its own, in order of arrival or in a random order from ``seed``.

    Raises:
        AssertionError: something that went over the wire is not valid under the model of the API.
    """
    wire = Recorder()

    def options() -> SimulatorOptions:
        return SimulatorOptions(schedule=InOrder() if seed is None else Seeded(seed), more_checkers=(wire,))

    runner = LocalRunner(Target(case.handler, FunctionVersion("function")), options)
    with runner, _recorded_logs() as logs:
        for name, handler in case.functions.items():
            runner.register_durable_function(name, handler, case.function_timeout_seconds)
        for name, handler in case.plain_functions.items():
            runner.register_function(name, handler)
        # As JSON text, for a text that happens to be JSON must reach the handler as text.
        execution = runner.start(json.dumps(case.input))
        _answer_callbacks(runner, execution, case.answers)
        result = execution.until_suspended().result() if case.suspends else execution.finish()
        history = runner.get_execution_history(execution.arn)
        invalid = [*wire.faults(), *faults_of_history(history)]
        assert not invalid, "\n".join(invalid)
        return Outcome(result, history, logs)


def _answer_callbacks(runner: LocalRunner, execution: Execution, answers: Sequence[Answer]) -> None:
    """Let virtual time pass, a second at a time, until every answer has been given."""
    if answers:
        execution.until_suspended()
    waiting = list(answers)
    for _ in range(_LAST_ANSWER_SECONDS):
        callbacks = [
            event
            for event in runner.get_execution_history(execution.arn)
            if event["EventType"] == "CallbackStarted"
        ]
        for answer in tuple(waiting):
            callback = _find(answer.callback, callbacks)
            if callback is not None and _is_due(answer, callback, runner.clock.now):
                waiting.remove(answer)
                _give(runner, answer, callback["CallbackStartedDetails"]["CallbackId"])
        if not waiting:
            return
        runner.clock.advance(1)
    raise AssertionError(f"{waiting[0]} could not be given: its callback never started")


def _find(callback: int | str, callbacks: list[dict[str, Any]]) -> dict[str, Any] | None:
    if isinstance(callback, str):
        return next((event for event in callbacks if event["Name"] == callback), None)
    return callbacks[callback] if callback < len(callbacks) else None


def _is_due(answer: Answer, callback: dict[str, Any], now: datetime) -> bool:
    return now - callback["EventTimestamp"] >= timedelta(seconds=answer.after)


def _give(runner: LocalRunner, answer: Answer, callback_id: str) -> None:
    match answer.action:
        case "success":
            payload = None if answer.payload is None else json.dumps(answer.payload).encode()
            runner.send_callback_success(callback_id, payload)
        case "failure":
            error = None if answer.payload is None else ErrorObject.from_dict(answer.payload)
            runner.send_callback_failure(callback_id, error)
        case _:
            runner.send_callback_heartbeat(callback_id)


class _Recorder(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.records: list[dict[str, Any]] = []

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        extra = {key: value for key, value in vars(record).items() if key not in _OWN_MEMBERS}
        members = json.loads(text) if record.name == PLUGIN_LOGGER else {}
        self.records.append({"message": text, "level": record.levelname} | extra | members)


@contextmanager
def _recorded_logs() -> Iterator[list[dict[str, Any]]]:
    """Collect what is logged anywhere; the SDK writes to the root logger."""
    root = logging.getLogger()
    recorder = _Recorder()
    level = root.level
    root.addHandler(recorder)
    root.setLevel(logging.INFO)
    try:
        yield recorder.records
    finally:
        root.setLevel(level)
        root.removeHandler(recorder)
