"""When a context stops replaying: every kind of operation, in every state in which replay can find it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from durable_sdk_fakes import FakeLambda, invoke, outcome, run

from durable_sdk import DurableContext
from durable_sdk.config import Duration, MapConfig, NestingType, StepConfig, StepSemantics
from durable_sdk.retries import RetryDecision, RetryPresets
from durable_sdk.waits import WaitForConditionConfig, WaitForConditionDecision

PENDING = {"Status": "PENDING"}
NO_RETRY = StepConfig(retry_strategy=RetryPresets.none())

Operation = Callable[[DurableContext], Any]


def failing() -> None:
    raise ValueError("boom")


def poll(context: DurableContext) -> Any:
    def decide(state: int, attempt: int) -> WaitForConditionDecision:
        if state == 2:
            return WaitForConditionDecision.stop_polling()
        return WaitForConditionDecision.continue_waiting(Duration(1))

    return context.wait_for_condition(lambda state, c: state + 1, WaitForConditionConfig(decide, 0), "op")


def flat(context: DurableContext) -> Any:
    config: MapConfig[int] = MapConfig(nesting_type=NestingType.FLAT)
    return context.map([1], lambda c, item, i, all_: c.step(lambda: item), "op", config).total_count


ENDED: dict[str, Operation] = {
    "step": lambda context: context.step(lambda: 1, "op"),
    "failed step": lambda context: context.step(failing, "op", NO_RETRY),
    "child": lambda context: context.run_in_child_context(lambda child: child.step(lambda: 1), "op"),
    "failed child": lambda context: context.run_in_child_context(lambda child: failing(), "op"),
    "parallel": lambda context: context.parallel([lambda c: 1], "op").total_count,
    "map": lambda context: context.map([1], lambda c, item, i, all_: item, "op").total_count,
    "flat map": flat,
    "failing map": lambda context: context.map([1], lambda c, item, i, all_: failing(), "op").total_count,
    "create_callback": lambda context: context.create_callback("op").callback_id,
}


@pytest.mark.parametrize("kind", ENDED)
def test_behind_the_last_operation_that_is_recorded_replay_is_over(kind: str) -> None:
    """As if the invocation had died right after it."""
    service = FakeLambda()
    replaying: list[bool] = []

    def handler(event: Any, context: DurableContext) -> None:
        replaying.append(context.is_replaying())
        outcome(lambda: ENDED[kind](context))
        replaying.append(context.is_replaying())
        if len(replaying) == 2:
            raise SystemExit(1)

    with pytest.raises(SystemExit):
        invoke(handler, service)
    assert invoke(handler, service)["Status"] == "SUCCEEDED"
    assert replaying == [False, False, True, False]


@pytest.mark.parametrize("kind", ENDED)
def test_between_recorded_operations_replay_goes_on(kind: str) -> None:
    replaying: list[bool] = []

    def handler(event: Any, context: DurableContext) -> None:
        outcome(lambda: ENDED[kind](context))
        replaying.append(context.is_replaying())
        context.wait(1)
        replaying.append(context.is_replaying())

    run(handler, FakeLambda())
    assert replaying == [False, True, False]


def test_a_wait_that_has_ended_is_the_end_of_replay() -> None:
    replaying: list[bool] = []

    def handler(event: Any, context: DurableContext) -> None:
        replaying.append(context.is_replaying())
        context.wait(1)
        replaying.append(context.is_replaying())

    run(handler, FakeLambda())
    assert replaying == [False, True, False]


@pytest.mark.parametrize("status", ["SUCCEEDED", "FAILED", "TIMED_OUT"])
def test_an_invoke_that_has_ended_is_the_end_of_replay_even_if_its_error_is_caught(status: str) -> None:
    service = FakeLambda()
    replaying: list[bool] = []

    def handler(event: Any, context: DurableContext) -> None:
        replaying.append(context.is_replaying())
        outcome(lambda: context.invoke("f", 1, "op"))
        replaying.append(context.is_replaying())

    assert invoke(handler, service) == PENDING
    service.settle("op", status, **({} if status == "SUCCEEDED" else {"Error": {}}))
    assert invoke(handler, service)["Status"] == "SUCCEEDED"
    assert replaying == [False, True, False]


def test_user_code_of_a_retried_step_is_new() -> None:
    replaying: list[Any] = []

    def handler(event: Any, context: DurableContext) -> None:
        def body(step: Any) -> None:
            replaying.append((step.attempt, context.is_replaying()))
            if step.attempt == 1:
                raise ValueError

        context.step(body, "op", StepConfig(lambda error, attempt: RetryDecision.retry(Duration(1))))

    run(handler, FakeLambda())
    assert replaying == [(1, False), (2, False)]


def test_a_step_whose_next_attempt_is_not_due_is_new_too() -> None:
    service = FakeLambda()
    contexts: list[DurableContext] = []

    def handler(event: Any, context: DurableContext) -> None:
        contexts.append(context)
        context.step(failing, "op")

    assert invoke(handler, service) == PENDING
    assert invoke(handler, service) == PENDING
    assert [context.is_replaying() for context in contexts] == [False, False]


def test_an_interrupted_step_is_new() -> None:
    service = FakeLambda()
    contexts: list[DurableContext] = []

    def handler(event: Any, context: DurableContext) -> None:
        contexts.append(context)

        def body() -> None:
            if len(contexts) == 1:
                raise SystemExit(1)

        context.step(body, "op", StepConfig(step_semantics=StepSemantics.AT_MOST_ONCE_PER_RETRY))

    with pytest.raises(SystemExit):
        invoke(handler, service)
    assert invoke(handler, service) == PENDING
    assert not contexts[1].is_replaying()


def test_user_code_of_a_condition_is_new() -> None:
    replaying: list[bool] = []

    def handler(event: Any, context: DurableContext) -> None:
        def check(state: int, check_context: Any) -> int:
            replaying.append(context.is_replaying())
            return state + 1

        def decide(state: int, attempt: int) -> WaitForConditionDecision:
            if state == 2:
                return WaitForConditionDecision.stop_polling()
            return WaitForConditionDecision.continue_waiting(Duration(1))

        context.wait_for_condition(check, WaitForConditionConfig(decide, 0))

    run(handler, FakeLambda())
    assert replaying == [False, False]


def test_a_condition_that_is_met_replays() -> None:
    replaying: list[bool] = []

    def handler(event: Any, context: DurableContext) -> None:
        poll(context)
        replaying.append(context.is_replaying())
        context.wait(1)
        replaying.append(context.is_replaying())

    run(handler, FakeLambda())
    assert replaying == [False, True, False]


RESUMED: dict[str, Callable[[DurableContext, Operation], Any]] = {
    "child": lambda context, body: context.run_in_child_context(body, "op"),
    "map": lambda context, body: context.map([1], lambda c, item, i, all_: body(c), "op").total_count,
    "parallel": lambda context, body: context.parallel([body], "op").total_count,
}


@pytest.mark.parametrize("kind", RESUMED)
def test_a_context_that_is_resumed_replays_up_to_where_it_stopped(kind: str) -> None:
    inside: list[bool] = []
    outside: list[bool] = []

    def body(context: DurableContext) -> None:
        inside.append(context.is_replaying())
        context.step(lambda: 1)
        inside.append(context.is_replaying())
        context.wait(1)
        inside.append(context.is_replaying())

    def handler(event: Any, context: DurableContext) -> None:
        outside.append(context.is_replaying())
        RESUMED[kind](context, body)
        outside.append(context.is_replaying())

    run(handler, FakeLambda())
    # The wait is the last operation of the first invocation; its end is where the second begins anew.
    assert inside == [False, False, True, True, False]
    assert outside == [False, True, False]


def test_a_branch_that_has_not_begun_yet_is_new_in_a_batch_that_is_resumed() -> None:
    service = FakeLambda()
    replaying: list[Any] = []

    def body(context: DurableContext, item: int, index: int, inputs: Any) -> None:
        replaying.append((item, context.is_replaying()))
        context.wait(1)

    def handler(event: Any, context: DurableContext) -> None:
        config: MapConfig[int] = MapConfig(max_concurrency=1)
        context.map([0, 1], body, "op", config)

    run(handler, service)
    assert replaying == [(0, False), (0, True), (1, False), (1, True)]


def test_a_flat_branch_that_has_not_begun_yet_is_new_too() -> None:
    replaying: list[Any] = []

    def body(context: DurableContext, item: int, index: int, inputs: Any) -> None:
        replaying.append((item, context.is_replaying()))
        context.wait(1)

    def handler(event: Any, context: DurableContext) -> None:
        config: MapConfig[int] = MapConfig(max_concurrency=1, nesting_type=NestingType.FLAT)
        context.map([0, 1], body, "op", config)

    run(handler, FakeLambda())
    assert replaying[:3] == [(0, False), (0, True), (1, False)]
    assert replaying[-1] == (1, True)


def test_positions_are_given_out_once_to_callers_on_several_threads() -> None:
    service = FakeLambda()

    def handler(event: Any, context: DurableContext) -> None:
        threads = [threading.Thread(target=context.create_callback) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    invoke(handler, service)
    assert len([each for each in service.operations.values() if each["Type"] == "CALLBACK"]) == 20
