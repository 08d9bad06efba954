"""The API's operations, on a world whose handlers run in the simulator."""

from __future__ import annotations

import json
from typing import Any

import pytest

from durable_sdk import DurableContext, durable_execution
from durable_sdk.config import CallbackConfig, Duration
from pytest_durable.endpoint.operations import Operations, PlainCall, Started
from pytest_durable.errors import ServiceError
from pytest_durable.simulator.functions import Functions
from pytest_durable.simulator.options import SimulatorOptions
from pytest_durable.simulator.simulator import Simulator

GREET = "greet:$LATEST"


@durable_execution
def greet(event: dict[str, Any], context: DurableContext) -> str:
    if event.get("fails"):
        raise ValueError("no name")
    if event.get("asks"):
        config = CallbackConfig(timeout=Duration.from_hours(1))
        return str(context.create_callback("name", config).result())
    context.wait(Duration.from_seconds(30), "nap")
    return f"Hello {context.step(lambda _: event['name'], name='name')}"


def plain(event: Any, context: Any) -> str:
    return "plain"


class Api:
    """The operations of a simulator, called as boto3's methods are."""

    def __init__(self) -> None:
        functions = Functions()
        functions.register_all({"greet": greet, "plain": plain})
        self.simulator = Simulator(SimulatorOptions(), functions)
        self.operations = Operations(self.simulator.world, functions)

    def __call__(self, operation: str, **params: Any) -> Any:
        return self.operations(operation, params)

    def started(self, event: Any, **params: Any) -> str:
        payload = json.dumps(event).encode()
        answer = self("Invoke", FunctionName=GREET, InvocationType="Event", Payload=payload, **params)
        return str(answer["DurableExecutionArn"])

    def ended(self, event: Any, **params: Any) -> str:
        arn = self.started(event, **params)
        self.simulator.run_to_end(self.simulator.executions[arn])
        return arn


@pytest.fixture
def api() -> Any:
    made = Api()
    yield made
    made.simulator.close()


def code_of(error: pytest.ExceptionInfo[ServiceError]) -> str:
    return str(error.value.response["Error"]["Code"])


def test_an_event_is_answered_at_once_and_a_request_when_the_execution_has_ended(api: Api) -> None:
    payload = b'{"name": "Ada"}'
    event = api("Invoke", FunctionName="greet", Qualifier="$LATEST", InvocationType="Event", Payload=payload)
    assert event["StatusCode"] == 202
    started = api("Invoke", FunctionName=GREET, Payload=payload)
    assert isinstance(started, Started)
    api.simulator.run_to_end(started.execution)
    answer = api.operations.invoked(started.execution)
    assert answer["Payload"] == b'"Hello Ada"'
    assert "FunctionError" not in answer
    assert answer["DurableExecutionArn"] != event["DurableExecutionArn"]


def test_a_failed_execution_is_a_function_error(api: Api) -> None:
    started = api("Invoke", FunctionName=GREET, Payload=b'{"fails": true}')
    api.simulator.run_to_end(started.execution)
    answer = api.operations.invoked(started.execution)
    assert answer["FunctionError"] == "Unhandled"
    assert json.loads(answer["Payload"])["errorMessage"] == "no name"


def test_a_dry_run_starts_nothing(api: Api) -> None:
    assert api("Invoke", FunctionName=GREET, InvocationType="DryRun") == {"StatusCode": 204}
    assert not api.simulator.executions


def test_a_plain_function_is_left_to_whoever_serves_the_call(api: Api) -> None:
    call = api("Invoke", FunctionName="plain", Payload=b"7")
    assert isinstance(call, PlainCall)
    assert (call.function.handler, call.payload, call.is_awaited) == (plain, "7", True)


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"FunctionName": "nobody:$LATEST"}, "ResourceNotFoundException"),
        ({"FunctionName": "greet"}, "InvalidParameterValueException"),
        ({"FunctionName": GREET, "Qualifier": "7"}, "InvalidParameterValueException"),
        ({"FunctionName": GREET, "Payload": b"{"}, "InvalidRequestContentException"),
        ({"FunctionName": GREET, "Payload": b"\xff"}, "InvalidRequestContentException"),
        ({"FunctionName": "plain", "DurableExecutionName": "x"}, "InvalidParameterValueException"),
    ],
)
def test_a_wrong_invoke_is_refused_and_starts_nothing(api: Api, params: dict[str, Any], code: str) -> None:
    with pytest.raises(ServiceError) as error:
        api("Invoke", **params)
    assert code_of(error) == code
    assert not api.simulator.executions


def test_a_name_starts_one_execution_and_another_input_is_refused(api: Api) -> None:
    first = api.started({"name": "Ada"}, DurableExecutionName="order-7")
    assert api.started({"name": "Ada"}, DurableExecutionName="order-7") == first
    with pytest.raises(ServiceError) as error:
        api.started({"name": "Bob"}, DurableExecutionName="order-7")
    assert code_of(error) == "DurableExecutionAlreadyStartedException"
    assert list(api.simulator.executions) == [first]


