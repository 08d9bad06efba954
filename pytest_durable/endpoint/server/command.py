"""The command ``pytest-durable``."""

from __future__ import annotations

import argparse
import json
import logging
import re
import shlex
import signal
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_durable import __version__
from pytest_durable.durations import to_microseconds, to_whole_seconds
from pytest_durable.errors import UsageError

if TYPE_CHECKING:
    from pytest_durable.endpoint.server.serving import Server, ServerOptions

# The exit codes of the shell: 128 and the number of the signal; and of argparse.
EXIT_STOPPED = 0
EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_INTERRUPTED = 128 + signal.SIGINT

_EXTRA_MODULES = ("botocore", "starlette", "uvicorn")

_HANDLER = re.compile(r"(?:(?P<name>[^=:]*)=)?(?P<module>[\w.]+):(?P<attribute>[\w.]+)")

# Names of handlers that say nothing about the function.
_COMMON_NAMES = frozenset({"handler", "lambda_handler"})

_DESCRIPTION = """\
Serve durable functions at a local endpoint of Lambda, for boto3, the AWS CLI and pytest --runner-mode=cloud.
A page at / shows the executions.
"""

_EPILOG = """\
Handlers are imported from the current directory, in processes of their own. Stop with Ctrl-C or SIGTERM:
invocations that run have a few seconds to end, and a second Ctrl-C ends them at once. With --store, the next
server goes on with the executions that have not ended.

exit codes: 0 stopped by SIGTERM, 130 by Ctrl-C, 1 the server has failed, 2 it could not be started
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command, and return its exit code."""
    parsed = parser().parse_args(arguments)
    logging.basicConfig(level=logging.WARNING, format="pytest-durable: %(message)s")
    try:
        _demand_extras()
        server = _make_server(parsed)
    except UsageError as error:
        print(f"pytest-durable: {error}", file=sys.stderr)
        return EXIT_USAGE
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    if not server.is_local:
        print(
            f"pytest-durable: {parsed.host} is open to other machines, and whoever can connect can run the "
            "functions and read their executions: there are no credentials to check.",
            file=sys.stderr,
        )
    try:
        stopped_by = server.run(lambda: print(_told(server), flush=True))
    except Exception as error:
        # The engine has logged where it came from.
        print(f"pytest-durable: the server has failed: {error}", file=sys.stderr)
        return EXIT_FAILED
    return EXIT_INTERRUPTED if stopped_by == signal.SIGINT else EXIT_STOPPED


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    made = argparse.ArgumentParser(prog="pytest-durable", description="Tools for durable functions.")
    made.add_argument("--version", action="version", version=__version__)
    commands = made.add_subparsers(dest="command", required=True, metavar="serve")
    serve = commands.add_parser(
        "serve",
        help="serve durable functions over HTTP",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    serve.add_argument(
        "handlers",
        nargs="+",
        metavar="[NAME=]module:handler",
        help="a function, durable or not; named after the handler, or after the module of one that is called "
        "handler or lambda_handler, unless NAME is given",
    )
    serve.add_argument("--host", default="127.0.0.1", help="where to serve (%(default)s: this machine alone)")
    serve.add_argument("--port", type=int, default=0, help="0, the default, takes any that is free")
    serve.add_argument("--store", type=Path, metavar="FILE", help="keep executions in an SQLite database")
    serve.add_argument(
        "--time",
        choices=("real", "skipped"),
        default="real",
        help="whether waits and delays of retries take their time, or none (%(default)s)",
    )
    serve.add_argument(
        "--sandboxes", type=int, default=8, metavar="N", help="how many handlers run at a time (%(default)s)"
    )
    serve.add_argument("--execution-timeout", metavar="D", help="such as 2h (366 days)")
    serve.add_argument("--invocation-timeout", default="15m", metavar="D", help="such as 30s (%(default)s)")
    serve.add_argument("--grace", default="5s", metavar="D", help="for invocations that run (%(default)s)")
    serve.add_argument("--region", default="us-east-1", help="of the functions' ARNs (%(default)s)")
    return made


def _demand_extras() -> None:
    missing = [module for module in _EXTRA_MODULES if find_spec(module) is None]
    if missing:
        raise UsageError(
            f"serve needs {', '.join(missing)}, which is not installed: pip install 'pytest-durable[serve]'"
        )


def _make_server(parsed: argparse.Namespace) -> Server:
    # What needs the extra is imported once it is known to be there.
    from pytest_durable.endpoint.server.serving import Server

    return Server(_options(parsed))


def _options(parsed: argparse.Namespace) -> ServerOptions:
    from durable_sdk._duration import LONGEST_DELAY_SECONDS
    from pytest_durable.endpoint.server.engine import EngineOptions
    from pytest_durable.endpoint.server.serving import ServerOptions
    from pytest_durable.simulator.identifiers import FunctionVersion

    if not 0 <= parsed.port <= 65535:
        raise UsageError(f"--port is a number from 0 to 65535, got {parsed.port}.")
    if parsed.sandboxes < 1:
        raise UsageError(f"--sandboxes is 1 or more, got {parsed.sandboxes}.")
    FunctionVersion("any", region=parsed.region)
    timeout = None
    if parsed.execution_timeout is not None:
        timeout = to_whole_seconds(parsed.execution_timeout, "--execution-timeout")
        if timeout > LONGEST_DELAY_SECONDS:
            raise UsageError(
                f"--execution-timeout is at most {LONGEST_DELAY_SECONDS} seconds, "
                f"got {parsed.execution_timeout!r}."
            )
    return ServerOptions(
        handlers_of(parsed.handlers),
        parsed.host,
        parsed.port,
        EngineOptions(
            parsed.store,
            parsed.time == "skipped",
            parsed.sandboxes,
            to_whole_seconds(parsed.invocation_timeout, "--invocation-timeout"),
            parsed.region,
        ),
        timeout,
        to_microseconds(parsed.grace, "--grace") / 1_000_000,
    )


def handlers_of(texts: Sequence[str]) -> dict[str, str]:
    """Return ``module:handler`` by the names of functions, from ``[NAME=]module:handler``.

    Raises:
        UsageError: a text is none, or two have one name.
    """
    found: dict[str, str] = {}
    for text in texts:
        match = _HANDLER.fullmatch(text)
        if match is None or match["name"] == "":
            raise UsageError(f"A function is named as module:handler or NAME=module:handler, got {text!r}.")
        module, attribute = match["module"], match["attribute"]
        own = attribute.rpartition(".")[2]
        name = match["name"] or (module.rpartition(".")[2] if own in _COMMON_NAMES else own)
        handler = f"{module}:{attribute}"
        if name in found:
            raise UsageError(
                f"Both {found[name]} and {handler} are named {name!r}: name one of them otherwise, "
                f"as in NAME={handler}."
            )
        found[name] = handler
    return found


def _told(server: Server) -> str:
    names = [
        name if function.is_durable else f"{name} (not durable)" for name, function in server.served.items()
    ]
    lines = [
        f"Serving {', '.join(names)} at {server.url}",
        f"  export AWS_ENDPOINT_URL_LAMBDA={server.url}  # boto3, the AWS CLI",
        f"  export LAMBDA_ENDPOINT={server.url}  # pytest --runner-mode=cloud",
    ]
    durable = {name: f"{name}:$LATEST" for name, function in server.served.items() if function.is_durable}
    if durable:
        lines.append(f"  export PYTEST_FUNCTION_NAME_MAP={shlex.quote(json.dumps(durable))}")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
