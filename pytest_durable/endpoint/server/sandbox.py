"""The process that runs one function's handler, one invocation at a time, as a Lambda sandbox does.

``python -m pytest_durable.endpoint.server.sandbox module:handler`` reads invocations from its standard input
and writes what becomes of them to its standard output, a line of JSON each. What the handler prints goes to
standard error. It ends with its standard input. With ``--examine`` before handlers it only tells of each
whether it can be imported, and is durable.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from queue import SimpleQueue
from typing import Any, TypeAlias

from durable_sdk.execution import is_durable
from durable_sdk.lambda_service import ErrorObject
from pytest_durable.endpoint.server.service_time import ServiceTime, machine_seconds, pause
from pytest_durable.runtime_errors import marshal_error, unmarshal_error

Answer: TypeAlias = Callable[[dict[str, Any]], None]

# How often a process that only imports handlers looks whether anybody waits for it.
_LOOK_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class SandboxContext:
    """What Lambda tells a handler of its invocation, which may take ``timeout_seconds``."""

    aws_request_id: str
    function_name: str
    function_version: str
    invoked_function_arn: str
    timeout_seconds: float
    tenant_id: str | None = None
    memory_limit_in_mb: str = "128"
    identity: None = None
    client_context: None = None
    began_at: float = field(default_factory=machine_seconds)

    @property
    def log_group_name(self) -> str:
        """The log group that Lambda would write to."""
        return f"/aws/lambda/{self.function_name}"

    @property
    def log_stream_name(self) -> str:
        """The log stream that Lambda would write to."""
        return f"[{self.function_version}]{self.aws_request_id}"

    def log(self, msg: object) -> None:
        """Write to standard output, as Lambda does."""
        print(msg)

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds until the invocation times out."""
        left = self.began_at + self.timeout_seconds - machine_seconds()
        return max(0, int(left * 1000))


def load(spec: str) -> Any:
    """Return the handler that ``module:name`` stands for.

    Raises:
        ImportError: there is no such module.
        AttributeError: the module has no such name.
        TypeError: it cannot be called.
    """
    module, _, name = spec.partition(":")
    handler: Any = import_module(module)
    for part in name.split("."):
        handler = getattr(handler, part)
    if not callable(handler):
        raise TypeError(f"{spec} is {handler!r}, which is no function")
    return handler


@contextmanager
def _shown_time(skipped_microseconds: int) -> Iterator[None]:
    """Show a handler the time of the service, which is ahead of the machine's by what was skipped."""
    if not skipped_microseconds:
        yield
        return
    # freezegun is for those only who skip time.
    from pytest_durable.simulator.wall_clock import wall_clock

    with wall_clock.shown(ServiceTime(skipped_microseconds), to_all=True):
        yield


def _run(handler: Any, run: dict[str, Any]) -> dict[str, Any]:
    """Call the handler and return what became of it."""
    try:
        # What a durable handler gets is the service's own; the input of another is what its caller has sent.
        event = run["event"] if "event" in run else json.loads(run["payload"])
    except (ValueError, RecursionError) as error:
        return {"error": unmarshal_error(error)}
    try:
        with _shown_time(run["skipped_microseconds"]):
            output = handler(event, SandboxContext(**run["context"]))
    except SystemExit:
        # At once, as the process of a Lambda function: threads that still run are not waited for.
        sys.stdout.flush()
        os._exit(1)
    except BaseException as error:
        traceback.print_exc()
        return {"error": ErrorObject.from_exception(error).to_dict()}
    try:
        json.dumps(output, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        return {"error": marshal_error(error)}
    return {"output": output}


def _receive(received: SimpleQueue[dict[str, Any]]) -> None:
    """Pass on the invocations that come, and end the process, whatever it does, when no more can come."""
    for line in sys.stdin:
        received.put(json.loads(line))
    os._exit(0)


def _end_with(parent: int) -> None:
    """End the process soon after the one that has started it, whatever is being imported."""
    while os.getppid() == parent:
        pause(_LOOK_SECONDS)
    os._exit(0)


def _open_answers() -> Answer:
    """Return what answers the server: nothing that the handler prints may come between the answers."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    sys.stdout = os.fdopen(sys.stdout.fileno(), "w", buffering=1, closefd=False)

    def answer(told: dict[str, Any]) -> None:
        answers.write(json.dumps(told) + "\n")
        answers.flush()

    return answer


def _load(spec: str, answer: Answer) -> Any:
    """Return the handler; the process ends if it cannot be imported."""
    try:
        handler = load(spec)
    except BaseException as error:
        answer({"failed": "".join(traceback.format_exception_only(error)).strip()})
        traceback.print_exc()
        sys.stdout.flush()
        os._exit(1)
    answer({"is_durable": is_durable(handler)})
    return handler


def examine(specs: list[str]) -> None:
    """Tell of each handler whether it is durable, and end."""
    threading.Thread(target=_end_with, args=[os.getppid()], name="sandbox", daemon=True).start()
    answer = _open_answers()
    for spec in specs:
        _load(spec, answer)
    # Threads that the imports have started are not waited for.
    sys.stdout.flush()
    os._exit(0)


def serve(spec: str) -> None:
    """Serve invocations until the process is ended."""
    answer = _open_answers()
    received: SimpleQueue[dict[str, Any]] = SimpleQueue()
    # From now on: a server that dies takes the process with it, whatever the import does.
    threading.Thread(target=_receive, args=[received], name="sandbox", daemon=True).start()
    handler = _load(spec, answer)
    while True:
        answer(_run(handler, received.get()))


def main(arguments: list[str]) -> None:
    """Do what the command line says."""
    # As Lambda does: the function is imported from where the command was given.
    sys.path.insert(0, os.getcwd())
    if arguments[0] == "--examine":
        examine(arguments[1:])
    serve(arguments[0])


if __name__ == "__main__":
    main(sys.argv[1:])
