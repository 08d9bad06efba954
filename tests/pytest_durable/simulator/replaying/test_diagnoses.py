"""Each way in which a replay can differ is told with both lines and its cause; mended handlers are silent."""

from __future__ import annotations

import functools
import os
import random
import secrets
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from durable_sdk import DurableContext, StepContext, durable_step
from durable_sdk.waits import WaitForConditionConfig, WaitForConditionDecision

Found = Callable[..., str]
Line = Callable[..., str]


def one() -> int:
    return 1


# Time, chance, the process.


def by_time(event: Any, context: DurableContext) -> None:
    if datetime.now(UTC).hour < 12:
        context.step(one, "early")
    else:
        context.step(one, "late")


def by_recorded_time(event: Any, context: DurableContext) -> None:
    hour = context.step(lambda: datetime.now(UTC).hour, "hour")
    context.step(one, "early" if hour < 12 else "late")


def test_the_time_is_named_with_the_line_that_reads_it(found: Found, line_of: Line) -> None:
    text = found(by_time)
    assert text.startswith("On replay by_time calls Step 'late' where it called Step 'early'.")
    assert f"first run: Step 'early' at {line_of(by_time, 'early')}" in text
    assert f"on replay: Step 'late' at {line_of(by_time, 'late')}" in text
    assert f"Cause: the time, read outside a step.\n  {line_of(by_time, 'hour < 12')}" in text
    assert len(text.splitlines()) <= 12
    assert found(by_recorded_time) == ""


def by_elapsed_time(event: Any, context: DurableContext) -> None:
    began = time.monotonic()
    context.step(lambda: time.sleep(90), "work")
    if time.monotonic() - began > 60:
        context.step(one, "overtime")


def test_time_that_passed_in_a_step_is_the_time_too(found: Found, line_of: Line) -> None:
    text = found(by_elapsed_time)
    assert "no longer calls Step 'overtime', which is recorded" in text
    assert f"first run: Step 'overtime' at {line_of(by_elapsed_time, 'overtime')}" in text
    assert "Cause: the time" in text


def by_luck(event: Any, context: DurableContext) -> None:
    if random.random() < 0.5:
        context.step(one, "heads")
    else:
        context.step(one, "tails")


def by_recorded_luck(event: Any, context: DurableContext) -> None:
    context.step(one, "heads" if context.step(random.random, "draw") < 0.5 else "tails")


def test_random_is_named_with_the_line_that_draws(found: Found, line_of: Line) -> None:
    for mode in ("all", "final"):
        text = found(by_luck, mode=mode)
        assert line_of(by_luck, "heads") in text
        assert line_of(by_luck, "tails") in text
        assert f"Cause: random, read outside a step.\n  {line_of(by_luck, 'random()')}" in text
    assert found(by_recorded_luck) == ""


def by_uuid(event: Any, context: DurableContext) -> None:
    key = str(uuid.uuid4())
    context.step(lambda: key, "charge")


def by_secret(event: Any, context: DurableContext) -> None:
    key = secrets.token_hex(8)
    context.invoke("pay", {"key": key})


def by_recorded_uuid(event: Any, context: DurableContext) -> None:
    key = context.step(lambda: str(uuid.uuid4()), "key")
    context.step(lambda: key, "charge")


def test_a_uuid_is_named_with_its_values(found: Found, line_of: Line) -> None:
    text = found(by_uuid)
    assert "gives Step 'charge' another key" in text
    assert text.count("key = '") == 2
    assert f"os.urandom), read outside a step.\n  {line_of(by_uuid, 'uuid4')}" in text
    assert found(by_recorded_uuid) == ""


def by_sandbox(event: Any, context: DurableContext) -> None:
    stream = os.environ.get("AWS_LAMBDA_LOG_STREAM_NAME", "none")
    context.step(one, stream)


def by_stage(event: Any, context: DurableContext) -> None:
    if os.getenv("REPLAY_STAGE"):
        context.step(one, "again")
    else:
        context.step(lambda: os.environ.update(REPLAY_STAGE="set"), "prepare")


def by_recorded_sandbox(event: Any, context: DurableContext) -> None:
    context.step(one, context.step(lambda: os.environ.get("AWS_LAMBDA_LOG_STREAM_NAME", "none"), "stream"))


