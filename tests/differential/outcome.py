"""What an execution came to, in a form that is the same for both SDKs and both test runners."""

from __future__ import annotations

import builtins
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from migration.driver import compact, expanded, neutral
from migration.service import Answer

Json = dict[str, Any]

_SAVED = Path(__file__).with_name("aws_outcomes.json")

_MEMBERS = ("operation_type", "sub_type", "name", "parent_id", "status", "result", "error", "attempt")


def tree(operations: Iterable[Any]) -> Json:
    """Return operations and what is below them, by their ids."""
    found: Json = {}
    for operation in operations:
        members = {member: _value(operation, member) for member in _MEMBERS}
        found[operation.operation_id] = {key: value for key, value in members.items() if value is not None}
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
    ours, aws = neutral(ours), neutral(aws)
    lines = [
        f"execution {member}: here {_shown(ours.get(member))}, AWS's {_shown(aws.get(member))}"
        for member in ("status", "result", "error")
        if ours.get(member) != aws.get(member)
    ]
    here, there = ours.get("operations", {}), aws.get("operations", {})
    for id in sorted(here.keys() | there.keys()):
        operation, other = here.get(id), there.get(id)
        subject = operation or other
        label = f"{subject.get('sub_type') or subject['operation_type']} {subject.get('name')!r}"
        if operation is None or other is None:
            lines.append(f"{label}: only {'here' if operation else 'with AWS'}")
            continue
        lines += [
            f"{label} {member}: here {_shown(operation.get(member))}, AWS's {_shown(other.get(member))}"
            for member in _MEMBERS
            if operation.get(member) != other.get(member)
        ]
    return lines


def _shown(value: Any) -> str:
    text = json.dumps(compact(value))
    return text if len(text) <= 300 else f"{text[:300]}..."


def save(outcomes: Json) -> None:
    """Keep the outcomes of AWS's runner, one case a line."""
    lines = [
        f"{json.dumps(name)}:{json.dumps(compact(each), sort_keys=True, separators=(',', ':'))}"
        for name, each in outcomes.items()
    ]
    _SAVED.write_text("{\n" + ",\n".join(lines) + "\n}\n")


def saved() -> Json:
    """Return the outcomes that were kept."""
    outcomes: Json = expanded(json.loads(_SAVED.read_text()))
    return outcomes
