"""A server that is started again on a store goes on with what another one has begun."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from served import Caller, serving, wait_until

from pytest_durable.endpoint.server.serving import Server
from pytest_durable.errors import UsageError
from pytest_durable.simulator.service.transitions import execution as transitions


class Restarts:
    """Servers on one store, one after the other."""

    def __init__(self, store: Path) -> None:
        self._store = store

    def during(self, functions: list[str], do: Callable[[Caller, Server], Any], **options: Any) -> Any:
        """Serve while something is done, and return what it comes to."""
        with serving(functions, store=self._store, **options) as server:
            caller = Caller(server.url)
            try:
                return do(caller, server)
            finally:
                caller.close()


@pytest.fixture
def restarts(tmp_path: Path) -> Restarts:
    return Restarts(tmp_path / "store")


def test_an_execution_that_has_ended_is_told_of_as_before(restarts: Restarts) -> None:
    def begin(api: Caller, server: Server) -> Any:
        arn = api.start("nap", {"seconds": 60})
        return arn, _told(api.ended(arn)), api.history(arn)

    arn, ended, history = restarts.during(["nap"], begin)
    # The function need not be served for that.
    assert restarts.during(["greet"], lambda api, _: (_told(api.ended(arn)), api.history(arn))) == (
        ended,
        history,
    )


def test_a_wait_goes_on(restarts: Restarts) -> None:
    def begin(api: Caller, server: Server) -> str:
        arn = api.start("nap", {"seconds": 2})
        api.suspended(arn)
        return arn

    arn = restarts.during(["nap"], begin, skip_time=False)

    def end(api: Caller, server: Server) -> Any:
        api.ended(arn)
        return api.history(arn)

    history = restarts.during(["nap"], end, skip_time=False)
    at = {event["EventType"]: event["EventTimestamp"].timestamp() for event in history}
    assert at["WaitSucceeded"] - at["WaitStarted"] >= 2
    assert [event["EventType"] for event in history].count("StepSucceeded") == 2


def test_a_callback_can_be_answered(restarts: Restarts) -> None:
    def begin(api: Caller, server: Server) -> tuple[str, str]:
        arn = api.start("ask")
        callback_id = api.callback_id(arn)
        api.suspended(arn)
        return arn, callback_id

    arn, callback_id = restarts.during(["ask"], begin)

    def end(api: Caller, server: Server) -> Any:
        api.client.send_durable_execution_callback_success(CallbackId=callback_id, Result='"yes"')
        return json.loads(api.ended(arn)["Result"])

    assert restarts.during(["ask"], end) == '"yes"'


def test_a_callback_times_out_when_it_is_due(restarts: Restarts) -> None:
    arn = restarts.during(["ask"], lambda api, _: _asked(api, 2))
    ended = restarts.during(["ask"], lambda api, _: api.ended(arn))
    assert ended["Status"] == "FAILED"


def _asked(api: Caller, timeout: int) -> str:
    arn = api.start("ask", {"timeout": timeout})
    api.callback_id(arn)
    api.suspended(arn)
    return arn


def test_a_retry_happens_when_it_is_due(restarts: Restarts, tmp_path: Path) -> None:
    tries = tmp_path / "tries"

    def begin(api: Caller, server: Server) -> str:
        arn = api.start("flaky", {"file": str(tries), "fails": 1})
        api.suspended(arn)
        return arn

    arn = restarts.during(["flaky"], begin, skip_time=False)
    assert tries.read_text() == "x"
    ended = restarts.during(["flaky"], lambda api, _: api.ended(arn), skip_time=True)
    assert ended["Status"] == "SUCCEEDED"
    assert tries.read_text() == "xx"


def test_an_invocation_that_ran_is_lost_and_made_up_for(restarts: Restarts, tmp_path: Path) -> None:
    begun = tmp_path / "begun"

    def begin(api: Caller, server: Server) -> str:
        arn = api.start("linger", {"file": str(begun), "seconds": 1})
        wait_until(begun.exists)
        return arn

    arn = restarts.during(["linger"], begin)

    def end(api: Caller, server: Server) -> Any:
        return api.ended(arn)["Status"], [
            event["InvocationCompletedDetails"].get("Error", {}).get("Payload", {}).get("ErrorType")
            for event in api.history(arn)
            if event["EventType"] == "InvocationCompleted"
        ]

    assert restarts.during(["linger"], end) == ("SUCCEEDED", ["Runtime.ExitError", None])


def test_chained_invokes_go_on(restarts: Restarts) -> None:
    functions = ["chain", "twice", "plain", "ask"]

    def begin(api: Caller, server: Server) -> tuple[str, str]:
        arn = api.start("chain", {"value": 1, "functions": ["ask:$LATEST", "plain"]})
        (asked,) = wait_until(lambda: _listed(api, "ask"))
        callback_id = api.callback_id(asked)
        api.suspended(asked)
        return arn, callback_id

    arn, callback_id = restarts.during(functions, begin)

    def end(api: Caller, server: Server) -> Any:
        api.client.send_durable_execution_callback_failure(
            CallbackId=callback_id, Error={"ErrorMessage": "no"}
        )
        return api.ended(arn)["Error"]["ErrorMessage"]

    assert restarts.during(functions, end) == "no"


def test_the_call_of_a_plain_function_is_made_again(restarts: Restarts) -> None:
    functions = ["chain", "plain"]

    def begin(api: Caller, server: Server) -> str:
        arn = api.start("chain", {"value": 41, "functions": ["plain"]})
        wait_until(lambda: "ChainedInvokeStarted" in api.types(arn))
        return arn

    arn = restarts.during(functions, begin)
    assert restarts.during(functions, lambda api, _: json.loads(api.ended(arn)["Result"])) == 42


def test_an_ending_that_was_decided_stands(restarts: Restarts) -> None:
    def begin(api: Caller, server: Server) -> str:
        arn = _asked(api, 3600)

        def decide(world: Any) -> None:
            # As a checkpoint does that brings the result of the execution itself.
            execution = world.executions.by_arn[arn]
            execution.last_event = transitions.succeed(
                execution.record.execution, '"decided"', world.clock.now
            )
            server.engine._keeper.touch(arn)

        server.engine.look(decide).result()
        return arn

    arn = restarts.during(["ask"], begin)
    assert restarts.during(["ask"], lambda api, _: api.ended(arn)["Result"]) == '"decided"'


def test_a_paused_execution_stays_paused(restarts: Restarts) -> None:
    def begin(api: Caller, server: Server) -> str:
        arn = _asked(api, 3600)
        api.client.pause_durable_execution(DurableExecutionArn=arn)
        return arn

    arn = restarts.during(["ask"], begin)

    def end(api: Caller, server: Server) -> tuple[str, str]:
        paused = api.status(arn)
        api.client.send_durable_execution_callback_success(CallbackId=api.callback_id(arn))
        time.sleep(0.1)
        still = api.status(arn)
        api.client.resume_durable_execution(DurableExecutionArn=arn)
        api.ended(arn)
        return paused, still

    assert restarts.during(["ask"], end) == ("PAUSED", "PAUSED")


def test_what_was_deleted_stays_deleted(restarts: Restarts) -> None:
    def begin(api: Caller, server: Server) -> str:
        arn = api.start("greet", {"name": "Ada"})
        api.ended(arn)
        api.client.delete_durable_execution(DurableExecutionArn=arn)
        return arn

    arn = restarts.during(["greet"], begin)
    assert restarts.during(["greet"], lambda api, _: _listed(api, "greet")) == []
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        restarts.during(["greet"], lambda api, _: api.status(arn))


def test_names_and_ids_are_never_given_twice(restarts: Restarts) -> None:
    first = restarts.during(["greet"], lambda api, _: [api.start("greet", {"name": "x"}) for _ in range(3)])
    second = restarts.during(["greet"], lambda api, _: [api.start("greet", {"name": "x"}) for _ in range(3)])
    assert len({*first, *second}) == 6
    assert restarts.during(["greet"], lambda api, _: _listed(api, "greet")) == [*first, *second]


def test_an_execution_that_goes_on_demands_its_function(restarts: Restarts) -> None:
    arn = restarts.during(["ask"], lambda api, _: _asked(api, 3600))
    with pytest.raises(UsageError, match=r"unfinished execution .* of function 'ask', which is not served"):
        restarts.during(["greet"], lambda api, _: None)
    assert restarts.during(["ask"], lambda api, _: api.status(arn)) == "RUNNING"


def test_skipped_time_stays_ahead_of_the_machine(restarts: Restarts) -> None:
    arn = restarts.during(["nap"], lambda api, _: api.start("nap", {"seconds": 50_000}))

    def later(api: Caller, server: Server) -> float:
        ended = api.ended(arn)["EndTimestamp"].timestamp()
        next_arn = api.start("nap", {"seconds": 1})
        return float(api.ended(next_arn)["StartTimestamp"].timestamp() - ended)

    assert 0 <= restarts.during(["nap"], later) < 1000


def _listed(api: Caller, function: str) -> list[str]:
    answer = api.client.list_durable_executions_by_function(FunctionName=function)
    return [execution["DurableExecutionArn"] for execution in answer["DurableExecutions"]]


def _told(answer: Any) -> Any:
    return {member: value for member, value in answer.items() if member != "ResponseMetadata"}
