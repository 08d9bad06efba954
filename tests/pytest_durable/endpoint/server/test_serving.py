"""A server in this process, from its making to its end."""

from __future__ import annotations

import os
import socket
import threading
from pathlib import Path

import pytest
from served import ENVIRONMENT, Caller, serving

from pytest_durable.endpoint.server.serving import Server, ServerOptions
from pytest_durable.errors import UsageError


def _files() -> set[str]:
    found = set()
    for name in os.listdir("/proc/self/fd"):
        try:
            found.add(f"{name} {os.readlink(f'/proc/self/fd/{name}')}")
        except OSError:
            continue
    return found


def test_nothing_is_left_of_a_server_that_has_stopped(tmp_path: Path) -> None:
    threads, files = set(threading.enumerate()), _files()
    with serving(["greet", "plain", "ask"], store=tmp_path / "store") as server:
        api = Caller(server.url)
        api.run("greet", {"name": "Ada"})
        api.start("ask")
        api.call("plain", {"value": 1})
        pids = server.engine.look(lambda world: list(server.engine._processes._all)).result()
        api.close()
    assert len(pids) >= 2
    assert all(not Path(f"/proc/{process.pid}").exists() for process in pids)
    assert set(threading.enumerate()) - threads == set()
    assert _files() - files == set()
    assert [path.name for path in tmp_path.iterdir()] == ["store"]


def test_nothing_is_left_of_a_server_that_could_not_be_made(tmp_path: Path) -> None:
    threads, files = set(threading.enumerate()), _files()
    with pytest.raises(UsageError):
        Server(ServerOptions({"x": "served_functions:nobody"}, environment=ENVIRONMENT))
    (tmp_path / "store").write_text("no database" * 1000)
    with pytest.raises(UsageError), serving(["greet"], store=tmp_path / "store"):
        pass
    assert set(threading.enumerate()) - threads == set()
    assert _files() - files == set()


def test_a_server_that_never_ran_can_be_closed() -> None:
    files = _files()
    server = Server(ServerOptions({"greet": "served_functions:greet"}, environment=ENVIRONMENT))
    port = int(server.url.rpartition(":")[2])
    # It is bound, and nobody can connect before it serves.
    with pytest.raises(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
        pass
    server.close()
    assert _files() - files == set()


def test_a_server_is_stopped_twice_without_harm() -> None:
    with serving(["greet"]) as server:
        server.stop()
        server.stop()


def test_there_has_to_be_a_handler() -> None:
    with pytest.raises(UsageError, match="There is nothing to serve"):
        Server(ServerOptions({}))
