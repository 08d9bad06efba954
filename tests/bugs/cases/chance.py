"""Handlers that decide by what the next invocation sees otherwise: time, chance, the process."""

from __future__ import annotations

import os
import random
import time
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from bugs.case import Bug
from bugs.outside import outside
from durable_sdk import DurableContext, StepContext, durable_execution, durable_step


def succeeds(runner: Any) -> Any:
    """Run the handler, and demand that it succeeds."""
    return (
        runner.run(input={"id": "o-1", "tags": ["new", "sale", "summer", "wide", "blue"]})
        .raise_for_status()
        .value
    )


# The time decides.


@durable_execution
def time_decides(event: dict[str, Any], context: DurableContext) -> str:
    context.step(lambda: "ready", name="prepare")
    if datetime.now(UTC).hour < 12:
        context.step(lambda: outside.do("mail", key="m"), name="send in the morning")
    else:
        context.step(lambda: outside.do("post", key="p"), name="send in the afternoon")
    context.wait(hours=10, name="rest")
    return context.step(lambda: "done", name="finish")


@durable_execution
def recorded_time_decides(event: dict[str, Any], context: DurableContext) -> str:
    hour = context.step(lambda: datetime.now(UTC).hour, name="prepare")
    if hour < 12:
        context.step(lambda: outside.do("mail", key="m"), name="send in the morning")
    else:
        context.step(lambda: outside.do("post", key="p"), name="send in the afternoon")
    context.wait(hours=10, name="rest")
    return context.step(lambda: "done", name="finish")


# How long it took, measured from the start of the last invocation.


@durable_execution
def start_not_recorded(event: dict[str, Any], context: DurableContext) -> str:
    started = time.time()
    context.wait(hours=3, name="bake")
    if time.time() - started > 7200:
        return context.step(lambda: "burnt", name="throw away")
    return context.step(lambda: "ready", name="serve")


@durable_execution
def start_recorded(event: dict[str, Any], context: DurableContext) -> str:
    started = context.step(time.time, name="start")
    context.wait(hours=3, name="bake")
    ended = context.step(time.time, name="end")
    if ended - started > 7200:
        return context.step(lambda: "burnt", name="throw away")
    return context.step(lambda: "ready", name="serve")


# Chance decides.


@durable_execution
def chance_decides(event: dict[str, Any], context: DurableContext) -> str:
    if random.random() < 0.5:
        return context.step(lambda: "done", name="variant a")
    return context.step(lambda: "done", name="variant b")


@durable_execution
def recorded_chance_decides(event: dict[str, Any], context: DurableContext) -> str:
    draw = context.step(random.random, name="draw")
    if draw < 0.5:
        return context.step(lambda: "done", name="variant a")
    return context.step(lambda: "done", name="variant b")


@durable_execution
def shuffles(event: dict[str, Any], context: DurableContext) -> str:
    tags = list(event["tags"])
    random.shuffle(tags)
    for tag in tags:
        context.step(lambda _, tag=tag: outside.do("index", key=tag), name=f"index {tag}")
    return "done"


@durable_execution
def shuffles_by_id(event: dict[str, Any], context: DurableContext) -> str:
    tags = list(event["tags"])
    random.Random(event["id"]).shuffle(tags)
    for tag in tags:
        context.step(lambda _, tag=tag: outside.do("index", key=tag), name=f"index {tag}")
    return "done"


# An identifier that is another one in each invocation.


@durable_step
def create(step_context: StepContext, identifier: str) -> None:
    outside.do("create", key=identifier)


@durable_step
def confirm(step_context: StepContext, identifier: str) -> None:
    outside.do("confirm", key=identifier)


@durable_execution
def uuid_in_handler(event: dict[str, Any], context: DurableContext) -> str:
    shipment = str(uuid.uuid4())
    context.step(create(shipment))
    context.wait(minutes=5, name="give it time")
    context.step(confirm(shipment))
    return "done"


@durable_execution
def uuid_in_step(event: dict[str, Any], context: DurableContext) -> str:
    shipment = context.step(lambda: str(uuid.uuid4()), name="make id")
    context.step(create(shipment))
    context.wait(minutes=5, name="give it time")
    context.step(confirm(shipment))
    return "done"


@durable_step
def save(step_context: StepContext, order: str, at: str) -> None:
    outside.do("save", key=order, at=at)


@durable_execution
def timestamp_as_argument(event: dict[str, Any], context: DurableContext) -> str:
    context.step(save(event["id"], datetime.now(UTC).isoformat()))
    return "done"


@durable_execution
def timestamp_in_step(event: dict[str, Any], context: DurableContext) -> str:
    def stamp() -> str:
        return datetime.now(UTC).isoformat()

    context.step(save(event["id"], context.step(stamp, name="stamp")))
    return "done"


# A name with the time in it.