def test_an_execution_is_described_before_and_after_its_end(api: Api) -> None:
    arn = api.started({"name": "Ada"}, DurableExecutionName="order-7")
    before = api("GetDurableExecution", DurableExecutionArn=arn)
    assert (before["Status"], before["DurableExecutionName"]) == ("RUNNING", "order-7")
    assert "EndTimestamp" not in before
    api.simulator.run_to_end(api.simulator.executions[arn])
    after = api("GetDurableExecution", DurableExecutionArn=arn)
    assert (after["Status"], after["Result"]) == ("SUCCEEDED", '"Hello Ada"')
    assert (after["EndTimestamp"] - after["StartTimestamp"]).total_seconds() == 30
    assert after["InputPayload"] == '{"name": "Ada"}'
    assert "Result" not in api("GetDurableExecution", DurableExecutionArn=arn, IncludeExecutionData=False)


def test_the_history_is_paged(api: Api) -> None:
    arn = api.ended({"name": "Ada"})
    whole = api("GetDurableExecutionHistory", DurableExecutionArn=arn)["Events"]
    paged: list[Any] = []
    marker: dict[str, Any] = {}
    while True:
        page = api("GetDurableExecutionHistory", DurableExecutionArn=arn, MaxItems=2, **marker)
        paged += page["Events"]
        if "NextMarker" not in page:
            break
        marker = {"Marker": page["NextMarker"]}
    assert paged == whole
    assert len(whole) > 4


def test_executions_are_listed_by_name_status_and_page(api: Api) -> None:
    done = api.ended({"name": "Ada"}, DurableExecutionName="done")
    open_ = api.started({"name": "Bob"}, DurableExecutionName="open")

    def listed(**params: Any) -> list[str]:
        answer = api("ListDurableExecutionsByFunction", FunctionName="greet", **params)
        return [one["DurableExecutionArn"] for one in answer["DurableExecutions"]]

    assert listed() == [done, open_]
    assert listed(ReverseOrder=True) == [open_, done]
    assert listed(Statuses=["RUNNING"]) == [open_]
    assert listed(DurableExecutionName="done") == [done]
    assert listed(Qualifier="7") == []
    first = api("ListDurableExecutionsByFunction", FunctionName="greet", MaxItems=1)
    assert listed(Marker=first["NextMarker"]) == [open_]
    running = {"Statuses": ["RUNNING"], "MaxItems": 1}
    later = api.started({"name": "Cy"}, DurableExecutionName="later")
    last = api.started({"name": "Di"}, DurableExecutionName="last")
    page = api("ListDurableExecutionsByFunction", FunctionName="greet", **running)
    api("StopDurableExecution", DurableExecutionArn=later)
    assert listed(Marker=page["NextMarker"], **running) == [last]
    with pytest.raises(ServiceError) as error:
        listed(Marker="nowhere")
    assert code_of(error) == "InvalidParameterValueException"


def test_a_callback_is_answered_once(api: Api) -> None:
    arn = api.started({"asks": True})
    execution = api.simulator.executions[arn]
    api.simulator.run_until(lambda: bool(execution.record.pending), between_invocations=False)
    (callback_id,) = (
        operation.callback_id for operation in execution.record.log.operations.values() if operation.start
    )
    assert api("SendDurableExecutionCallbackHeartbeat", CallbackId=callback_id) == {}
    api("SendDurableExecutionCallbackSuccess", CallbackId=callback_id, Result=b"Eve")
    with pytest.raises(ServiceError) as error:
        api("SendDurableExecutionCallbackFailure", CallbackId=callback_id, Error={"ErrorMessage": "late"})
    assert code_of(error) == "ResourceNotFoundException"
    api.simulator.run_to_end(execution)
    assert api("GetDurableExecution", DurableExecutionArn=arn)["Result"] == '"Eve"'


def test_a_stopped_execution_stays_stopped(api: Api) -> None:
    arn = api.started({"name": "Ada"})
    stopped = api("StopDurableExecution", DurableExecutionArn=arn, Error={"ErrorMessage": "enough"})
    answer = api("GetDurableExecution", DurableExecutionArn=arn)
    assert (answer["Status"], answer["EndTimestamp"]) == ("STOPPED", stopped["StopTimestamp"])
    assert api("StopDurableExecution", DurableExecutionArn=arn) == stopped


def test_a_paused_execution_waits_until_it_is_resumed(api: Api) -> None:
    arn = api.started({"name": "Ada"})
    api("PauseDurableExecution", DurableExecutionArn=arn)
    api.simulator.run_until(lambda: False)
    assert api("GetDurableExecution", DurableExecutionArn=arn)["Status"] == "PAUSED"
    api("ResumeDurableExecution", DurableExecutionArn=arn)
    api.simulator.run_to_end(api.simulator.executions[arn])
    assert api("GetDurableExecution", DurableExecutionArn=arn)["Status"] == "SUCCEEDED"


def test_a_checkpoint_from_outside_is_taken_with_the_token_of_the_invocation_only(api: Api) -> None:
    arn = api.started({"asks": True})
    with pytest.raises(ServiceError) as error:
        api("CheckpointDurableExecution", DurableExecutionArn=arn, CheckpointToken="abcd", Updates=[])
    assert code_of(error) == "InvalidParameterValueException"
    with pytest.raises(ServiceError):
        api("GetDurableExecutionState", DurableExecutionArn=arn, CheckpointToken="abcd")


def test_every_operation_on_an_unknown_execution_is_refused(api: Api) -> None:
    arn = api.started({"name": "Ada"})[:-1]
    for operation in sorted(api.operations.names):
        if "Callback" in operation or operation in ("Invoke", "ListDurableExecutionsByFunction"):
            continue
        with pytest.raises(ServiceError) as error:
            api(operation, DurableExecutionArn=arn, CheckpointToken="abcd")
        assert code_of(error) == "ResourceNotFoundException"
