"""Store: what a server keeps in SQLite, so that another one goes on where it stopped.

An execution is a row of what the service holds of it besides its log, and one row for each event. All that
one turn of the engine changes is committed at once, before anybody learns of it: what has been acknowledged
survives the death of the process. (The operating system may lose the last commits if the machine itself
goes down.)
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_durable.errors import UsageError
from pytest_durable.history.events import Event
from pytest_durable.history.stored import event_from_stored, event_to_stored

# The version of all that is below; another one is not read.
VERSION = 1

_SCHEMA = """
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS executions (
    number INTEGER PRIMARY KEY, arn TEXT NOT NULL UNIQUE, state TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS events (
    execution INTEGER NOT NULL, number INTEGER NOT NULL, event TEXT NOT NULL,
    PRIMARY KEY (execution, number)
) WITHOUT ROWID;
"""

# How long another server may take to let go of the file.
_LOCK_SECONDS = 1.0

# "durb" tells the database from those of other programs.
_APPLICATION_ID = 0x64757262


@dataclass(frozen=True, slots=True)
class StoredExecution:
    """An execution as it was when it was last committed. ``number`` counts from 1, in order of start."""

    number: int
    arn: str
    state: dict[str, Any]
    events: tuple[Event, ...]


class Store:
    """A database, in a file or (without a path) in memory. Used by one thread, or by one after the other."""

    def __init__(self, path: Path | None) -> None:
        """Open the database, or make it.

        Raises:
            UsageError: it cannot be used.
        """
        database: sqlite3.Connection | None = None
        try:
            database = sqlite3.connect(
                path or ":memory:", timeout=_LOCK_SECONDS, isolation_level=None, check_same_thread=False
            )
            # Nobody else may serve from it: two servers would both run its executions.
            database.execute("PRAGMA locking_mode = EXCLUSIVE")
            # Before anything is written: the file may be another program's.
            _check_application(database, path)
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA synchronous = NORMAL")
            database.execute("BEGIN EXCLUSIVE")
            database.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
            for statement in _SCHEMA.split(";"):
                database.execute(statement)
            database.execute("COMMIT")
        except sqlite3.Error as error:
            if database is not None:
                database.close()
            raise UsageError(
                f"{path} cannot be used as a store: {error}. Name a file that is new, or was made by "
                "pytest-durable serve, and that no other server uses."
            ) from error
        except UsageError:
            assert database is not None
            database.close()
            raise
        self._database = database
        found = self.fact("version", str(VERSION))
        if found != str(VERSION):
            self.close()
            raise UsageError(
                f"{path} is a store of version {found}, and this is {VERSION}: name another file."
            )

    def fact(self, name: str, default: str) -> str:
        """Return what is kept under a name; the default is kept if there is nothing."""
        row = self._database.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        if row is None:
            self._database.execute("INSERT INTO facts VALUES (?, ?)", (name, default))
            return default
        return str(row[0])

    def begin(self) -> None:
        """Begin to write what is to be kept at once."""
        self._database.execute("BEGIN")

    def set_fact(self, name: str, value: str) -> None:
        """Keep a value under a name."""
        self._database.execute("REPLACE INTO facts VALUES (?, ?)", (name, value))

    def write_execution(self, number: int, arn: str, state: dict[str, Any]) -> None:
        """Keep what the service holds of an execution."""
        text = json.dumps(state, separators=(",", ":"))
        self._database.execute("REPLACE INTO executions VALUES (?, ?, ?)", (number, arn, text))

    def write_event(self, execution: int, number: int, event: Event) -> None:
        """Keep the event number ``number`` of an execution, counted from 1."""
        text = json.dumps(event_to_stored(event), separators=(",", ":"))
        self._database.execute("INSERT INTO events VALUES (?, ?, ?)", (execution, number, text))

    def commit(self) -> None:
        """Keep all that was written since `begin`."""
        self._database.execute("COMMIT")

    def executions(self) -> Iterator[StoredExecution]:
        """Yield every execution, in order of start."""
        rows = self._database.execute("SELECT number, arn, state FROM executions ORDER BY number").fetchall()
        for number, arn, state in rows:
            events = self._database.execute(
                "SELECT event FROM events WHERE execution = ? ORDER BY number", (number,)
            )
            yield StoredExecution(
                number,
                arn,
                json.loads(state),
                tuple(event_from_stored(json.loads(text)) for (text,) in events),
            )

    def close(self) -> None:
        """Close the database."""
        self._database.close()


def _check_application(database: sqlite3.Connection, path: Path | None) -> None:
    (found,) = database.execute("PRAGMA application_id").fetchone()
    (tables,) = database.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if tables and found != _APPLICATION_ID:
        raise UsageError(f"{path} is a database of another program. Name a file that is new.")
