"""The handlers that are run on both SDKs: those of the migration tests, and more of the ways to go wrong."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from migration import corpus
from migration.corpus import (
    Body,
    Case,
    OutOfStockError,
    Sdk,
    batch_facts,
    branch,
    counts,
    failing_branch,
    gives,
    raises,
)

CASES: dict[str, DifferentialCase] = {}


@dataclass(frozen=True)
class DifferentialCase(Case):
    """A case that may invoke durable functions."""

    functions: dict[str, Body] = field(default_factory=dict)


def case(input: Any = None, functions: dict[str, Body] | None = None) -> Callable[[Body], Body]:
    """Make a function a case of the corpus."""

    def decorate(body: Body) -> Body:
        name = body.__name__
        assert name not in all_cases(), f"{name} is a case already"
        CASES[name] = DifferentialCase(name, body, input, functions=functions or {})
        return body

    return decorate


def all_cases() -> dict[str, Case]:
    """Return the cases of both corpora, by name."""
    return corpus.CASES | CASES


def kind_of_error(call: Callable[[], Any]) -> Any:
    """Return the class of what ``call`` raises: the message is the SDK's own wording."""
    try:
        return ["returned", call()]
    except Exception as error:
        return type(error).__name__


# Arguments that cannot be right.


@case()
def bad_durations(sdk: Sdk, event: Any, context: Any) -> Any:
    return [
        kind_of_error(lambda: context.wait(sdk.seconds(0))),
        kind_of_error(lambda: sdk.seconds(-1)),
        kind_of_error(lambda: sdk.Duration(-5)),
    ]


@case()
def bad_batches(sdk: Sdk, event: Any, context: Any) -> Any:
    def run(**completion: Any) -> Any:
        config = sdk.MapConfig(completion_config=sdk.CompletionConfig(**completion))
        return kind_of_error(
            lambda: context.map([1, 2], lambda *_: 1, name="never", config=config).total_count
        )

    return [
        kind_of_error(lambda: sdk.ParallelConfig(max_concurrency=0)),
        kind_of_error(lambda: sdk.MapConfig(max_concurrency=-1)),
        kind_of_error(lambda: sdk.CompletionConfig(min_successful=0)),
        kind_of_error(lambda: sdk.CompletionConfig(tolerated_failure_count=-1)),
        kind_of_error(lambda: sdk.CompletionConfig(tolerated_failure_percentage=101)),
        kind_of_error(lambda: sdk.CompletionConfig(should_complete=1)),
        kind_of_error(lambda: sdk.CompletionConfig(should_complete=print, min_successful=1)),
        run(min_successful=3),
    ]


@case()
def bad_sub_types(sdk: Sdk, event: Any, context: Any) -> Any:
    return [
        kind_of_error(lambda: sdk.StepConfig(sub_type="with a space")),
        kind_of_error(lambda: sdk.ChildConfig(sub_type="x" * 33)),
        kind_of_error(lambda: sdk.CallbackConfig(sub_type="\N{SNOWMAN}")),
        kind_of_error(lambda: sdk.StepConfig(sub_type=1)),
        kind_of_error(lambda: sdk.StepConfig(sub_type="") and 1),
    ]


@case()
def bad_decisions(sdk: Sdk, event: Any, context: Any) -> Any:
    outcome = sdk.CompletionOutcome.SUCCEEDED
    return [
        kind_of_error(lambda: sdk.CompletionDecision(complete=True)),
        kind_of_error(lambda: sdk.CompletionDecision(complete=False, outcome=outcome)),
        kind_of_error(lambda: sdk.complete_batch("FAILED") and 1),
    ]


@case()
def bad_conditions(sdk: Sdk, event: Any, context: Any) -> Any:
    return [
        kind_of_error(lambda: context.wait_for_condition(counts, None)),
        kind_of_error(lambda: context.wait_for_condition(None, corpus.polls_until(sdk, 1))),
    ]


@case()
def name_too_long(sdk: Sdk, event: Any, context: Any) -> Any:
    return context.step(gives(1), name="x" * 300)


@case()
def name_with_other_letters(sdk: Sdk, event: Any, context: Any) -> Any:
    return context.step(gives(1), name="\N{SNOWMAN}")


@case()
def wait_longer_than_a_year(sdk: Sdk, event: Any, context: Any) -> Any:
    context.wait(sdk.Duration.from_days(400))


# Errors that end the execution, and errors that carry more than a message.


@case()
def execution_error_in_a_step(sdk: Sdk, event: Any, context: Any) -> Any:
    context.step(raises(sdk.ExecutionError("no way")), name="fatal", config=sdk.fixed())


