"""Processes: the sandboxes of functions, started when they are needed and kept for the next invocation."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any, TypeAlias

from pytest_durable.errors import UsageError

Reply: TypeAlias = dict[str, Any]
"""``{"output": ...}``, ``{"error": ErrorObject}``, or empty if the process has ended without one."""

OnReply: TypeAlias = Callable[[Reply], None]

OnBegin: TypeAlias = Callable[["Ticket"], None]

_SANDBOX = "pytest_durable.endpoint.server.sandbox"

# How long a process that was killed may take to be gone.
_END_SECONDS = 5.0

# How many modules are imported at a time to see whether they can be.
_EXAMINED_AT_A_TIME = 4

# How long a handler's module may take to be imported before the server gives up on it.
_IMPORT_SECONDS = 120.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Spec:
    """Which handler a function runs (``module:handler``), and what its processes see as their environment.

    Each function has one of its own: functions share no processes.
    """

    handler: str
    environment: Mapping[str, str]


class Process:
    """One sandbox. ``told`` is called with each line that it writes, and with None when it has ended."""

    def __init__(self, spec: Spec, told: Callable[[Process, Reply | None], None]) -> None:
        self.spec = spec
        self.on_reply: OnReply | None = None
        """Who waits for what it answers; None while it has nothing to do."""
        self._popen = subprocess.Popen(
            [sys.executable, "-m", _SANDBOX, spec.handler],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **spec.environment},
            # A Ctrl-C is for the server, which ends its processes itself.
            start_new_session=True,
        )
        self._told = told
        self._runs: SimpleQueue[bytes | None] = SimpleQueue()
        name = f"sandbox {self._popen.pid} of {spec.handler}"
        self._reader = threading.Thread(target=self._read, name=f"reader of {name}", daemon=True)
        self._writer = threading.Thread(target=self._write, name=f"writer of {name}", daemon=True)
        self._reader.start()
        self._writer.start()

    def _read(self) -> None:
        assert self._popen.stdout is not None
        with self._popen.stdout as lines:
            for line in lines:
                # The last line of a process that was killed may be cut short.
                if line.endswith(b"\n"):
                    self._told(self, json.loads(line))
        self._popen.wait()
        self._runs.put(None)
        self._told(self, None)

    def _write(self) -> None:
        """Write on a thread of its own: a process that does not read must not hold up the others."""
        assert self._popen.stdin is not None
        # What was not written when it ended is of no use to anybody.
        with suppress(OSError), self._popen.stdin as stdin:
            while (run := self._runs.get()) is not None:
                stdin.write(run)
                stdin.flush()

    @property
    def pid(self) -> int:
        """The id of the process."""
        return self._popen.pid

    @property
    def exit_code(self) -> int | None:
        """How it has ended, or minus the signal that has ended it; None while it runs."""
        return self._popen.returncode

    def send(self, run: dict[str, Any]) -> None:
        """Begin an invocation; a process that has just ended will tell so itself."""
        self._runs.put(json.dumps(run).encode() + b"\n")

    def kill(self) -> None:
        """End it at once, as a crash does, and all processes that it has started."""
        # One that has been waited for is gone, and its id may be another's.
        if self._popen.returncode is None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._popen.pid, signal.SIGKILL)

    def join(self) -> None:
        """Wait until a process that was killed has ended, and nothing of it is left."""
        self._reader.join(_END_SECONDS)
        self._writer.join(_END_SECONDS)


class Processes:
    """All sandboxes of a server, ``most`` at a time; runs that find none free wait for one.

    Everything but what processes tell happens on one thread: ``post`` takes a function there. ``skipped``
    tells how many microseconds the time of handlers is ahead of the machine's.
    """

    def __init__(
        self,
        most: int,
        post: Callable[[Callable[[], None]], None],
        skipped: Callable[[], int] = lambda: 0,
    ) -> None:
        self._most = most
        self._post = post
        self._skipped = skipped
        self._all: dict[Process, None] = {}
        self._free: dict[Spec, list[Process]] = {}
        self._dying: dict[Process, None] = {}
        self._waiting: deque[tuple[Spec, dict[str, Any], Ticket]] = deque()
        self._holds_back = False

    @property
    def pids(self) -> list[int]:
        """The ids of the processes that run something now."""
        return [process.pid for process in self._all if process.on_reply is not None]

    @property
    def is_idle(self) -> bool:
        """Whether nothing runs and nothing waits."""
        return not self._waiting and not any(process.on_reply for process in self._all)

    @property
    def runs_something(self) -> bool:
        """Whether a handler runs."""
        return any(process.on_reply for process in self._all)

    def run(self, spec: Spec, run: dict[str, Any], on_reply: OnReply, on_begin: OnBegin) -> Ticket:
        """Run an invocation as soon as a sandbox is free.

        ``on_begin`` is called when it is, which may be at once. ``on_reply`` is called once, later, unless
        the run is given up.
        """
        ticket = Ticket(self, on_reply, on_begin)
        self._waiting.append((spec, run, ticket))
        self._dispatch()
        return ticket

    def hold_back(self) -> None:
        """Begin nothing any more; what runs goes on."""
        self._holds_back = True

    def _dispatch(self) -> None:
        """Begin what can be begun, in order of arrival.

        A sandbox is worth keeping for its function: another one takes it if it has none at all, or if
        nothing of its own function waits.
        """
        if self._holds_back:
            return
        self._begin_waiting(lambda spec: all(process.spec is not spec for process in self._all))
        if self._waiting:
            self._begin_waiting(lambda spec: True)

    def _begin_waiting(self, may_replace: Callable[[Spec], bool]) -> None:
        for _ in range(len(self._waiting)):
            spec, run, ticket = self._waiting.popleft()
            try:
                process = self._take(spec, may_replace)
            except OSError as error:
                self._fail(ticket, spec, error)
                continue
            if process is None:
                self._waiting.append((spec, run, ticket))
                continue
            ticket.process = process
            process.on_reply = ticket.reply
            ticket.on_begin(ticket)
            process.send({**run, "skipped_microseconds": self._skipped()})

    def _fail(self, ticket: Ticket, spec: Spec, error: OSError) -> None:
        _log.error("No process can be started for %s: %s", spec.handler, error)
        told = {"ErrorType": "Runtime.StartError", "ErrorMessage": f"No process can be started: {error}"}
        # Whoever asked for the run has not got the ticket yet.
        self._post(lambda: None if ticket.is_done else ticket.reply({"error": told}))

    def _take(self, spec: Spec, may_replace: Callable[[Spec], bool]) -> Process | None:
        """Return a sandbox that is free, None if there are none and there may be no more.

        Raises:
            OSError: the system gives no more processes.
        """
        free = self._free.get(spec)
        if free:
            return free.pop()
        if len(self._all) >= self._most:
            other = next((free for free in self._free.values() if free), None)
            if other is None or not may_replace(spec):
                return None
            self._kill(other.pop())
        process = Process(spec, self._heard)
        self._all[process] = None
        return process

    def _kill(self, process: Process) -> None:
        del self._all[process]
        process.on_reply = None
        self._dying[process] = None
        process.kill()

    def _heard(self, process: Process, reply: Reply | None) -> None:
        self._post(lambda: self._take_reply(process, reply))

    def _take_reply(self, process: Process, reply: Reply | None) -> None:
        if reply is None:
            # It has ended, and its threads are about to.
            process.join()
        if process not in self._all:
            if reply is None:
                self._dying.pop(process, None)
            return
        if reply is not None and "is_durable" in reply:
            return
        on_reply, process.on_reply = process.on_reply, None
        if reply is None and on_reply is not None:
            code, handler = process.exit_code, process.spec.handler
            _log.error("The process of %s has ended with code %s while it ran the handler.", handler, code)
        if reply is None or "failed" in reply:
            free = self._free.get(process.spec, [])
            if process in free:
                free.remove(process)
            self._kill(process)
            if reply is None:
                del self._dying[process]
        else:
            self._free.setdefault(process.spec, []).append(process)
        if on_reply is not None:
            failed = (reply or {}).get("failed")
            error = {"ErrorType": "Runtime.ImportModuleError", "ErrorMessage": failed}
            on_reply({"error": error} if failed else reply or {})
        self._dispatch()

    def withdraw(self, ticket: Ticket) -> None:
        """Do not begin a run that still waits."""
        self._waiting = deque(waiting for waiting in self._waiting if waiting[2] is not ticket)

    def give_up(self, process: Process) -> None:
        """Kill a process that runs something nobody waits for any more."""
        if process in self._all:
            self._kill(process)
            self._dispatch()

    def close(self) -> None:
        """End all of them, and wait until they have."""
        self._holds_back = True
        self._waiting.clear()
        self._free.clear()
        for process in list(self._all):
            self._kill(process)
        for process in self._dying:
            process.join()
        self._dying.clear()


class Ticket:
    """A run that was asked for: it waits, goes on, is answered, or is given up."""

    def __init__(self, processes: Processes, on_reply: OnReply, on_begin: OnBegin) -> None:
        self._processes = processes
        self._on_reply = on_reply
        self.on_begin = on_begin
        self.process: Process | None = None
        self.is_done = False

    def reply(self, reply: Reply) -> None:
        """Pass on what became of it."""
        self.is_done = True
        self._on_reply(reply)

    def give_up(self) -> None:
        """Let nobody wait for it any more; a sandbox that runs it is killed."""
        if self.is_done:
            return
        self.is_done = True
        if self.process is None:
            self._processes.withdraw(self)
        else:
            self._processes.give_up(self.process)


def examine(specs: Sequence[Spec]) -> dict[Spec, bool]:
    """Import handlers in processes of their own, one for each module, and return which are durable.

    Raises:
        UsageError: one cannot be imported; it says why.
    """
    by_module: dict[str, list[Spec]] = {}
    for spec in specs:
        by_module.setdefault(spec.handler.partition(":")[0], []).append(spec)
    # Most of it is waiting for processes.
    with ThreadPoolExecutor(_EXAMINED_AT_A_TIME) as pool:
        return {spec: durable for found in pool.map(_examine, by_module.values()) for spec, durable in found}


def _examine(specs: list[Spec]) -> list[tuple[Spec, bool]]:
    try:
        done = subprocess.run(
            [sys.executable, "-m", _SANDBOX, "--examine", *(spec.handler for spec in specs)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            env={**os.environ, **specs[0].environment},
            check=False,
            timeout=_IMPORT_SECONDS,
        )
    except subprocess.TimeoutExpired:
        raise UsageError(
            f"{specs[0].handler} cannot be served: importing it takes over {_IMPORT_SECONDS:.0f} seconds."
        ) from None
    told: list[Reply] = [json.loads(line) for line in done.stdout.splitlines()]
    durable = [bool(reply["is_durable"]) for reply in told if "is_durable" in reply]
    if len(durable) < len(specs):
        shown = done.stderr.decode(errors="replace").strip()
        why = (told or [{}])[-1].get("failed") or f"its process ended with code {done.returncode}"
        raise UsageError(
            f"{specs[len(durable)].handler} cannot be served: {why}" + (f"\n\n{shown}" if shown else "")
        )
    return list(zip(specs, durable, strict=True))
