"""The sandbox dies."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_durable.errors import UsageError
from pytest_durable.faults.base import Fault, Name, demand_name, name_for, names
from pytest_durable.faults.requests import CHECKPOINT
from pytest_durable.points import Action, Die, Point, Position

# A failure belongs to the test's own line, not to ours.
__tracebackhide__ = True


@dataclass(frozen=True, repr=False, kw_only=True)
class crash(Fault):  # noqa: N801
    """The sandbox dies. Exactly one place is named.

    ``before_step``: the body has not run. ``during_step``: it has run as far as an effect that was recorded
    (``effect`` names which; any by default). ``after_step``: it has ended, and nothing of that is recorded.
    ``at_checkpoint=N``: with the N-th checkpoint request of the test, which is ``persisted`` (and the answer
    is lost) or not. ``before_return``: the handler has returned, its output is lost. ``during_replay``: an
    invocation has answered its first operation from the record.
    """

    before_step: Name | None = None
    during_step: Name | None = None
    after_step: Name | None = None
    effect: str | None = None
    at_checkpoint: int | None = None
    persisted: bool = False
    before_return: bool = False
    during_replay: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        steps = {
            "before_step": self.before_step,
            "during_step": self.during_step,
            "after_step": self.after_step,
        }
        for field_name, name in steps.items():
            if name is not None:
                demand_name(name, f"{field_name} of faults.crash")
        named = [field_name for field_name, name in steps.items() if name is not None]
        named += ["at_checkpoint"] if self.at_checkpoint is not None else []
        named += [name for name in ("before_return", "during_replay") if getattr(self, name)]
        if len(named) != 1:
            raise UsageError(
                "faults.crash takes exactly one of before_step, during_step, after_step, at_checkpoint, "
                f"before_return and during_replay; got {', '.join(named) or 'none'}."
            )
        if self.at_checkpoint is not None:
            if type(self.at_checkpoint) is not int or self.at_checkpoint < 1:
                raise UsageError(
                    f"at_checkpoint of faults.crash is a positive integer, got {self.at_checkpoint!r}."
                )
            if self.nth != 1:
                raise UsageError("faults.crash takes at_checkpoint or nth, not both: they mean the same.")
        elif self.persisted:
            raise UsageError("persisted of faults.crash goes with at_checkpoint.")
        if self.effect is not None and self.during_step is None:
            raise UsageError("effect of faults.crash goes with during_step.")

    def meets(self, point: Point) -> bool:
        """Return whether this is the place."""
        match point.position:
            case Position.BEFORE_STEP:
                return self.before_step is not None and names(self.before_step, point.path)
            case Position.DURING_STEP:
                return (
                    self.during_step is not None
                    and names(self.during_step, point.path)
                    and self.effect in (None, point.effect)
                )
            case Position.AFTER_STEP:
                return self.after_step is not None and names(self.after_step, point.path)
            case Position.REQUEST:
                return self.at_checkpoint is not None and point.path == (CHECKPOINT,)
            case Position.RETURN:
                return self.before_return
            case Position.REPLAY:
                return self.during_replay
            case _:
                return False

    def strikes_at(self, count: int) -> bool:
        """Return whether it strikes at the point number ``count`` of those that it meets."""
        first = self.at_checkpoint or self.nth
        return count >= first and (self.times == "always" or count < first + self.times)

    def does(self, point: Point) -> Action:
        """Die."""
        return Die(persisted=self.persisted)

    @classmethod
    def explored_at(cls, point: Point) -> tuple[Fault, ...]:
        """Return the crashes at a point."""
        match point.position:
            case Position.BEFORE_STEP:
                return (crash(before_step=name_for(point)),)
            case Position.DURING_STEP:
                return (crash(during_step=name_for(point)),)
            case Position.AFTER_STEP:
                return (crash(after_step=name_for(point)),)
            case Position.REQUEST if point.path == (CHECKPOINT,):
                return (crash(at_checkpoint=1, persisted=False), crash(at_checkpoint=1, persisted=True))
            case Position.RETURN:
                return (crash(before_return=True),)
            case Position.REPLAY:
                return (crash(during_replay=True),)
            case _:
                return ()
