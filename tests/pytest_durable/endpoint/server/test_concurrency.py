"""Many executions at a time, over real HTTP."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor

from served import Caller, serving

EXECUTIONS = 50


def test_fifty_executions_wait_for_their_callbacks_at_a_time_and_none_is_lost() -> None:
    before = set(threading.enumerate())
    with serving(["ask"], processes=4) as server:
        api = Caller(server.url)

        def started(number: int) -> tuple[str, str]:
            arn = api.start("ask", {"number": number}, DurableExecutionName=f"number-{number}")
            return arn, api.callback_id(arn)

        def answered(asked: tuple[str, str]) -> tuple[str, str]:
            arn, callback_id = asked
            api.client.send_durable_execution_callback_success(CallbackId=callback_id, Result=json.dumps(arn))
            ended = api.ended(arn, 60)
            return ended["Status"], json.loads(json.loads(ended["Result"]))

        with ThreadPoolExecutor(EXECUTIONS) as pool:
            asked = list(pool.map(started, range(EXECUTIONS)))
            assert {api.status(arn) for arn, _ in asked} == {"RUNNING"}
            # All at once, in another order.
            answers = list(pool.map(answered, reversed(asked)))
        assert answers == [("SUCCEEDED", arn) for arn, _ in reversed(asked)]
        listed = api.client.list_durable_executions_by_function(FunctionName="ask")["DurableExecutions"]
        assert sorted(found["DurableExecutionArn"] for found in listed) == sorted(arn for arn, _ in asked)
        for arn, _ in asked:
            types = api.types(arn)
            assert (types[0], types[-1]) == ("ExecutionStarted", "ExecutionSucceeded")
            assert types.count("CallbackSucceeded") == 1
        api.close()
    assert set(threading.enumerate()) - before == set()


def test_callers_that_wait_get_each_the_answer_to_their_own_call() -> None:
    with serving(["greet", "plain"], processes=3) as server:
        api = Caller(server.url)

        def call(number: int) -> bool:
            if number % 2:
                return bool(api.call("plain", {"value": number}) == number + 1)
            return bool(api.run("greet", {"name": str(number)}) == f"Hello {number}")

        with ThreadPoolExecutor(20) as pool:
            assert all(pool.map(call, range(100)))
        api.close()
