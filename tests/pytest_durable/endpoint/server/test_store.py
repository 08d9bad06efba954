"""What is kept is read again as it was."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import typing
from pathlib import Path

import pytest

from durable_sdk.lambda_service import OperationType
from pytest_durable.endpoint.server.store import Store
from pytest_durable.errors import UsageError
from pytest_durable.history.events import (
    Attempt,
    CallbackStart,
    Event,
    EventType,
    ExecutionInput,
    InvocationOutcome,
    InvokeStart,
    Outcome,
    Pause,
    Subject,
    WaitSchedule,
)
from pytest_durable.history.stored import event_from_stored, event_to_stored

ERROR = {"ErrorType": "Broken", "ErrorMessage": "it\0 broke \U0001f4a5", "StackTrace": ["a", "b"]}
SUBJECT = Subject("id", OperationType.STEP, "Step", "name \ud800", "parent")


def _filled(kind: type) -> list[object]:
    """Return details of a kind with every field given, and with as few as there may be."""
    values = {"error": ERROR, "attempt": 3}
    fields = typing.get_type_hints(kind)
    whole: dict[str, object] = {}
    for name, hint in fields.items():
        text = str(hint)
        whole[name] = values.get(name, 7 if "int" in text else (True if "bool" in text else "text"))
    found: list[object] = [kind(**whole)]
    try:
        found.append(kind())
    except TypeError:
        required = {
            name: value for name, value in whole.items() if name not in getattr(kind, "_field_defaults", {})
        }
        if hasattr(kind, "_field_defaults"):
            found.append(kind(**required))
    return found


DETAILS = [
    details
    for kind in (
        Attempt,
        CallbackStart,
        ExecutionInput,
        InvocationOutcome,
        InvokeStart,
        Outcome,
        Pause,
        WaitSchedule,
    )
    for details in _filled(kind)
]


@pytest.mark.parametrize("details", [None, *DETAILS])
def test_an_event_is_read_as_it_was_written(details: typing.Any) -> None:
    event = Event(EventType.STEP_STARTED, 1_700_000_000_123_456, SUBJECT, details)
    written = json.loads(json.dumps(event_to_stored(event)))
    assert event_from_stored(written) == event


@pytest.mark.parametrize("event_type", list(EventType))
def test_every_type_of_event_can_be_kept(event_type: EventType, tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    event = Event(event_type, 5, None, None)
    store.begin()
    store.write_execution(1, "arn", {"name": "x"})
    store.write_event(1, 1, event)
    store.commit()
    store.close()
    store = Store(tmp_path / "store")
    (found,) = store.executions()
    store.close()
    assert (found.arn, found.state, found.events) == ("arn", {"name": "x"}, (event,))


def test_what_was_not_committed_is_not_kept(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    store.begin()
    store.write_execution(1, "arn", {})
    store.close()
    store = Store(tmp_path / "store")
    assert list(store.executions()) == []
    store.close()


def test_a_fact_keeps_its_first_value_until_it_is_set(tmp_path: Path) -> None:
    store = Store(None)
    assert store.fact("seed", "1") == "1"
    assert store.fact("seed", "2") == "1"
    store.set_fact("seed", "3")
    assert store.fact("seed", "2") == "3"
    store.close()


def test_a_store_that_a_server_uses_is_refused_to_another_one(tmp_path: Path) -> None:
    path = tmp_path / "store"
    store = Store(path)
    script = (
        "import sys; from pathlib import Path\n"
        "from pytest_durable.endpoint.server.store import Store\n"
        "Store(Path(sys.argv[1]))"
    )
    other = subprocess.run(
        [sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=False
    )
    assert "UsageError" in other.stderr
    assert "database is locked" in other.stderr
    with pytest.raises(UsageError, match="no other server uses"):
        Store(path)
    store.close()
    Store(path).close()


def test_a_store_of_another_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "store"
    store = Store(path)
    store.set_fact("version", "99")
    store.close()
    with pytest.raises(UsageError, match="is a store of version 99"):
        Store(path)


def test_a_file_that_is_no_store_is_refused_and_left_as_it_was(tmp_path: Path) -> None:
    text = tmp_path / "text"
    text.write_text("no database, but a long text\n" * 100)
    with pytest.raises(UsageError, match="cannot be used as a store"):
        Store(text)
    assert text.read_text().startswith("no database")
    other = tmp_path / "other"
    database = sqlite3.connect(other)
    database.execute("CREATE TABLE mine (x)")
    database.commit()
    database.close()
    before = other.read_bytes()
    with pytest.raises(UsageError, match="database of another program"):
        Store(other)
    assert other.read_bytes() == before
    with pytest.raises(UsageError, match="cannot be used as a store"):
        Store(tmp_path / "no" / "such" / "directory")
