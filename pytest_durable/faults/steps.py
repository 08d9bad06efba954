"""What happens to the body of a step."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from pytest_durable.durations import DurationLike, to_microseconds
from pytest_durable.errors import UsageError
from pytest_durable.faults.base import Fault, Name, demand_name, names
from pytest_durable.points import Action, Delay, Die, Point, Position, Raise, TakeTooLong

# A failure belongs to the test's own line, not to ours.
__tracebackhide__ = True


class InjectedError(Exception):
    """What a step raises when `fail_step` names no error."""


@dataclass(frozen=True, repr=False)
class _StepFault(Fault):
    """Something that happens instead of the body of a step, or before it."""

    name: Name
    order_first: ClassVar[tuple[str, ...]] = ("name",)

    def __post_init__(self) -> None:
        super().__post_init__()
        demand_name(self.name, f"The step of {self.kind()}")

    def meets(self, point: Point) -> bool:
        """Return whether the body is about to run."""
        return point.position is Position.BEFORE_STEP and names(self.name, point.path)


@dataclass(frozen=True, repr=False)
class fail_step(_StepFault):  # noqa: N801 - read as a verb where it is used
    """Attempts of the step raise ``error``, `InjectedError` by default; the body does not run."""

    error: BaseException | type[BaseException] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        error: Any = self.error
        kind = error if isinstance(error, type) else type(error)
        if error is not None and not issubclass(kind, BaseException):
            raise UsageError(f"error of {self.kind()} is an exception, got {error!r}.")

    def does(self, point: Point) -> Action:
        """Raise."""
        return Raise(InjectedError("This attempt was made to fail.") if self.error is None else self.error)


@dataclass(frozen=True, repr=False)
class latency(_StepFault):  # noqa: N801
    """The step takes ``duration`` of virtual time, before its body runs."""

    duration: DurationLike = field(kw_only=False, default=0)
    order_first: ClassVar[tuple[str, ...]] = ("name", "duration")

    def __post_init__(self) -> None:
        super().__post_init__()
        if to_microseconds(self.duration, f"duration of {self.kind()}") == 0:
            raise UsageError(f"duration of {self.kind()} is longer than zero, got {self.duration!r}.")

    def does(self, point: Point) -> Action:
        """Let time pass."""
        return Delay(to_microseconds(self.duration))


@dataclass(frozen=True, repr=False)
class invocation_timeout(_StepFault):  # noqa: N801
    """The function's time limit strikes in that step, before its body has an effect."""

    def does(self, point: Point) -> Action:
        """Take too long."""
        return TakeTooLong()


@dataclass(frozen=True, repr=False)
class out_of_memory(_StepFault):  # noqa: N801
    """The sandbox is killed in that step for the memory it uses, before its body has an effect."""

    def does(self, point: Point) -> Action:
        """Die as Lambda reports it."""
        message = "RequestId: {request_id} Error: Runtime exited with error: signal: killed"
        return Die(error={"ErrorType": "Runtime.ExitError", "ErrorMessage": message})
