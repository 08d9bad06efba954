"""Stalls: what is told of a task that keeps its turn and does not go on, and whether it is known not to."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import FrameType
from typing import NamedTuple

from pytest_durable.simulator.replaying.site import Site, is_ours

# What waits for threads of the user's own is no deadlock of branches.
_POOLS = ("concurrent/futures/", "asyncio/", "multiprocessing/")

_PARKED_SHOWN = 3

_STDLIB = str(Path(threading.__file__).parent).replace("\\", "/")


class Standing(NamedTuple):
    """Where a thread stands: its innermost frame and instruction, to be compared with later."""

    frame: FrameType
    instruction: int
    is_lock: bool


def standing(thread_id: int | None) -> Standing | None:
    """Return where a thread stands; None if it has ended."""
    frame = sys._current_frames().get(thread_id or 0)
    if frame is None:
        return None
    return Standing(frame, frame.f_lasti, _waits_for_lock(frame))


def _waits_for_lock(frame: FrameType) -> bool:
    """Return whether the code of a frame is where locks, queues and events of ``threading`` are awaited."""
    files = [each.f_code.co_filename.replace("\\", "/") for each in _stack(frame)]
    if any(pool in file for file in files for pool in _POOLS):
        return False
    if files[0] in (f"{_STDLIB}/threading.py", f"{_STDLIB}/queue.py"):
        return True
    source = _site(frame).source
    return source.startswith("with ") or ".acquire(" in source or ".get(" in source


def line_of(thread_id: int | None) -> str:
    """Return the innermost line of the user's that a thread is at: its place and its text."""
    frame = sys._current_frames().get(thread_id or 0)
    if frame is None:
        return "(its thread has ended)"
    sites = [_site(each) for each in _stack(frame) if not is_ours(each)]
    theirs = [site for site in sites if not site.file.replace("\\", "/").startswith(_STDLIB + "/")]
    site = (theirs or sites or [_site(frame)])[0]
    return f"{site}: {site.source}" if site.source else str(site)


def parked_lines(tasks: Iterable[tuple[str, int | None]]) -> str:
    """Return where tasks, each a name and its thread, are parked."""
    lines = [f"  {name} is parked at {line_of(thread_id)}" for name, thread_id in tasks]
    if len(lines) > _PARKED_SHOWN:
        lines[_PARKED_SHOWN:] = [f"  and {len(lines) - _PARKED_SHOWN:,} more are parked"]
    return "\n".join(lines)


def _site(frame: FrameType) -> Site:
    return Site(frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_qualname)


def _stack(frame: FrameType) -> Iterator[FrameType]:
    """Yield a frame and those that called it."""
    each: FrameType | None = frame
    while each is not None:
        yield each
        each = each.f_back
