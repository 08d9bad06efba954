"""Evidence: the lines of user code that read the time, draw lots, look at the environment or do I/O."""

from __future__ import annotations

import logging
import os
import random
import sys
import sysconfig
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, NamedTuple

from durable_sdk.context import DurableContext
from pytest_durable.simulator.replaying.perturb import ObservedClock, Perturbation
from pytest_durable.simulator.replaying.site import Site, is_ours

_PATHS = sysconfig.get_paths()
_STDLIB = tuple({os.path.realpath(_PATHS[key]) + os.sep for key in ("stdlib", "platstdlib")})
_PACKAGES = tuple({os.path.realpath(_PATHS[key]) + os.sep for key in ("purelib", "platlib")})

# What stands between user code and what it reads.
_READERS = (
    "pytest_durable.simulator.chance",
    "pytest_durable.simulator.replaying.perturb",
    "pytest_durable.simulator.replaying.evidence",
    "pytest_durable.simulator.wall_clock",
    "pytest_durable.simulator.lambda_context",
    "pytest_durable.simulator.replaying.shadow",
)

_IO = frozenset(
    {
        "open",
        "os.listdir",
        "os.scandir",
        "os.mkdir",
        "os.remove",
        "os.rename",
        "os.rmdir",
        "os.system",
        "os.posix_spawn",
        "subprocess.Popen",
        "socket.connect",
        "socket.getaddrinfo",
        "socket.gethostname",
        "socket.sendto",
        "sqlite3.connect",
        "urllib.Request",
        "http.client.connect",
        "shutil.copyfile",
        "shutil.move",
    }
)

# Of these, what only looks; opening a file does if its mode says so.
_LOOKS = frozenset({"os.listdir", "os.scandir", "socket.getaddrinfo", "socket.gethostname"})
_WRITES = frozenset("wax+")


# Functions of C that tell of files, or of the process and the machine, and that no audit event tells of.
_C_READERS: dict[Any, tuple[str, str]] = {
    **{getattr(os, name): ("io", f"os.{name}") for name in ("stat", "lstat", "access", "getcwd")},
    **{
        function: ("machine", f"{module}.{function.__name__}()")
        for module, functions in {
            "os": (os.getpid, os.times),
            "time": (time.process_time, time.process_time_ns, time.thread_time, time.thread_time_ns),
            "sys": (sys.getrefcount,),
        }.items()
        for function in functions
    },
    id: ("id", "id()"),
}


class Read(NamedTuple):
    """Something that user code reads: of which kind, what of it, and where."""

    kind: str
    what: str
    site: Site
    changes_something: bool = False
    """Whether it is I/O that leaves something behind, or asks somebody to do something."""


class Evidence:
    """What one replay has read, in order."""

    def __init__(self) -> None:
        self.reads: list[Read] = []

    def note(self, kind: str, what: str, frame: FrameType | None, *, changes_something: bool = False) -> None:
        """Add what is read now, below ``frame``, unless user code has nothing to do with it."""
        site = _user_site(frame)
        if site is not None:
            self.reads.append(Read(kind, what, site, changes_something))

    def of(self, kind: str) -> list[Read]:
        """Return what was read of one kind, each line once."""
        found: dict[tuple[str, Site], Read] = {}
        for read in self.reads:
            if read.kind == kind:
                found.setdefault((read.what, read.site), read)
        return list(found.values())


@contextmanager
def gathered(clock: ObservedClock, perturbation: Perturbation) -> Iterator[Evidence]:
    """Watch what is read while the block runs."""
    evidence = Evidence()
    before = sys.getprofile()
    clock.on_read = lambda: evidence.note("time", "the time", sys._getframe(1))
    perturbation.on_entropy = lambda: evidence.note(
        "entropy", "the system's random numbers", sys._getframe(1)
    )
    _install_audit_hook()
    _listening.append(evidence)
    # A profiler of somebody else's stays: it could not be put back on every version of Python.
    if before is None:
        sys.setprofile(_profiler(evidence))
    try:
        yield evidence
    finally:
        if before is None:
            sys.setprofile(None)
        _listening.remove(evidence)
        clock.on_read = perturbation.on_entropy = None


