"""Handlers written once for this SDK and for AWS's, whose public names are the same.

`load(package)` imports the SDK by name and returns the cases, by name. A handler is a function of the SDK,
the input and the context; every body of a step notes that it ran through its logger, which is how both SDKs
tell which operation it belongs to. Results are JSON that says all a user can see.

This module imports nothing of either SDK by itself, because it also runs where only AWS's packages are.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID

from migration.service import Answer

Body = Callable[["Sdk", Any, Any], Any]

BODY_RAN = "the body ran"

# Longer than what a context stores: 262,144 characters.
TOO_LONG = 270_000
# Two of these are longer than that, one is not.
HALF_TOO_LONG = 140_000


class Sdk:
    """The modules of one SDK."""

    def __init__(self, package: str, tells_error_types: bool = True) -> None:
        self.package = package
        self.tells_error_types = tells_error_types
        """Whether results say what classes errors have. What continues elsewhere may know other classes."""
        self.root = importlib.import_module(package)
        for module in ("config", "exceptions", "retries", "serdes", "waits"):
            setattr(self, module, importlib.import_module(f"{package}.{module}"))

    def __getattr__(self, name: str) -> Any:
        """Find a public name: in the root, or in the module that has it."""
        for module in ("root", "config", "retries", "waits", "serdes", "exceptions"):
            if hasattr(self.__dict__[module], name):
                return getattr(self.__dict__[module], name)
        raise AttributeError(f"{self.package} has no {name}")

    def seconds(self, count: int) -> Any:
        """Return a duration."""
        return self.Duration.from_seconds(count)

    def once(self) -> Any:
        """Return the config of a step that is not retried."""
        return self.StepConfig(retry_strategy=self.RetryPresets.none())

    def fixed(self, attempts: int = 5, **options: Any) -> Any:
        """Return the config of a step that is retried every five seconds."""
        return self.StepConfig(retry_strategy=self.every_five_seconds(attempts), **options)

    def every_five_seconds(self, attempts: int) -> Any:
        """Return a retry strategy without chance."""
        return self.create_retry_strategy(
            self.RetryStrategyConfig(
                max_attempts=attempts,
                initial_delay=self.seconds(5),
                backoff_rate=1,
                jitter_strategy=self.JitterStrategy.NONE,
            )
        )

    def error(self, call: Callable[[], Any]) -> Any:
        """Return what ``call`` raises, as all that user code can see of it."""
        try:
            returned = call()
        except Exception as error:
            return self.described(error)
        return ["returned", returned]

    def described(self, error: BaseException) -> list[Any]:
        """Return all that user code can see of an error of an operation, or all but the classes."""
        if not self.tells_error_types:
            return [str(error), getattr(error, "data", None), getattr(error, "stack_trace", None)]
        return described(error)


def described(error: BaseException) -> list[Any]:
    """Return all that user code can see of an error of an operation."""
    cause = error.__cause__
    return [
        type(error).__name__,
        str(error),
        *(getattr(error, member, None) for member in ("error_type", "data", "stack_trace")),
        None if cause is None else [type(cause).__name__, str(cause), getattr(cause, "error_type", None)],
    ]


@dataclass(frozen=True)
class Case:
    """A handler, its input, and what the world outside does."""

    name: str
    body: Body
    input: Any = None
    answers: dict[str, Answer] = field(default_factory=dict)
    """How callbacks end, by the name that the handler gave them; without an answer they can only time out."""
    targets: dict[str, Answer] = field(default_factory=dict)
    """How functions that it invokes end, by their names."""
    since: str = "1.7.0"
    """The first release of AWS's SDK that can run it."""

    def handler(self, sdk: Sdk) -> Callable[[Any, Any], Any]:
        """Return the handler, still to be decorated."""

        def handler(event: Any, context: Any) -> Any:
            return self.body(sdk, event, context)

        handler.__name__ = self.name
        return handler


CASES: dict[str, Case] = {}


def case(
    input: Any = None,
    answers: dict[str, Answer] | None = None,
    targets: dict[str, Answer] | None = None,
    since: str = "1.7.0",
) -> Any:
    """Make a function a case of the corpus."""

    def decorate(body: Body) -> Body:
        name = body.__name__
        assert name not in CASES, f"{name} is a case already"
        CASES[name] = Case(name, body, input, answers or {}, targets or {}, since)
        return body

    return decorate


class OutOfStockError(Exception):
    """An error of the user's."""


def gives(value: Any) -> Callable[[Any], Any]:
    """Return the body of a step that returns ``value``."""

    def body(step: Any) -> Any:
        step.logger.info(BODY_RAN)
        return value

    return body


def raises(error: Exception) -> Callable[[Any], Any]:
    """Return the body of a step that raises ``error``."""

    def body(step: Any) -> Any:
        step.logger.info(BODY_RAN)
        raise error

    return body


def fails_before(attempt: int) -> Callable[[Any], Any]:
    """Return the body of a step that raises until that attempt, of which it returns the number."""

    def body(step: Any) -> int:
        step.logger.info(BODY_RAN)
        number = attempt_of(step)
        if number < attempt:
            raise ConnectionError(f"attempt {number}")
        return number

    return body


def attempt_of(step: Any) -> int:
    """Return which attempt of a step this is. AWS's 1.7 tells it to the logger alone."""
    if hasattr(step, "attempt"):
        return int(step.attempt)
    return int(step.logger._default_extra["attempt"])


def batch_facts(batch: Any) -> list[Any]:
    """Return all that user code can see of a batch."""
    return [
        batch.completion_reason.value,
        batch.status.value,
        [batch.success_count, batch.failure_count, batch.started_count, batch.total_count],
        batch.get_results(),
        [
            [
                item.index,
                item.status.value,
                shortened(item.result),
                None if item.error is None else [item.error.type, item.error.message],
            ]
            for item in batch.all
        ],
    ]


def shortened(value: Any) -> Any:
    """Return long text as its length."""
    return len(value) if isinstance(value, str) and len(value) > 1000 else value


# Steps.

