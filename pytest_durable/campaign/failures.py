"""From what a test raised to the failure that an exploration compares with others."""

from __future__ import annotations

import re
import traceback
from types import FrameType

import pytest

from pytest_durable.exploration.trial import Failure

# What differs between two failures of the same cause: identities, addresses, numbers, quoted values.
_VOLATILE = re.compile(r"0x[0-9a-f]+|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|\d+(?:[.:]\d+)*")

_SUMMARY_LENGTH = 300


def failure_of(item: pytest.Item, error: BaseException) -> Failure:
    """Return the failure that a test has raised."""
    where = _place(item, error)
    kind = f"{type(error).__module__}.{type(error).__qualname__}"
    first = summary_of(error)
    # The text of an assertion holds the values that were compared; its place tells what was asserted.
    what = "" if isinstance(error, AssertionError) else _VOLATILE.sub("#", first)
    return Failure(f"{kind} at {where} {what}".rstrip(), first, str(error))


def summary_of(error: BaseException) -> str:
    """Return the kind of an error and what it says, in a line."""
    text = _message(error)
    lines = text.strip().splitlines()
    kind = type(error).__name__
    is_told = isinstance(error, pytest.fail.Exception)
    line = lines[0].strip() if lines else ""
    summary = line if is_told else f"{kind}: {line}" if line else kind
    return summary if len(summary) <= _SUMMARY_LENGTH else f"{summary[: _SUMMARY_LENGTH - 3]}..."


def _message(error: BaseException) -> str:
    try:
        return str(error)
    except Exception as broken:
        return f"<its text raises {type(broken).__name__}>"


def _place(item: pytest.Item, error: BaseException) -> str:
    """Return the innermost line that belongs to the test rather than to us: file and number."""
    steps = [step for step in traceback.walk_tb(error.__traceback__) if not _is_hidden(step[0])]
    own = [step for step in steps if step[0].f_code.co_filename == str(item.path)]
    for frame, line in reversed(own or steps):
        return f"{frame.f_code.co_filename}:{line}"
    return ""


def _is_hidden(frame: FrameType) -> bool:
    hidden = frame.f_locals.get("__tracebackhide__", frame.f_globals.get("__tracebackhide__", False))
    return hidden is True
