"""Names: which operation a script is about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from durable_sdk.lambda_service import OperationSubType
from pytest_durable.errors import UsageError
from pytest_durable.history.events import Subject
from pytest_durable.history.fold import RecordedOperation
from pytest_durable.points import Path


def path_of(operations: Mapping[str, RecordedOperation], subject: Subject) -> Path:
    """Return the path of an operation."""
    names = [subject.name]
    parent_id = subject.parent_id
    # An event that could not be read may have left out a parent.
    while parent_id is not None and parent_id in operations:
        parent = operations[parent_id].subject
        names.append(parent.name)
        parent_id = parent.parent_id
    return tuple(reversed(names))


def callback_paths(operations: Mapping[str, RecordedOperation], subject: Subject) -> Sequence[Path]:
    """Return the paths of a callback: that which the user wrote comes first.

    ``wait_for_callback("approval")`` makes a callback with a longer name in a context named "approval".
    """
    own = path_of(operations, subject)
    parent = operations.get(subject.parent_id or "")
    if parent is not None and parent.subject.sub_type == OperationSubType.WAIT_FOR_CALLBACK:
        return own[:-1], own
    return (own,)


def demand_name(name: object, what: str) -> None:
    """Check what a test gives as the name of ``what``.

    Raises:
        UsageError: it is no text, or is empty.
    """
    if not isinstance(name, str) or not name:
        raise UsageError(f"The name of {what} is a text that is not empty, got {name!r}.")
