"""Wording: how durations, values, errors and operations are written for people."""

from __future__ import annotations

import json
import re
from typing import Any

from durable_sdk.concurrency.models import BatchResult
from durable_sdk.lambda_service import OperationType
from pytest_durable.errors import DurableTestError
from pytest_durable.history.events import ErrorJson

MICROSECONDS_PER_SECOND = 1_000_000

_UNITS = ((86_400, "d", "day"), (3_600, "h", "hour"), (60, "m", "minute"))

# Decoding megabytes to show sixty characters of them would be felt in a report.
_LONGEST_DECODED = 20_000

_KINDS = {
    OperationType.EXECUTION: "execution",
    OperationType.CONTEXT: "context",
    OperationType.STEP: "step",
    OperationType.WAIT: "wait",
    OperationType.CALLBACK: "callback",
    OperationType.CHAINED_INVOKE: "invoke",
}

# What the SDK stores of a batch whose result is too large.
_BATCH_RECORDS = ("MapResult", "ParallelResult")

_CAPITAL = re.compile(r"(?<=[a-z])(?=[A-Z])")


def _parts(microseconds: int) -> list[tuple[str, str, str]]:
    """Split into (number, short unit, long unit), largest first; exact to the millisecond."""
    milliseconds = microseconds // 1000
    seconds, fraction = divmod(milliseconds, 1000)
    parts = []
    for size, short, long in _UNITS:
        count, seconds = divmod(seconds, size)
        if count:
            parts.append((str(count), short, long))
    if seconds or fraction or not parts:
        number = f"{seconds}.{fraction:03}".rstrip("0") if fraction else str(seconds)
        parts.append((number, "s", "second"))
    return parts


def span(microseconds: int) -> str:
    """Write a duration exactly and shortly: ``30s``, ``2d 3h``, ``1.25s``."""
    sign = "-" if microseconds < 0 else ""
    return sign + " ".join(f"{number}{short}" for number, short, _ in _parts(abs(microseconds)))


def passing(microseconds: int) -> str:
    """Write that time passes: ``30 days pass``, ``1 second passes``."""
    parts = _parts(microseconds)
    text = " ".join(f"{number} {long}{'' if number == '1' else 's'}" for number, _, long in parts)
    return f"{text} passes" if len(parts) == 1 and parts[0][0] == "1" else f"{text} pass"


def shortened(text: str, width: int = 60) -> str:
    """Put ``text`` on one line of at most ``width`` characters."""
    # Cut before joining, too: the text may be a payload of megabytes.
    line = " ".join(text[: 4 * width].split())
    if len(line) <= width and len(text) <= 4 * width:
        return line
    return line[: width - 3] + "..."


def error_text(error: ErrorJson) -> str:
    """Write a stored error as ``Type: message``, as far as it has them."""
    members = (error.get("ErrorType"), error.get("ErrorMessage"))
    return ": ".join(str(member) for member in members if member) or "an error without a message"


def kind_of(operation_type: OperationType, sub_type: str | None = None) -> str:
    """Return the word for a kind of operation: what the handler wrote, as far as it is known."""
    if operation_type in (OperationType.STEP, OperationType.CONTEXT) and sub_type not in (
        None,
        "",
        "RunInChildContext",
    ):
        return _CAPITAL.sub(" ", sub_type or "").lower()
    return _KINDS[operation_type]


def counted(number: int, noun: str) -> str:
    """Write a count with its noun, in the plural if need be."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def decoded(text: str, what: str) -> Any:
    """Decode a stored value: the SDK's typed envelope, or plain JSON.

    Raises:
        DurableTestError: it is neither; ``what`` names the value.
    """
    # On demand: most results are never decoded, and reports must not need the serdes at all.
    from durable_sdk.serdes import ExtendedTypeSerDes, SerDesContext

    try:
        value = json.loads(text)
        if isinstance(value, dict) and value.keys() == {"t", "v"}:
            return ExtendedTypeSerDes().deserialize(text, SerDesContext("", ""))
        return value
    except Exception as error:
        why = (
            "it is empty, which the SDK stores where a result is too large"
            if not text
            else f"it is neither JSON nor the SDK's typed envelope: {shortened(text)!r}"
        )
        raise DurableTestError(
            f"{what} cannot be decoded, {why}. Read .result for the stored text,"
            " and decode it with the serdes that wrote it."
        ) from error


def answer_value(text: str) -> Any:
    """Decode the answer to a callback, which may be any text; one that is not JSON stands for itself."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def value_text(text: str, width: int = 60) -> str:
    """Write a stored value as Python shows it, or as it is stored if it cannot be decoded."""
    if len(text) > _LONGEST_DECODED:
        return shortened(text, width)
    try:
        value = decoded(text, "")
        return shortened(_batch_text(value) or repr(value), width)
    except DurableTestError:
        return shortened(text, width) or "(empty)"


def _batch_text(value: Any) -> str:
    """Write what came of the branches of a batch, "" for any other value."""
    if isinstance(value, BatchResult):
        counts = [value.success_count, value.failure_count, value.started_count]
        return _counts_text(counts, value.completion_reason.value)
    if isinstance(value, dict) and value.get("type") in _BATCH_RECORDS:
        counts = [value.get(f"{what}Count") or 0 for what in ("success", "failure", "started")]
        return _counts_text(counts, value.get("completionReason"))
    return ""


def _counts_text(counts: list[int], reason: object) -> str:
    told = [
        f"{count:,} {word}"
        for count, word in zip(counts, ("succeeded", "failed", "unfinished"), strict=True)
        if count
    ]
    return f"{', '.join(told) or 'nothing started'} ({reason})"
