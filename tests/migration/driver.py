"""Runs handlers of the corpus on the in-memory service, and puts what came out into comparable form."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any

from migration.corpus import BODY_RAN, Case, Sdk
from migration.service import EXECUTION_ID, Json, Service

_INVOCATIONS_MAX = 60
_LAMBDA_CONTEXT = SimpleNamespace(
    aws_request_id="request-id",
    function_name="fn",
    function_version="1",
    invoked_function_arn="arn:aws:lambda:eu-west-1:123456789012:function:fn:1",
    tenant_id=None,
    get_remaining_time_in_millis=lambda: 900_000,
)


class Bodies:
    """A logger that keeps which operations' bodies ran, and at which attempt."""

    def __init__(self) -> None:
        self.ran: list[tuple[str, int | None]] = []

    def info(self, message: object, *args: object, extra: Any = None) -> None:
        """Note that a body ran."""
        if message == BODY_RAN:
            self.ran.append((extra["operationId"], extra.get("attempt")))

    def debug(self, message: object, *args: object, extra: Any = None) -> None:
        """Ignore it."""

    warning = error = exception = debug


class Execution:
    """An execution of a case under one SDK, from whatever state the service is in."""

    def __init__(self, case: Case, sdk: Sdk, service: Service) -> None:
        self.service = service
        self.bodies = Bodies()
        handler = case.handler(sdk)

        @sdk.root.durable_execution(boto3_client=service)
        def durable(event: Any, context: Any) -> Any:
            context.set_logger(self.bodies)
            return handler(event, context)

        self._invoke = durable
        self.suspended_at: list[int] = []
        """How long the log was at each suspension."""

    def finish(self) -> Json:
        """Invoke the handler until it is done, and return its last answer."""
        for _ in range(_INVOCATIONS_MAX):
            answer: Json = dict(self._invoke(self.service.event(), _LAMBDA_CONTEXT))
            if answer != {"Status": "PENDING"}:
                if (ended := self.service.ended) is not None:
                    kept = {"Result": ended.get("Payload"), "Error": ended.get("Error")}
                    answer |= {key: value for key, value in kept.items() if value is not None}
                return answer
            self.suspended_at.append(len(self.service.log))
            if not self.service.advance():
                raise RuntimeError(f"nothing will ever happen: {self.pending()}")
        raise RuntimeError(f"not done after {_INVOCATIONS_MAX} invocations: {self.pending()}")

    def pending(self) -> str:
        """Return what is not done."""
        operations = self.service.operations
        return ", ".join(
            f"{self.service.subject(id)} is {operation['Status']}"
            for id, operation in operations.items()
            if "EndTimestamp" not in operation and id != EXECUTION_ID
        )


def new_execution(case: Case, sdk: Sdk) -> Execution:
    """Return an execution that has not begun."""
    return Execution(case, sdk, Service(json.dumps(case.input), case.answers | case.targets))


def continued(case: Case, sdk: Sdk, log: Iterable[Json]) -> Execution:
    """Return an execution that goes on from the state after all entries of ``log``."""
    service = Service.restored(json.dumps(case.input), case.answers | case.targets, log)
    return Execution(case, sdk, service)


def final_state(service: Service) -> Json:
    """Return what the operations have come to, in order of their ids, without times."""
    operations = without_times(service.operations)
    del operations[EXECUTION_ID]
    return dict(sorted(operations.items()))


def without_times(value: Any) -> Any:
    """Return a copy of a JSON value without the timestamps in it."""
    if isinstance(value, dict):
        return {key: without_times(member) for key, member in value.items() if not key.endswith("Timestamp")}
    return value


# Messages of these are the wording of an SDK, where those of other errors are the user's or the service's.
_OWN_WORDING = ("StepInterruptedError", "SerDesError")


def neutral(value: Any, *, bare_names: bool = False) -> Any:
    """Return a copy of a JSON value in which nothing tells the two SDKs apart.

    With ``bare_names`` the types of errors are as AWS's 1.7 stores them: without modules, and with one class
    for the failures of most operations.
    """
    text = json.dumps(value).replace("aws_durable_execution_sdk_python.", "durable_sdk.")
    text = _INTERRUPTED.sub("interrupted", text)
    if bare_names:
        text = _QUALIFIED.sub(r"\1", text)
        for name, bare in _NAMES_IN_1_7.items():
            text = re.sub(rf"\b{name}\b", bare, text)
    return _without_own_wording(json.loads(text))


_INTERRUPTED = re.compile(
    r"Step operation_id=[^\"]*? was previously interrupted"
    r"|Step [^\"]*? was interrupted during attempt \d+\. [^\"]*? its body was not run again\."
)
_QUALIFIED = re.compile(r"\b(?:durable_sdk|migration|json)(?:\.[a-z_]+)+\.([A-Z]\w*)")
_NAMES_IN_1_7 = {
    "(StepError|ChildContextError|InvokeError|WaitForConditionError)": "CallableRuntimeError",
    "(CallbackTimeoutError|CallbackExternalError)": "CallbackError",
    "CallbackSubmitterError": "CallableRuntimeError",
}


def _without_own_wording(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: _without_own_wording(member)
            for key, member in value.items()
            if not (key == "ErrorMessage" and value.get("ErrorType", "").endswith(_OWN_WORDING))
            # The 1.7 leaves out an empty result, which is the same to both.
            and not (key == "Result" and member == "" and value.get("ReplayChildren"))
        }
    if isinstance(value, list):
        return [_without_own_wording(element) for element in value]
    return value


def differences(ended: Json, expected: Json) -> list[str]:
    """Return in words how one end of an execution differs from another."""
    found = []
    if ended["answer"] != expected["answer"]:
        found.append(f"answer: {ended['answer']}, expected {expected['answer']}")
    ours, theirs = ended["operations"], expected["operations"]
    for id in ours.keys() | theirs.keys():
        operation, other = ours.get(id, {}), theirs.get(id, {})
        subject = operation or other
        found += [
            f"{subject.get('SubType')} {subject.get('Name')!r} ({id[:8]}): {member} is "
            f"{operation.get(member)}, expected {other.get(member)}"
            for member in sorted(operation.keys() | other.keys())
            if operation.get(member) != other.get(member)
        ]
    return sorted(found)


_RUN = re.compile(r"(.)\1{199,}", re.DOTALL)


def compact(value: Any) -> Any:
    """Return a copy in which long texts of one character are written as that character and its number."""
    if isinstance(value, dict):
        return {key: compact(member) for key, member in value.items()}
    if isinstance(value, list):
        return [compact(element) for element in value]
    if isinstance(value, str) and _RUN.search(value):
        pieces: list[Any] = []
        position = 0
        for match in _RUN.finditer(value):
            pieces += [value[position : match.start()], [match.group(1), len(match.group())]]
            position = match.end()
        return {"$text": [*pieces, value[position:]]}
    return value


def expanded(value: Any) -> Any:
    """Return what `compact` was given."""
    if isinstance(value, dict):
        if pieces := value.get("$text"):
            return "".join(piece if isinstance(piece, str) else piece[0] * piece[1] for piece in pieces)
        return {key: expanded(member) for key, member in value.items()}
    if isinstance(value, list):
        return [expanded(element) for element in value]
    return value
