"""Order: what comes next, where it could go either way.

By itself the queue decides, and time moves on only when nothing can happen any more at the instant. A
schedule that is not ordinary chooses between all that could come now. It may also let time move on while
work is due, as when a machine is slow: for a while, and never past anybody's time limit.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence

from durable_sdk.lambda_service import OperationType
from pytest_durable.schedules.base import Kind
from pytest_durable.simulator.choices import Choices
from pytest_durable.simulator.clock import Clock
from pytest_durable.simulator.event_queue import Entry, EventQueue, Priority
from pytest_durable.simulator.footprints import DRAWS, touched_by
from pytest_durable.simulator.injector import Injector
from pytest_durable.simulator.runtime import QueuedTurn
from pytest_durable.simulator.scheduled import (
    CallAnswered,
    CallArrived,
    FunctionEnded,
    HandlerEnded,
    InvocationDue,
    Item,
    ShadowEnded,
    TaskDue,
    TimerDue,
)
from pytest_durable.simulator.turns import Task

# How late work may be, in microseconds: what is due at other times further apart keeps its order.
MAX_DELAY_MICROSECONDS = 60_000_000

# What a machine does, and may be slow to do. All else happens at its time.
_WORK = frozenset(
    {TaskDue, CallArrived, CallAnswered, HandlerEnded, ShadowEnded, InvocationDue, FunctionEnded}
)

_TIME = "time"


class Order:
    """Asks the choices. It is the situation of each decision at the moment that it is made."""

    def __init__(self, clock: Clock, queue: EventQueue[Item], choices: Choices, injector: Injector) -> None:
        self.is_ordinary = choices.are_ordinary
        self._injector = injector
        self._is_watched = False
        self.holds_time: Callable[[], bool] = lambda: False
        """Whether time has to stand still while work is due."""
        self.has_drawn: Callable[[], bool] = lambda: False
        """Whether the code of a run has drawn since this was last asked."""
        self._clock = clock
        self._queue = queue
        self._choices = choices
        self._follower = choices.follower
        self._rivals: list[Entry[Item]] = []
        self._later: Entry[Item] | None = None
        self._preempted: Task | None = None
        self._level = Priority.DEADLINE
        if self._follower is not None:
            self._follower.join()

    def next(self, head: Entry[Item], horizon: int | None) -> Entry[Item]:
        """Return the entry that is to come next: the head of the queue, or another in its place.

        Time moves on to ``horizon`` (microseconds since the epoch) at most.
        """
        self.note_draws()
        if self._follower is not None and head.priority < self._level:
            # What has just happened has put something before all that could have come next.
            self._follower.touch_everything()
        now = self._clock.now
        self._rivals = self._queue.rivals(head, now)
        can_wait = type(head.item) in _WORK and head.priority is not Priority.DEATH
        self._later = self._advance(head, now, horizon) if can_wait else None
        self._preempted = None
        entry = self._choose(head, now)
        if self._follower is not None:
            self._level = head.priority
            self._follower.begin(entry.sequence)
            if entry.due > now and entry is self._later:
                self._follower.touch_everything()
            if self._is_watched or self._injector.faults:
                # Faults count the points that come, of whichever execution.
                self._follower.touch_everything()
            for resource in touched_by(entry.item):
                self._follower.touch(resource)
        return entry

    def note_draws(self) -> None:
        """Take note if what has happened last has drawn from the streams that all handlers share."""
        if self._follower is not None and self.has_drawn():
            self._follower.touch(DRAWS)

    def watch_everything(self) -> None:
        """Take note that somebody looks at the world after each event, so that every order differs."""
        self._is_watched = True

    def _choose(self, head: Entry[Item], now: int) -> Entry[Item]:
        later = self._later
        if later is not None:
            if self._choices.choose(Kind.ADVANCE, 2, self):
                return later
            self._later = None
        if len(self._rivals) == 1:
            return head
        return self._rivals[self._choices.choose(Kind.NEXT, len(self._rivals), self)]

    def _advance(self, head: Entry[Item], now: int, horizon: int | None) -> Entry[Item] | None:
        """Return what may happen before all that could come now, although it would come later."""
        later = self._queue.later(head, now)
        if later is None or later.priority is Priority.DEADLINE or _is_time_limit(later.item):
            return None
        if later.due > now and self.holds_time():
            return None
        latest = head.due + MAX_DELAY_MICROSECONDS
        if later.due > (latest if horizon is None else min(latest, horizon)):
            return None
        return later

    def preempts(self, task: Task, resource: Hashable) -> bool:
        """Return whether others come before ``task``, which has the turn, touches a resource."""
        follower = self._follower
        if follower is not None:
            self.note_draws()
            follower.touch(resource)
        self._rivals = self._queue.due_by(self._clock.now)
        self._later = None
        self._preempted = task
        is_preempted = bool(self._rivals) and self._choices.choose(Kind.PREEMPT, 2, self) == 1
        if follower is not None:
            for touched in (resource, *touched_by(TaskDue(task))):
                follower.touch(touched)
        return is_preempted

    def resumes(self, turn: QueuedTurn) -> None:
        """Take note that the task that was preempted goes on in ``turn``."""
        if self._follower is not None:
            self._follower.resume(turn.sequence)

    def touch(self, resource: Hashable) -> None:
        """Take note that what happens now reads or changes a resource."""
        if self._follower is not None:
            self._follower.touch(resource)

    def touch_everything(self) -> None:
        """Take note that what happens now may read or change anything."""
        if self._follower is not None:
            self._follower.touch_everything()

    def lanes(self) -> Sequence[Hashable]:
        """Return whose the entries of the decision at hand are; see `Situation.lanes`."""
        lanes: list[Hashable] = [] if self._preempted is None else [self._preempted]
        lanes += [_lane(entry.item) for entry in self._rivals]
        if self._later is not None:
            lanes.append(_TIME if self._later.due > self._clock.now else _lane(self._later.item))
        return lanes

    def entries(self) -> Sequence[int]:
        """Return the numbers of the entries of the decision at hand; see `Situation.entries`."""
        entries = [] if self._preempted is None else [0]
        entries += [entry.sequence for entry in self._rivals]
        if self._later is not None:
            entries.append(self._later.sequence)
        return entries


def _is_time_limit(item: Item) -> bool:
    """Return whether an entry is the timeout of a callback: the answer that comes before it stays so."""
    if not isinstance(item, TimerDue):
        return False
    operation = item.execution.record.log.operations[item.operation_id]
    return operation.subject.operation_type is OperationType.CALLBACK


def _lane(item: Item) -> Hashable:
    match item:
        case TaskDue(task):
            return task
        case CallAnswered(call):
            return call.task
        case CallArrived() | HandlerEnded() | ShadowEnded() | InvocationDue() | FunctionEnded():
            return item.execution
        case _:
            return _TIME
