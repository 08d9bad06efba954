"""FailureStore: the failing plans of earlier runs, in pytest's cache."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Mapping
from pathlib import Path

import pytest

# Many ways to fail are one defect more often than not.
_KEPT = 20


class FailureStore:
    """Tokens by the fingerprint of their failure, one file for each test; nothing without the cache."""

    def __init__(self, config: pytest.Config) -> None:
        cache = getattr(config, "cache", None)
        self._directory: Path | None = None if cache is None else cache.mkdir("durable")

    def tokens(self, nodeid: str) -> dict[str, str]:
        """Return what is kept of a test. A file that cannot be read counts as empty."""
        path = self._path(nodeid)
        try:
            kept = json.loads(path.read_text(encoding="utf-8")) if path is not None else {}
        except (OSError, ValueError):
            return {}
        tokens = kept.get("tokens") if isinstance(kept, dict) else None
        if not isinstance(tokens, dict) or kept.get("nodeid") != nodeid:
            return {}
        return {key: text for key, text in tokens.items() if isinstance(text, str)}

    def keep(self, nodeid: str, tokens: Mapping[str, str]) -> None:
        """Replace what is kept of a test, the newest last; nothing if the cache cannot be written."""
        path = self._path(nodeid)
        if path is None:
            return
        newest = dict(list(tokens.items())[-_KEPT:])
        try:
            if newest:
                _write(path, json.dumps({"nodeid": nodeid, "tokens": newest}, indent=1))
            else:
                path.unlink(missing_ok=True)
        except OSError:
            # A file system that cannot be written is no reason to fail a test.
            return

    def _path(self, nodeid: str) -> Path | None:
        if self._directory is None:
            return None
        return self._directory / f"{hashlib.blake2b(nodeid.encode(), digest_size=12).hexdigest()}.json"


def _write(path: Path, text: str) -> None:
    """Write a file so that who reads it meanwhile sees the old or the new one, whole."""
    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", dir=path.parent, prefix=path.stem, suffix=".tmp", delete=False
    ) as file:
        file.write(text)
    Path(file.name).replace(path)