VALUES = [
    None,
    True,
    0,
    -7,
    1.5,
    "text",
    "",
    "snow \N{SNOWMAN} and \x00",
    b"bytes",
    UUID("12345678-1234-5678-1234-567812345678"),
    Decimal("1.10"),
    datetime(2024, 2, 29, 12, 30, 1, 250, tzinfo=UTC),
    datetime(2024, 2, 29, 12, 30, tzinfo=timezone(timedelta(hours=5, minutes=30))),
    datetime(2024, 2, 29),
    date(2024, 2, 29),
    (1, "a", (None,)),
    [],
    [1, "two", None],
    [[1], [Decimal(2)]],
    {},
    {"t": "d", "v": "1"},
    {"nested": {"list": [{"x": (1, 2)}], "at": date(2024, 1, 1)}},
]


@case()
def steps_of_every_type(sdk: Sdk, event: Any, context: Any) -> Any:
    values = [context.step(gives(value), name=f"value-{index}") for index, value in enumerate(VALUES)]
    context.wait(sdk.seconds(5))
    return [repr(value) for value in values]


@case(input={"order": 7, "lines": ["a", "b"]})
def steps_with_and_without_names(sdk: Sdk, event: Any, context: Any) -> Any:
    @sdk.durable_step
    def double(step: Any, number: int) -> int:
        step.logger.info(BODY_RAN)
        return number * 2

    return [
        event,
        context.step(double(21)),
        context.step(double(4), name="renamed"),
        context.step(gives("unnamed")),
        context.step(gives("empty name"), name=""),
    ]


@case()
def step_retried_at_fixed_times(sdk: Sdk, event: Any, context: Any) -> Any:
    first = context.step(gives("before"), name="before")
    return [first, context.step(fails_before(3), name="flaky", config=sdk.fixed()), context.step(gives(1))]


@case()
def step_retried_by_default(sdk: Sdk, event: Any, context: Any) -> Any:
    return context.step(fails_before(3), name="flaky")


@case()
def step_failure_caught(sdk: Sdk, event: Any, context: Any) -> Any:
    caught = sdk.error(lambda: context.step(raises(ValueError("boom")), name="doomed", config=sdk.once()))
    return [caught, context.step(gives("compensated"), name="compensate")]


@case()
def step_failures_of_every_kind(sdk: Sdk, event: Any, context: Any) -> Any:
    errors = [
        OutOfStockError("none left"),
        KeyError("key"),
        ValueError(),
        json.JSONDecodeError("bad", "{", 1),
    ]
    caught = [
        sdk.error(partial(context.step, raises(error), name=f"doomed-{number}", config=sdk.once()))
        for number, error in enumerate(errors)
    ]
    context.wait(sdk.seconds(5))
    return caught


@case()
def step_failure_after_retries(sdk: Sdk, event: Any, context: Any) -> Any:
    return sdk.error(lambda: context.step(fails_before(9), name="flaky", config=sdk.fixed(attempts=3)))


@case()
def step_failure_ends_the_execution(sdk: Sdk, event: Any, context: Any) -> Any:
    context.step(gives(1), name="fine")
    context.wait(sdk.seconds(5))
    context.step(raises(OutOfStockError("none left")), name="doomed", config=sdk.once())


@case()
def handler_raises(sdk: Sdk, event: Any, context: Any) -> Any:
    context.step(gives(1), name="fine")
    raise LookupError("nothing there")


@case()
def handler_raises_its_own_error(sdk: Sdk, event: Any, context: Any) -> Any:
    context.wait(sdk.seconds(5))
    raise OutOfStockError("none left")


@case()
def step_at_most_once(sdk: Sdk, event: Any, context: Any) -> Any:
    config = sdk.fixed(step_semantics=sdk.StepSemantics.AT_MOST_ONCE_PER_RETRY)
    return [context.step(gives("paid"), name="pay", config=config), context.step(gives(2), name="after")]


@case()
def step_at_most_once_retried(sdk: Sdk, event: Any, context: Any) -> Any:
    config = sdk.fixed(step_semantics=sdk.StepSemantics.AT_MOST_ONCE_PER_RETRY)
    return context.step(fails_before(3), name="pay", config=config)


@case()
def step_at_most_once_never_retried(sdk: Sdk, event: Any, context: Any) -> Any:
    config = sdk.StepConfig(
        retry_strategy=sdk.RetryPresets.none(), step_semantics=sdk.StepSemantics.AT_MOST_ONCE_PER_RETRY
    )
    caught = sdk.error(lambda: context.step(gives("paid"), name="pay", config=config))
    # The message of an interruption is the SDK's own wording.
    return caught if caught[0] == "returned" else ["interrupted", *caught[2:5]]


@case()
def step_with_serdes_of_its_own(sdk: Sdk, event: Any, context: Any) -> Any:
    class Upper(sdk.SerDes):  # type: ignore[misc,name-defined]
        def serialize(self, value: Any, serdes_context: Any) -> str:
            return f"<{value}>"

        def deserialize(self, data: str, serdes_context: Any) -> Any:
            return data.strip("<>").upper()

    own = context.step(gives("shout"), name="own", config=sdk.StepConfig(serdes=Upper()))
    plain = context.step(gives((1, 2)), name="json", config=sdk.StepConfig(serdes=sdk.JsonSerDes()))
    context.wait(sdk.seconds(5))
    return [own, plain]


@case(since="3.0.0")
def step_whose_result_cannot_be_stored(sdk: Sdk, event: Any, context: Any) -> Any:
    caught = sdk.error(lambda: context.step(gives({1, 2}), name="set", config=sdk.fixed()))
    context.wait(sdk.seconds(5))
    # The message is the SDK's own wording.
    return caught[:1] if sdk.tells_error_types else caught[1:]


@case(since="3.0.0", answers={"answer": Answer("SUCCEEDED", "yes", after_seconds=60)})
def sub_types_of_the_users(sdk: Sdk, event: Any, context: Any) -> Any:
    step = context.step(gives(1), name="step", config=sdk.StepConfig(sub_type="Charge"))
    child = context.run_in_child_context(
        lambda below: below.step(gives(2)), name="child", config=sdk.ChildConfig(sub_type="Order")
    )
    callback = context.create_callback(name="answer", config=sdk.CallbackConfig(sub_type="Approval"))
    context.wait(sdk.seconds(5))
    return [step, child, callback.result()]


# Waits.


