"""Refinement: whether operations were changed, swapped, dropped or added, told by what follows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from durable_sdk.identifier import operation_id
from durable_sdk.lambda_service import OperationType
from pytest_durable.simulator.replaying.compare import Divergence, Kind
from pytest_durable.simulator.replaying.perturb import Conditions
from pytest_durable.simulator.replaying.replayer import Prefix, Replayer
from pytest_durable.simulator.replaying.trace import TracedCall

# How far down the context an operation is looked for that has come too early.
_FARTHEST = 20


def refine(replayer: Replayer, prefix: Prefix, conditions: Conditions, divergence: Divergence) -> Divergence:
    """Return the divergence with the kind that describes it best."""
    then, now = divergence.then, divergence.now
    if then is None or now is None or divergence.kind not in (Kind.CHANGED, Kind.SITE):
        return divergence
    calls = replayer.trace.calls
    by_name = then.identity != now.identity
    context_id, position = now.call.context_id, now.call.position
    following = [calls.get(operation_id(context_id, position + distance)) for distance in range(1, _FARTHEST)]
    early = next((each for each in following if each is not None and _is_alike(each, now, by_name)), None)
    next_now = _next_call(replayer, prefix, conditions, then, now, early)
    if early is not None:
        if next_now is not None and _is_alike(next_now, then, by_name):
            return replace(divergence, kind=Kind.SWAPPED)
        return Divergence(Kind.DROPPED, then, now)
    if next_now is not None and _is_same(next_now, then):
        return Divergence(Kind.EXTRA, then, now)
    return divergence


def _is_same(one: TracedCall, other: TracedCall) -> bool:
    return one.identity == other.identity and one.sites == other.sites


def _is_alike(one: TracedCall, other: TracedCall, by_name: bool) -> bool:
    """Return whether two calls mean the same operation, though it may stand in two branches of the code."""
    if one.identity != other.identity:
        return False
    if one.sites == other.sites or (by_name and one.call.name):
        return True
    # By what it does: several operations may have one name, or none.
    given = (_given(one), one.functions)
    return any(given) and given == (_given(other), other.functions)


def _given(call: TracedCall) -> list[tuple[str, str]]:
    return [(each.label, each.text) for each in call.inputs if not callable(each.value)]


def _next_call(
    replayer: Replayer,
    prefix: Prefix,
    conditions: Conditions,
    then: TracedCall,
    now: TracedCall,
    early: TracedCall | None,
) -> TracedCall | None:
    """Return what the replay calls next if the record answers what it calls now.

    The record that answers is that of the operation that came too early, or else one made up.
    """
    operations: dict[str, dict[str, Any]] = dict(prefix.operations)
    here = now.call.operation_id
    found = None if early is None else operations.get(early.call.operation_id)
    operations[here] = {**found, "Id": here} if found is not None else _made_up(now, operations[here])
    if found is not None and early is not None:
        operations[early.call.operation_id] = {
            **prefix.operations[then.call.operation_id],
            "Id": early.call.operation_id,
        }
    again = replayer.run(Prefix(prefix.events, operations, is_whole=False), conditions)
    return again.replay.calls.get(operation_id(now.call.context_id, now.call.position + 1))


def _made_up(now: TracedCall, like: Mapping[str, Any]) -> dict[str, Any]:
    call = now.call
    details = {
        OperationType.STEP.value: "StepDetails",
        OperationType.WAIT.value: "WaitDetails",
        OperationType.CONTEXT.value: "ContextDetails",
        OperationType.CALLBACK.value: "CallbackDetails",
        OperationType.CHAINED_INVOKE.value: "ChainedInvokeDetails",
    }[call.operation_type]
    made: dict[str, Any] = {
        "Id": call.operation_id,
        "Type": call.operation_type,
        "SubType": call.sub_type,
        "Status": "SUCCEEDED",
        "StartTimestamp": like.get("StartTimestamp"),
        "EndTimestamp": like.get("StartTimestamp"),
        details: {"CallbackId": "made-up"} if details == "CallbackDetails" else {"Result": "null"},
    }
    if call.name:
        made["Name"] = call.name
    if call.parent_id:
        made["ParentId"] = call.parent_id
    return made
