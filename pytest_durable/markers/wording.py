"""How an error names the test, the marker, the argument, and the name that was probably meant."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

import pytest

from pytest_durable.errors import UsageError


def wrong(marker: str, item: pytest.Item, problem: object) -> UsageError:
    """Return the error for a marker of a test."""
    return UsageError(f"@pytest.mark.{marker} of {item.nodeid}: {problem}")


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return a sentence that names the nearest known name, empty if none is near."""
    near = get_close_matches(name, list(known), n=1)
    return f" Did you mean {near[0]!r}?" if near else ""