@case()
def waits_between_steps(sdk: Sdk, event: Any, context: Any) -> Any:
    before = context.step(gives("before"), name="before")
    context.wait(sdk.seconds(30), name="short")
    between = context.step(gives("between"))
    context.wait(sdk.Duration.from_days(30))
    return [before, between, context.step(gives("after"), name="after")]


# Child contexts.


@case()
def child_contexts_nested(sdk: Sdk, event: Any, context: Any) -> Any:
    def inner(child: Any) -> Any:
        child.wait(sdk.seconds(10), name="pause")
        return child.step(gives("inner"), name="inner step")

    def outer(child: Any) -> Any:
        return [
            child.step(gives("first"), name="first"),
            child.run_in_child_context(inner, name="inner"),
            child.run_in_child_context(lambda below: below.step(gives("unnamed"))),
            child.step(gives("last"), name="last"),
        ]

    return [context.run_in_child_context(outer, name="outer"), context.step(gives("after"), name="after")]


@case()
def child_contexts_named_by_decorator(sdk: Sdk, event: Any, context: Any) -> Any:
    @sdk.durable_with_child_context
    def collect(child: Any, label: str) -> Any:
        return (label, child.step(gives(Decimal("2.50"))), b"raw")

    value = context.run_in_child_context(collect("x"))
    context.wait(sdk.seconds(5))
    return repr(value)


@case()
def child_context_failure_caught(sdk: Sdk, event: Any, context: Any) -> Any:
    def failing_step(child: Any) -> Any:
        return child.step(raises(ValueError("boom")), name="doomed", config=sdk.once())

    def failing(child: Any) -> Any:
        raise OutOfStockError("none left")

    def failing_below(child: Any) -> Any:
        return child.run_in_child_context(failing, name="below")

    caught = [
        sdk.error(lambda: context.run_in_child_context(failing_step, name="by step")),
        sdk.error(lambda: context.run_in_child_context(failing, name="by itself")),
        sdk.error(lambda: context.run_in_child_context(failing_below, name="by child")),
    ]
    context.wait(sdk.seconds(5))
    return caught


@case()
def child_context_failure_ends_the_execution(sdk: Sdk, event: Any, context: Any) -> Any:
    def failing(child: Any) -> Any:
        return child.step(raises(ValueError("boom")), name="doomed", config=sdk.fixed(attempts=2))

    context.run_in_child_context(failing, name="child")


@case()
def child_context_with_large_result(sdk: Sdk, event: Any, context: Any) -> Any:
    def large(child: Any) -> Any:
        return child.step(gives("x"), name="fetch") * TOO_LONG

    first = context.run_in_child_context(large, name="large")
    context.wait(sdk.seconds(5))
    config = sdk.ChildConfig(summary_generator=lambda value: f"{len(value)} characters")
    second = context.run_in_child_context(large, name="summarised", config=config)
    context.wait(sdk.seconds(5))
    return [len(first), len(second)]


@case()
def child_context_with_large_result_nested(sdk: Sdk, event: Any, context: Any) -> Any:
    def inner(child: Any) -> Any:
        child.wait(sdk.seconds(5))
        return child.step(gives("y"), name="fetch") * TOO_LONG

    def outer(child: Any) -> Any:
        return child.run_in_child_context(inner, name="inner") + child.step(gives("z"), name="more")

    large = context.run_in_child_context(outer, name="outer")
    context.wait(sdk.seconds(5))
    return [len(large), large[-1]]


@case()
def child_context_with_serdes_of_its_own(sdk: Sdk, event: Any, context: Any) -> Any:
    config = sdk.ChildConfig(serdes=sdk.JsonSerDes())
    value = context.run_in_child_context(lambda child: child.step(gives([1])), name="json", config=config)
    context.wait(sdk.seconds(5))
    return value


@case()
def virtual_child_contexts(sdk: Sdk, event: Any, context: Any) -> Any:
    virtual = sdk.ChildConfig(is_virtual=True)

    def inner(child: Any) -> Any:
        child.wait(sdk.seconds(5), name="pause")
        return child.step(gives("inner"), name="inner step")

    def outer(child: Any) -> Any:
        return [
            child.step(gives("first"), name="first"),
            child.run_in_child_context(inner, name="inner", config=virtual),
            child.run_in_child_context(lambda below: below.step(gives("recorded")), name="recorded"),
        ]

    def failing(child: Any) -> Any:
        return child.step(raises(ValueError("boom")), name="doomed", config=sdk.once())

    value = context.run_in_child_context(outer, name="virtual", config=virtual)
    caught = sdk.error(lambda: context.run_in_child_context(failing, name="failing", config=virtual))
    context.wait(sdk.seconds(5))
    return [value, caught]


# Parallel.


def branch(*values: Any, seconds: int = 0, sdk: Sdk | None = None) -> Callable[[Any], Any]:
    """Return a branch that waits if told to, and does a step for each value."""

    def body(context: Any) -> Any:
        if sdk is not None and seconds:
            context.wait(sdk.seconds(seconds), name=f"wait {seconds}")
        return [context.step(gives(value), name=f"step {value}") for value in values]

    return body


def failing_branch(sdk: Sdk, error: Exception) -> Callable[[Any], Any]:
    """Return a branch whose step fails."""

    def body(context: Any) -> Any:
        return context.step(raises(error), name="doomed", config=sdk.once())

    return body


@case()
def parallel_branches(sdk: Sdk, event: Any, context: Any) -> Any:
    branches = [branch(1, 2), branch(3, seconds=5, sdk=sdk), branch(4, seconds=9, sdk=sdk)]
    return batch_facts(context.parallel(branches, name="all"))


@case()
def parallel_branches_named(sdk: Sdk, event: Any, context: Any) -> Any:
    @sdk.durable_parallel_branch(name="by decorator")
    def decorated(child: Any, value: str) -> Any:
        return child.step(gives(value))

    @sdk.durable_parallel_branch()
    def unnamed(child: Any) -> Any:
        return child.step(gives("unnamed"))

    branches = [
        sdk.ParallelBranch(branch(1), name="first"),
        branch(2),
        sdk.ParallelBranch(branch(3, seconds=5, sdk=sdk), name="third"),
        sdk.ParallelBranch(branch(4)),
        decorated("decorated"),
        unnamed(),
    ]
    return batch_facts(context.parallel(branches))


