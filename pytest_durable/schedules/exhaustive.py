"""Exhaustive: every order there is, depth first, leaving out those that come to the same as an earlier one.

Two orders that differ in neighbours which touch nothing in common are the same for everybody. Sleep sets
leave such repetitions out: what has been explored from a state need not come first again after something
else that it has nothing to do with. See Godefroid, "Partial-Order Methods for the Verification of
Concurrent Systems", LNCS 1032, 1996, chapter 5.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import TypeAlias

from pytest_durable.schedules.base import Kind, Schedule, Situation

_Footprint: TypeAlias = frozenset[Hashable] | None
"""What something touches; None is everything."""

_Sleep: TypeAlias = dict[int, _Footprint]
"""Entries that need not come next, with what each would touch."""


class _Node:
    """A decision of the run at hand, and what has been explored from it."""

    __slots__ = ("entries", "explored", "kind", "options", "picked", "sleep")

    def __init__(self, kind: str, options: int, entries: tuple[int, ...], sleep: _Sleep) -> None:
        self.kind = kind
        self.options = options
        self.entries = entries
        """One for each option at `Kind.NEXT`; see `Situation.entries` for the others. Empty if not known."""
        self.sleep = sleep
        """As the run came here."""
        self.explored: _Sleep = {}
        """The entries that have come next in an earlier run, or do in this one."""
        self.picked = 0

    def asks_for(self, kind: str, options: int, entries: tuple[int, ...]) -> bool:
        return (self.kind, self.options, self.entries) == (kind, options, entries)


class ExhaustiveSearch:
    """Hands out one schedule after another; each is to be run to its end before the next is asked for.

    ``bound`` is how many there are at most. ``advances`` and ``preemptions`` bound, for each of them, how
    often time moves on before what could come now, and how often a task is preempted; None is no bound.
    With ``reduces`` off, orders that come to the same are run all the same.

    What a run touches outside of the simulation, such as module state that two executions share, is not
    seen, and does not keep two orders of different executions apart.
    """

    def __init__(
        self,
        bound: int = 10_000,
        advances: int | None = 0,
        preemptions: int | None = None,
        *,
        reduces: bool = True,
    ) -> None:
        self.bound = bound
        self.runs = 0
        """How many schedules it has handed out."""
        self.repeated = 0
        """Of those, the ones that turned out half-way to come to the same as another."""
        self.diverged = 0
        """How many runs did not ask what the run before asked: the test is not deterministic."""
        self._limits = {Kind.ADVANCE: advances, Kind.PREEMPT: preemptions}
        self._reduces = reduces
        self._path: list[_Node] = []
        self._run: _Run | None = None
        self._is_finished = False

    @property
    def exhausted(self) -> bool:
        """Whether every order has been handed out, as far as the bounds on what is in one allow."""
        return self._is_finished and not self.diverged

    @property
    def report(self) -> str:
        """What has been covered, in words."""
        if self.exhausted:
            return f"exhausted {self.runs} of {self.runs}"
        if self.diverged:
            return f"not exhausted: {self.diverged} of {self.runs} runs did not repeat what they began with"
        return f"bound reached: {self.runs} run"

    def next_schedule(self) -> Schedule | None:
        """Return the schedule of the next run, None if there is none or the bound is reached."""
        if self._run is not None:
            self._run.end()
            self._run = None
            self._is_finished = not self._step()
        if self._is_finished or self.runs >= self.bound:
            return None
        self.runs += 1
        self._run = _Run(self, self._path, self._limits, reduces=self._reduces)
        return self._run

    def _step(self) -> bool:
        """Go back to the last decision that has an option left, and take it; return whether there is one."""
        while self._path:
            node = self._path[-1]
            spent = sum(earlier.picked for earlier in self._path[:-1] if earlier.kind == node.kind)
            following = first_allowed(node, node.picked + 1, self._limits, spent)
            if following is not None:
                node.picked = following
                return True
            self._path.pop()
            if node.kind == Kind.NEXT and self._path and self._path[-1].kind == Kind.ADVANCE:
                # The same moment: what came next here came next there.
                parent = self._path[-1]
                if parent.picked == 0 and parent.entries[:-1] == node.entries:
                    parent.explored.update(node.explored)
        return False


def first_allowed(node: _Node, start: int, limits: dict[Kind, int | None], spent: int) -> int | None:
    """Return the first option from ``start`` on that has to be explored, None if there is none."""
    for option in range(start, node.options):
        if node.kind == Kind.NEXT:
            is_allowed = not node.entries or node.entries[option] not in node.sleep
        elif option == 0:
            # Going on is pointless where all that could come next is asleep.
            is_pointless = node.kind == Kind.ADVANCE and all(
                entry in node.sleep for entry in node.entries[:-1]
            )
            is_allowed = not (node.entries and is_pointless)
        else:
            limit = limits[Kind(node.kind)]
            is_allowed = limit is None or spent < limit
        if is_allowed:
            return option
    return None


class _Run:
    """The schedule of one run: follows the path that is given, and extends it with what comes after.

    What happens between two decisions is a stretch. It ends at the next decision, or with the entry that
    happens next where nothing is to be decided.
    """

    is_ordinary = False
    situation: Situation | None = None

    def __init__(
        self,
        search: ExhaustiveSearch,
        path: list[_Node],
        limits: dict[Kind, int | None],
        *,
        reduces: bool,
    ) -> None:
        self._search = search
        self._path = path
        self._limits = limits
        self._reduces = reduces
        self._depth = 0
        self._spent = {Kind.ADVANCE: 0, Kind.PREEMPT: 0}
        self._simulations = 0
        self._sleep: _Sleep = {}
        self._touched: set[Hashable] = set()
        self._touched_everything = False
        self._is_open = False
        self._entry = 0
        self._asking: list[_Node] = []
        """The decisions at the moment at hand, and then those that led to the stretch that is open."""
        self._preempted: _Node | None = None
        self._is_repetition = False

    def pick(self, kind: str, options: int) -> int:
        """Return the option of the path; beyond it the first that is not known to come to the same."""
        if not self._asking or self._is_open:
            self._close()
        if self._is_repetition:
            return 0
        entries = () if self.situation is None else tuple(self.situation.entries())
        node = self._node(kind, options, entries)
        if node is None:
            self._is_repetition = True
            self._search.repeated += 1
            return 0
        self._depth += 1
        picked = node.picked
        if kind in self._spent:
            self._spent[Kind(kind)] += picked
        self._sleep = dict(node.sleep)
        if self._reduces and kind != Kind.PREEMPT:
            if kind == Kind.NEXT:
                self._sleep.update(node.explored)
                self._sleep.pop(entries[picked] if entries else 0, None)
            elif picked:
                # What came next instead of it.
                self._sleep.update(node.explored)
                self._sleep.pop(entries[-1] if entries else 0, None)
            self._asking.append(node)
        elif kind == Kind.PREEMPT and picked:
            self._preempted = node
        elif kind == Kind.PREEMPT:
            self._asking.append(node)
            self._open(0)
        return picked

    def _node(self, kind: str, options: int, entries: tuple[int, ...]) -> _Node | None:
        if self._depth < len(self._path):
            node = self._path[self._depth]
            if node.asks_for(kind, options, entries):
                return node
            self._search.diverged += 1
            del self._path[self._depth :]
        node = _Node(kind, options, entries, dict(self._sleep))
        spent = self._spent[Kind(kind)] if kind in self._spent else 0
        first = first_allowed(node, 0, self._limits, spent)
        if first is None:
            return None
        node.picked = first
        self._path.append(node)
        return node

    def join(self) -> None:
        """Take note of one more simulation. The numbers of entries are those of one."""
        self._simulations += 1
        if self._simulations > 1:
            self._reduces = False
            self._sleep.clear()

    def begin(self, entry: int) -> None:
        """End one stretch and begin another."""
        if self._is_open:
            self._close()
        if entry in self._sleep and not self._is_repetition:
            # Nothing else could come.
            self._is_repetition = True
            self._search.repeated += 1
        self._open(entry)

    def resume(self, entry: int) -> None:
        """Let the rest of the task that was preempted sleep: that it goes on has been explored."""
        node, self._preempted = self._preempted, None
        if node is not None and self._reduces and 0 in node.explored:
            self._sleep[entry] = node.explored[0]

    def touch(self, resource: Hashable) -> None:
        """Add to what the stretch touches."""
        self._touched.add(resource)

    def touch_everything(self) -> None:
        """Let the stretch touch everything."""
        self._touched_everything = True

    def _open(self, entry: int) -> None:
        self._is_open = True
        self._entry = entry

    def _close(self) -> None:
        footprint: _Footprint = None if self._touched_everything else frozenset(self._touched)
        self._touched.clear()
        self._touched_everything = False
        if self._is_open:
            for node in self._asking:
                node.explored[self._entry] = footprint
            self._asking.clear()
            self._is_open = False
        self._sleep = {
            entry: other for entry, other in self._sleep.items() if _are_independent(footprint, other)
        }

    def end(self) -> None:
        """Take note that the run has ended."""
        self.touch_everything()
        self._close()
        if self._depth < len(self._path):
            self._search.diverged += 1
            del self._path[self._depth :]


def _are_independent(one: _Footprint, other: _Footprint) -> bool:
    return one is not None and other is not None and one.isdisjoint(other)
