"""Faults: what can go wrong, as values. ``from pytest_durable import faults``.

A fault recognises the points of a run that it is about, counts them, and strikes at number ``nth`` and the
``times - 1`` after it. Its repr is Python that makes it again. Names of steps and callbacks are those that
the handler gave, or ends of a path such as ``orders/charge``; ``True`` stands for any.

::

    @pytest.mark.durable_faults(faults.fail_step("charge", times=2), faults.crash(after_step="ship"))

Another plugin adds a kind by a subclass of `Fault`, returned from its hook ``pytest_durable_faults``.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, TypeAlias

from pytest_durable.durations import DurationLike, to_microseconds
from pytest_durable.errors import UsageError
from pytest_durable.points import (
    Action,
    Behaviour,
    Delay,
    Die,
    Misbehave,
    Path,
    Point,
    Position,
    Raise,
    Refuse,
    Repeat,
    Split,
    StartCold,
    TakeTooLong,
    Withdraw,
)

# A failure belongs to the test's own line, not to ours.
__tracebackhide__ = True

Name: TypeAlias = str | Literal[True]
"""The name of a step or callback, the end of a path, or True for any."""

Times: TypeAlias = int | Literal["always"]

CHECKPOINT, GET_STATE = "checkpoint", "get_state"
APIS = (CHECKPOINT, GET_STATE)


class InjectedError(Exception):
    """What a step raises when `fail_step` names no error."""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """Base of all kinds. A kind is a frozen dataclass that says what it `meets` and what it `does`.

    ``nth`` is the first of the points it meets at which it strikes, counted over the whole test, 1 for the
    first. ``times`` is at how many in a row.
    """

    times: Times = 1
    nth: int = 1

    order_first: ClassVar[tuple[str, ...]] = ()
    """The fields that the repr shows without their names."""

    def __post_init__(self) -> None:
        if self.times != "always" and (type(self.times) is not int or self.times < 1):
            raise UsageError(f"times of {self.kind()} is a positive integer or 'always', got {self.times!r}.")
        if type(self.nth) is not int or self.nth < 1:
            raise UsageError(f"nth of {self.kind()} is a positive integer, got {self.nth!r}.")

    @classmethod
    def kind(cls) -> str:
        """Return its name, as tests write it."""
        return f"faults.{cls.__name__}"

    def meets(self, point: Point) -> bool:
        """Return whether it is about this point."""
        raise NotImplementedError

    def does(self, point: Point) -> Action:
        """Return what happens when it strikes at a point that it meets."""
        raise NotImplementedError

    @classmethod
    def explored_at(cls, point: Point) -> tuple[Fault, ...]:
        """Return the faults of this kind that an exploration tries at a point; ``nth`` is set afterwards.

        Only those that a sound handler survives.
        """
        return ()

    def strikes_at(self, count: int) -> bool:
        """Return whether it strikes at the point number ``count`` of those that it meets."""
        return count >= self.nth and (self.times == "always" or count < self.nth + self.times)

    def __repr__(self) -> str:
        given = {
            spec.name: getattr(self, spec.name)
            for spec in dataclasses.fields(self)
            if getattr(self, spec.name) != spec.default
        }
        # The first ones need no names, up to one that is left out.
        first = list(itertools.takewhile(lambda name: name in given, self.order_first))
        shown = [_written(given.pop(name)) for name in first]
        shown += [f"{name}={_written(value)}" for name, value in given.items()]
        return f"{self.kind()}({', '.join(shown)})"


def _written(value: object) -> str:
    if isinstance(value, type):
        return (
            value.__qualname__
            if value.__module__ == "builtins"
            else f"{value.__module__}.{value.__qualname__}"
        )
    return repr(value)


def _matches(name: Name, path: Path) -> bool:
    if name is True or path[-1] == name:
        return True
    parts = tuple(name.split("/"))
    return len(parts) > 1 and path[-len(parts) :] == parts


def _demand_name(name: object, what: str) -> None:
    if name is not True and not (isinstance(name, str) and name):
        raise UsageError(f"{what} is a name, or True for any, got {name!r}.")


def _demand_api(api: object, kind: str) -> None:
    if api not in APIS:
        raise UsageError(f"api of {kind} is one of {', '.join(map(repr, APIS))}, got {api!r}.")


def name_for(point: Point) -> Name:
    """Return what names the operation at a point most exactly."""
    return True if None in point.path else "/".join(part or "" for part in point.path)


@dataclass(frozen=True, repr=False)
class _StepFault(Fault):
    """Something that happens instead of the body of a step, or before it."""

    name: Name
    order_first: ClassVar[tuple[str, ...]] = ("name",)

    def __post_init__(self) -> None:
        super().__post_init__()
        _demand_name(self.name, f"The step of {self.kind()}")

    def meets(self, point: Point) -> bool:
        """Return whether the body is about to run."""
        return point.position is Position.BEFORE_STEP and _matches(self.name, point.path)


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
                _demand_name(name, f"{field_name} of faults.crash")
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
                return self.before_step is not None and _matches(self.before_step, point.path)
            case Position.DURING_STEP:
                return (
                    self.during_step is not None
                    and _matches(self.during_step, point.path)
                    and self.effect in (None, point.effect)
                )
            case Position.AFTER_STEP:
                return self.after_step is not None and _matches(self.after_step, point.path)
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


@dataclass(frozen=True, repr=False)
class _ApiFault(Fault):
    """Something that happens to a request of the SDK. ``api`` is ``checkpoint`` or ``get_state``."""

    api: str = CHECKPOINT
    order_first: ClassVar[tuple[str, ...]] = ("api",)

    def __post_init__(self) -> None:
        super().__post_init__()
        _demand_api(self.api, self.kind())

    def meets(self, point: Point) -> bool:
        """Return whether it is a request of that API."""
        return point.position is Position.REQUEST and point.path == (self.api,)

    @classmethod
    def explored_at(cls, point: Point) -> tuple[Fault, ...]:
        """Return the fault at a request."""
        return (cls(str(point.path[0])),) if point.position is Position.REQUEST else ()


@dataclass(frozen=True, repr=False)
class throttle(_ApiFault):  # noqa: N801
    """The service answers 429, and boto3's own retries have not helped."""

    def does(self, point: Point) -> Action:
        """Refuse."""
        return Refuse("TooManyRequestsException", "Rate Exceeded.", 429)