@case()
def execution_error_in_a_child_context(sdk: Sdk, event: Any, context: Any) -> Any:
    def body(child: Any) -> Any:
        raise sdk.ExecutionError("no way")

    context.run_in_child_context(body, name="child")


@case()
def execution_error_in_a_branch(sdk: Sdk, event: Any, context: Any) -> Any:
    config = sdk.ParallelConfig(max_concurrency=1, completion_config=sdk.CompletionConfig.all_completed())

    def body(child: Any) -> Any:
        raise sdk.ExecutionError("no way")

    context.parallel([body, branch(1)], name="batch", config=config)


@case()
def execution_error_in_a_condition(sdk: Sdk, event: Any, context: Any) -> Any:
    def check(state: Any, check_context: Any) -> Any:
        raise sdk.ExecutionError("no way")

    config = corpus.polls_until(sdk, 1)
    return kind_of_error(lambda: context.wait_for_condition(check, config, name="ready"))


@case()
def execution_error_in_with_retry(sdk: Sdk, event: Any, context: Any) -> Any:
    def flow(child: Any, attempt: int) -> Any:
        if attempt == 1:
            raise sdk.ExecutionError("no way")
        return attempt

    config = sdk.WithRetryConfig(retry_strategy=sdk.every_five_seconds(3))
    return sdk.with_retry(context, flow, config, name="flow")


@case()
def errors_with_data(sdk: Sdk, event: Any, context: Any) -> Any:
    error = sdk.StepError("lost", error_type="Shop.Lost", data='{"id": 1}', stack_trace=["line 1", "line 2"])

    def child(below: Any) -> Any:
        raise error

    caught = [
        sdk.error(lambda: context.step(raises(error), name="step", config=sdk.once())),
        sdk.error(lambda: context.run_in_child_context(child, name="child")),
    ]
    context.wait(sdk.seconds(5))
    return caught


@case()
def handler_raises_an_error_with_data(sdk: Sdk, event: Any, context: Any) -> Any:
    raise sdk.InvokeError("lost", error_type="Shop.Lost", data='{"id": 1}', stack_trace=["line 1"])


@case()
def handler_raises_nothing_to_say(sdk: Sdk, event: Any, context: Any) -> Any:
    raise ValueError


@case()
def step_raises_a_group(sdk: Sdk, event: Any, context: Any) -> Any:
    group = ExceptionGroup("several", [ValueError("a"), KeyError("b")])
    return sdk.error(lambda: context.step(raises(group), name="group", config=sdk.once()))


# Values that cannot be stored.


@case()
def handler_returns_what_is_not_json(sdk: Sdk, event: Any, context: Any) -> Any:
    return {1, 2}


@case()
def handler_returns_nan(sdk: Sdk, event: Any, context: Any) -> Any:
    return float("nan")


@case()
def handler_returns_nothing(sdk: Sdk, event: Any, context: Any) -> Any:
    return None


@case()
def step_returns_nan(sdk: Sdk, event: Any, context: Any) -> Any:
    return repr(context.step(gives([float("inf"), float("nan")]), name="infinite"))


@case()
def dict_with_tuples_as_keys(sdk: Sdk, event: Any, context: Any) -> Any:
    return kind_of_error(lambda: context.step(gives({(1, 2): 3}), name="keys", config=sdk.once()))


@case()
def dict_with_numbers_as_keys(sdk: Sdk, event: Any, context: Any) -> Any:
    return repr(context.step(gives({1: "a", None: "b", 2.5: "c"}), name="keys", config=sdk.once()))


@case()
def child_context_returns_what_cannot_be_stored(sdk: Sdk, event: Any, context: Any) -> Any:
    return kind_of_error(lambda: context.run_in_child_context(lambda child: {1, 2}, name="set"))


@case()
def branch_returns_what_cannot_be_stored(sdk: Sdk, event: Any, context: Any) -> Any:
    config = sdk.ParallelConfig(completion_config=sdk.CompletionConfig.all_completed())
    batch = context.parallel([branch(1), lambda child: {1, 2}], name="sets", config=config)
    return [batch.completion_reason.value, batch.success_count, kind_of_error(batch.throw_if_error)]


@case()
def invoke_with_payload_that_is_not_json(sdk: Sdk, event: Any, context: Any) -> Any:
    return kind_of_error(lambda: context.invoke("never", {1, 2}, name="never"))


@case()
def summary_that_is_not_text(sdk: Sdk, event: Any, context: Any) -> Any:
    config = sdk.ChildConfig(summary_generator=lambda value: {"length": len(value)})
    return kind_of_error(
        lambda: len(
            context.run_in_child_context(lambda child: "x" * corpus.TOO_LONG, name="large", config=config)
        )
    )


