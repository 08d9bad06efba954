"""Processes: the sandboxes of one function, started when they are needed and kept for the next invocation."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeAlias

from pytest_durable.errors import UsageError

Reply: TypeAlias = dict[str, Any]
"""``{"output": ...}``, ``{"error": ErrorObject}``, or empty if the process has ended without one."""

OnReply: TypeAlias = Callable[[Reply], None]

# How long a process that was told to end may take.
_END_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Spec:
    """Which handler a function runs (``module:handler``), and what its processes see as their environment."""

    handler: str
    environment: Mapping[str, str]


class Process:
    """One sandbox. ``told`` is called with each line that it writes, and with None when it has ended."""

    def __init__(self, spec: Spec, told: Callable[[Process, Reply | None], None]) -> None:
        self.spec = spec
        self.on_reply: OnReply | None = None
        """Who waits for what it answers; None while it has nothing to do."""
        self._popen = subprocess.Popen(
            [sys.executable, "-m", "pytest_durable.endpoint.server.sandbox", spec.handler],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **spec.environment},
            # A Ctrl-C is for the server, which ends its processes itself.
            start_new_session=True,
        )
        self._told = told
        self._reader = threading.Thread(target=self._read, name=f"sandbox of {spec.handler}", daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._popen.stdout is not None
        with self._popen.stdout as lines:
            for line in lines:
                # The last line of a process that was killed may be cut short.
                if line.endswith(b"\n"):
                    self._told(self, json.loads(line))
        self._popen.wait()
        self._told(self, None)

    @property
    def pid(self) -> int:
        """The id of the process."""
        return self._popen.pid

    def send(self, run: dict[str, Any]) -> None:
        """Begin an invocation; a process that has just ended will tell so itself."""
        assert self._popen.stdin is not None
        try:
            self._popen.stdin.write(json.dumps(run).encode() + b"\n")
            self._popen.stdin.flush()
        except OSError:
            return

    def kill(self) -> None:
        """End it at once, as a crash does."""
        self._popen.kill()

    def end(self) -> None:
        """End it, and wait until it has."""
        self._popen.kill()
        if self._popen.stdin is not None:
            # It may have ended with something unread.
            with suppress(OSError):
                self._popen.stdin.close()
        self._popen.wait(_END_SECONDS)
        if self._reader is not threading.current_thread():
            self._reader.join(_END_SECONDS)


class Processes:
    """All sandboxes of a server, ``most`` at a time; runs that find none free wait for one.

    Everything but what processes tell happens on one thread: ``post`` takes a function there.
    """

    def __init__(self, most: int, post: Callable[[Callable[[], None]], None]) -> None:
        self._most = most
        self._post = post
        self._all: dict[Process, None] = {}
        self._free: dict[str, list[Process]] = {}
        self._waiting: deque[tuple[Spec, dict[str, Any], Ticket]] = deque()
        self._starting: dict[Process, tuple[dict[str, Any], Ticket] | None] = {}
        self._closed = False

    @property
    def pids(self) -> list[int]:
        """The ids of the processes that run something now."""
        return [process.pid for process in self._all if process.on_reply is not None]

    @property
    def is_idle(self) -> bool:
        """Whether nothing runs and nothing waits."""
        return not self._waiting and not any(process.on_reply for process in self._all)

    def run(self, spec: Spec, run: dict[str, Any], on_reply: OnReply) -> Ticket:
        """Run an invocation as soon as a sandbox is free.

        ``on_reply`` is called once, unless the run is given up.
        """
        ticket = Ticket(self, on_reply)
        self._waiting.append((spec, run, ticket))
        self._dispatch()
        return ticket

    def _dispatch(self) -> None:
        for _ in range(len(self._waiting)):
            spec, run, ticket = self._waiting.popleft()
            if ticket.is_done:
                continue
            process = self._take(spec)
            if process is None:
                self._waiting.append((spec, run, ticket))
                continue
            ticket.process = process
            process.on_reply = ticket.reply
            process.send(run)

    def _take(self, spec: Spec) -> Process | None:
        free = self._free.get(spec.handler)
        if free:
            return free.pop()
        if len(self._all) >= self._most and not self._end_one_of_another():
            return None
        process = Process(spec, self._heard)
        self._all[process] = None
        return process

    def _end_one_of_another(self) -> bool:
        """Make room for a process of a function that has none free; return whether there is room."""
        for free in self._free.values():
            if free:
                process = free.pop()
                del self._all[process]
                process.end()
                return True
        return False

    def _heard(self, process: Process, reply: Reply | None) -> None:
        self._post(lambda: self._take_reply(process, reply))

    def _take_reply(self, process: Process, reply: Reply | None) -> None:
        if process not in self._all or (reply is not None and "is_durable" in reply):
            return
        on_reply, process.on_reply = process.on_reply, None
        if reply is None or "failed" in reply:
            self._all.pop(process)
            free = self._free.get(process.spec.handler, [])
            if process in free:
                free.remove(process)
        else:
            self._free.setdefault(process.spec.handler, []).append(process)
        if on_reply is not None:
            failed = (reply or {}).get("failed")
            error = {"ErrorType": "Runtime.ImportModuleError", "ErrorMessage": failed}
            on_reply({"error": error} if failed else reply or {})
        if not self._closed:
            self._dispatch()

    def give_up(self, process: Process) -> None:
        """Kill a process that runs something nobody waits for any more."""
        self._all.pop(process, None)
        process.on_reply = None
        process.kill()
        self._dispatch()

    def close(self) -> None:
        """End all of them, and wait until they have."""
        self._closed = True
        for process in list(self._all):
            process.end()
        self._all.clear()
        self._free.clear()
        self._waiting.clear()


class Ticket:
    """A run that was asked for: it waits, goes on, is answered, or is given up."""

    def __init__(self, processes: Processes, on_reply: OnReply) -> None:
        self._processes = processes
        self._on_reply = on_reply
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
        if self.process is not None:
            self._processes.give_up(self.process)


def examine(spec: Spec) -> bool:
    """Import a handler in a process of its own, and return whether it is durable.

    Raises:
        UsageError: it cannot be imported; it says why.
    """
    done = subprocess.run(
        [sys.executable, "-m", "pytest_durable.endpoint.server.sandbox", spec.handler],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        env={**os.environ, **spec.environment},
        check=False,
    )
    lines = done.stdout.splitlines()
    told: Reply = json.loads(lines[0]) if lines else {}
    if "is_durable" not in told:
        why = told.get("failed") or done.stderr.decode(errors="replace").strip()
        raise UsageError(f"{spec.handler} cannot be served: {why}")
    return bool(told["is_durable"])
