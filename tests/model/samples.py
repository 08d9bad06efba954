"""Workflows written by hand, which between them reach every transition of the service."""

from __future__ import annotations

from model.workflow import (
    Batch,
    Body,
    Callback,
    Child,
    Condition,
    Guard,
    Invoke,
    Retry,
    Step,
    Wait,
)

_LONG = "a result of more than forty characters, which is not stored"

SAMPLES: tuple[Body, ...] = (
    (Step("once", 1), Step("twice", "b", 1, 3), Step("careful", None, 1, 2, at_most_once=True)),
    (Guard((Step("in vain", 1, 3, 2),)), Wait("a while", 5), Step("after", 2)),
    (Step("the end of it", 1, 2, 2),),
    (Child("outer", (Child("inner", (Step("deep", [1, "a"]), Wait("pause", 2))), Step("shallow", 3))),),
    (Guard((Child("doomed", (Step("fails", 1, 1, 1),)),)), Wait("so that it is replayed", 1)),
    (Child("large", (Step("long", _LONG), Wait("pause", 2))), Wait("so that it is replayed", 1)),
    (Step("long", _LONG), Wait("pause", 2), Step("longer", _LONG)),
    (
        Batch("all", "map", ((Step("a", 1),), (Wait("b", 3),), (Step("c", 1, 1, 1),)), concurrency=2),
        Wait("so that it is replayed", 1),
    ),
    (
        Batch("flat", "parallel", ((Step("a", 1), Wait("b", 3)), (Step("c", 2),)), flat=True),
        Wait("so that it is replayed", 1),
    ),
    (
        Batch(
            "first", "parallel", ((Step("a", 1, 1, 1),), (Step("b", 2),), (Step("c", 3),)), False, 1, "half"
        ),
    ),
    (Callback("asked", "succeeds", "yes", 5), Callback("created", "succeeds", "no", 0, submits=False)),
    (Guard((Callback("refused", "fails", "because", 5),)), Wait("so that it is replayed", 1)),
    (Guard((Callback("forgotten", "times out", "", 0),)),),
    (Callback("alive", "beats", "done", 0), Guard((Callback("dying", "goes silent", "", 0),))),
    (Condition("poll", 3), Guard((Condition("broken", 4, 2),))),
    (Invoke("plain", "plain", {"a": 1}), Invoke("durable", "durable", [2])),
    (Guard((Invoke("failing", "failing", 1),)), Guard((Invoke("durable failing", "durable-failing", 1),))),
    (Guard((Invoke("nobody", "unknown", 1),)), Guard((Invoke("endless", "durable-endless", 1),))),
    (Guard((Retry("again", (Step("each time", 1), Wait("short", 1)), 2, 3),)),),
    (Guard((Retry("in vain", (Step("each time", 1),), 2, 2),)), Wait("so that it is replayed", 1)),
)
