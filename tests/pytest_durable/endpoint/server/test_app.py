"""The HTTP of the server: what it lets in, and how it refuses."""

from __future__ import annotations

import http.client
import json
import random
import socket
from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from served import Caller

from pytest_durable.endpoint.server.serving import Server


@pytest.fixture
def connection(server: Server) -> Iterator[http.client.HTTPConnection]:
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=20)
    yield connection
    connection.close()


def ask(
    connection: http.client.HTTPConnection, method: str, path: str, body: Any = None, **headers: str
) -> tuple[int, dict[str, str], bytes]:
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    return answer.status, {name.lower(): text for name, text in answer.getheaders()}, answer.read()


GREET = "/2015-03-31/functions/greet%3A%24LATEST/invocations"


def test_connections_are_kept(connection: http.client.HTTPConnection) -> None:
    assert ask(connection, "POST", GREET, b'{"name": "Ada"}')[2] == b'"Hello Ada"'
    kept = connection.sock
    assert ask(connection, "POST", GREET, b'{"name": "Bob"}')[2] == b'"Hello Bob"'
    assert connection.sock is kept is not None


def test_every_answer_has_an_id_of_the_request(connection: http.client.HTTPConnection) -> None:
    found = {ask(connection, "GET", f"/{path}")[1]["x-amzn-requestid"] for path in ("a", "b")}
    assert len(found) == 2


def test_arns_are_found_encoded_and_plain(connection: http.client.HTTPConnection, api: Caller) -> None:
    arn = api.start("greet", {"name": "Ada"})
    api.ended(arn)
    for path in (quote(arn, safe=""), quote(arn, safe=":$")):
        status, _, body = ask(connection, "GET", f"/2025-12-01/durable-executions/{path}")
        assert (status, json.loads(body)["DurableExecutionArn"]) == (200, arn)


def test_an_unknown_path_is_an_error_of_the_service(connection: http.client.HTTPConnection) -> None:
    status, headers, body = ask(connection, "GET", "/2015-03-31/nothing")
    assert (status, headers["x-amzn-errortype"]) == (404, "UnknownOperationException")
    assert json.loads(body)["Type"] == "User"


def test_a_head_is_answered_without_a_body(connection: http.client.HTTPConnection) -> None:
    status, _, body = ask(connection, "HEAD", "/nothing")
    assert (status, body) == (404, b"")
    assert ask(connection, "HEAD", GREET)[0] == 405


def test_an_operation_that_is_not_simulated_says_so(connection: http.client.HTTPConnection) -> None:
    status, headers, _ = ask(connection, "GET", "/2015-03-31/functions/greet")
    assert (status, headers["x-amzn-errortype"]) == (404, "UnknownOperationException")


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "127.0.0.1.evil.example", ""])
def test_a_request_for_another_host_is_refused(connection: http.client.HTTPConnection, host: str) -> None:
    status, _, body = ask(connection, "POST", GREET, b'{"name": "x"}', Host=host)
    assert status == 403
    assert b"--host" in body


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1234", "127.0.0.1", "[::1]:80"])
def test_a_request_for_this_machine_is_let_in(connection: http.client.HTTPConnection, host: str) -> None:
    assert ask(connection, "POST", GREET, b'{"name": "x"}', Host=host)[0] == 200


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "https://localhost", ""])
def test_a_page_of_another_site_is_refused(connection: http.client.HTTPConnection, origin: str) -> None:
    assert ask(connection, "POST", GREET, b'{"name": "x"}', Origin=origin)[0] == 403


def test_a_page_of_this_server_is_let_in(connection: http.client.HTTPConnection, server: Server) -> None:
    assert ask(connection, "POST", GREET, b'{"name": "x"}', Origin=server.url)[0] == 200


def test_a_payload_of_6_mb_is_taken_and_one_more_byte_is_not(connection: http.client.HTTPConnection) -> None:
    most = 6 * 1024 * 1024
    plain = "/2015-03-31/functions/plain/invocations"
    frame = len(json.dumps({"value": 1, "x": ""}))
    largest = json.dumps({"value": 1, "x": "y" * (most - frame)})
    assert ask(connection, "POST", plain, largest)[2] == b"2"
    status, headers, _ = ask(connection, "POST", plain, largest + " ")
    assert (status, headers["x-amzn-errortype"]) == (413, "RequestTooLargeException")


def test_a_body_without_end_is_not_read_to_its_end(server: Server) -> None:
    host, port = urlsplit(server.url).hostname, urlsplit(server.url).port
    with socket.create_connection((host, port), timeout=30) as raw:
        head = f"POST {GREET} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
        raw.sendall(head.encode())
        chunk = b"100000\r\n" + b"x" * 0x100000 + b"\r\n"
        sent, answer = 0, b""
        with suppress(OSError):
            while sent < 100:
                raw.sendall(chunk)
                sent += 1
        with suppress(OSError):
            answer = raw.recv(100)
    assert sent < 100 or b"413" in answer


