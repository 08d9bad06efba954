"""Unwinding: how a task ends whose sandbox has died, also where its code catches everything."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import CodeType, FrameType
from typing import Any, NoReturn

from pytest_durable.simulator.replaying.site import is_ours

REFUSALS_MAX = 1_000
"""How often a dead sandbox is refused what it asks for before its code counts as endless."""

# So often, since code may keep each exception in a list, say, and go on.
_INTERRUPTIONS_MAX = 100


class SandboxKilled(BaseException):
    """Unwinds a task whose sandbox has died. Everything that it still tries raises this again."""


class _Interruption(SandboxKilled):
    """Raised at a line of the user's. Where it is caught, the next line raises another."""

    def __init__(self, again: Callable[[FrameType], None]) -> None:
        super().__init__()
        self._again = again

    def __del__(self) -> None:
        self._again(sys._getframe(1))


class Interruptions:
    """Interrupts code on the calling thread that catches what unwinds it, time and again.

    The line after a call that has raised is most often one that handles the exception, outside of the block
    that would catch the next. So it is interrupted there, by what a debugger uses.
    """

    def __init__(self, boundary: CodeType) -> None:
        """``boundary`` is the code that runs the user's: what called that is left alone."""
        self._boundary = boundary
        self._before: Any = None
        self.count = 0

    @property
    def are_in_vain(self) -> bool:
        """Whether they do not help."""
        return self.count >= _INTERRUPTIONS_MAX

    def strike(self) -> NoReturn:
        """Raise, and raise again at the next line of the user's code that called.

        Raises:
            SandboxKilled: always.
        """
        if not self.count:
            self._before = sys.gettrace()
        self._arm(sys._getframe(1))
        raise SandboxKilled

    def end(self) -> None:
        """Take back what they have put in place: the code has ended."""
        if self.count:
            self.count = 0
            sys.settrace(self._before)

    def _arm(self, frame: FrameType) -> None:
        """Let the next line of the frame, or of one that called it, raise."""
        frames = []
        each: FrameType | None = frame
        while each is not None and each.f_code is not self._boundary:
            if not is_ours(each):
                frames.append(each)
            each = each.f_back
        if each is None or not frames or self.are_in_vain:
            return
        self.count += 1
        for one in frames:
            one.f_trace = self._unwind
        sys.settrace(_watch_nothing)

    def _unwind(self, frame: FrameType, event: str, argument: Any) -> Any:
        if event == "line":
            raise _Interruption(self._arm)
        return self._unwind


def _watch_nothing(frame: FrameType, event: str, argument: Any) -> None:
    """No function that is called from now on is of interest."""