def _profiler(evidence: Evidence) -> Callable[[FrameType, str, Any], None]:
    generator = vars(random)["_inst"]
    is_enabled = logging.Logger.isEnabledFor.__code__
    uuid1, temporary_name = uuid.uuid1.__code__, vars(tempfile)["_RandomNameSequence"].__next__.__code__
    is_replaying = DurableContext.is_replaying.__code__
    variables = type(os.environ)
    getitem, contains = variables.__getitem__.__code__, variables.__contains__.__code__

    def profile(frame: FrameType, event: str, argument: Any) -> None:
        if event == "c_call":
            is_draw = getattr(argument, "__self__", None) is generator and argument.__name__ != "seed"
            if is_draw and not is_ours(frame):
                evidence.note("random", "random", frame)
            elif argument in _C_READERS:
                kind, what = _C_READERS[argument]
                path = frame.f_locals.get("path", frame.f_locals.get("self")) if kind == "io" else None
                subject = f"({os.fspath(path)!r})" if isinstance(path, str | os.PathLike) else ""
                evidence.note(kind, f"{what}{subject}", frame)
        elif event == "call" and frame.f_code in (getitem, contains):
            key = frame.f_locals.get("key")
            evidence.note("environment", f"os.environ[{key!r}]", frame.f_back)
        elif event == "call" and frame.f_code is is_replaying:
            evidence.note("replaying", "is_replaying()", frame.f_back)
        elif event == "call" and frame.f_code is is_enabled and is_users_code(frame.f_back or frame):
            evidence.note("logging", "the level of a logger", frame.f_back)
        elif event == "call" and frame.f_code is uuid1:
            evidence.note("machine", "uuid.uuid1()", frame.f_back)
        elif event == "call" and frame.f_code is temporary_name:
            evidence.note("machine", "the name of a temporary file", frame.f_back)

    return profile


_listening: list[Evidence] = []
_installed: list[bool] = []


def _install_audit_hook() -> None:
    """Add the hook of this process, once: hooks cannot be taken away, but this one does nothing by itself."""
    if not _installed:
        _installed.append(True)
        sys.addaudithook(_audit)


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    if not _listening or event not in _IO:
        return
    what = event
    if event == "open" and arguments and isinstance(arguments[0], int):
        # A descriptor: what made it has been told.
        return
    if arguments and isinstance(arguments[0], str | bytes | os.PathLike | int):
        subject = os.fsdecode(arguments[0]) if isinstance(arguments[0], bytes) else str(arguments[0])
        if subject.endswith((".py", ".pyc")):
            return
        what = f"{event}({subject!r})"
    changes = event not in _LOOKS
    if event == "open":
        mode = arguments[1] if len(arguments) > 1 else None
        changes = isinstance(mode, str) and not _WRITES.isdisjoint(mode)
    _listening[-1].note("io", what, sys._getframe(1), changes_something=changes)


def _user_site(frame: FrameType | None) -> Site | None:
    """Return the line that is to blame: the first that is of no library, or else of no standard one."""
    library: Site | None = None
    while frame is not None and frame.f_globals.get("__name__") in _READERS:
        frame = frame.f_back
    while frame is not None and not is_ours(frame):
        code = frame.f_code
        if code.co_filename.startswith("<frozen importlib"):
            return None
        path = code.co_filename if "<frozen " in code.co_filename else os.path.realpath(code.co_filename)
        if not _is_standard(path):
            site = Site(code.co_filename, frame.f_lineno, code.co_qualname)
            if not path.startswith(_PACKAGES):
                return site
            if "freezegun" not in path:
                library = library or site
        frame = frame.f_back
    return library


def is_users_code(frame: FrameType) -> bool:
    """Return whether the code of a frame is neither ours nor of the standard library."""
    file = frame.f_code.co_filename
    known = _users_files.get(file)
    if known is None:
        path = file if "<frozen " in file else os.path.realpath(file)
        known = _users_files[file] = not (is_ours(frame) or _is_standard(path) or "freezegun" in path)
    return known


_users_files: dict[str, bool] = {}


def _is_standard(path: str) -> bool:
    return "<frozen " in path or (path.startswith(_STDLIB) and not path.startswith(_PACKAGES))