def _hostile(chance: random.Random, arn: str) -> tuple[str, str, bytes, dict[str, str]]:
    """Return a request that is wrong in one of many ways."""
    texts = [
        "",
        "null",
        "\0",
        "💥",
        "../..",
        "%",
        "%zz",
        "%ff",
        "a" * 3000,
        arn,
        "-1",
        "1e400",
        "NaN",
        "[]",
        "{",
    ]
    values = [None, 0, -1, 1e308, "", "x" * 1000, [], [[]], {}, {"a": {}}, True, "\ud800"]
    pick = chance.choice
    encoded = pick([quote(arn, safe=""), quote(pick(texts), safe="%"), "x"])
    paths = [
        f"/2025-12-01/durable-executions/{encoded}/checkpoint",
        f"/2025-12-01/durable-executions/{encoded}/state",
        f"/2025-12-01/durable-executions/{encoded}/history",
        f"/2025-12-01/durable-executions/{encoded}/stop",
        f"/2025-12-01/durable-executions/{encoded}",
        f"/2025-12-01/functions/{encoded}/durable-executions",
        f"/2025-12-01/durable-execution-callbacks/{encoded}/succeed",
        f"/2025-12-01/durable-execution-callbacks/{encoded}/fail",
        f"/2025-12-01/durable-execution-callbacks/{encoded}/heartbeat",
        f"/2015-03-31/functions/{encoded}/invocations",
        f"/_durable/{encoded}",
        f"/{encoded}",
    ]
    names = ["Marker", "MaxItems", "CheckpointToken", "Statuses", "StartedAfter", "Qualifier", "ReverseOrder"]
    query = "&".join(f"{pick(names)}={quote(pick(texts), safe='%')}" for _ in range(chance.randrange(3)))
    body = pick(
        [
            b"",
            b"{",
            b"\xff\xfe",
            b"[" * 5000,
            json.dumps(pick(values)).encode(),
            json.dumps({pick(["Updates", "CheckpointToken", "Result", "Error"]): pick(values)}).encode(),
            json.dumps(
                {"CheckpointToken": pick(texts), "Updates": [{"Id": pick(values), "Action": pick(texts)}]}
            ).encode(),
        ]
    )
    headers = {"Content-Type": pick(["application/json", "text/html", "application/json; charset=x", "/"])}
    if chance.random() < 0.3:
        headers[pick(["X-Amz-Invocation-Type", "X-Amz-Durable-Execution-Name", "X-Amz-Tenant-Id"])] = pick(
            ["Event", "", "DryRun", "a" * 500, "%00"]
        )
    method = pick(["GET", "POST", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
    return method, f"{pick(paths)}{'?' if query else ''}{query}", body, headers


def test_wrong_requests_get_errors_of_the_service_and_do_no_harm(
    connection: http.client.HTTPConnection, api: Caller
) -> None:
    chance = random.Random(7)
    arn = api.start("greet", {"name": "Ada"})
    api.ended(arn)
    history = api.history(arn)
    statuses = set()
    for _ in range(400):
        method, path, body, headers = _hostile(chance, arn)
        if method == "DELETE":
            # It may be right, and the execution is still to be looked at.
            continue
        status, told, answer = ask(connection, method, path, body, **headers)
        statuses.add(status)
        assert status < 500, (method, path, body, answer)
        assert b"Traceback" not in answer
        if status >= 400 and not path.startswith("/_durable"):
            assert told["x-amzn-errortype"]
            assert json.loads(answer)["Type"] == "User"
    assert {200, 400, 404, 405} <= statuses
    assert api.history(arn) == history
    assert api.run("greet", {"name": "Eve"}) == "Hello Eve"


@pytest.mark.parametrize(
    "sent",
    [
        b"\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -5\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"POST /x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nshort",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
)
def test_what_is_no_http_does_no_harm(server: Server, api: Caller, sent: bytes) -> None:
    with socket.create_connection((urlsplit(server.url).hostname, urlsplit(server.url).port), 20) as raw:
        answer = b""
        # It may have closed the connection meanwhile.
        with suppress(OSError):
            raw.sendall(sent)
            raw.shutdown(socket.SHUT_WR)
            while part := raw.recv(4096):
                answer += part
    assert not answer.startswith(b"HTTP/1.1 5")
    assert api.run("greet", {"name": "Eve"}) == "Hello Eve"