@case()
def condition_whose_state_is_empty_text(sdk: Sdk, event: Any, context: Any) -> Any:
    seen: list[str] = []

    def check(state: str, check_context: Any) -> str:
        seen.append(state)
        return ""

    def strategy(state: str, attempts: int) -> Any:
        decision = sdk.WaitForConditionDecision
        return decision.stop_polling() if attempts >= 3 else decision.continue_waiting(sdk.seconds(5))

    config = sdk.WaitForConditionConfig(
        wait_strategy=strategy, initial_state="first", serdes=sdk.PassThroughSerDes()
    )
    context.wait_for_condition(check, config, name="empty")
    return seen


# Strategies and predicates that misbehave.


@case()
def retry_strategy_raises(sdk: Sdk, event: Any, context: Any) -> Any:
    def strategy(error: Exception, attempts: int) -> Any:
        raise LookupError("no strategy")

    config = sdk.StepConfig(retry_strategy=strategy)
    return kind_of_error(lambda: context.step(raises(ValueError("boom")), name="doomed", config=config))


@case()
def with_retry_without_delay(sdk: Sdk, event: Any, context: Any) -> Any:
    def strategy(error: Exception, attempts: int) -> Any:
        return sdk.RetryDecision.retry(sdk.Duration(0)) if attempts < 3 else sdk.RetryDecision.no_retry()

    def flow(child: Any, attempt: int) -> Any:
        if attempt < 2:
            raise ConnectionError("not yet")
        return attempt

    config = sdk.WithRetryConfig(retry_strategy=strategy)
    return kind_of_error(lambda: sdk.with_retry(context, flow, config, name="flow"))


@case()
def predicate_returns_nothing(sdk: Sdk, event: Any, context: Any) -> Any:
    completion = sdk.CompletionConfig(should_complete=lambda status: None)
    config = sdk.ParallelConfig(max_concurrency=1, completion_config=completion)
    return kind_of_error(
        lambda: context.parallel([branch(1), branch(2)], name="batch", config=config).completion_reason.value
    )


@case()
def predicate_raises(sdk: Sdk, event: Any, context: Any) -> Any:
    def should_complete(status: Any) -> Any:
        raise OutOfStockError("cannot say")

    completion = sdk.CompletionConfig(should_complete=should_complete)
    config = sdk.ParallelConfig(max_concurrency=1, completion_config=completion)
    return sdk.error(lambda: context.parallel([branch(1)], name="batch", config=config))


@case()
def predicate_stops_at_once(sdk: Sdk, event: Any, context: Any) -> Any:
    completion = sdk.CompletionConfig(should_complete=lambda status: sdk.complete_batch())
    config = sdk.ParallelConfig(completion_config=completion)
    return batch_facts(context.parallel([branch(1), branch(2)], name="batch", config=config))


@case()
def predicate_sees_items(sdk: Sdk, event: Any, context: Any) -> Any:
    seen: list[Any] = []

    def should_complete(status: Any) -> Any:
        seen.append(
            [
                [status.success_count, status.failure_count, status.completed_count, status.total_count],
                [[item.index, item.name, item.status and item.status.value] for item in status.items],
            ]
        )
        return sdk.continue_batch()

    config = sdk.ParallelConfig(
        max_concurrency=1, completion_config=sdk.CompletionConfig(should_complete=should_complete)
    )
    branches = [
        sdk.ParallelBranch(branch(1), name="one"),
        failing_branch(sdk, ValueError("boom")),
        branch(2),
    ]
    return [batch_facts(context.parallel(branches, name="batch", config=config)), seen]


@case()
def predicate_on_an_empty_batch(sdk: Sdk, event: Any, context: Any) -> Any:
    completion = sdk.CompletionConfig(should_complete=lambda status: sdk.complete_batch())
    config = sdk.MapConfig(completion_config=completion)
    return batch_facts(context.map([], lambda *_: 1, name="empty", config=config))


@case()
def item_namer_raises(sdk: Sdk, event: Any, context: Any) -> Any:
    def namer(item: Any, index: int) -> str:
        raise LookupError("no name")

    config = sdk.MapConfig(item_namer=namer)
    return kind_of_error(lambda: context.map([1], lambda *_: 1, name="named", config=config))


# Handlers that are not deterministic. They count their invocations, one count for each SDK.


def invocation_of(sdk: Sdk, name: str) -> int:
    """Return how often this has been called."""
    counts_of = sdk.__dict__.setdefault("invocations", {})
    counts_of[name] = counts_of.get(name, 0) + 1
    return int(counts_of[name])


@case()
def name_changes(sdk: Sdk, event: Any, context: Any) -> Any:
    context.step(gives(1), name=f"step {invocation_of(sdk, 'name_changes')}")
    context.wait(sdk.seconds(5), name="pause")


