"""Coverage: what an exploration has tried, of all that it has found to try."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pytest_durable.exploration.sweep import Target, Topic


@dataclass(frozen=True, slots=True)
class Coverage:
    """Counts of one exploration.

    ``found`` has how many plans there are of each target, ``covered`` how many of them have run and struck.
    A plan counts for its last fault, at the point where that struck.
    """

    found: Mapping[Target, int] = field(default_factory=dict)
    covered: Mapping[Target, int] = field(default_factory=dict)
    missed: int = 0
    """Plans that have run without their fault striking: nothing is covered by them."""
    equal_pairs: int = 0
    """Second crashes left out, as what follows the first is the same as in another run."""
    runs: int = 0
    """Every run but those that confirm and shrink a failure, the ordinary one and repetitions included."""
    repeated: int = 0
    """Failures of earlier explorations that were run first."""
    states: int = 0
    """How many different states the runs have come to."""
    decisions: int = 0
    """How many decisions about order the runs have made."""
    schedules: int = 0
    """How many runs had an order of their own."""
    order: str = ""
    """What has been covered of the orders, in words; empty if none were to be tried."""
    cut_off: str = ""
    """Which budget ended the exploration, and after how much; empty if none did."""
    shard: tuple[int, int] | None = None

    @property
    def points_found(self) -> int:
        """How many crash points there are."""
        return _total(self.found, Topic.CRASH)

    @property
    def points_covered(self) -> int:
        """How many crash points have been struck."""
        return _total(self.covered, Topic.CRASH)

    @property
    def is_complete(self) -> bool:
        """Whether everything that was found has been covered."""
        return not self.cut_off and all(
            self.covered.get(target, 0) >= count for target, count in self.found.items()
        )

    def __str__(self) -> str:
        lines = [self._topic(topic) for topic in Topic]
        lines += [self.order and f"orders: {self.order}"]
        lines += [f"{self.runs:,} runs, {self.states:,} unique states, {self.decisions:,} decisions"]
        if self.missed:
            lines += [f"{self.missed:,} plans did not strike: the run came to another point than before"]
        if self.shard is not None:
            lines += [
                f"this is shard {self.shard[0] + 1} of {self.shard[1]}; the others cover their own part"
            ]
        lines += [self.cut_off]
        return "\n".join(line for line in lines if line)

    def _topic(self, topic: Topic) -> str:
        targets = [target for target in self.found if target.topic is topic]
        if not targets:
            return ""
        text = f"{topic}: {_total(self.covered, topic):,} of {_total(self.found, topic):,}"
        if topic is Topic.PAIR:
            return text + (f", and {self.equal_pairs:,} equal to one of them" if self.equal_pairs else "")
        parts = [
            f"{target.group} {self.covered.get(target, 0):,}"
            + ("" if self.covered.get(target, 0) == self.found[target] else f" of {self.found[target]:,}")
            for target in targets
        ]
        return f"{text} ({', '.join(parts)})"


def _total(counts: Mapping[Target, int], topic: Topic) -> int:
    return sum(count for target, count in counts.items() if target.topic is topic)