@durable_execution
def time_in_name(event: dict[str, Any], context: DurableContext) -> str:
    context.step(lambda: None, name=f"report {datetime.now(UTC):%H:%M}")
    context.wait(minutes=1, name="pause")
    return "done"


@durable_execution
def date_in_name(event: dict[str, Any], context: DurableContext) -> str:
    context.step(lambda: None, name=f"report {datetime.now(UTC):%Y-%m-%d}")
    context.wait(minutes=1, name="pause")
    return "done"


@durable_execution
def date_from_step(event: dict[str, Any], context: DurableContext) -> str:
    day = context.step(lambda: datetime.now(UTC).date() + timedelta(days=1), name="day")
    context.step(lambda: None, name=f"report {day}")
    context.wait(minutes=1, name="pause")
    return "done"


# The environment decides.


@durable_execution
def environment_decides(event: dict[str, Any], context: DurableContext) -> str:
    context.step(lambda: outside.do("begin", key="b"), name="begin")
    if not os.environ.get("CORPUS_STAGE"):
        context.step(lambda: os.environ.update(CORPUS_STAGE="prepared"), name="prepare")
    return context.step(lambda: "done", name="finish")


@durable_execution
def record_decides(event: dict[str, Any], context: DurableContext) -> str:
    context.step(lambda: outside.do("begin", key="b"), name="begin")
    stage = context.step(lambda: os.environ.get("CORPUS_STAGE"), name="stage")
    if not stage:
        context.step(lambda: None, name="prepare")
    return context.step(lambda: "done", name="finish")


# The order of a set.


@durable_execution
def set_order(event: dict[str, Any], context: DurableContext) -> str:
    for tag in set(event["tags"]):
        context.step(lambda _, tag=tag: outside.do("index", key=tag), name=f"index {tag}")
    return "done"


@durable_execution
def sorted_set(event: dict[str, Any], context: DurableContext) -> str:
    for tag in sorted(set(event["tags"])):
        context.step(lambda _, tag=tag: outside.do("index", key=tag), name=f"index {tag}")
    return "done"


@durable_execution
def dict_from_set(event: dict[str, Any], context: DurableContext) -> str:
    weights = {tag: len(tag) for tag in {*event["tags"], "all"}}
    for tag, weight in weights.items():
        context.step(lambda _, tag=tag, weight=weight: outside.do(tag, key=tag, weight=weight), name=tag)
    return "done"


@durable_execution
def dict_from_list(event: dict[str, Any], context: DurableContext) -> str:
    weights = {tag: len(tag) for tag in [*event["tags"], "all"]}
    for tag, weight in weights.items():
        context.step(lambda _, tag=tag, weight=weight: outside.do(tag, key=tag, weight=weight), name=tag)
    return "done"


@durable_execution
def hash_decides(event: dict[str, Any], context: DurableContext) -> str:
    shard = hash(event["id"]) % 1000
    context.step(lambda: outside.do("store", key=event["id"]), name=f"store in shard {shard}")
    return "done"


@durable_execution
def checksum_decides(event: dict[str, Any], context: DurableContext) -> str:
    shard = sum(event["id"].encode()) % 1000
    context.step(lambda: outside.do("store", key=event["id"]), name=f"store in shard {shard}")
    return "done"


def is_done(runner: Any) -> None:
    assert succeeds(runner) == "done"


def is_burnt(runner: Any) -> None:
    assert succeeds(runner) in ("burnt", "ready")


BUGS = (
    Bug(
        "time decides",
        time_decides,
        recorded_time_decides,
        is_done,
        ("time", "send in the morning", "chance.py"),
    ),
    Bug("start not recorded", start_not_recorded, start_recorded, is_burnt, ("time", "chance.py")),
    Bug(
        "chance decides", chance_decides, recorded_chance_decides, is_done, ("random", "variant", "chance.py")
    ),
    Bug("shuffled", shuffles, shuffles_by_id, is_done, ("random", "index", "chance.py")),
    Bug("uuid in handler", uuid_in_handler, uuid_in_step, is_done, ("uuid", "create", "chance.py")),
    Bug(
        "timestamp as argument",
        timestamp_as_argument,
        timestamp_in_step,
        is_done,
        ("time", "save", "argument"),
    ),
    Bug(
        "time in a name",
        time_in_name,
        date_from_step,
        is_done,
        ("time", "report", "chance.py"),
        passes_alone=False,
    ),
    Bug("date in a name", date_in_name, date_from_step, is_done, ("time", "report", "chance.py")),
    Bug(
        "environment decides",
        environment_decides,
        record_decides,
        is_done,
        ("environ", "prepare"),
    ),
    Bug("order of a set", set_order, sorted_set, is_done, ("set", "hash", "index")),
    Bug("dict from a set", dict_from_set, dict_from_list, is_done, ("set", "hash")),
    Bug("hash decides", hash_decides, checksum_decides, is_done, ("hash", "store in shard")),
)
