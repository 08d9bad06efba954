"""What becomes of the answer to a callback."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pytest_durable.faults.base import Fault, Name, demand_name, name_for, names
from pytest_durable.points import Action, Behaviour, Misbehave, Point, Position

# A failure belongs to the test's own line, not to ours.
__tracebackhide__ = True


@dataclass(frozen=True, repr=False)
class _CallbackFault(Fault):
    """What becomes of the answer that a script (``on_callback``) gives to a callback."""

    name: Name = True
    order_first: ClassVar[tuple[str, ...]] = ("name",)
    behaviour: ClassVar[Behaviour]

    def __post_init__(self) -> None:
        super().__post_init__()
        demand_name(self.name, f"The callback of {self.kind()}")

    def meets(self, point: Point) -> bool:
        """Return whether the callback has been made."""
        return point.position is Position.CALLBACK and names(self.name, point.path)

    def does(self, point: Point) -> Action:
        """Change how it is answered."""
        return Misbehave(self.behaviour)

    @classmethod
    def explored_at(cls, point: Point) -> tuple[Fault, ...]:
        """Return the fault at a callback."""
        return (cls(name_for(point)),) if point.position is Position.CALLBACK else ()


@dataclass(frozen=True, repr=False)
class duplicate_callback(_CallbackFault):  # noqa: N801
    """The answer to the callback is sent twice."""

    behaviour = Behaviour.DUPLICATE


@dataclass(frozen=True, repr=False)
class late_callback(_CallbackFault):  # noqa: N801
    """The answer comes after the callback's timeout, a missed heartbeat being one.

    Of a callback without a timeout it comes an hour later than the script says.
    """

    behaviour = Behaviour.LATE


@dataclass(frozen=True, repr=False)
class early_callback(_CallbackFault):  # noqa: N801
    """The answer comes at once, before the handler awaits it."""

    behaviour = Behaviour.EARLY


@dataclass(frozen=True, repr=False)
class lost_callback(_CallbackFault):  # noqa: N801
    """The answer never comes."""

    behaviour = Behaviour.NEVER


@dataclass(frozen=True, repr=False)
class reordered_callback(_CallbackFault):  # noqa: N801
    """The answer comes after those of callbacks that are made later."""

    behaviour = Behaviour.REORDERED
