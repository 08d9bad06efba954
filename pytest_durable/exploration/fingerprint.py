"""Fingerprint: what failures of the same cause have in common."""

from __future__ import annotations

import hashlib
import linecache
import re
import traceback
from collections.abc import Callable
from types import TracebackType

from pytest_durable.exploration.trial import Failure

# Anything that differs from run to run: times, ids, numbers, addresses.
_VARIABLE = re.compile(
    r"""
      [0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}
    | \d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d)?(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)?
    | 0x[0-9a-fA-F]+
    | \b(?=[0-9a-fA-F]*\d)[0-9a-fA-F]{12,}\b
    | \d+(?:[.,]\d+)*
    """,
    re.VERBOSE,
)

# Of a long message the rest shows values, such as the diff of an assertion.
_LINES_COMPARED = 1


def failure_of(error: BaseException, is_users: Callable[[str], bool]) -> Failure:
    """Return how a test failed with an error. ``is_users`` tells the user's files from those of packages.

    The fingerprint is made of the type of the error, the innermost line in a file of the user's and the
    message without what varies.
    """
    kind = f"{type(error).__module__}.{type(error).__qualname__}".removeprefix("builtins.")
    message = _first_line(error)
    place = _place(error.__traceback__, is_users)
    text = "\n".join((kind, place, normalised(message)))
    summary = f"{type(error).__qualname__}: {message}" if message else type(error).__qualname__
    details = "".join(traceback.format_exception(error))
    return Failure(
        hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=6).hexdigest(), summary, details
    )


def normalised(message: str) -> str:
    """Return a message with a mark in place of each number, time and id."""
    return _VARIABLE.sub("#", message)


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return "\n".join(lines[:_LINES_COMPARED])


def _place(trace: TracebackType | None, is_users: Callable[[str], bool]) -> str:
    """Return the file, function and source of the innermost line of the user's; of any if there is none.

    The number of the line is left out: it changes with every edit above it.
    """
    place = ""
    has_users = False
    for frame, line in traceback.walk_tb(trace):
        path = frame.f_code.co_filename
        is_theirs = is_users(path)
        if is_theirs or not has_users:
            source = linecache.getline(path, line, frame.f_globals).strip()
            name = path.replace("\\", "/").rpartition("/")[2]
            place = f"{name}:{frame.f_code.co_name}:{source}"
        has_users = has_users or is_theirs
    return place
