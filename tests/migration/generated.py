"""Handlers made at random: trees of operations of every kind, nested in each other, some of which fail.

`generated(seed)` returns the same case for the same seed, under either SDK. Chance decides nothing while a
handler runs, and no batch depends on which of its branches is faster.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from migration.corpus import (
    Case,
    OutOfStockError,
    Sdk,
    all_tolerated,
    batch_facts,
    cannot_submit,
    counts,
    fails_before,
    gives,
    polls_until,
    raises,
    submits,
)
from migration.service import Answer

Call = Callable[[Sdk, Any], Any]
"""Does something with a context, and returns what user code sees of it."""

_VALUES: list[Any] = [None, True, 7, 1.5, "text", [1, None], {"a": [1]}, (1, "two"), b"raw"]
_ERRORS = [ValueError("boom"), OutOfStockError("none left"), KeyError("key")]
_DEEPEST = 3


@dataclass
class Generator:
    """Makes calls, and notes what has to happen outside for them."""

    chance: Random
    answers: dict[str, Answer] = field(default_factory=dict)
    targets: dict[str, Answer] = field(default_factory=dict)

    def block(self, depth: int, path: str) -> Call:
        """Return a sequence of calls."""
        count = self.chance.randint(1, 4 if depth == 0 else 3)
        calls = [self.call(depth, f"{path}.{number}") for number in range(count)]

        def run(sdk: Sdk, context: Any) -> Any:
            return [call(sdk, context) for call in calls]

        return run

    def call(self, depth: int, path: str) -> Call:
        """Return a call of any kind, whose errors are caught or not."""
        kinds = [self.step, self.step, self.wait, self.callback, self.submit, self.invoke, self.poll]
        if depth < _DEEPEST:
            kinds += [self.child, self.child, self.parallel, self.map, self.retried]
        call = self.chance.choice(kinds)(depth, path)
        if self.chance.random() < 0.7:
            return lambda sdk, context: sdk.error(lambda: call(sdk, context))
        return call

    def name(self, path: str) -> str | None:
        """Return a name, or none."""
        return self.chance.choice([f"op {path}", f"op {path}", None])

    def after(self) -> int:
        """Return after how many seconds something happens."""
        return self.chance.choice([1, 2, 3, 5, 8, 30, 3600])

    def error(self) -> dict[str, Any]:
        """Return how something outside fails."""
        return self.chance.choice(
            [{}, {"ErrorMessage": "no"}, {"ErrorType": "Refused", "ErrorMessage": "no", "ErrorData": "why"}]
        )

    def step(self, depth: int, path: str) -> Call:
        """Return a step that succeeds, fails, or fails at first."""
        name = self.name(path)
        body = self.chance.choice(
            [
                gives(self.chance.choice(_VALUES)),
                raises(self.chance.choice(_ERRORS)),
                fails_before(self.chance.randint(2, 4)),
            ]
        )
        attempts = self.chance.randint(1, 4)
        at_most_once = self.chance.random() < 0.3

        def run(sdk: Sdk, context: Any) -> Any:
            semantics = sdk.StepSemantics
            config = sdk.fixed(
                attempts,
                step_semantics=semantics.AT_MOST_ONCE_PER_RETRY
                if at_most_once
                else semantics.AT_LEAST_ONCE_PER_RETRY,
            )
            return repr(context.step(body, name=name, config=config))

        return run

    def wait(self, depth: int, path: str) -> Call:
        """Return a wait."""
        name, seconds = self.name(path), self.after()
        return lambda sdk, context: context.wait(sdk.seconds(seconds), name=name)

    def answer(self) -> Answer:
        """Return how a callback or a function ends."""
        if self.chance.random() < 0.6:
            return Answer("SUCCEEDED", self.chance.choice([None, "1", '"x"']), after_seconds=self.after())
        return Answer("FAILED", error=self.error(), after_seconds=self.after())

    def callback(self, depth: int, path: str) -> Call:
        """Return a callback that is awaited after something else."""
        name = f"callback {path}"
        has_answer = self.chance.random() < 0.7
        if has_answer:
            self.answers[name] = self.answer()
        timeout = self.chance.choice([0, 4]) if has_answer else 4
        heartbeat = self.chance.choice([0, 2])
        between = self.block(_DEEPEST, path)

        def run(sdk: Sdk, context: Any) -> Any:
            config = sdk.CallbackConfig(
                timeout=sdk.seconds(timeout), heartbeat_timeout=sdk.seconds(heartbeat)
            )
            callback = context.create_callback(name=name, config=config)
            return [between(sdk, context), callback.result()]

        return run

    def submit(self, depth: int, path: str) -> Call:
        """Return a wait for a callback, whose submitter may fail."""
        name = f"callback {path}"
        has_answer = self.chance.random() < 0.7
        if has_answer:
            self.answers[name] = self.answer()
        timeout = self.chance.choice([0, 4]) if has_answer else 4
        submitter = self.chance.choice([submits, submits, submits, cannot_submit])
        attempts = self.chance.randint(1, 2)

        def run(sdk: Sdk, context: Any) -> Any:
            config = sdk.WaitForCallbackConfig(
                timeout=sdk.seconds(timeout), retry_strategy=sdk.every_five_seconds(attempts)
            )
            return context.wait_for_callback(submitter, name=name, config=config)

        return run

    def invoke(self, depth: int, path: str) -> Call:
        """Return a call of another function."""
        function, name = f"function-{path}", self.name(path)
        answer = self.answer()
        if answer.status == "FAILED":
            status = self.chance.choice(["FAILED", "TIMED_OUT", "STOPPED"])
            answer = Answer(status, error=answer.error, after_seconds=answer.after_seconds)
        self.targets[function] = answer
        payload = self.chance.choice([None, 1, {"a": [1]}])
        return lambda sdk, context: context.invoke(function, payload, name=name)

    def poll(self, depth: int, path: str) -> Call:
        """Return a wait for a condition."""
        name, count = self.name(path), self.chance.randint(1, 3)
        return lambda sdk, context: repr(
            context.wait_for_condition(counts, polls_until(sdk, count), name=name)
        )

    def child(self, depth: int, path: str) -> Call:
        """Return a child context, virtual or not, with a large result or not."""
        name, block = self.name(path), self.block(depth + 1, path)
        is_virtual = self.chance.random() < 0.3
        times = self.chance.choice([0, 0, 0, 90_000])

        def run(sdk: Sdk, context: Any) -> Any:
            def body(child: Any) -> Any:
                return [block(sdk, child), "abc" * times]

            config = sdk.ChildConfig(is_virtual=is_virtual)
            values, text = context.run_in_child_context(body, name=name, config=config)
            return [values, len(text)]

        return run

    def batch_config(self) -> Callable[[Sdk, Any], Any]:
        """Return what makes the config of a batch, whose end does not depend on which branch is faster."""
        is_flat = self.chance.random() < 0.4
        completion = self.chance.choice(["all", "all", "first", "fail fast", "count"])

        def make(sdk: Sdk, config: Any) -> Any:
            completions = {
                "all": all_tolerated(sdk),
                "first": sdk.CompletionConfig.first_successful(),
                "fail fast": sdk.CompletionConfig.all_successful(),
                "count": sdk.CompletionConfig(tolerated_failure_count=1),
            }
            return config(
                max_concurrency=None if completion == "all" else 1,
                completion_config=completions[completion],
                nesting_type=sdk.NestingType.FLAT if is_flat else sdk.NestingType.NESTED,
            )

        return make

    def parallel(self, depth: int, path: str) -> Call:
        """Return branches of different kinds, some of them named."""
        blocks = [self.block(depth + 1, f"{path}/{n}") for n in range(self.chance.randint(1, 3))]
        names = [self.name(f"{path}/{n}") for n in range(len(blocks))]
        name, config = self.name(path), self.batch_config()
        throws = self.chance.random() < 0.3
        through_step = self.chance.random() < 0.2

        def run(sdk: Sdk, context: Any) -> Any:
            branches = [
                sdk.ParallelBranch(lambda child, block=block: block(sdk, child), name=branch_name)
                for block, branch_name in zip(blocks, names, strict=True)
            ]
            batch = context.parallel(branches, name=name, config=config(sdk, sdk.ParallelConfig))
            if through_step:
                batch = context.step(gives(batch))
            if throws:
                batch.throw_if_error()
            return batch_facts(batch)

        return run

    def map(self, depth: int, path: str) -> Call:
        """Return a map that does the same for each item, or fails for some."""
        block, config = self.block(depth + 1, path), self.batch_config()
        items = list(range(self.chance.randint(1, 3)))
        bad = set(self.chance.sample(items, self.chance.randint(0, len(items)) // 2))
        name = self.name(path)

        def run(sdk: Sdk, context: Any) -> Any:
            def work(child: Any, item: Any, index: int, all_items: Any) -> Any:
                if item in bad:
                    raise OutOfStockError(f"no {item}")
                return [item, block(sdk, child)]

            return batch_facts(context.map(items, work, name=name, config=config(sdk, sdk.MapConfig)))

        return run

    def retried(self, depth: int, path: str) -> Call:
        """Return a flow that is tried again as a whole."""
        block, name = self.block(depth + 1, path), self.name(path)
        last, attempts = self.chance.randint(1, 3), self.chance.randint(1, 3)
        is_wrapped = self.chance.random() < 0.7

        def run(sdk: Sdk, context: Any) -> Any:
            def flow(inner: Any, attempt: int) -> Any:
                done = block(sdk, inner)
                if attempt < last:
                    raise ConnectionError(f"attempt {attempt}")
                return done

            config = sdk.WithRetryConfig(
                retry_strategy=sdk.every_five_seconds(attempts), wrap_with_run_in_child_context=is_wrapped
            )
            return sdk.with_retry(context, flow, config, name=name)

        return run


def generated(seed: int) -> Case:
    """Return the case of a seed."""
    generator = Generator(Random(seed))
    block = generator.block(0, "")
    return Case(
        f"generated-{seed}",
        lambda sdk, event, context: block(sdk, context),
        None,
        generator.answers,
        generator.targets,
    )
