"""What happens to a request of the SDK."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from pytest_durable.durations import DurationLike, to_microseconds
from pytest_durable.errors import UsageError
from pytest_durable.faults.base import Fault
from pytest_durable.points import Action, Delay, Point, Position, Refuse, Repeat, Split, Withdraw

# A failure belongs to the test's own line, not to ours.
__tracebackhide__ = True

CHECKPOINT, GET_STATE = "checkpoint", "get_state"
APIS = (CHECKPOINT, GET_STATE)


def _demand_api(api: object, kind: str) -> None:
    if api not in APIS:
        raise UsageError(f"api of {kind} is one of {', '.join(map(repr, APIS))}, got {api!r}.")


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
