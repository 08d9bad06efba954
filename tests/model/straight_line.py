"""What a workflow must return, and which operations it must leave: computed in a straight line.

Nothing here waits, retries or replays. The operations are a multiset of (path, kind, status, attempts), the
path made of names; contexts without a record are missing from it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from model.workflow import (
    INPUT,
    INVOKED_TIMEOUT_SECONDS,
    Batch,
    Body,
    Callback,
    Child,
    Condition,
    Guard,
    Invoke,
    Node,
    Retry,
    Step,
    Wait,
)

Path = tuple[str, ...]

_OURS = "durable_sdk.exceptions."


class ModelError(Exception):
    """An error of an operation: its class, its message, and the type of what escaped."""

    def __init__(self, cls: str, message: str, error_type: str) -> None:
        super().__init__(message)
        self.cls = cls
        self.message = message
        self.error_type = error_type

    @property
    def recorded_type(self) -> str:
        """The type under which the error itself is recorded."""
        return f"{_OURS}{self.cls}"


class UserError(Exception):
    """An error that user code raised."""

    def __init__(self, recorded_type: str, message: str) -> None:
        super().__init__(message)
        self.recorded_type = recorded_type
        self.message = message


@dataclass
class Model:
    """Collects the operations that a workflow leaves."""

    operations: Counter[tuple[Path, str, str, int]] = field(default_factory=Counter)

    def leave(self, path: Path, kind: str, status: str, attempts: int = 0) -> None:
        self.operations[path, kind, status, attempts] += 1

    def body(self, path: Path, body: Body) -> list[Any]:
        return [self.node(path, node) for node in body]

    def context(self, path: Path, kind: str, body: Body) -> list[Any]:
        """Run the inside of a context with a record."""
        try:
            result = self.body(path, body)
        except (ModelError, UserError) as error:
            self.leave(path, kind, "FAILED")
            raise ModelError("ChildContextError", error.message, error.recorded_type) from None
        self.leave(path, kind, "SUCCEEDED")
        return result

    def node(self, path: Path, node: Node) -> Any:
        match node:
            case Step():
                return self._step((*path, node.name), node)
            case Wait(name, _):
                self.leave((*path, name), "Wait", "SUCCEEDED")
                return None
            case Child(name, body, False):
                return self.context((*path, name), "RunInChildContext", body)
            case Child(_, body, True):
                try:
                    return self.body(path, body)
                except (ModelError, UserError) as error:
                    raise ModelError("ChildContextError", error.message, error.recorded_type) from None
            case Batch():
                return self._batch((*path, node.name), node)
            case Callback():
                return self._callback(path, node)
            case Condition():
                return self._condition((*path, node.name), node)
            case Invoke():
                return self._invoke((*path, node.name), node)
            case Retry():
                return self._retry((*path, node.name), node)
            case Guard(body):
                try:
                    return self.body(path, body)
                except ModelError as error:
                    return ["caught", error.cls, error.error_type, error.message]
        raise AssertionError(node)

    def _step(self, path: Path, node: Step) -> Any:
        if node.failures >= node.attempts:
            self.leave(path, "Step", "FAILED", node.attempts)
            raise ModelError("StepError", f"{node.name} failed", "ConnectionError")
        self.leave(path, "Step", "SUCCEEDED", node.failures + 1)
        return node.value

    def _batch(self, path: Path, node: Batch) -> Any:
        branch_kind = "MapIteration" if node.kind == "map" else "ParallelBranch"
        items: list[Any] = []
        reason = _reason(node, 0, 0)
        for index, body in enumerate(node.branches):
            if reason is not None:
                break
            name = f"map-item-{index}" if node.kind == "map" else f"b{index}"
            try:
                if node.flat:
                    result = self._flat(path, body)
                else:
                    result = self.context((*path, name), branch_kind, body)
                items.append([index, "SUCCEEDED", result, None])
            except ModelError as error:
                items.append([index, "FAILED", None, [error.error_type, error.message]])
            failed = sum(item[1] == "FAILED" for item in items)
            reason = _reason(node, len(items) - failed, failed)
        self.leave(path, "Map" if node.kind == "map" else "Parallel", "SUCCEEDED")
        assert reason is not None
        failed = sum(item[1] == "FAILED" for item in items)
        status = "FAILED" if failed else "SUCCEEDED"
        if reason.startswith("CUSTOM_COMPLETION_"):
            status = reason.removeprefix("CUSTOM_COMPLETION_")
        return [reason, status, items]

    def _flat(self, path: Path, body: Body) -> list[Any]:
        try:
            return self.body(path, body)
        except (ModelError, UserError) as error:
            raise ModelError("ChildContextError", error.message, error.recorded_type) from None

    def _callback(self, path: Path, node: Callback) -> Any:
        inside = (*path, node.name) if node.submits else path
        callback = f"{node.name} create callback id" if node.submits else node.name
        sent = f"{node.name} submitter" if node.submits else f"{node.name} sent"
        self.leave((*inside, sent), "Step", "SUCCEEDED", 1)
        status, cls, message = {
            "succeeds": ("SUCCEEDED", "", ""),
            "beats": ("SUCCEEDED", "", ""),
            "fails": ("FAILED", "CallbackExternalError", node.value),
            "times out": ("TIMED_OUT", "CallbackTimeoutError", "Callback timed out"),
            "goes silent": ("TIMED_OUT", "CallbackTimeoutError", "Callback timed out on heartbeat"),
        }[node.outcome]
        self.leave((*inside, callback), "Callback", status)
        if node.submits:
            self.leave(inside, "WaitForCallback", "FAILED" if cls else "SUCCEEDED")
        if not cls:
            return node.value
        raise ModelError(cls, message, f"{_OURS}{cls}")

    def _condition(self, path: Path, node: Condition) -> Any:
        checks = max(1, node.checks)
        if node.fails_at is not None and node.fails_at < checks:
            self.leave(path, "WaitForCondition", "FAILED", node.fails_at + 1)
            raise ModelError("WaitForConditionError", f"{node.name} broke", "ValueError")
        self.leave(path, "WaitForCondition", "SUCCEEDED", checks)
        return checks

    def _invoke(self, path: Path, node: Invoke) -> Any:
        if node.function in ("plain", "durable"):
            self.leave(path, "ChainedInvoke", "SUCCEEDED")
            return {"got": node.value}
        if node.function == "durable-endless":
            self.leave(path, "ChainedInvoke", "TIMED_OUT")
            message = f"CHAINED_INVOKE timed out after {INVOKED_TIMEOUT_SECONDS} seconds."
            raise ModelError("InvokeError", message, "ChainedInvoke.Timeout")
        self.leave(path, "ChainedInvoke", "FAILED")
        if node.function == "unknown":
            hint = "Register it with register_durable_function or register_function."
            message = f"Function not found: unknown. {hint}"
            raise ModelError("InvokeError", message, "ResourceNotFoundException")
        raise ModelError("InvokeError", "the function failed", "model.check.FunctionError")

    def _retry(self, path: Path, node: Retry) -> Any:
        for attempt in range(1, node.attempts + 1):
            try:
                result = self.body(path, node.body)
                if attempt <= node.failures:
                    raise UserError("RuntimeError", f"{node.name} failed")
            except (ModelError, UserError) as error:
                if attempt == node.attempts:
                    self.leave(path, "RunInChildContext", "FAILED")
                    raise ModelError("ChildContextError", error.message, error.recorded_type) from None
                self.leave((*path, f"{node.name}-backoff-{attempt}"), "Wait", "SUCCEEDED")
                continue
            self.leave(path, "RunInChildContext", "SUCCEEDED")
            return result
        raise AssertionError(node)


def _reason(node: Batch, succeeded: int, failed: int) -> str | None:
    """Return why the batch has ended, None if it goes on."""
    total = len(node.branches)
    ended = succeeded + failed
    if node.stop == "two ended":
        if ended >= 2:
            return f"CUSTOM_COMPLETION_{'FAILED' if failed == 2 else 'SUCCEEDED'}"
        return "ALL_COMPLETED" if ended == total else None
    too_many = {
        None: False,
        "first success": False,
        "first failure": failed > 0,
        "two failures": failed > 1,
        "half": total > 0 and 100 * failed / total > 50,
    }[node.stop]
    if too_many:
        return "FAILURE_TOLERANCE_EXCEEDED"
    if ended == total:
        return "ALL_COMPLETED"
    if node.stop == "first success" and succeeded:
        return "MIN_SUCCESSFUL_REACHED"
    return None


@dataclass(frozen=True)
class Expected:
    """What a workflow comes to: its result or its error, and the operations that it leaves."""

    result: Any
    error: tuple[str, str] | None
    operations: Counter[tuple[Path, str, str, int]]


def expected(body: Body) -> Expected:
    """Compute what a workflow must come to."""
    model = Model()
    try:
        result = model.body((), body)
    except ModelError as error:
        return Expected(None, (error.recorded_type, error.message), model.operations)
    return Expected([INPUT, result], None, model.operations)
