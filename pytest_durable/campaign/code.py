"""Which code a run is of: digests of the modules of the handler and of the test."""

from __future__ import annotations

import hashlib
import inspect
from pathlib import Path
from typing import Any

import pytest

from pytest_durable.markers import durable_mark


def code_digest(item: pytest.Item) -> str:
    """Return the digests of the handler's file and of the test's, as a token holds them."""
    return f"{_digest(_handler_file(item))}-{_digest(item.path)}"


def changes(item: pytest.Item, digest: str) -> list[str]:
    """Return which files have changed since a token was made with this digest."""
    files = (_handler_file(item), item.path)
    known = digest.split("-")
    if len(known) != len(files):
        return []
    changed = [file for file, then in zip(files, known, strict=True) if _digest(file) != then]
    return [Path(file).name for file in dict.fromkeys(changed) if file is not None]


def _handler_file(item: pytest.Item) -> Path | None:
    handler: Any = inspect.unwrap(durable_mark(item).handler)
    try:
        file = inspect.getsourcefile(handler)
    except TypeError:
        # A callable object is where its class is.
        file = inspect.getsourcefile(type(handler))
    return None if file is None else Path(file)


def _digest(path: Path | None) -> str:
    try:
        content = b"" if path is None else path.read_bytes()
    except OSError:
        content = b""
    return hashlib.blake2b(content, digest_size=4).hexdigest()
