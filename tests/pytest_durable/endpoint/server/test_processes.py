"""Sandboxes are started, kept, shared out and ended."""

from __future__ import annotations

import os
import queue
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from served import ENVIRONMENT, TESTS, wait_until

from pytest_durable.endpoint.server.processes import Processes, Reply, Spec, Ticket, examine
from pytest_durable.errors import UsageError


class Loop:
    """The one thread of processes: what they tell is done when the test looks."""

    def __init__(self, most: int) -> None:
        self._inbox: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self.processes = Processes(most, self._inbox.put)
        self.begun: list[Ticket] = []

    def turn(self, seconds: float = 20.0) -> None:
        """Do one thing that a process tells."""
        self._inbox.get(timeout=seconds)()

    def run(self, spec: Spec, event: Any = None) -> tuple[Ticket, list[Reply]]:
        """Begin a run; its reply will be in the list."""
        replies: list[Reply] = []
        context = {
            "aws_request_id": "1",
            "function_name": "f",
            "function_version": "$LATEST",
            "invoked_function_arn": "arn",
            "timeout_seconds": 60,
        }
        run = {"event": event, "context": context}
        return self.processes.run(spec, run, replies.append, self.begun.append), replies

    def reply(self, spec: Spec, event: Any = None) -> Reply:
        """Run something and return its reply."""
        _, replies = self.run(spec, event)
        while not replies:
            self.turn()
        return replies[0]


@pytest.fixture
def make_loop() -> Iterator[Callable[[int], Loop]]:
    before = set(threading.enumerate())
    made: list[Loop] = []

    def make(most: int) -> Loop:
        made.append(Loop(most))
        return made[-1]

    yield make
    for loop in made:
        loop.processes.close()
        assert loop.processes.pids == []
    assert set(threading.enumerate()) - before == set()


def spec_of(handler: str = "served_functions:plain", **environment: str) -> Spec:
    return Spec(handler, {**ENVIRONMENT, **environment})


def test_a_sandbox_is_kept_for_the_next_invocation(make_loop: Callable[[int], Loop]) -> None:
    loop, spec = make_loop(2), spec_of()
    first, second = loop.reply(spec, {"how": "pid"}), loop.reply(spec, {"how": "pid"})
    assert first == second
    assert loop.processes.is_idle


def test_functions_share_no_sandbox_even_with_one_handler(make_loop: Callable[[int], Loop]) -> None:
    loop = make_loop(2)
    assert loop.reply(spec_of(), {"how": "pid"}) != loop.reply(spec_of(), {"how": "pid"})


def test_runs_beyond_the_limit_wait_for_a_sandbox(make_loop: Callable[[int], Loop]) -> None:
    loop, spec = make_loop(1), spec_of()
    _, first = loop.run(spec, {"how": "pid"})
    _, second = loop.run(spec, {"how": "pid"})
    assert len(loop.processes.pids) == 1
    while not second:
        loop.turn()
    assert first == second


def test_a_sandbox_of_another_function_makes_room(make_loop: Callable[[int], Loop]) -> None:
    loop = make_loop(1)
    pids = [loop.reply(spec_of(), {"how": "pid"})["output"] for _ in range(3)]
    assert len(set(pids)) == 3
    wait_until(lambda: not any(_is_alive(pid) for pid in pids[:-1]))


def test_a_run_that_is_given_up_dies_with_all_that_it_has_started(
    make_loop: Callable[[int], Loop], tmp_path: Path
) -> None:
    loop = make_loop(1)
    (tmp_path / "forks.py").write_text(
        "import subprocess, time\n"
        "def handler(event, context):\n"
        "    child = subprocess.Popen(['sleep', '60'])\n"
        "    open(event, 'w').write(str(child.pid) + '\\n')\n"
        "    time.sleep(60)\n"
    )
    spec = spec_of("forks:handler", PYTHONPATH=os.pathsep.join([str(tmp_path), ENVIRONMENT["PYTHONPATH"]]))
    told = tmp_path / "pid"
    ticket, replies = loop.run(spec, str(told))
    child = int(wait_until(lambda: told.exists() and told.read_text().endswith("\n") and told.read_text()))
    (pid,) = loop.processes.pids
    ticket.give_up()
    wait_until(lambda: not _is_alive(pid) and not _is_alive(child))
    assert replies == []
    assert loop.reply(spec_of(), {"value": 1}) == {"output": 2}


