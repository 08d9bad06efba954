"""The command ``pytest-durable serve``."""

from __future__ import annotations

import os
import resource
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from served import ENVIRONMENT, TESTS, Caller, Command, command, wait_until

from pytest_durable.endpoint.server.command import handlers_of, main
from pytest_durable.errors import UsageError


def failure_of(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["serve", *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    return captured.err


@pytest.fixture(autouse=True)
def _surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(TESTS)


def test_a_function_is_named_after_its_handler_or_its_module() -> None:
    assert handlers_of(["app.orders:handler", "app.refunds:lambda_handler", "app:charge", "a.b:C.run"]) == {
        "orders": "app.orders:handler",
        "refunds": "app.refunds:lambda_handler",
        "charge": "app:charge",
        "run": "a.b:C.run",
    }
    assert handlers_of(["x=app:handler", "x-2=app:handler"]) == {"x": "app:handler", "x-2": "app:handler"}


@pytest.mark.parametrize(
    "text", ["app", "app.handler", ":handler", "app:", "=app:handler", "a b:handler", ""]
)
def test_what_names_no_handler_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"named as module:handler or NAME=module:handler"):
        handlers_of([text])


def test_two_functions_of_one_name_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    error = failure_of(capsys, "a.app:handler", "b.app:handler")
    assert "Both a.app:handler and b.app:handler are named 'app'" in error
    assert "NAME=b.app:handler" in error


def test_a_handler_that_cannot_be_imported_is_refused_with_the_reason(
    capsys: pytest.CaptureFixture[str],
) -> None:
    error = failure_of(capsys, "served_functions:greet", "served_functions:nobody")
    assert "served_functions:nobody cannot be served: AttributeError" in error


def test_a_port_in_use_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        error = failure_of(capsys, "served_functions:greet", "--port", str(taken.getsockname()[1]))
    assert "in use" in error
    assert "--port" in error


def test_a_host_of_another_machine_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert "Nothing can be served at 192.0.2.1" in failure_of(
        capsys, "served_functions:greet", "--host", "192.0.2.1"
    )
    assert "There is no host" in failure_of(capsys, "served_functions:greet", "--host", "no such host")


def test_a_store_that_cannot_be_used_is_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    missing = tmp_path / "missing" / "store"
    assert "cannot be used as a store" in failure_of(
        capsys, "served_functions:greet", "--store", str(missing)
    )


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--port", "70000"], "--port is a number from 0 to 65535, got 70000"),
        (["--sandboxes", "0"], "--sandboxes is 1 or more, got 0"),
        (["--invocation-timeout", "soon"], "--invocation-timeout"),
        (["--execution-timeout", "0s"], "--execution-timeout must be longer than zero"),
        (["--execution-timeout", "400d"], "--execution-timeout is at most"),
        (["--grace=-1s"], "--grace"),
        (["--region", "here"], "region is a region such as 'us-east-1', got 'here'"),
        (["bad name=served_functions:greet"], "registered under its name"),
    ],
)
def test_options_that_make_no_sense_are_refused(
    capsys: pytest.CaptureFixture[str], arguments: list[str], why: str
) -> None:
    assert why in failure_of(capsys, "served_functions:greet", *arguments)