@dataclass(frozen=True, repr=False)
class service_error(_ApiFault):  # noqa: N801
    """The service answers an error: any ``code``, HTTP ``status`` and ``message``."""

    code: str = "ServiceException"
    status: int = 500
    message: str = "Internal server error."
    order_first: ClassVar[tuple[str, ...]] = ("api", "code", "status")

    def __post_init__(self) -> None:
        super().__post_init__()
        code: object = self.code
        if not (isinstance(code, str) and code):
            raise UsageError(f"code of {self.kind()} is the name of an error, got {self.code!r}.")
        if type(self.status) is not int or not 400 <= self.status <= 599:
            raise UsageError(f"status of {self.kind()} is 400 to 599, got {self.status!r}.")

    def does(self, point: Point) -> Action:
        """Refuse."""
        return Refuse(self.code, self.message, self.status)


@dataclass(frozen=True, repr=False)
class lose_request(_ApiFault):  # noqa: N801
    """The request never arrives: the SDK waits in vain, and nothing is persisted."""

    def does(self, point: Point) -> Action:
        """Let it time out."""
        return Refuse("ReadTimeoutError", "Read timeout on endpoint: no answer came.", None)


@dataclass(frozen=True, repr=False)
class lose_response(_ApiFault):  # noqa: N801
    """The service does what the request asks for, and its answer never arrives."""

    def does(self, point: Point) -> Action:
        """Apply it and let it time out."""
        return Refuse("ReadTimeoutError", "Read timeout on endpoint: no answer came.", None, persisted=True)


@dataclass(frozen=True, repr=False)
class request_too_large(_ApiFault):  # noqa: N801
    """The service finds the request too large, which no retry can mend: the execution fails."""

    def does(self, point: Point) -> Action:
        """Refuse."""
        return Refuse("RequestTooLargeException", "Request must be smaller than the limit.", 413)

    @classmethod
    def explored_at(cls, point: Point) -> tuple[Fault, ...]:
        """Return nothing: no handler survives it."""
        return ()


@dataclass(frozen=True, repr=False)
class slow_api(Fault):  # noqa: N801
    """The answer takes ``duration`` of virtual time."""

    api: str
    duration: DurationLike
    order_first: ClassVar[tuple[str, ...]] = ("api", "duration")

    def __post_init__(self) -> None:
        super().__post_init__()
        _demand_api(self.api, self.kind())
        to_microseconds(self.duration, f"duration of {self.kind()}")

    def meets(self, point: Point) -> bool:
        """Return whether it is a request of that API."""
        return point.position is Position.REQUEST and point.path == (self.api,)

    def does(self, point: Point) -> Action:
        """Delay the answer."""
        return Delay(to_microseconds(self.duration))


@dataclass(frozen=True, repr=False)
class _CheckpointFault(Fault):
    def meets(self, point: Point) -> bool:
        """Return whether it is a checkpoint request."""
        return point.position is Position.REQUEST and point.path == (CHECKPOINT,)

    @classmethod
    def explored_at(cls, point: Point) -> tuple[Fault, ...]:
        """Return the fault at a checkpoint request."""
        is_checkpoint = point.position is Position.REQUEST and point.path == (CHECKPOINT,)
        return (cls(),) if is_checkpoint else ()