def test_an_environment_variable_is_named(
    found: Found, line_of: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = found(by_sandbox)
    assert "Cause: os.environ['AWS_LAMBDA_LOG_STREAM_NAME'], read outside a step." in text
    assert line_of(by_sandbox, "environ.get") in text
    assert found(by_recorded_sandbox) == ""
    monkeypatch.setenv("REPLAY_STAGE", "")
    text = found(by_stage)
    assert "Cause: os.environ['REPLAY_STAGE'], read outside a step." in text
    assert line_of(by_stage, "getenv") in text


def by_request(event: Any, context: DurableContext) -> None:
    assert context.lambda_context is not None
    context.step(one, context.lambda_context.aws_request_id)


def test_the_id_of_the_invocation_is_named(found: Found) -> None:
    assert "Cause: the id of the invocation (aws_request_id, log_stream_name)" in found(by_request)


# State.

CACHE: dict[str, int] = {}


def by_cache(event: Any, context: DurableContext) -> None:
    context.step(lambda: CACHE.update(rate=2), "load")
    if "rate" in CACHE:
        context.step(one, "convert")
    else:
        context.step(one, "give up")


def by_result(event: Any, context: DurableContext) -> None:
    rate = context.step(lambda: CACHE.setdefault("rate", 2), "load")
    context.step(one, "convert" if rate else "give up")


def test_a_module_global_written_in_a_step_is_named_with_both_places(found: Found, line_of: Line) -> None:
    CACHE.clear()
    text = found(by_cache)
    assert "calls Step 'give up' where it called Step 'convert'" in text
    assert "Cause: module global 'CACHE', which outlives the invocation and is written in Step 'load'" in text
    assert line_of(by_cache, "update") in text
    assert line_of(by_cache, "in CACHE") in text
    assert CACHE == {"rate": 2}
    CACHE.clear()
    assert found(by_result) == ""


def by_closure(event: Any, context: DurableContext) -> None:
    total = 0

    def add() -> None:
        nonlocal total
        total = 5

    context.step(add, "add")
    if total:
        context.step(one, "large")
    else:
        context.step(one, "small")


def test_a_variable_written_in_a_step_is_named_with_both_places(found: Found, line_of: Line) -> None:
    text = found(by_closure)
    assert "calls Step 'small' where it called Step 'large'" in text
    assert "Cause: variable 'total', which is written in Step 'add'" in text
    assert line_of(by_closure, "total = 5") in text
    assert line_of(by_closure, "if total") in text


def by_tuple(event: Any, context: DurableContext) -> None:
    kept: list[Any] = []

    def make() -> tuple[int, int]:
        kept.append((1, 2))
        return (1, 2)

    made = context.step(make, "make")
    pair = kept[0] if kept else list(made)
    context.invoke("pay", pair)


def test_a_value_that_json_changes_is_shown_both_ways(found: Found) -> None:
    text = found(by_tuple)
    assert "first run: payload = (1, 2)" in text
    assert "on replay: payload = [1, 2]" in text
    assert "JSON has changed the value" in text


def by_counter(event: Any, context: DurableContext) -> None:
    context.step(one, f"step {len(CALLS)}")
    CALLS.append(1)


CALLS: list[int] = []


def test_state_that_each_run_changes_is_named(found: Found) -> None:
    CALLS.clear()
    text = found(by_counter)
    assert "where it called Step 'step 0'" in text
    assert "'CALLS', which outlives the invocation" in text


def with_a_file(event: Any, context: DurableContext) -> None:
    path = Path(event["path"])
    number = int(path.read_text())
    context.step(lambda: path.write_text(str(number + 1)), "count")
    context.step(one, f"order {number}")


def with_a_file_in_a_step(event: Any, context: DurableContext) -> None:
    path = Path(event["path"])
    number = context.step(lambda: int(path.read_text()), "read")
    context.step(lambda: path.write_text(str(number + 1)), "count")
    context.step(one, f"order {number}")


def test_io_outside_a_step_is_named(found: Found, line_of: Line, tmp_path: Path) -> None:
    path = tmp_path / "number"
    path.write_text("7")
    text = found(with_a_file, {"path": str(path)})
    assert f"Cause: I/O outside a step: open({str(path)!r})" in text
    assert line_of(with_a_file, "read_text") in text
    assert found(with_a_file_in_a_step, {"path": str(path)}) == ""


# In which way operations differ.


def written(context: DurableContext) -> list[int]:
    """Return what is [1] in the first run, and [] on replay."""
    seen: list[int] = []
    context.step(lambda: seen.append(1), "first")
    return seen


def dropping(event: Any, context: DurableContext) -> None:
    if written(context):
        context.step(one, "b")
    context.step(one, "c")


def dropping_the_last(event: Any, context: DurableContext) -> None:
    if written(context):
        context.wait(5, "b")


def adding(event: Any, context: DurableContext) -> None:
    if not written(context):
        context.step(one, "b")
    context.step(one, "c")


def adding_at_the_end(event: Any, context: DurableContext) -> None:
    if not written(context):
        context.step(one, "b")


def swapping(event: Any, context: DurableContext) -> None:
    for name in ["b", "c"] if written(context) else ["c", "b"]:
        context.step(one, name)


def moving(event: Any, context: DurableContext) -> None:
    if written(context):
        context.step(one, "b")
    else:
        context.step(one, "b")


def retyping(event: Any, context: DurableContext) -> None:
    if written(context):
        context.step(one, "b")
    else:
        context.wait(5, "b")


def resizing(event: Any, context: DurableContext) -> None:
    seen = written(context)
    context.map([1, 2] if seen else [1], lambda child, item, index, items: item, "b")


def delaying(event: Any, context: DurableContext) -> None:
    context.wait(5 if written(context) else 6, "b")


def returning(event: Any, context: DurableContext) -> int:
    return len(written(context))


@pytest.mark.parametrize(
    ("handler", "what", "lines"),
    [
        (dropping, "no longer calls Step 'b', which is recorded", ('one, "b"', 'one, "c"')),
        (dropping_the_last, "no longer calls Wait 'b', which is recorded", ('wait(5, "b")',)),
        (adding, "calls Step 'b', which the first run did not call there", ('one, "b"', 'one, "c"')),
        (adding_at_the_end, "calls Step 'b', which the first run did not call there", ('one, "b"',)),
        (swapping, "calls Step 'c' before Step 'b', in another order than in the first run", ("name)",)),
        (moving, "calls Step 'b' from another line", ('one, "b"',)),
        (retyping, "calls Wait 'b' where it called Step 'b'", ('one, "b"', 'wait(5, "b")')),
        (resizing, "gives Map 'b' another inputs", ("map(",)),
        (delaying, "gives Wait 'b' another duration", ("wait(5 if",)),
        (returning, "ends in another way, though all of it is recorded", ()),
    ],
)
def test_the_way_in_which_operations_differ_is_told(
    found: Found, line_of: Line, handler: Any, what: str, lines: tuple[str, ...]
) -> None:
    text = found(handler)
    assert text.startswith(f"On replay {handler.__name__} {what}")
    for line in lines:
        assert line_of(handler, line) in text
    assert "Cause: variable 'seen', which is written in Step 'first'" in text
    assert len(text.splitlines()) <= 12


@durable_step
def charge(step: StepContext, order: str, *, amount: float) -> str:
    return order


def by_argument(event: Any, context: DurableContext) -> None:
    context.step(charge("o-1", amount=time.time()))


def by_partial(event: Any, context: DurableContext) -> None:
    context.step(functools.partial(print, uuid.uuid4().hex), "print")


def by_default(event: Any, context: DurableContext) -> None:
    now = time.time()
    context.step(lambda now=now: now, "stamp")


def by_initial_state(event: Any, context: DurableContext) -> None:
    config = WaitForConditionConfig(
        initial_state=time.time(),
        wait_strategy=lambda state, attempt: WaitForConditionDecision.stop_polling(),
    )
    context.wait_for_condition(lambda state, check: state, config, "until")


@pytest.mark.parametrize(
    ("handler", "label"),
    [
        (by_argument, "Step 'charge' another amount"),
        (by_partial, "Step 'print' another argument 1"),
        (by_default, "Step 'stamp' another now"),
        (by_initial_state, "WaitForCondition 'until' another config.initial_state"),
    ],
)
def test_changed_arguments_are_named(found: Found, handler: Any, label: str) -> None:
    text = found(handler)
    assert f"gives {label}" in text
    assert "Cause: the " in text
