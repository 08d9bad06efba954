"""The loop: takes what comes first from the event queue, moves the clock there, and makes it happen.

One checkpoint, once around:

    context.step  -> Checkpointing -> SimulatedClient: posts CallArrived and parks its task
    CallArrived   -> World.happen: dispatch decides; events to the log, timers and CallAnswered to the queue
    CallAnswered  -> the task gets the turn, and returns the answer to the SDK
"""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType

from pytest_durable.simulator.event_queue import Entry, Priority
from pytest_durable.simulator.scheduled import Item
from pytest_durable.simulator.turns import Task
from pytest_durable.simulator.world import World

# A failure belongs to the test's own line, not to ours.
__tracebackhide__ = True


_PACKAGE = __name__.partition(".")[0]


def _from_users_code(whole: TracebackType | None) -> TracebackType | None:
    """Leave out how the loop came to the code of a user that raised, such as an invariant."""
    rest = whole
    while rest is not None and rest.tb_frame.f_globals.get("__name__", "").partition(".")[0] == _PACKAGE:
        rest = rest.tb_next
    return rest or whole


class Loop:
    """Runs a world. ``pace`` is told each jump of time, in microseconds, before it happens."""

    def __init__(self, world: World, pace: Callable[[int], None] | None = None) -> None:
        self._world = world
        self._pace = pace
        self._until: Callable[[], bool] = lambda: True
        self._horizon: int | None = None
        self._holds_time = False
        self._failure: BaseException | None = None
        world.turns.attach(self.next_task, world.reaper.live_tasks)

    def run(
        self,
        until: Callable[[], bool],
        *,
        horizon: int | None = None,
        inline: bool = True,
        holds_time: bool = False,
    ) -> None:
        """Run until the predicate holds, nothing more can happen, or virtual time reaches ``horizon``.

        With ``holds_time`` no schedule lets time move on while work is due.

        With ``inline`` the handler may run on the calling thread; then the run stops only between
        invocations.

        Raises:
            CheckerError: a property that must always hold does not.
        """
        self._until, self._horizon, self._holds_time = until, horizon, holds_time
        self._world.order.touch_everything()
        self._world.turns.drive(inline=inline)
        self._world.order.touch_everything()
        if self._failure is not None:
            failure, self._failure = self._failure, None
            raise failure.with_traceback(_from_users_code(failure.__traceback__))
        if horizon is not None and not until():
            self._world.clock.move_to(horizon)

    def next_task(self) -> Task | None:
        """Run until a task is to have the turn, and return it; None when the run is to stop."""
        while True:
            dying = self._world.reaper.next_dying()
            if dying is not None:
                return dying
            if self._failure is not None:
                return None
            # This may be the thread of a task, which nothing may end but the task: `run` raises the error.
            try:
                head = self._next()
                task = None if head is None else self._world.happen(self._take(head))
            except BaseException as error:
                self._failure = error
                self._world.reaper.kill_all()
            else:
                if head is None or task is not None:
                    return task

    def _next(self) -> Entry[Item] | None:
        """Return the head of the queue, None when the run is to stop before it."""
        misuse = self._world.turns.take_misuse()
        if misuse is not None:
            raise misuse
        may_stop = not self._world.turns.is_inline
        if may_stop and self._until():
            return None
        head = self._world.queue.head()
        if head is None or head.priority is Priority.DEADLINE:
            # Nothing happens any more but that somebody's time runs out.
            deadlock = self._world.reaper.end_deadlock(self._world.clock.now)
            if deadlock is not None:
                raise deadlock
            if head is None or self._world.reaper.only_waits_for_ever():
                return None
        if may_stop and self._horizon is not None and head.due > self._horizon:
            return None
        return head

    def _take(self, head: Entry[Item]) -> Item:
        """Take the head out of the queue, or one of those that may come in its place."""
        order = self._world.order
        horizon = self._world.clock.now if self._holds_time else self._horizon
        entry = head if order.is_ordinary else order.next(head, horizon)
        self._world.queue.remove(entry)
        if self._pace is not None:
            self._pace(entry.due - self._world.clock.now)
        # It may be late, after one that was due later: time never goes back.
        self._world.clock.move_to(entry.due)
        return entry.item