@case()
def parallel_nested(sdk: Sdk, event: Any, context: Any) -> Any:
    def outer(index: int) -> Any:
        def body(child: Any) -> Any:
            inner = child.parallel([branch(f"{index}-a"), branch(f"{index}-b")], name="inner")
            child.wait(sdk.seconds(index + 1), name="settle")
            return inner.get_results()

        return body

    return batch_facts(context.parallel([outer(0), outer(1)], name="outer"))


@case()
def parallel_flat(sdk: Sdk, event: Any, context: Any) -> Any:
    config = sdk.ParallelConfig(nesting_type=sdk.NestingType.FLAT)
    branches = [branch(1, 2), branch(3, seconds=5, sdk=sdk), sdk.ParallelBranch(branch(4), name="named")]
    batch = context.parallel(branches, name="flat", config=config)
    context.wait(sdk.seconds(5))
    return batch_facts(batch)


def all_tolerated(sdk: Sdk) -> Any:
    """Return the completion of batches that no failure stops."""
    return sdk.CompletionConfig(tolerated_failure_percentage=100)


def parallel_with_failures(sdk: Sdk, context: Any, nesting: Any) -> Any:
    """Run branches of which two fail, all tolerated."""
    config = sdk.ParallelConfig(completion_config=all_tolerated(sdk), nesting_type=nesting)

    def failing(child: Any) -> Any:
        raise OutOfStockError("none left")

    branches = [branch(1, seconds=5, sdk=sdk), failing_branch(sdk, ValueError("boom")), failing, branch(2)]
    batch = context.parallel(branches, name="some fail", config=config)
    thrown = sdk.error(batch.throw_if_error)
    context.wait(sdk.seconds(5))
    return [batch_facts(batch), thrown]


@case()
def parallel_failures_nested(sdk: Sdk, event: Any, context: Any) -> Any:
    return parallel_with_failures(sdk, context, sdk.NestingType.NESTED)


@case()
def parallel_failures_flat(sdk: Sdk, event: Any, context: Any) -> Any:
    return parallel_with_failures(sdk, context, sdk.NestingType.FLAT)


@case()
def parallel_fails_at_the_first_failure(sdk: Sdk, event: Any, context: Any) -> Any:
    config = sdk.ParallelConfig(max_concurrency=1)
    branches = [branch(1), failing_branch(sdk, ValueError("boom")), branch(2)]
    batch = context.parallel(branches, name="fail fast", config=config)
    context.wait(sdk.seconds(5))
    return [batch_facts(batch), sdk.error(batch.throw_if_error)]


@case()
def parallel_failure_ends_the_execution(sdk: Sdk, event: Any, context: Any) -> Any:
    config = sdk.ParallelConfig(max_concurrency=1)
    branches = [branch(1), failing_branch(sdk, OutOfStockError("none left")), branch(2)]
    context.parallel(branches, name="fail fast", config=config).throw_if_error()


@case()
def parallel_first_successful(sdk: Sdk, event: Any, context: Any) -> Any:
    config = sdk.ParallelConfig(completion_config=sdk.CompletionConfig.first_successful())
    branches = [branch(1, seconds=3600, sdk=sdk), branch(2, seconds=5, sdk=sdk)]
    batch = context.parallel(branches, name="race", config=config)
    return [batch_facts(batch), context.step(gives("after"), name="after")]


@case(since="3.0.0")
def parallel_all_completed(sdk: Sdk, event: Any, context: Any) -> Any:
    config = sdk.ParallelConfig(completion_config=sdk.CompletionConfig.all_completed())
    branches = [failing_branch(sdk, ValueError("boom")), branch(1, seconds=5, sdk=sdk)]
    return batch_facts(context.parallel(branches, name="all", config=config))


@case(since="3.0.0")
def parallel_min_successful_with_failures(sdk: Sdk, event: Any, context: Any) -> Any:
    config = sdk.ParallelConfig(max_concurrency=1, completion_config=sdk.CompletionConfig(min_successful=2))
    branches = [failing_branch(sdk, ValueError("boom")), branch(1), branch(2), branch(3)]
    batch = context.parallel(branches, name="two of four", config=config)
    context.wait(sdk.seconds(5))
    return batch_facts(batch)


@case()
def parallel_limited(sdk: Sdk, event: Any, context: Any) -> Any:
    config = sdk.ParallelConfig(max_concurrency=2)
    branches = [branch(n, seconds=5 + n, sdk=sdk) for n in range(4)]
    return batch_facts(context.parallel(branches, name="two at a time", config=config))


@case()
def parallel_retries(sdk: Sdk, event: Any, context: Any) -> Any:
    def flaky(attempt: int) -> Any:
        return lambda child: child.step(fails_before(attempt), name=f"flaky {attempt}", config=sdk.fixed())

    return batch_facts(context.parallel([flaky(1), flaky(2), flaky(3)], name="retries"))


@case(
    answers={"approval": Answer("SUCCEEDED", '"yes"', after_seconds=60)},
    targets={"charge": Answer("SUCCEEDED", '{"id": 1}', after_seconds=10)},
)
def parallel_children_and_callbacks(sdk: Sdk, event: Any, context: Any) -> Any:
    def approval(child: Any) -> Any:
        return child.wait_for_callback(submits, name="approval")

    def charge(child: Any) -> Any:
        return child.invoke("charge", {"amount": 1}, name="charge")

    def nested(child: Any) -> Any:
        return child.run_in_child_context(branch(1, seconds=30, sdk=sdk), name="child")

    return batch_facts(context.parallel([approval, charge, nested], name="mixed"))


# Map.


@case()
def map_over_items(sdk: Sdk, event: Any, context: Any) -> Any:
    def work(child: Any, item: Any, index: int, items: Any) -> Any:
        child.wait(sdk.seconds(index + 1), name="pause")
        return [child.step(gives(item), name="take"), index, len(items)]

    return batch_facts(context.map(["a", "b", "c"], work, name="letters"))


@case()
def map_of_nothing(sdk: Sdk, event: Any, context: Any) -> Any:
    batch = context.map([], lambda child, item, index, items: item, name="empty")
    context.wait(sdk.seconds(5))
    return batch_facts(batch)