def test_without_the_extra_the_command_says_what_to_install(tmp_path: Path) -> None:
    script = (
        "import sys; sys.modules['uvicorn'] = None\n"
        "from importlib import util\n"
        "found = util.find_spec\n"
        "util.find_spec = lambda name: None if name == 'uvicorn' else found(name)\n"
        "from pytest_durable.endpoint.server.command import main\n"
        "sys.exit(main(['serve', 'served_functions:greet']))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "pip install 'pytest-durable[serve]'" in done.stderr
    assert "Traceback" not in done.stderr


def test_it_says_where_it_serves_what_and_how_to_use_it() -> None:
    with command("served_functions:greet", "sums=served_functions:plain") as served:
        assert served.first_line == f"Serving greet, sums (not durable) at {served.url}\n"
        assert served.process.stdout is not None
        told = [served.process.stdout.readline() for _ in range(3)]
        assert f"export AWS_ENDPOINT_URL_LAMBDA={served.url}" in told[0]
        assert f"export LAMBDA_ENDPOINT={served.url}" in told[1]
        assert """export PYTEST_FUNCTION_NAME_MAP='{"greet": "greet:$LATEST"}'""" in told[2]
        api = Caller(served.url)
        assert api.run("greet", {"name": "Ada"}) == "Hello Ada"
        assert api.call("sums", {"value": 1}) == 2
        api.close()


@pytest.mark.parametrize(("sig", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_a_signal_ends_it_with_all_its_processes(sig: int, code: int, tmp_path: Path) -> None:
    with command("served_functions:linger", "--store", str(tmp_path / "store"), "--grace", "0s") as served:
        api = Caller(served.url)
        begun = tmp_path / "begun"
        api.start("linger", {"file": str(begun), "seconds": 60})
        wait_until(begun.exists)
        children = _children(served.process.pid)
        assert children
        api.close()
        assert served.stop(sig) == (code, "")
        wait_until(lambda: not any(Path(f"/proc/{child}").exists() for child in children))
    # What SQLite keeps beside the database while it is open.
    assert sorted(path.name for path in tmp_path.iterdir()) == ["begun", "store"]


def test_a_second_ctrl_c_does_not_wait_for_invocations(tmp_path: Path) -> None:
    with command("served_functions:linger", "--grace", "10m") as served:
        api = Caller(served.url)
        begun = tmp_path / "begun"
        arn = api.start("linger", {"file": str(begun), "seconds": 60})
        wait_until(begun.exists)
        served.process.send_signal(signal.SIGINT)
        # Meanwhile it is served what runs, and nothing new begins.
        wait_until(lambda: _is_refused(api))
        assert api.status(arn) == "RUNNING"
        api.close()
        assert served.stop(signal.SIGINT) == (130, "")


def _is_refused(api: Caller) -> bool:
    try:
        api.start("linger", {"file": "/dev/null", "seconds": 0})
    except api.client.exceptions.ClientError as error:
        return bool(error.response["ResponseMetadata"]["HTTPStatusCode"] == 503)
    return False


def test_the_processes_of_a_server_that_was_killed_end(tmp_path: Path) -> None:
    served = Command("served_functions:linger")
    api = Caller(served.url)
    begun = tmp_path / "begun"
    api.start("linger", {"file": str(begun), "seconds": 60})
    wait_until(begun.exists)
    children = _children(served.process.pid)
    api.close()
    served.kill()
    wait_until(lambda: not any(Path(f"/proc/{child}").exists() for child in children))


def test_a_server_that_is_ended_while_it_imports_handlers_leaves_no_process(tmp_path: Path) -> None:
    module = "import os, time, pathlib\npathlib.Path('pid').write_text(str(os.getpid()))\ntime.sleep(60)\n"
    (tmp_path / "slow.py").write_text(module)
    pid = tmp_path / "pid"
    server = subprocess.Popen(
        [sys.executable, "-m", "pytest_durable.endpoint.server.command", "serve", "slow:handler"],
        cwd=tmp_path,
        env={**os.environ, **ENVIRONMENT},
    )
    wait_until(lambda: pid.exists() and pid.read_text())
    server.terminate()
    server.wait()
    wait_until(lambda: not Path(f"/proc/{pid.read_text()}").exists())


def test_a_server_whose_disk_is_full_ends_with_an_error(tmp_path: Path) -> None:
    store = tmp_path / "store"
    with command("served_functions:greet", "--store", str(store)) as served:
        api = Caller(served.url)
        api.run("greet", {"name": "Ada"})
        size = Path(f"{store}-wal").stat().st_size
        resource.prlimit(served.process.pid, resource.RLIMIT_FSIZE, (size, size))
        with pytest.raises(api.client.exceptions.ClientError, match="ServiceUnavailable"):
            api.run("greet", {"name": "Bob"})
        api.close()
        _, errors = served.process.communicate(timeout=20)
        assert served.process.returncode == 1
        assert "The service has failed, and stops." in errors
        assert "the server has failed" in errors


def test_another_host_than_this_machine_is_warned_of() -> None:
    with command("served_functions:greet", "--host", "0.0.0.0") as served:
        assert served.url.startswith("http://127.0.0.1:")
        api = Caller(served.url)
        assert api.run("greet", {"name": "Ada"}) == "Hello Ada"
        api.close()
        _, errors = served.stop()
    assert "0.0.0.0 is open to other machines" in errors


def test_arns_have_the_region_that_was_asked_for() -> None:
    with command("served_functions:greet", "--region", "eu-west-1") as served:
        api = Caller(served.url)
        arn = api.start("greet", {"name": "Ada"})
        api.close()
    assert arn.startswith("arn:aws:lambda:eu-west-1:123456789012:function:greet:$LATEST/durable-execution/")


def _children(pid: int) -> list[int]:
    found = []
    for directory in Path("/proc").iterdir():
        if directory.name.isdecimal():
            try:
                status = (directory / "stat").read_text()
            except OSError:
                continue
            if int(status.rpartition(")")[2].split()[1]) == pid:
                found.append(int(directory.name))
    return found
