"""A Lambda endpoint over HTTP that answers what a test has scripted, in the time of a clock of the test.

It knows nothing of durable functions: a `Life` is a history that was recorded elsewhere, and the server shows
as much of it as the clock has come to. Faults are answered first.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from pytest_durable.result.execution import DurableFunctionTestResult

ARN = "arn:aws:lambda:us-west-2:123456789012:function:orders:7/durable-execution/{name}/id-1"

_OPERATIONS = {
    ("POST", "invocations"): "Invoke",
    ("POST", "stop"): "StopDurableExecution",
    ("POST", "pause"): "PauseDurableExecution",
    ("POST", "resume"): "ResumeDurableExecution",
    ("GET", "durable-executions"): "ListDurableExecutionsByFunction",
    ("GET", "history"): "GetDurableExecutionHistory",
    ("POST", "succeed"): "SendDurableExecutionCallbackSuccess",
    ("POST", "fail"): "SendDurableExecutionCallbackFailure",
    ("POST", "heartbeat"): "SendDurableExecutionCallbackHeartbeat",
}
Answer = tuple[int | None, dict[str, str], Any]

_ANSWERS = ("CallbackSucceeded", "CallbackFailed")


class FakeClock:
    """A clock that moves when somebody sleeps, and says how long they did."""

    is_virtual = False

    def __init__(self) -> None:
        self.seconds = 1000.0
        self.slept: list[float] = []

    def now(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        assert seconds >= 0
        self.slept.append(seconds)
        self.seconds += seconds
        assert len(self.slept) < 20_000, "somebody sleeps for ever"


@dataclass
class Fault:
    """An error answer. A status of None closes the connection without one."""

    status: int | None
    code: str = "ServiceException"
    message: str = "Something went wrong."
    does_it: bool = False
    """Whether what was asked for is done all the same."""
    answer: Any = None
    """What is answered instead of an error."""
    passes: bool = False
    """Whether nothing goes wrong this time."""


@dataclass
class Life:
    """How an execution goes: a recorded history, of which an event shows when its time has come.

    An event that ends a callback shows when the callback was answered. ``ends`` of False is an execution that
    never does.
    """

    history: list[dict[str, Any]]
    status: str = "SUCCEEDED"
    outcome: dict[str, Any] = field(default_factory=dict)
    ends: bool = True
    lag_seconds: float = 0.0
    unknown_seconds: float = 0.0
    page_events: int = 1000

    @classmethod
    def of(cls, result: DurableFunctionTestResult, **settings: Any) -> Life:
        """Return the life of an execution that a simulation has recorded."""
        outcome: dict[str, Any] = {}
        if result.result is not None:
            outcome["Result"] = result.result
        if result.error is not None:
            outcome["Error"] = result.error.to_dict()
        return cls(result.history, result.status.value, outcome, **settings)


@dataclass
class Request:
    method: str
    operation: str
    path: str
    headers: dict[str, str]
    query: dict[str, str]
    body: bytes
    target: str

    @property
    def json(self) -> Any:
        return json.loads(self.body or b"null")


class ScriptedLambda:
    """The service. ``requests`` are those it has had, ``started`` the names of executions it has begun."""

    def __init__(self, clock: FakeClock, life: Life) -> None:
        self.clock = clock
        self.life = life
        self.faults: dict[str, list[Fault]] = defaultdict(list)
        self.requests: list[Request] = []
        self.started: dict[str, float] = {}
        self.payloads: dict[str, bytes] = {}
        self.answered: dict[str, Request] = {}
        self.stopped: dict[str, dict[str, Any]] = {}
        self.paused: set[str] = set()
        self.is_durable = True
        self.function_error: str | None = None
        self.url = ""

    def of(self, operation: str) -> list[Request]:
        return [request for request in self.requests if request.operation == operation]

    def answer(self, request: Request) -> Answer:
        self.requests.append(request)
        if self.faults[request.operation]:
            fault = self.faults[request.operation].pop(0)
            if fault.passes:
                return self._do(request)
            if fault.does_it:
                self._do(request)
            if fault.answer is not None:
                return fault.status, {}, fault.answer
            return fault.status, {"x-amzn-ErrorType": fault.code}, {"message": fault.message}
        return self._do(request)

    def _do(self, request: Request) -> Answer:
        do: dict[str, Callable[[Request], Answer]] = {
            "Invoke": self._invoke,
            "ListDurableExecutionsByFunction": self._list,
            "GetDurableExecution": self._execution,
            "GetDurableExecutionHistory": self._history,
            "StopDurableExecution": self._stop,
            "PauseDurableExecution": self._pause,
            "ResumeDurableExecution": self._resume,
            "SendDurableExecutionCallbackSuccess": self._take,
            "SendDurableExecutionCallbackFailure": self._take,
            "SendDurableExecutionCallbackHeartbeat": lambda request: (200, {}, {}),
        }
        return do[request.operation](request)

    def _invoke(self, request: Request) -> Answer:
        name = request.headers["x-amz-durable-execution-name"]
        if not self.is_durable:
            headers = {} if self.function_error is None else {"X-Amz-Function-Error": self.function_error}
            return 202, headers, {"errorMessage": "no module named orders"} if headers else None
        if self.payloads.setdefault(name, request.body) != request.body:
            message = {"message": "The name is in use."}
            return 409, {"x-amzn-ErrorType": "DurableExecutionAlreadyStartedException"}, message
        self.started.setdefault(name, self.clock.now())
        return 202, {"X-Amz-Durable-Execution-Arn": ARN.format(name=name)}, None

    def _list(self, request: Request) -> Answer:
        name = request.query["DurableExecutionName"]
        began = self.life.history[0]["EventTimestamp"]
        found = [
            {"DurableExecutionArn": ARN.format(name=name), "Status": "RUNNING", "StartTimestamp": began}
            for started in self.started
            if started == name
        ]
        return 200, {}, {"DurableExecutions": found}

    def _age(self, request: Request) -> float:
        name = unquote(request.path).split("/durable-execution/")[1].split("/")[0]
        return self.clock.now() - self.started[name]

    def _arn(self, request: Request) -> str:
        arn = unquote(request.path).split("/durable-executions/")[1]
        return arn.removesuffix(f"/{request.path.rpartition('/')[2]}") if request.method == "POST" else arn

    def _visible(self, age: float) -> list[dict[str, Any]]:
        began = self.life.history[0]["EventTimestamp"]
        shown = []
        for event in self.life.history:
            if (event["EventTimestamp"] - began).total_seconds() > age:
                break
            if event["EventType"] in _ANSWERS and len(shown) and not self._is_answered(event["Id"]):
                break
            if event["EventType"].startswith("Execution") and len(shown) and not self.life.ends:
                break
            shown.append(event)
        return shown

    def _is_answered(self, operation_id: str) -> bool:
        started = {
            event["Id"]: event["CallbackStartedDetails"]["CallbackId"]
            for event in self.life.history
            if event["EventType"] == "CallbackStarted"
        }
        return started[operation_id] in self.answered

    def _execution(self, request: Request) -> Answer:
        age, arn = self._age(request), self._arn(request)
        if age < self.life.unknown_seconds:
            return 404, {"x-amzn-ErrorType": "ResourceNotFoundException"}, {"message": "No such execution."}
        began = self.life.history[0]["EventTimestamp"]
        answer: dict[str, Any] = {"DurableExecutionArn": arn, "StartTimestamp": began, "Status": "RUNNING"}
        if arn in self.stopped:
            answer["Status"] = "STOPPED"
        elif arn in self.paused:
            answer["Status"] = "PAUSED"
        elif self.life.ends and self._visible(age)[-1] is self.life.history[-1]:
            answer |= {"Status": self.life.status, **self.life.outcome}
            answer["EndTimestamp"] = self.life.history[-1]["EventTimestamp"]
        return 200, {}, answer

    def _history(self, request: Request) -> Answer:
        age = self._age(request)
        if age < self.life.unknown_seconds:
            return 404, {"x-amzn-ErrorType": "ResourceNotFoundException"}, {"message": "No such execution."}
        events = self._visible(age - self.life.lag_seconds)
        start = int(request.query.get("Marker", 0))
        end = start + self.life.page_events
        answer: dict[str, Any] = {"Events": events[start:end]}
        if end < len(events):
            answer["NextMarker"] = str(end)
        return 200, {}, answer

    def _stop(self, request: Request) -> Answer:
        self.stopped[self._arn(request)] = request.json
        return 200, {}, {"StopTimestamp": self.life.history[0]["EventTimestamp"]}

    def _pause(self, request: Request) -> Answer:
        self.paused.add(self._arn(request))
        return 200, {}, {}

    def _resume(self, request: Request) -> Answer:
        self.paused.discard(self._arn(request))
        return 200, {}, {}

    def _take(self, request: Request) -> Answer:
        callback_id = unquote(request.path).split("/durable-execution-callbacks/")[1].rpartition("/")[0]
        if callback_id in self.answered:
            return 404, {"x-amzn-ErrorType": "ResourceNotFoundException"}, {"message": "It has ended."}
        self.answered[callback_id] = request
        return 200, {}, {}


class FaultyProxy(ScriptedLambda):
    """Stands in front of another endpoint: what is no fault is answered there."""

    def __init__(self, url: str) -> None:
        super().__init__(FakeClock(), Life([]))
        self._there = urlsplit(url)

    def _do(self, request: Request) -> Answer:
        connection = HTTPConnection(str(self._there.hostname), self._there.port or 80, timeout=60)
        try:
            connection.request(request.method, request.target, request.body, request.headers)
            answer = connection.getresponse()
            text = answer.read().decode()
            headers = {
                name: value
                for name, value in answer.getheaders()
                if name.lower() not in ("content-length", "content-type", "transfer-encoding", "connection")
            }
            return answer.status, headers, text
        finally:
            connection.close()


@contextmanager
def serving(service: ScriptedLambda) -> Iterator[ScriptedLambda]:
    """Serve on a port of this machine."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # Answers are written at once, or the system would hold their second half back.
        wbufsize = 1 << 20

        def do_GET(self) -> None:
            self._serve("GET")

        def do_POST(self) -> None:
            self._serve("POST")

        def _serve(self, method: str) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            parts = urlsplit(self.path)
            operation = _OPERATIONS.get((method, parts.path.rpartition("/")[2]), "GetDurableExecution")
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, more, answer = service.answer(
                Request(method, operation, parts.path, headers, query, body, self.path)
            )
            if status is None:
                self.close_connection = True
                return
            text = answer if isinstance(answer, str) else json.dumps(answer, default=datetime.timestamp)
            body = b"" if answer is None else text.encode()
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", **more}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    service.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield service
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