@case()
def map_with_names(sdk: Sdk, event: Any, context: Any) -> Any:
    config = sdk.MapConfig(item_namer=lambda item, index: f"item {item}", max_concurrency=2)

    def work(child: Any, item: Any, index: int, items: Any) -> Any:
        child.wait(sdk.seconds(5))
        return child.step(gives(item * 2))

    return batch_facts(context.map([1, 2, 3], work, config=config))


@case()
def map_flat(sdk: Sdk, event: Any, context: Any) -> Any:
    config = sdk.MapConfig(nesting_type=sdk.NestingType.FLAT, item_namer=lambda item, index: f"n{index}")

    def work(child: Any, item: Any, index: int, items: Any) -> Any:
        child.wait(sdk.seconds(index + 1))
        below = child.run_in_child_context(lambda below: below.step(gives(item)), name="below")
        return [below, child.step(gives(None))]

    batch = context.map(["a", "b"], work, name="flat", config=config)
    context.wait(sdk.seconds(5))
    return batch_facts(batch)


def map_with_failures(sdk: Sdk, context: Any, nesting: Any, **completion: Any) -> Any:
    """Map over numbers, of which 1 and 3 fail."""

    def work(child: Any, item: Any, index: int, items: Any) -> Any:
        if item % 2:
            return child.step(raises(ValueError(f"odd {item}")), name="odd", config=sdk.once())
        child.wait(sdk.seconds(5))
        return child.step(gives(item), name="even")

    config = sdk.MapConfig(
        max_concurrency=1, completion_config=sdk.CompletionConfig(**completion), nesting_type=nesting
    )
    batch = context.map(range(5), work, name="numbers", config=config)
    thrown = sdk.error(batch.throw_if_error)
    context.wait(sdk.seconds(5))
    return [batch_facts(batch), thrown]


@case()
def map_within_tolerance(sdk: Sdk, event: Any, context: Any) -> Any:
    return map_with_failures(sdk, context, sdk.NestingType.NESTED, tolerated_failure_count=2)


@case()
def map_beyond_tolerance(sdk: Sdk, event: Any, context: Any) -> Any:
    return map_with_failures(sdk, context, sdk.NestingType.NESTED, tolerated_failure_count=1)


@case()
def map_beyond_tolerance_flat(sdk: Sdk, event: Any, context: Any) -> Any:
    return map_with_failures(sdk, context, sdk.NestingType.FLAT, tolerated_failure_percentage=25)


@case()
def map_within_percentage_flat(sdk: Sdk, event: Any, context: Any) -> Any:
    return map_with_failures(sdk, context, sdk.NestingType.FLAT, tolerated_failure_percentage=40)


@case(since="3.0.0")
def map_min_successful(sdk: Sdk, event: Any, context: Any) -> Any:
    return map_with_failures(sdk, context, sdk.NestingType.NESTED, min_successful=2)


@case()
def map_nested(sdk: Sdk, event: Any, context: Any) -> Any:
    def inner(child: Any, item: Any, index: int, items: Any) -> Any:
        return child.step(gives(item), name=f"step {item}")

    def outer(child: Any, item: Any, index: int, items: Any) -> Any:
        batch = child.map(item, inner, name="row")
        child.wait(sdk.seconds(5), name="settle")
        return batch.get_results()

    return batch_facts(context.map([[1, 2], [3]], outer, name="rows"))


@case()
def map_with_serdes_of_its_own(sdk: Sdk, event: Any, context: Any) -> Any:
    config = sdk.MapConfig(item_serdes=sdk.JsonSerDes())

    def work(child: Any, item: Any, index: int, items: Any) -> Any:
        return {"item": child.step(gives(item))}

    batch = context.map([1, 2], work, name="json items", config=config)
    context.wait(sdk.seconds(5))
    return batch_facts(batch)


@case()
def batch_through_a_step(sdk: Sdk, event: Any, context: Any) -> Any:
    config = sdk.ParallelConfig(completion_config=all_tolerated(sdk))
    branches = [branch(1), failing_branch(sdk, ValueError("boom")), branch(Decimal("0.5"))]
    batch = context.parallel(branches, name="batch", config=config)
    kept = context.step(gives(batch), name="keep")
    context.wait(sdk.seconds(5))
    within = context.step(gives({"batch": kept}), name="keep in a dict")
    context.wait(sdk.seconds(5))
    return [repr(batch_facts(each)) for each in (batch, kept, within["batch"])]


def large_facts(batch: Any) -> list[Any]:
    """Return what user code can see of a batch of long texts."""
    facts = batch_facts(batch)
    return [*facts[:3], [len(result) for result in facts[3]], facts[4]]


def large_branch(text: str, length: int = HALF_TOO_LONG) -> Callable[[Any], Any]:
    """Return a branch with a long result that its step does not hold."""

    def body(context: Any) -> Any:
        return context.step(gives(text), name=f"fetch {text}") * length

    return body


@case()
def parallel_with_large_result(sdk: Sdk, event: Any, context: Any) -> Any:
    config = sdk.ParallelConfig(completion_config=all_tolerated(sdk))
    branches = [
        large_branch("a"),
        large_branch("b"),
        failing_branch(sdk, ValueError("boom")),
        large_branch("c", TOO_LONG),
    ]
    batch = context.parallel(branches, name="large", config=config)
    context.wait(sdk.seconds(5))
    return [large_facts(batch), sdk.error(batch.throw_if_error)]


@case()
def parallel_with_large_result_and_unfinished_branches(sdk: Sdk, event: Any, context: Any) -> Any:
    config = sdk.ParallelConfig(
        completion_config=sdk.CompletionConfig(min_successful=2),
        summary_generator=lambda batch: f"{batch.success_count} of {batch.total_count}",
    )
    branches = [large_branch("a"), branch("late", seconds=3600, sdk=sdk), delayed(sdk, 5, large_branch("b"))]
    batch = context.parallel(branches, name="large", config=config)
    context.wait(sdk.seconds(5))
    return large_facts(batch)