@dataclass(frozen=True, repr=False)
class stale_token(_CheckpointFault):  # noqa: N801
    """The service takes the token for an old one: another invocation has taken over."""

    def does(self, point: Point) -> Action:
        """Refuse."""
        return Refuse("InvalidParameterValueException", "Invalid checkpoint token", 400)


@dataclass(frozen=True, repr=False)
class revoke_token(_CheckpointFault):  # noqa: N801
    """The request is persisted and its answer has no token, so the invocation has to end."""

    def does(self, point: Point) -> Action:
        """Withdraw the token."""
        return Withdraw()


@dataclass(frozen=True, repr=False)
class duplicate_request(_CheckpointFault):  # noqa: N801
    """The network delivers a checkpoint request twice; the second copy is refused and nobody hears of it."""

    def does(self, point: Point) -> Action:
        """Deliver it twice."""
        return Repeat()


@dataclass(frozen=True, repr=False)
class partial_page(_ApiFault):  # noqa: N801
    """The answer has ``items`` operations at most, and a marker for the rest."""

    items: int = 1
    order_first: ClassVar[tuple[str, ...]] = ("api",)

    def __post_init__(self) -> None:
        super().__post_init__()
        if type(self.items) is not int or self.items < 1:
            raise UsageError(f"items of {self.kind()} is a positive integer, got {self.items!r}.")

    def does(self, point: Point) -> Action:
        """Split the answer."""
        return Split(self.items)


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


@dataclass(frozen=True, repr=False, kw_only=True)
class _InvocationFault(Fault):
    def meets(self, point: Point) -> bool:
        """Return whether an invocation is about to begin."""
        return point.position is Position.INVOCATION


@dataclass(frozen=True, repr=False, kw_only=True)
class duplicate_invocation(_InvocationFault):  # noqa: N801
    """The invocation is delivered twice, and both run: the service listens to the first."""

    def does(self, point: Point) -> Action:
        """Deliver it twice."""
        return Repeat()


@dataclass(frozen=True, repr=False, kw_only=True)
class cold_start(_InvocationFault):  # noqa: N801
    """The module of the handler is imported anew before the invocation, as in a new sandbox."""

    def does(self, point: Point) -> Action:
        """Start cold."""
        return StartCold()


@dataclass(frozen=True, repr=False)
class _CallbackFault(Fault):
    """What becomes of the answer that a script (``on_callback``) gives to a callback."""

    name: Name = True
    order_first: ClassVar[tuple[str, ...]] = ("name",)
    behaviour: ClassVar[Behaviour]

    def __post_init__(self) -> None:
        super().__post_init__()
        _demand_name(self.name, f"The callback of {self.kind()}")

    def meets(self, point: Point) -> bool:
        """Return whether the callback has been made."""
        return point.position is Position.CALLBACK and _matches(self.name, point.path)

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


@dataclass(frozen=True, repr=False)
class reorder(Fault):  # noqa: N801
    """The order of events: at decision number N of the run, option number M instead of the first.

    ``picks`` maps N (from 0) to M. Made by an exploration, to be pasted.
    """

    picks: Mapping[int, int] | tuple[tuple[int, int], ...] = ()
    order_first: ClassVar[tuple[str, ...]] = ("picks",)

    def __post_init__(self) -> None:
        super().__post_init__()
        given: Any = self.picks
        pairs = given.items() if isinstance(given, Mapping) else given
        try:
            picks = tuple(sorted((at, pick) for at, pick in pairs))
            is_sound = all(type(at) is int and type(pick) is int and at >= 0 for at, pick in picks)
        except (TypeError, ValueError):
            is_sound, picks = False, ()
        if not is_sound:
            raise UsageError(f"picks of {self.kind()} maps numbers to numbers, got {self.picks!r}.")
        object.__setattr__(self, "picks", picks)

    @property
    def pairs(self) -> tuple[tuple[int, int], ...]:
        """The number of each decision with the option taken, sorted."""
        assert isinstance(self.picks, tuple)
        return self.picks

    def meets(self, point: Point) -> bool:
        """Return False: it is about the order, not about a point."""
        return False

    def __repr__(self) -> str:
        return f"{self.kind()}({dict(self.pairs)!r})"


KINDS: tuple[type[Fault], ...] = (
    fail_step,
    crash,
    throttle,
    service_error,
    lose_request,
    lose_response,
    request_too_large,
    slow_api,
    stale_token,
    revoke_token,
    duplicate_request,
    partial_page,
    latency,
    invocation_timeout,
    out_of_memory,
    duplicate_invocation,
    cold_start,
    duplicate_callback,
    late_callback,
    early_callback,
    lost_callback,
    reordered_callback,
    reorder,
)
"""Every kind of this package."""