def test_a_run_that_waits_can_be_given_up(make_loop: Callable[[int], Loop]) -> None:
    loop, spec = make_loop(1), spec_of()
    _, first = loop.run(spec, {"value": 1})
    waiting, second = loop.run(spec, {"value": 2})
    waiting.give_up()
    while not first:
        loop.turn()
    assert (first, second) == ([{"output": 2}], [])
    assert loop.processes.is_idle


def test_a_process_that_is_killed_answers_with_nothing_and_is_told_of(
    make_loop: Callable[[int], Loop], caplog: pytest.LogCaptureFixture
) -> None:
    loop, spec = make_loop(1), spec_of()
    _, replies = loop.run(spec, {"how": "sleep"})
    loop.turn()
    os.kill(loop.processes.pids[0], signal.SIGKILL)
    while not replies:
        loop.turn()
    assert replies == [{}]
    assert "served_functions:plain has ended with code -9 while it ran the handler" in caplog.text


def test_a_process_that_dies_while_it_is_free_is_replaced(make_loop: Callable[[int], Loop]) -> None:
    loop, spec = make_loop(1), spec_of()
    pid = loop.reply(spec, {"how": "pid"})["output"]
    os.kill(pid, signal.SIGKILL)
    loop.turn()
    assert loop.reply(spec, {"how": "pid"})["output"] != pid


def test_an_event_of_megabytes_does_not_hold_up_whoever_sends_it(make_loop: Callable[[int], Loop]) -> None:
    loop = make_loop(1)
    _, replies = loop.run(spec_of(), {"value": 1, "large": "x" * 5_000_000})
    # The process reads only once it has started.
    os.kill(loop.processes.pids[0], signal.SIGSTOP)
    began = time.monotonic()
    loop.run(spec_of(), {"value": 1})
    assert time.monotonic() - began < 1
    os.kill(loop.processes.pids[0], signal.SIGCONT)
    while not replies:
        loop.turn()
    assert replies == [{"output": 2}]


def test_a_handler_that_can_no_longer_be_imported_tells_why(make_loop: Callable[[int], Loop]) -> None:
    reply = make_loop(1).reply(spec_of("served_functions:gone"))
    assert reply["error"]["ErrorType"] == "Runtime.ImportModuleError"
    assert "gone" in reply["error"]["ErrorMessage"]


def test_examining_tells_which_handlers_are_durable() -> None:
    specs = [spec_of("served_functions:greet"), spec_of(), spec_of("served_functions:Path.home")]
    assert list(examine(specs).values()) == [True, False, False]


@pytest.mark.parametrize(
    ("handler", "why"),
    [
        ("no_such_module:handler", "No module named 'no_such_module'"),
        ("served_functions:no_such", "no attribute 'no_such'"),
        ("served_functions:TESTS", "TESTS"),
        ("exits:handler", "SystemExit: 7"),
        ("dies:handler", "its process ended with code 8"),
    ],
)
def test_examining_tells_why_a_handler_cannot_be_imported(tmp_path: Path, handler: str, why: str) -> None:
    (tmp_path / "exits.py").write_text("raise SystemExit(7)")
    (tmp_path / "dies.py").write_text("import os; os._exit(8)")
    path = os.pathsep.join([str(tmp_path), str(TESTS), str(TESTS.parent)])
    with pytest.raises(UsageError, match=why):
        examine([spec_of(handler, PYTHONPATH=path)])


def _is_alive(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"
