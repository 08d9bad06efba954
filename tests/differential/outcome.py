"""What an execution came to, in a form that is the same for both SDKs and both test runners."""

from __future__ import annotations

import builtins
import json
from collections.abc import Callable, Iterable
from typing import Any

from migration.driver import compact, neutral
from migration.service import Answer

Json = dict[str, Any]

_MEMBERS = ("operation_type", "sub_type", "name", "parent_id", "status", "result", "error", "attempt")


def tree(operations: Iterable[Any]) -> Json:
    """Return operations and what is below them, by their ids."""
    found: Json = {}
    for operation in operations:
        found[operation.operation_id] = {member: _value(operation, member) for member in _MEMBERS}
        found |= tree(getattr(operation, "child_operations", None) or [])
    return found


def _value(operation: Any, member: str) -> Any:
    value = getattr(operation, member, None)
    if member == "error" and value is not None:
        return [value.type, value.message, value.data]
    return getattr(value, "value", value)


def plain_function(answer: Answer) -> Callable[[Any, Any], Any]:
    """Return a Lambda function that answers that way."""

    def function(event: Any, context: Any) -> Any:
        if answer.error is not None:
            kind = getattr(builtins, answer.error.get("ErrorType", ""), RuntimeError)
            raise kind(answer.error.get("ErrorMessage"))
        return json.loads(answer.result or "null")

    return function


def differences(ours: Json, aws: Json) -> list[str]:
    """Return in words how two outcomes differ, one difference a line."""
    ours, aws = compact(neutral(ours)), compact(neutral(aws))
    lines = [
        f"execution {member}: here {_shown(ours.get(member))}, AWS's {_shown(aws.get(member))}"
        for member in ("status", "result", "error")
        if ours.get(member) != aws.get(member)
    ]
    here, there = ours.get("operations", {}), aws.get("operations", {})
    for id in sorted(here.keys() | there.keys()):
        operation, other = here.get(id), there.get(id)
        subject = operation or other
        label = f"{subject['sub_type'] or subject['operation_type']} {subject['name']!r}"
        if operation is None or other is None:
            lines.append(f"{label}: only {'here' if operation else 'with AWS'}")
            continue
        lines += [
            f"{label} {member}: here {_shown(operation[member])}, AWS's {_shown(other[member])}"
            for member in _MEMBERS
            if operation[member] != other[member]
        ]
    return lines


def _shown(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 300 else f"{text[:300]}..."
