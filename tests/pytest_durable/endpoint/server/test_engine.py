"""The service in real and in skipped time, with handlers in processes of their own."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from served import Caller, FunctionFailed, client_of, serving, wait_until

from pytest_durable.endpoint.server.serving import Server

Serve = Callable[..., Caller]


def _at(api: Caller, arn: str, event_type: str) -> float:
    found = next(event for event in api.history(arn) if event["EventType"] == event_type)
    return float(found["EventTimestamp"].timestamp())


def test_a_wait_takes_no_time_where_time_is_skipped_and_its_whole_time_in_the_history(api: Caller) -> None:
    began = time.monotonic()
    arn = api.start("nap", {"seconds": 100_000})
    assert json.loads(api.ended(arn)["Result"]) == "awake"
    assert time.monotonic() - began < 20
    assert _at(api, arn, "WaitSucceeded") - _at(api, arn, "WaitStarted") >= 100_000
    assert api.types(arn).count("InvocationCompleted") == 2


def test_a_handler_sees_the_time_that_was_skipped(api: Caller) -> None:
    by_steps, by_handler, in_one_invocation = api.run("look_at_the_time", {"seconds": 3 * 86_400})
    assert 0 <= by_steps - 3 * 86_400 < 20
    assert 0 <= by_handler - 3 * 86_400 < 20
    assert in_one_invocation < 20


def test_what_is_left_of_an_invocation_does_not_depend_on_time_that_was_skipped(api: Caller) -> None:
    api.run("nap", {"seconds": 3 * 86_400})
    _, _, left = api.call("plain", {"how": "context"})
    assert 0 < left <= 30_000


def test_a_wait_takes_its_time_where_time_is_real(serve: Serve) -> None:
    api = serve("nap", skip_time=False)
    began = time.monotonic()
    assert api.run("nap", {"seconds": 1}) == "awake"
    assert time.monotonic() - began >= 1


def test_a_callback_is_waited_for_even_where_time_is_skipped(api: Caller) -> None:
    arn = api.start("ask")
    callback_id = api.callback_id(arn)
    api.suspended(arn)
    time.sleep(0.2)
    assert api.status(arn) == "RUNNING"
    api.client.send_durable_execution_callback_success(CallbackId=callback_id, Result='{"ok": true}')
    assert json.loads(json.loads(api.ended(arn)["Result"])) == {"ok": True}


def test_a_callback_that_nobody_answers_times_out_in_real_time(api: Caller) -> None:
    arn = api.start("ask", {"timeout": 1})
    began = time.monotonic()
    assert api.ended(arn)["Status"] == "FAILED"
    assert time.monotonic() - began > 0.5
    assert "CallbackTimedOut" in api.types(arn)


def test_a_heartbeat_and_a_failure_reach_a_callback(api: Caller) -> None:
    arn = api.start("ask")
    callback_id = api.callback_id(arn)
    api.client.send_durable_execution_callback_heartbeat(CallbackId=callback_id)
    api.client.send_durable_execution_callback_failure(
        CallbackId=callback_id, Error={"ErrorType": "Refused", "ErrorMessage": "no"}
    )
    ended = api.ended(arn)
    assert ended["Status"] == "FAILED"
    assert ended["Error"]["ErrorMessage"] == "no"


def test_delays_of_retries_are_skipped(api: Caller, tmp_path: Path) -> None:
    tries = tmp_path / "tries"
    assert api.run("flaky", {"file": str(tries), "fails": 3}) == "done"
    assert tries.read_text() == "xxxx"


def test_a_durable_function_invokes_durable_and_plain_ones(api: Caller) -> None:
    event = {"value": 1, "functions": ["twice:$LATEST", "plain", "twice:$LATEST"]}
    assert api.run("chain", event) == 6


def test_an_invoke_of_a_function_that_is_not_served_fails_the_operation(api: Caller) -> None:
    arn = api.start("chain", {"value": 1, "functions": ["nobody:$LATEST"]})
    assert api.ended(arn)["Status"] == "FAILED"


def test_the_execution_of_an_invoked_function_can_be_looked_up(api: Caller) -> None:
    before = len(_listed(api, "twice"))
    api.run("chain", {"value": 4, "functions": ["twice:$LATEST"]})
    assert len(_listed(api, "twice")) == before + 1


def _listed(api: Caller, function: str) -> list[str]:
    answer = api.client.list_durable_executions_by_function(FunctionName=function)
    return [execution["DurableExecutionArn"] for execution in answer["DurableExecutions"]]


def test_a_plain_function_is_called_in_a_process_with_the_context_of_lambda(api: Caller) -> None:
    assert api.call("plain", {"value": 1}) == 2
    name, arn, left = api.call("plain", {"how": "context"})
    assert (name, arn) == ("plain", "arn:aws:lambda:us-east-1:123456789012:function:plain:$LATEST")
    assert 0 < left <= 30_000
    assert api.call("plain", {"how": "pid"}) != os.getpid()


def test_a_plain_function_that_fails_tells_how(api: Caller) -> None:
    with pytest.raises(FunctionFailed, match=r"ValueError.*no good|no good.*ValueError"):
        api.call("plain", {"how": "raise"})
    with pytest.raises(FunctionFailed, match="Runtime exited"):
        api.call("plain", {"how": "exit"})
    with pytest.raises(FunctionFailed, match="Unable to marshal response"):
        api.call("plain", {"how": "set"})
    assert api.call("plain", {"value": 1}) == 2


def test_an_event_for_a_plain_function_is_answered_before_it_has_run(api: Caller) -> None:
    answer = api.client.invoke(FunctionName="plain", InvocationType="Event", Payload=b"{}")
    assert answer["StatusCode"] == 202


def test_a_handler_that_raises_fails_its_execution(api: Caller) -> None:
    with pytest.raises(FunctionFailed, match="no good"):
        api.run("misbehave", {"how": "raise"})


@pytest.mark.parametrize("how", ["exit", "die"])
def test_a_handler_whose_process_ends_is_tried_again_and_then_given_up(api: Caller, how: str) -> None:
    arn = api.start("misbehave", {"how": how})
    ended = api.ended(arn)
    assert ended["Status"] == "FAILED"
    assert ended["Error"]["ErrorType"] == "Runtime.ExitError"
    assert api.types(arn).count("InvocationCompleted") > 1


def test_what_a_handler_prints_is_no_answer(api: Caller) -> None:
    assert api.run("misbehave", {"how": "print"}) == "fine"


def test_a_handler_may_have_a_client_of_its_own(api: Caller, server: Server) -> None:
    assert api.run("with_own_client") == server.url


def test_runs_that_take_too_long_are_ended(serve: Serve) -> None:
    api = serve("misbehave", "plain", invocation_timeout_seconds=1)
    with pytest.raises(FunctionFailed, match=r"Task timed out after 1\.00 seconds"):
        api.call("plain", {"how": "sleep"})
    arn = api.start("misbehave", {"how": "hang"})
    api.suspended(arn)
    outcome = next(event for event in api.history(arn) if event["EventType"] == "InvocationCompleted")
    error = outcome["InvocationCompletedDetails"]["Error"]["Payload"]
    assert error["ErrorType"] == "Sandbox.Timedout"


def test_the_time_of_a_run_begins_when_a_process_takes_it(serve: Serve, tmp_path: Path) -> None:
    api = serve("plain", "linger", processes=1, invocation_timeout_seconds=3)
    with ThreadPoolExecutor(4) as pool:
        calls = [pool.submit(api.call, "plain", {"how": "sleep", "seconds": 1}) for _ in range(4)]
        assert [call.result() for call in calls] == [1] * 4
        event = {"seconds": 1, "file": str(tmp_path / "begun")}
        arns = [api.start("linger", event) for _ in range(4)]
        for arn in arns:
            assert api.ended(arn)["Status"] == "SUCCEEDED"
            assert api.types(arn).count("InvocationCompleted") == 1


@pytest.mark.parametrize("text", ["hello", "[" * 100_000])
def test_a_function_that_is_sent_no_json_fails_as_it_does_on_lambda(api: Caller, text: str) -> None:
    assert "Unable to unmarshal input" in api.run("pass_on", {"text": text})


def test_an_execution_that_takes_too_long_is_ended(serve: Serve) -> None:
    api = serve("ask", execution_timeout_seconds=1)
    assert api.ended(api.start("ask"))["Status"] == "TIMED_OUT"


def test_a_callback_that_was_answered_holds_up_nothing(serve: Serve) -> None:
    api = serve("ask_then_nap")
    arn = api.start("ask_then_nap")
    callback_id = api.callback_id(arn)
    api.client.send_durable_execution_callback_heartbeat(CallbackId=callback_id)
    api.client.send_durable_execution_callback_success(CallbackId=callback_id)
    assert json.loads(api.ended(arn)["Result"]) == "rested"


def test_a_wait_that_ends_just_before_a_callback_leaves_it_time_for_an_answer(serve: Serve) -> None:
    api = serve("remind")
    arn = api.start("remind")
    callback_id = api.callback_id(arn)
    api.suspended(arn)
    time.sleep(0.5)
    api.client.send_durable_execution_callback_success(CallbackId=callback_id, Result=b'"yes"')
    assert json.loads(api.ended(arn)["Result"]) == ["reminded", '"yes"']


def test_the_end_of_an_execution_is_skipped_to_unless_somebody_may_still_answer(serve: Serve) -> None:
    api = serve("nap", "chain", "forward", execution_timeout_seconds=3600)
    napping = api.start("nap", {"seconds": 100_000})
    assert api.ended(napping)["Status"] == "TIMED_OUT"
    assert _at(api, napping, "ExecutionTimedOut") - _at(api, napping, "ExecutionStarted") >= 3600
    asking = api.start("chain", {"value": None, "functions": ["forward:$LATEST"]})
    # That of the one that it has invoked comes later than its own.
    (asked,) = wait_until(lambda: _listed(api, "forward"))
    api.callback_id(asked)
    api.suspended(asking)
    time.sleep(0.3)
    assert [api.status(arn) for arn in (asking, asked)] == ["RUNNING", "RUNNING"]


def test_stopping_an_execution_ends_the_process_that_runs_it(serve: Serve, tmp_path: Path) -> None:
    api = serve("linger")
    begun = tmp_path / "begun"
    arn = api.start("linger", {"file": str(begun), "seconds": 60})
    wait_until(begun.exists)
    api.client.stop_durable_execution(DurableExecutionArn=arn, Error={"ErrorMessage": "enough"})
    assert api.ended(arn)["Status"] == "STOPPED"
    # The next run gets a sandbox of its own at once.
    arn = api.start("linger", {"file": str(begun), "seconds": 0})
    assert api.ended(arn)["Status"] == "SUCCEEDED"


def test_a_paused_execution_goes_on_when_it_is_resumed(api: Caller) -> None:
    arn = api.start("ask")
    callback_id = api.callback_id(arn)
    api.suspended(arn)
    api.client.pause_durable_execution(DurableExecutionArn=arn)
    api.client.send_durable_execution_callback_success(CallbackId=callback_id, Result='"x"')
    time.sleep(0.2)
    assert api.status(arn) == "PAUSED"
    api.client.resume_durable_execution(DurableExecutionArn=arn)
    assert api.ended(arn)["Status"] == "SUCCEEDED"


def test_a_name_starts_one_execution(api: Caller) -> None:
    first = api.start("greet", {"name": "Ada"}, DurableExecutionName="once")
    assert api.start("greet", {"name": "Ada"}, DurableExecutionName="once") == first
    with pytest.raises(ClientError, match="DurableExecutionAlreadyStartedException"):
        api.start("greet", {"name": "Bob"}, DurableExecutionName="once")


def test_a_caller_that_waits_when_the_server_stops_is_told_so(tmp_path: Path) -> None:
    with serving(["ask"]) as server:
        client = client_of(server.url)
        refused: list[ClientError] = []

        def wait() -> None:
            try:
                client.invoke(FunctionName="ask:$LATEST")
            except ClientError as error:
                refused.append(error)

        waiting = threading.Thread(target=wait)
        waiting.start()
        wait_until(lambda: server.engine.look(lambda world: len(world.executions.by_arn)).result())
        server.stop()
        waiting.join(10)
        client.close()
    assert [error.response["ResponseMetadata"]["HTTPStatusCode"] for error in refused] == [503]


def test_an_invocation_that_runs_when_the_server_stops_has_time_to_end(tmp_path: Path) -> None:
    store, begun = tmp_path / "store", tmp_path / "begun"
    with serving(["linger"], store=store) as server:
        server._uvicorn._grace_seconds = 20
        api = Caller(server.url)
        arn = api.start("linger", {"file": str(begun), "seconds": 0.5})
        wait_until(begun.exists)
        server.stop()
        api.close()
    with serving(["linger"], store=store) as server:
        api = Caller(server.url)
        assert api.status(arn) == "SUCCEEDED"
        assert api.types(arn).count("InvocationCompleted") == 1
        api.close()


def test_an_engine_that_fails_ends_the_server_and_says_why() -> None:
    with serving(["greet"]) as server:
        engine = server.engine
        # What a full disk does: the next commit is refused.
        engine.look(lambda world: engine._store.close()).result()
        client = client_of(server.url)
        with pytest.raises(ClientError, match="ServiceUnavailable"):
            client.invoke(FunctionName="greet:$LATEST")
        client.close()
        assert "closed database" in str(engine.ended.exception(10))
