"""Server: handlers served over HTTP, from binding a port to the end of the last process."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from types import FrameType

import uvicorn

from pytest_durable.endpoint.server.app import make_app
from pytest_durable.endpoint.server.engine import Engine, EngineOptions, Served
from pytest_durable.endpoint.server.processes import Spec, examine
from pytest_durable.endpoint.server.surroundings import sandbox_environment
from pytest_durable.errors import UsageError

DEFAULT_HOST = "127.0.0.1"

# How long an invocation that runs when the server is told to stop may take to end.
DEFAULT_GRACE_SECONDS = 5.0

# How long a client may take to send the rest of a request, or take its answer, when the server stops.
_CONNECTIONS_SECONDS = 2

_LOOPBACK_NAMES = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """What to serve, and where. ``handlers`` are ``module:handler``, by the names of the functions.

    ``environment`` is added to that of the sandboxes.
    """

    handlers: Mapping[str, str]
    host: str = DEFAULT_HOST
    port: int = 0
    engine: EngineOptions = field(default_factory=EngineOptions)
    execution_timeout_seconds: int | None = None
    grace_seconds: float = DEFAULT_GRACE_SECONDS
    environment: Mapping[str, str] = field(default_factory=dict)


class Server:
    """Serves from `run` or `start` until `stop`.

    All that can be wrong with the options is found out by making it, before anybody can connect.
    """

    def __init__(self, options: ServerOptions) -> None:
        """Bind the port, import the handlers and open the store.

        Raises:
            UsageError: something of this is not possible.
        """
        self._options = options
        if not options.handlers:
            raise UsageError("There is nothing to serve: name a handler, as module:handler.")
        self._socket = _bind(options.host, options.port)
        try:
            address = ipaddress.ip_address(self._socket.getsockname()[0])
            self.is_local = address.is_loopback
            """Whether only this machine can connect."""
            self.url = _url(options.host, address, self._socket.getsockname()[1])
            self.engine = Engine(self._examined(), options.engine)
        except BaseException:
            self._socket.close()
            raise
        hosts = {*_LOOPBACK_NAMES, options.host} if self.is_local else ()
        config = uvicorn.Config(
            make_app(self.engine, hosts),
            http="h11",
            ws="none",
            lifespan="off",
            log_level="error",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=_CONNECTIONS_SECONDS,
        )
        self._uvicorn = _Uvicorn(config, self.engine, options.grace_seconds)
        self._thread: threading.Thread | None = None

    def _examined(self) -> dict[str, Served]:
        specs: dict[str, Spec] = {}
        for name, handler in self._options.handlers.items():
            environment = sandbox_environment(name, handler, self.url, self._options.engine.region)
            specs[name] = Spec(handler, {**environment, **self._options.environment})
        durable = examine(list(specs.values()))
        timeout = self._options.execution_timeout_seconds
        self.served = {
            name: Served(spec, durable[spec], timeout if durable[spec] else None)
            for name, spec in specs.items()
        }
        """The functions, by their names."""
        return self.served

    def run(self, on_ready: Callable[[], None] = lambda: None) -> int | None:
        """Serve on this thread until `stop`, SIGTERM or Ctrl-C; return the signal.

        Raises:
            Exception: the service has failed, and why.
        """
        self._serve(on_ready)
        failure = self.engine.ended.exception()
        if failure is not None:
            raise failure
        return self._uvicorn.stopped_by

    def _serve(self, on_ready: Callable[[], None]) -> None:
        self._uvicorn.on_ready = on_ready
        try:
            asyncio.run(self._uvicorn.serve([self._socket]))
        finally:
            self.close()

    def start(self) -> None:
        """Serve on a thread of its own; return when it does."""
        ready = threading.Event()
        self._thread = threading.Thread(
            target=self._serve, args=[ready.set], name="durable server", daemon=True
        )
        self._thread.start()
        while not ready.wait(0.1):
            if not self._thread.is_alive():
                raise UsageError(f"The server at {self.url} could not be started.")

    def stop(self) -> None:
        """Stop, and return when nothing is left of it."""
        self._uvicorn.should_exit = True
        if self._thread is not None:
            self._thread.join()
        self.close()

    def close(self) -> None:
        """Let go of all that making it took, if it does not run."""
        self.engine.stop()
        self._socket.close()


class _Uvicorn(uvicorn.Server):
    """Serves on while the engine stops: invocations that run want to tell what they came to."""

    def __init__(self, config: uvicorn.Config, engine: Engine, grace_seconds: float) -> None:
        super().__init__(config)
        self._engine = engine
        self._grace_seconds = grace_seconds
        self.on_ready: Callable[[], None] = lambda: None
        self.stopped_by: int | None = None
        engine.ended.add_done_callback(self._engine_ended)

    def _engine_ended(self, ended: object) -> None:
        self.should_exit = True

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to serve, and say so."""
        await super().startup(sockets)
        if self.started:
            self.on_ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the engine, and then the connections."""
        await asyncio.to_thread(self._engine.stop, self._grace_seconds)
        await super().shutdown(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop; at once if told so a second time."""
        if self.should_exit:
            self.force_exit = True
            # On another thread: it waits for the engine, which this one may hold up.
            threading.Thread(target=self._engine.stop, daemon=True).start()
        self.stopped_by = self.stopped_by or sig
        self.should_exit = True


def _bind(host: str, port: int) -> socket.socket:
    """Return a socket at an address at which nobody can connect yet.

    Raises:
        UsageError: it is not this machine's, or in use.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        raise UsageError(f"There is no host {host!r} to serve at: {error}.") from None
    family, kind, protocol, _, address = found[0]
    bound = socket.socket(family, kind, protocol)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            with suppress(OSError):
                bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        bound.bind(address)
    except (OSError, OverflowError) as error:
        bound.close()
        raise UsageError(
            f"Nothing can be served at {host} port {port}: {error}. Another --port may be free; 0 takes any."
        ) from None
    return bound


def _url(host: str, address: ipaddress.IPv4Address | ipaddress.IPv6Address, port: int) -> str:
    """Return where this machine finds the server."""
    if address.is_unspecified:
        host = "127.0.0.1" if address.version == 4 else "::1"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
