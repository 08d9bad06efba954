"""Sites: the lines of the user's code from which something is called."""

from __future__ import annotations

import linecache
import sys
from types import FrameType
from typing import NamedTuple

_OURS = ("durable_sdk", "pytest_durable")

# Of a helper that calls operations for others, the callers tell more than its own line.
_DEEPEST = 4


class Site(NamedTuple):
    """A line of source code."""

    file: str
    line: int
    function: str

    def __str__(self) -> str:
        return f"{self.file.replace(chr(92), '/').rpartition('/')[2]}:{self.line}"

    @property
    def source(self) -> str:
        """The text of the line, empty if it cannot be read."""
        return linecache.getline(self.file, self.line).strip()

    @property
    def shown(self) -> str:
        """Where it is, and what stands there."""
        source = self.source
        return f"{self}    {source}" if source else str(self)


_known: dict[str, bool] = {}

Sites = tuple[Site, ...]
"""A line, then those from which its function was called, up to the SDK."""


def is_ours(frame: FrameType) -> bool:
    """Return whether the code of a frame is that of the SDK or the plugin."""
    file = frame.f_code.co_filename
    known = _known.get(file)
    if known is None:
        known = str(frame.f_globals.get("__name__", "")).partition(".")[0] in _OURS
        # A file that is not one, such as <string>, may hold anything.
        if not file.startswith("<"):
            _known[file] = known
    return known


def calling_sites() -> tuple[Sites, bool]:
    """Return the lines outside the SDK that call it now.

    Also tells whether they call a context itself: an operation that a helper of the SDK calls for them, such
    as `with_retry`, is given what the helper makes up.
    """
    frame: FrameType | None = sys._getframe(1)
    entered = ""
    while frame is not None and is_ours(frame):
        entered = str(frame.f_globals["__name__"])
        frame = frame.f_back
    sites: list[Site] = []
    while frame is not None and not is_ours(frame) and len(sites) < _DEEPEST:
        code = frame.f_code
        sites.append(Site(code.co_filename, frame.f_lineno, code.co_qualname))
        frame = frame.f_back
    return tuple(sites), entered == "durable_sdk.context"