def delayed(sdk: Sdk, seconds: int, body: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return a branch that waits first."""

    def after(context: Any) -> Any:
        context.wait(sdk.seconds(seconds))
        return body(context)

    return after


@case()
def parallel_flat_with_large_result(sdk: Sdk, event: Any, context: Any) -> Any:
    config = sdk.ParallelConfig(completion_config=all_tolerated(sdk), nesting_type=sdk.NestingType.FLAT)
    branches = [large_branch("a"), failing_branch(sdk, OutOfStockError("none")), large_branch("b", TOO_LONG)]
    batch = context.parallel(branches, name="large", config=config)
    context.wait(sdk.seconds(5))
    return large_facts(batch)


def large_map(sdk: Sdk, context: Any, **options: Any) -> Any:
    """Map over letters with long results, after a wait."""

    def work(child: Any, item: Any, index: int, items: Any) -> Any:
        child.wait(sdk.seconds(index + 1))
        return child.step(gives(item), name="fetch") * HALF_TOO_LONG

    batch = context.map(["a", "b"], work, name="large", config=sdk.MapConfig(**options))
    context.wait(sdk.seconds(5))
    return large_facts(batch)


@case()
def map_with_large_result(sdk: Sdk, event: Any, context: Any) -> Any:
    return large_map(sdk, context, summary_generator=lambda batch: f"{batch.total_count} in all")


@case()
def map_flat_with_large_result(sdk: Sdk, event: Any, context: Any) -> Any:
    return large_map(sdk, context, nesting_type=sdk.NestingType.FLAT)


# Custom completion.


def stops_when(sdk: Sdk, outcome: str, condition: Callable[[Any], bool]) -> Any:
    """Return a completion that ends the batch with ``outcome`` once ``condition`` holds."""

    def should_complete(status: Any) -> Any:
        if condition(status):
            return sdk.complete_batch(sdk.CompletionOutcome[outcome])
        return sdk.continue_batch()

    return sdk.CompletionConfig(should_complete=should_complete)


@case(since="3.0.0")
def custom_completion_succeeded(sdk: Sdk, event: Any, context: Any) -> Any:
    completion = stops_when(sdk, "SUCCEEDED", lambda status: status.success_count >= 2)
    config = sdk.MapConfig(max_concurrency=1, completion_config=completion)

    def work(child: Any, item: Any, index: int, items: Any) -> Any:
        child.wait(sdk.seconds(5))
        if item == 1:
            return child.step(raises(ValueError("boom")), name="doomed", config=sdk.once())
        return child.step(gives(item))

    batch = context.map(range(5), work, name="custom", config=config)
    context.wait(sdk.seconds(5))
    return [batch_facts(batch), sdk.error(batch.throw_if_error)]


@case(since="3.0.0")
def custom_completion_failed(sdk: Sdk, event: Any, context: Any) -> Any:
    completion = stops_when(sdk, "FAILED", lambda status: status.completed_count >= 1)
    config = sdk.ParallelConfig(max_concurrency=1, completion_config=completion)
    branches = [branch(n, seconds=5, sdk=sdk) for n in range(3)]
    batch = context.parallel(branches, name="custom", config=config)
    context.wait(sdk.seconds(5))
    return [batch_facts(batch), sdk.error(batch.throw_if_error)]


@case(since="3.0.0")
def custom_completion_failure_escapes(sdk: Sdk, event: Any, context: Any) -> Any:
    completion = stops_when(sdk, "FAILED", lambda status: status.completed_count >= 1)
    config = sdk.ParallelConfig(max_concurrency=1, completion_config=completion)

    def batch(child: Any) -> Any:
        child.parallel([branch(1), branch(2)], name="custom", config=config).throw_if_error()

    caught = sdk.error(lambda: context.run_in_child_context(batch, name="child"))
    context.wait(sdk.seconds(5))
    return caught


@case(since="3.0.0")
def custom_completion_with_large_result(sdk: Sdk, event: Any, context: Any) -> Any:
    completion = stops_when(sdk, "SUCCEEDED", lambda status: status.success_count >= 2)
    config = sdk.ParallelConfig(max_concurrency=1, completion_config=completion)
    branches = [large_branch("a", TOO_LONG), large_branch("b", TOO_LONG), branch("never")]
    batch = context.parallel(branches, name="custom", config=config)
    context.wait(sdk.seconds(5))
    return large_facts(batch)


# Callbacks.


@case(answers={"approval": Answer("SUCCEEDED", "yes", after_seconds=60)})
def callback_success(sdk: Sdk, event: Any, context: Any) -> Any:
    callback = context.create_callback(name="approval")
    sent = context.step(gives("sent"), name="send")
    return [sent, callback.result(), context.step(gives("after"), name="after")]


@case(answers={"early": Answer("SUCCEEDED", None, after_seconds=5)})
def callback_answered_before_it_is_awaited(sdk: Sdk, event: Any, context: Any) -> Any:
    callback = context.create_callback(name="early")
    context.wait(sdk.seconds(60))
    return callback.result()


@case(
    answers={
        "refused": Answer(
            "FAILED",
            error={
                "ErrorType": "Refused",
                "ErrorMessage": "no",
                "ErrorData": "data",
                "StackTrace": ["one line"],
            },
        ),
        "empty": Answer("FAILED", error={}),
    }
)
def callback_failures(sdk: Sdk, event: Any, context: Any) -> Any:
    refused = context.create_callback(name="refused")
    empty = context.create_callback(name="empty")
    caught = [sdk.error(refused.result), sdk.error(empty.result)]
    context.wait(sdk.seconds(5))
    return caught


@case()
def callback_timeouts(sdk: Sdk, event: Any, context: Any) -> Any:
    timeout = context.create_callback(name="slow", config=sdk.CallbackConfig(timeout=sdk.seconds(1)))
    heartbeat = context.create_callback(
        name="silent",
        config=sdk.CallbackConfig(timeout=sdk.seconds(60), heartbeat_timeout=sdk.seconds(1)),
    )
    return [sdk.error(timeout.result), sdk.error(heartbeat.result), context.step(gives("after"))]


@case(answers={"": Answer("SUCCEEDED", '{"ok": true}')})
def callback_with_serdes_and_no_name(sdk: Sdk, event: Any, context: Any) -> Any:
    callback = context.create_callback(config=sdk.CallbackConfig(serdes=sdk.JsonSerDes()))
    return callback.result()


@case(answers={"refused": Answer("FAILED", error={"ErrorMessage": "no"})})
def callback_failure_ends_the_execution(sdk: Sdk, event: Any, context: Any) -> Any:
    context.create_callback(name="refused").result()


def submits(callback_id: str, submitter: Any) -> None:
    """Submit a callback id to nobody."""
    submitter.logger.info(BODY_RAN)


def cannot_submit(callback_id: str, submitter: Any) -> None:
    """Fail to submit a callback id."""
    submitter.logger.info(BODY_RAN)
    raise ConnectionError("cannot submit")


@case(answers={"approval": Answer("SUCCEEDED", '{"approved": true}', after_seconds=60)})
def wait_for_callback_success(sdk: Sdk, event: Any, context: Any) -> Any:
    answer = context.wait_for_callback(submits, name="approval")
    return [answer, context.step(gives("after"), name="after")]


@case(answers={"": Answer("SUCCEEDED", "plain text")})
def wait_for_callback_without_name(sdk: Sdk, event: Any, context: Any) -> Any:
    answer = context.wait_for_callback(submits)
    context.wait(sdk.seconds(5))
    return answer


@case(answers={"decorated": Answer("SUCCEEDED", '"x"')})
def wait_for_callback_named_by_decorator(sdk: Sdk, event: Any, context: Any) -> Any:
    @sdk.durable_wait_for_callback
    def decorated(callback_id: str, submitter: Any, extra: str) -> None:
        submitter.logger.info(BODY_RAN)

    answer = context.wait_for_callback(
        decorated("extra"), config=sdk.WaitForCallbackConfig(serdes=sdk.JsonSerDes())
    )
    context.wait(sdk.seconds(5))
    return answer


@case()
def wait_for_callback_with_failing_submitter(sdk: Sdk, event: Any, context: Any) -> Any:
    config = sdk.WaitForCallbackConfig(retry_strategy=sdk.every_five_seconds(2))
    caught = sdk.error(lambda: context.wait_for_callback(cannot_submit, name="sent", config=config))
    context.wait(sdk.seconds(5))
    return caught


@case(answers={"refused": Answer("FAILED", error={"ErrorType": "Refused", "ErrorMessage": "no"})})
def wait_for_callback_failures(sdk: Sdk, event: Any, context: Any) -> Any:
    caught = [
        sdk.error(lambda: context.wait_for_callback(submits, name="refused")),
        sdk.error(
            lambda: context.wait_for_callback(
                submits, name="slow", config=sdk.WaitForCallbackConfig(timeout=sdk.seconds(1))
            )
        ),
        sdk.error(
            lambda: context.wait_for_callback(
                submits, name="silent", config=sdk.WaitForCallbackConfig(heartbeat_timeout=sdk.seconds(1))
            )
        ),
    ]
    context.wait(sdk.seconds(5))
    return caught


@case()
def wait_for_callback_timeout_ends_the_execution(sdk: Sdk, event: Any, context: Any) -> Any:
    config = sdk.WaitForCallbackConfig(timeout=sdk.seconds(1))
    context.wait_for_callback(submits, name="slow", config=config)


@case()
def wait_for_callback_timeout_in_a_child_context(sdk: Sdk, event: Any, context: Any) -> Any:
    config = sdk.WaitForCallbackConfig(timeout=sdk.seconds(1))

    def body(child: Any) -> Any:
        return child.wait_for_callback(submits, name="slow", config=config)

    caught = sdk.error(lambda: context.run_in_child_context(body, name="child"))
    context.wait(sdk.seconds(5))
    return caught


# Invoke.


@case(
    targets={
        "price": Answer("SUCCEEDED", '{"price": 3}'),
        "nothing": Answer("SUCCEEDED", None),
    }
)
def invoke_success(sdk: Sdk, event: Any, context: Any) -> Any:
    price = context.invoke("price", {"of": "apple"}, name="ask")
    nothing = context.invoke("nothing", None)
    tenant = context.invoke("price", [1], name="tenant", config=sdk.InvokeConfig(tenant_id="tenant-1"))
    return [price, nothing, tenant, context.step(gives("after"), name="after")]


@case(
    targets={
        "failing": Answer("FAILED", error={"ErrorType": "ValueError", "ErrorMessage": "no price"}),
        "slow": Answer("TIMED_OUT", error={"ErrorType": "ChainedInvoke.Timeout", "ErrorMessage": "too slow"}),
        "stopped": Answer("STOPPED", error={"ErrorMessage": "stopped by hand"}),
    }
)
def invoke_failures(sdk: Sdk, event: Any, context: Any) -> Any:
    caught = [
        sdk.error(lambda name=name: context.invoke(name, {}, name=f"call {name}"))
        for name in ("failing", "slow", "stopped")
    ]
    context.wait(sdk.seconds(5))
    return caught


@case(targets={"failing": Answer("FAILED", error={"ErrorType": "ValueError", "ErrorMessage": "no price"})})
def invoke_failure_ends_the_execution(sdk: Sdk, event: Any, context: Any) -> Any:
    context.invoke("failing", {}, name="ask")


@case(targets={"failing": Answer("FAILED", error={"ErrorType": "ValueError", "ErrorMessage": "no price"})})
def invoke_failure_in_a_child_context(sdk: Sdk, event: Any, context: Any) -> Any:
    caught = sdk.error(
        lambda: context.run_in_child_context(lambda child: child.invoke("failing", {}), name="child")
    )
    context.wait(sdk.seconds(5))
    return caught


# Polling.


def counts(state: Any, check: Any) -> Any:
    """Add one to the state."""
    check.logger.info(BODY_RAN)
    return {"n": state["n"] + 1, "at": date(2024, 1, state["n"] + 1)}


def polls_until(sdk: Sdk, count: int) -> Any:
    """Return the config that polls every five seconds until the state is ``count``."""

    def strategy(state: Any, attempts: int) -> Any:
        decision = sdk.waits.WaitForConditionDecision
        return decision.stop_polling() if state["n"] >= count else decision.continue_waiting(sdk.seconds(5))

    return sdk.WaitForConditionConfig(wait_strategy=strategy, initial_state={"n": 0})


@case()
def wait_for_condition_met(sdk: Sdk, event: Any, context: Any) -> Any:
    state = context.wait_for_condition(counts, polls_until(sdk, 3), name="ready")
    context.wait(sdk.seconds(5))
    return repr(state)


@case()
def wait_for_condition_met_at_once(sdk: Sdk, event: Any, context: Any) -> Any:
    return repr(context.wait_for_condition(counts, polls_until(sdk, 1)))


@case(since="3.0.0")
def wait_for_condition_exhausted(sdk: Sdk, event: Any, context: Any) -> Any:
    strategy = sdk.create_wait_strategy(
        sdk.WaitStrategyConfig(
            should_continue_polling=lambda state: state["n"] < 9,
            max_attempts=2,
            initial_delay=sdk.seconds(5),
            backoff_rate=1,
            jitter_strategy=sdk.JitterStrategy.NONE,
        )
    )
    config = sdk.WaitForConditionConfig(wait_strategy=strategy, initial_state={"n": 0})
    caught = sdk.error(lambda: context.wait_for_condition(counts, config, name="exhausted"))
    context.wait(sdk.seconds(5))
    return caught


@case()
def wait_for_condition_failures(sdk: Sdk, event: Any, context: Any) -> Any:
    def broken(state: Any, check: Any) -> Any:
        check.logger.info(BODY_RAN)
        if state["n"] < 1:
            return {"n": state["n"] + 1}
        raise OutOfStockError("cannot check")

    caught = sdk.error(lambda: context.wait_for_condition(broken, polls_until(sdk, 9), name="broken"))
    context.wait(sdk.seconds(5))
    return caught


@case()
def wait_for_condition_in_branches(sdk: Sdk, event: Any, context: Any) -> Any:
    def poll(count: int) -> Any:
        return lambda child: child.wait_for_condition(counts, polls_until(sdk, count), name="ready")["n"]

    return batch_facts(context.parallel([poll(1), poll(2), poll(3)], name="polls"))


# with_retry.


def flow_failing_before(sdk: Sdk, last: int) -> Callable[[Any, int], Any]:
    """Return a flow for with_retry that fails until the attempt of that number."""

    def flow(context: Any, attempt: int) -> Any:
        done = context.step(gives(attempt), name=f"try {attempt}")
        context.wait(sdk.seconds(2), name="pause")
        if attempt < last:
            raise ConnectionError(f"attempt {attempt}")
        return [done, attempt]

    return flow


@case()
def with_retry_wrapped(sdk: Sdk, event: Any, context: Any) -> Any:
    config = sdk.WithRetryConfig(retry_strategy=sdk.every_five_seconds(5))
    value = sdk.with_retry(context, flow_failing_before(sdk, 3), config, name="flow")
    return [value, context.step(gives("after"), name="after")]


@case()
def with_retry_not_wrapped(sdk: Sdk, event: Any, context: Any) -> Any:
    config = sdk.WithRetryConfig(
        retry_strategy=sdk.every_five_seconds(5), wrap_with_run_in_child_context=False
    )
    value = sdk.with_retry(context, flow_failing_before(sdk, 2), config)
    return [value, context.step(gives("after"), name="after")]


@case()
def with_retry_exhausted(sdk: Sdk, event: Any, context: Any) -> Any:
    wrapped = sdk.WithRetryConfig(retry_strategy=sdk.every_five_seconds(2))
    bare = sdk.WithRetryConfig(retry_strategy=sdk.every_five_seconds(2), wrap_with_run_in_child_context=False)
    caught = [
        sdk.error(lambda: sdk.with_retry(context, flow_failing_before(sdk, 9), wrapped, name="wrapped")),
        sdk.error(lambda: sdk.with_retry(context, flow_failing_before(sdk, 9), bare, name="bare")),
    ]
    context.wait(sdk.seconds(5))
    return caught


@case()
def with_retry_of_failing_steps(sdk: Sdk, event: Any, context: Any) -> Any:
    def flow(child: Any, attempt: int) -> Any:
        if attempt < 2:
            child.step(raises(ValueError(f"boom {attempt}")), name="doomed", config=sdk.once())
        return child.step(gives(attempt), name="done")

    config = sdk.WithRetryConfig(retry_strategy=sdk.every_five_seconds(3))
    return sdk.with_retry(context, flow, config, name="flow")


# Everything at once.


@case(
    input={"order": {"id": 7, "items": ["pen", "ink"]}},
    answers={"payment": Answer("SUCCEEDED", '{"paid": true}', after_seconds=60)},
    targets={"stock": Answer("SUCCEEDED", '{"left": 3}')},
)
def an_order_from_end_to_end(sdk: Sdk, event: Any, context: Any) -> Any:
    items = event["order"]["items"]

    def reserve(child: Any, item: Any, index: int, all_items: Any) -> Any:
        left = child.invoke("stock", {"item": item}, name="stock")
        child.wait(sdk.seconds(3), name="hold")
        return [child.step(gives(f"reserved {item}"), name="reserve"), left]

    def ship(child: Any, attempt: int) -> Any:
        return child.step(fails_before(2), name="ship", config=sdk.fixed())

    reserved = context.map(items, reserve, name="reserve all")
    paid = context.wait_for_callback(submits, name="payment")
    shipped = sdk.with_retry(context, ship, sdk.WithRetryConfig(), name="shipping")
    refund = sdk.error(lambda: context.step(raises(OutOfStockError("gone")), name="gift", config=sdk.once()))
    ready = context.wait_for_condition(counts, polls_until(sdk, 2), name="delivered")
    return [batch_facts(reserved), paid, shipped, refund, ready["n"]]


@case()
def result_too_large_to_return(sdk: Sdk, event: Any, context: Any) -> Any:
    return context.step(gives("x"), name="fetch") * (6 * 1024 * 1024 - 40)


@case()
def handler_raises_a_long_error(sdk: Sdk, event: Any, context: Any) -> Any:
    raise ValueError(context.step(gives("x"), name="fetch") * 20_000)


def cases_of(release: str) -> dict[str, Case]:
    """Return the cases that the release of AWS's SDK can run, by name."""
    number = tuple(map(int, release.split(".")))
    return {name: each for name, each in CASES.items() if tuple(map(int, each.since.split("."))) <= number}