@case()
def type_changes(sdk: Sdk, event: Any, context: Any) -> Any:
    if invocation_of(sdk, "type_changes") == 1:
        context.step(gives(1))
    else:
        context.wait(sdk.seconds(5))
    context.wait(sdk.seconds(5))


@case()
def change_swallowed(sdk: Sdk, event: Any, context: Any) -> Any:
    number = invocation_of(sdk, "change_swallowed")
    kind = kind_of_error(lambda: context.step(gives(1), name=f"step {number}"))
    context.wait(sdk.seconds(5), name="pause")
    return kind


@case()
def virtual_becomes_recorded(sdk: Sdk, event: Any, context: Any) -> Any:
    virtual = invocation_of(sdk, "virtual_becomes_recorded") == 1
    context.run_in_child_context(branch(1), name="child", config=sdk.ChildConfig(is_virtual=virtual))
    context.wait(sdk.seconds(5))


@case()
def nested_becomes_flat(sdk: Sdk, event: Any, context: Any) -> Any:
    first = invocation_of(sdk, "nested_becomes_flat") == 1
    config = sdk.ParallelConfig(nesting_type=sdk.NestingType.NESTED if first else sdk.NestingType.FLAT)
    context.parallel([branch(1, seconds=5, sdk=sdk)], name="batch", config=config)


# What a handler can see of itself.


@case()
def replaying(sdk: Sdk, event: Any, context: Any) -> Any:
    seen = [context.is_replaying()]

    def child(below: Any) -> Any:
        inside = [below.is_replaying()]
        below.step(gives(1))
        inside.append(below.is_replaying())
        below.wait(sdk.seconds(5))
        inside.append(below.is_replaying())
        return inside

    context.step(gives(1))
    seen.append(context.is_replaying())
    seen += context.run_in_child_context(child, name="child")
    seen.append(context.is_replaying())
    context.wait(sdk.seconds(5))
    seen.append(context.is_replaying())
    context.step(gives(2))
    return [*seen, context.is_replaying()]


@case(input="text")
def input_that_is_text(sdk: Sdk, event: Any, context: Any) -> Any:
    return [event, type(event).__name__]


@case(input=[1, {"a": None}])
def input_that_is_a_list(sdk: Sdk, event: Any, context: Any) -> Any:
    return event


# Branches that are left behind.


@case()
def branch_left_behind_begins_something_new(sdk: Sdk, event: Any, context: Any) -> Any:
    def slow(child: Any) -> Any:
        time.sleep(0.3)
        return child.step(gives("late"), name="late")

    config = sdk.ParallelConfig(completion_config=sdk.CompletionConfig.first_successful())
    return batch_facts(context.parallel([branch(1), slow], name="race", config=config))


@case()
def branch_left_behind_ends_a_step(sdk: Sdk, event: Any, context: Any) -> Any:
    def late(step: Any) -> Any:
        time.sleep(0.3)
        return "late"

    def slow(child: Any) -> Any:
        return child.step(late, name="late")

    config = sdk.ParallelConfig(completion_config=sdk.CompletionConfig.first_successful())
    return batch_facts(context.parallel([slow, branch(1)], name="race", config=config))


# Functions that are invoked.


def doubling(sdk: Sdk, event: Any, context: Any) -> Any:
    """Double a number, slowly."""
    context.wait(sdk.seconds(60))
    return context.step(gives(event["number"] * 2))


def losing(sdk: Sdk, event: Any, context: Any) -> Any:
    """Fail after a step."""
    context.step(gives(1))
    raise OutOfStockError("none left")


@case(functions={"doubling": doubling})
def invoke_of_a_durable_function(sdk: Sdk, event: Any, context: Any) -> Any:
    return [context.invoke("doubling", {"number": n}, name=f"double {n}") for n in (1, 2)]


@case(functions={"losing": losing})
def invoke_of_a_durable_function_that_fails(sdk: Sdk, event: Any, context: Any) -> Any:
    return sdk.error(lambda: context.invoke("losing", {}, name="lose"))


@case()
def invoke_of_an_unknown_function(sdk: Sdk, event: Any, context: Any) -> Any:
    error = sdk.error(lambda: context.invoke("nobody", {}, name="call"))
    # The message is the test runner's own wording.
    return [error[0], error[2]]


@case(functions={"doubling": doubling})
def invokes_in_branches(sdk: Sdk, event: Any, context: Any) -> Any:
    def call(number: int) -> Any:
        return lambda child: child.invoke("doubling", {"number": number}, name="double")

    return batch_facts(context.parallel([call(1), call(2)], name="calls"))
