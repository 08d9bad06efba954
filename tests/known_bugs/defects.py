"""Mistakes that SDKs for durable functions have made, to be planted into a copy of `durable_sdk`.

A defect is a few exact edits of its source. An edit whose text is not there any more, or is there twice,
fails: the defect then has to be written anew for the code as it is.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import durable_sdk

SOURCE = Path(durable_sdk.__file__).parent


@dataclass(frozen=True)
class Edit:
    """In a file of the package, one text in the place of another."""

    file: str
    before: str
    after: str


@dataclass(frozen=True)
class Defect:
    """A mistake, and how it is found.

    ``test`` is that of `workflows` that finds it. ``oracle`` are texts of its report, which tell which
    check noticed. ``at_most`` bounds the schedules that it takes.
    """

    name: str
    edits: tuple[Edit, ...]
    test: str
    oracle: tuple[str, ...]
    at_most: int


DEFECTS = (
    Defect(
        "a branch records operations below a context that has ended",
        (
            Edit(
                "_lineage.py",
                "        if ended is not None:\n            raise Orphaned",
                "        if ended is not None and ended == parent_id:\n            raise Orphaned",
            ),
        ),
        "test_early_end",
        ("CheckerError", "which is ended"),
        at_most=250,
    ),
    Defect(
        "a wait that has begun is started again",
        (
            Edit(
                "operation/wait.py",
                "        if recorded is None:\n",
                "        if recorded is None or not (recorded.is_terminal or begun):\n",
            ),
        ),
        "test_waits_in_branches",
        ("wait",),
        at_most=250,
    ),
    Defect(
        "a replay takes the result of another operation",
        (
            Edit(
                "identifier.py",
                "        if checkpoint.identity == current:\n",
                "        if checkpoint.identity[0] == current[0]:\n",
            ),
        ),
        "test_other_operation",
        ("answered with the result of",),
        at_most=250,
    ),
    Defect(
        "branches that are due at the same time are compared",
        (
            Edit(
                "concurrency/executor.py",
                "heapq.heappush(self._resume_times, (branch.resume_at, branch.index))",
                "heapq.heappush(self._resume_times, (branch.resume_at, branch))",
            ),
            Edit(
                "concurrency/executor.py",
                "            resume_at, index = self._resume_times[0]\n"
                "            if self._branches[index].resume_at == resume_at:\n",
                "            resume_at, branch = self._resume_times[0]\n"
                "            if branch.resume_at == resume_at:\n",
            ),
            Edit(
                "concurrency/executor.py",
                "            index = heapq.heappop(self._resume_times)[1]\n",
                "            index = heapq.heappop(self._resume_times)[1].index\n",
            ),
        ),
        "test_equal_times",
        ("'<' not supported",),
        at_most=250,
    ),
    Defect(
        "a task that has sent keeps the right to send, with an update in the queue that nobody waits for",
        (
            Edit(
                "_checkpointing.py",
                "            if successor is None:\n"
                "                self._sending = False\n"
                "                if self._queue:\n"
                "                    self._arm_flush()\n",
                "            if successor is None and not self._queue:\n"
                "                self._sending = False\n",
            ),
        ),
        "test_branches_record_at_once",
        ("DurableStuckError",),
        at_most=250,
    ),
    Defect(
        "what has been posted before somebody waits for it is missed",
        (
            Edit(
                "concurrency/executor.py",
                "            wake = None if self._inbox else self._runtime.signal()\n",
                "            wake = self._runtime.signal()\n",
            ),
        ),
        "test_one_at_a_time",
        ("DurableStuckError",),
        at_most=250,
    ),
)


def plant(defect: Defect | None, folder: Path) -> None:
    """Copy the package into a folder, with the defect in it; None is a healthy copy.

    Raises:
        AssertionError: the source is not what the defect was written for.
    """
    copy = folder / SOURCE.name
    shutil.copytree(SOURCE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    for edit in () if defect is None else defect.edits:
        path = copy / edit.file
        text = path.read_text(encoding="utf-8")
        found = text.count(edit.before)
        assert found == 1, f"{edit.file} has {found} times, not once, the text:\n{edit.before}"
        path.write_text(text.replace(edit.before, edit.after), encoding="utf-8")
