"""What a transition returns."""

from __future__ import annotations

from typing import NamedTuple, NoReturn

from pytest_durable.history.events import Event
from pytest_durable.history.fold import RecordedOperation
from pytest_durable.simulator.service.effects import Effect
from pytest_durable.simulator.service.errors import InvalidParameterValueException
from pytest_durable.simulator.service.requests import Update


class Transition(NamedTuple):
    """The event that records a change, and what follows from it.

    ``ending`` is a second event of the same instant: an operation may end as soon as it starts.
    """

    event: Event
    effect: Effect | None = None
    ending: Event | None = None


def refuse(update: Update, recorded: RecordedOperation | None) -> NoReturn:
    """Refuse an action that the state of the operation does not allow."""
    subject = update.subject
    state = "does not exist" if recorded is None else f"is {recorded.status.value}"
    raise InvalidParameterValueException(
        f"Cannot {update.action.value} {subject.operation_type.value} operation "
        f"{subject.name or subject.operation_id!r}, which {state}."
    )
