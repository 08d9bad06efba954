"""What a runtime that watches is told: every operation that is called, and every body that ends."""

from __future__ import annotations

from typing import Any

from durable_sdk_fakes import FakeLambda

from durable_sdk import DurableContext, durable_execution
from durable_sdk._boto_client import BotoClient
from durable_sdk._invocation_input import BoundInvocation
from durable_sdk._runtime import OperationCall, ThreadRuntime
from durable_sdk._wire.invocation import InvocationEvent
from durable_sdk.config import ChildConfig, MapConfig, NestingType
from durable_sdk.exceptions import SuspendExecution


class WatchingRuntime(ThreadRuntime):
    """Threads; notes what it is told."""

    watches_operations = True

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[OperationCall] = []
        self.ended: list[tuple[str | None, BaseException | None]] = []

    def operation_called(self, call: OperationCall) -> None:
        self.calls.append(call)

    def body_ended(self, operation_id: str | None, error: BaseException | None) -> None:
        self.ended.append((operation_id, error))

    @property
    def shown(self) -> list[tuple[Any, ...]]:
        return [(call.path, call.sub_type, call.position, call.status) for call in self.calls]


def watched(func: Any, service: FakeLambda) -> WatchingRuntime:
    """Run one invocation."""
    runtime = WatchingRuntime()
    event = InvocationEvent.from_json_dict(service.event())
    durable_execution(func)(BoundInvocation(event, BotoClient(service), runtime))
    return runtime


def one() -> int:
    return 1


def test_each_call_is_told_with_its_position_and_what_is_recorded() -> None:
    def handler(event: Any, context: DurableContext) -> None:
        context.step(one, "charge")
        context.wait(60, "pause")

    service = FakeLambda()
    new = [(("charge",), "Step", 1, None), (("pause",), "Wait", 2, None)]
    assert watched(handler, service).shown == new
    again = watched(handler, service)
    assert again.shown == [(("charge",), "Step", 1, "SUCCEEDED"), (("pause",), "Wait", 2, "STARTED")]
    assert [call.has_ended for call in again.calls] == [True, False]


def test_inputs_are_what_the_handler_gave() -> None:
    def handler(event: Any, context: DurableContext) -> None:
        context.step(one)
        context.run_in_child_context(lambda child: 2)
        context.map([5, 6], lambda child, item, index, items: item)
        context.invoke("pay", {"amount": 3})

    runtime = watched(handler, FakeLambda())
    step, child, batch, _, _, invoke = [call.inputs for call in runtime.calls]
    assert step["func"] is one
    assert list(child) == ["func"]
    assert batch["inputs"] == [5, 6]
    assert (invoke["function_name"], invoke["payload"]) == ("pay", {"amount": 3})


def test_operations_inside_contexts_and_branches_have_paths_and_contexts_of_their_own() -> None:
    def handler(event: Any, context: DurableContext) -> None:
        context.run_in_child_context(lambda child: child.step(one, "inner"), "outer")
        context.run_in_child_context(lambda c: c.step(one, "flat"), "none", ChildConfig(is_virtual=True))
        config = MapConfig(nesting_type=NestingType.FLAT)
        context.map([1], lambda child, item, index, items: child.step(one, "leaf"), "all", config)

    runtime = watched(handler, FakeLambda())
    assert runtime.shown == [
        (("outer",), "RunInChildContext", 1, None),
        (("outer", "inner"), "Step", 1, None),
        (("none",), "RunInChildContext", 2, None),
        (("flat",), "Step", 1, None),
        (("all",), "Map", 3, None),
        (("all", "map-item-0"), "MapIteration", 0, None),
        (("all", "leaf"), "Step", 1, None),
    ]
    ids = {call.path[-1]: call.operation_id for call in runtime.calls}
    contexts = {call.path[-1]: call.context_id for call in runtime.calls}
    assert contexts["flat"] == ids["none"]
    assert contexts["leaf"] == ids["map-item-0"]


def test_a_call_is_told_before_another_operation_is_found_at_its_position() -> None:
    service = FakeLambda()
    watched(lambda event, context: [context.step(one, "charge"), context.wait(60)], service)
    runtime = watched(lambda event, context: context.step(one, "ship"), service)
    assert runtime.shown == [(("ship",), "Step", 1, "SUCCEEDED")]


def test_bodies_are_told_when_they_return_raise_or_suspend() -> None:
    def handler(event: Any, context: DurableContext) -> None:
        context.step(one, "charge")
        context.run_in_child_context(lambda child: child.wait(60), "rest")

    runtime = watched(handler, FakeLambda())
    ids = [call.operation_id for call in runtime.calls]
    (step, fine), (child, left), (root, also) = runtime.ended
    assert (step, fine, child, root) == (ids[0], None, ids[1], None)
    assert isinstance(left, SuspendExecution)
    assert left is also

    failed = watched(lambda event, context: 1 / 0, FakeLambda())
    assert [(who, type(error)) for who, error in failed.ended] == [(None, ZeroDivisionError)]


def test_the_runtime_of_production_watches_nothing() -> None:
    assert not ThreadRuntime().watches_operations
