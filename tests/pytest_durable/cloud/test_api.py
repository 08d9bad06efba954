"""The calls of cloud mode, over HTTP with real boto3: what is tried again, and what is told when it fails."""

from __future__ import annotations

import socket
from collections.abc import Callable

import corpus
import pytest
from botocore.exceptions import ClientError
from scripted_lambda import ARN, FakeClock, Fault, Life, ScriptedLambda

from pytest_durable.cloud.api import LambdaApi
from pytest_durable.cloud.trouble import Call, trouble_of
from pytest_durable.errors import CloudError, RefusedError, ServiceError

Serve = Callable[[Life], ScriptedLambda]
ConnectTo = Callable[[str | None, str | None], LambdaApi]
Connect = Callable[[ScriptedLambda], LambdaApi]

NAME = "execution-1"


@pytest.fixture
def service(serve: Serve) -> ScriptedLambda:
    return serve(Life.of(corpus.run(corpus.BY_NAME["sequential"])))


@pytest.fixture
def api(service: ScriptedLambda, connect: Connect) -> LambdaApi:
    return connect(service)


def invoke(api: LambdaApi, clock: FakeClock, function_name: str = "orders:live") -> str:
    return api.invoke(function_name, '{"id": 1}', NAME, clock.now() + 60)


def test_an_execution_is_started_asynchronously_under_its_name(
    api: LambdaApi, service: ScriptedLambda, clock: FakeClock
) -> None:
    assert invoke(api, clock) == ARN.format(name=NAME)
    (request,) = service.of("Invoke")
    assert request.headers["x-amz-invocation-type"] == "Event"
    assert request.headers["x-amz-durable-execution-name"] == NAME
    assert request.path.endswith("/functions/orders%3Alive/invocations")
    assert request.json == {"id": 1}


@pytest.mark.parametrize(
    "fault",
    [
        Fault(429, "TooManyRequestsException", "Rate exceeded"),
        Fault(500),
        Fault(503, does_it=True),
        Fault(None),
        Fault(None, does_it=True),
    ],
)
def test_what_passes_is_tried_again_and_starts_nothing_twice(
    api: LambdaApi, service: ScriptedLambda, clock: FakeClock, fault: Fault
) -> None:
    service.faults["Invoke"] = [fault] * 3
    assert invoke(api, clock) == ARN.format(name=NAME)
    assert len(service.of("Invoke")) == 4
    assert list(service.started) == [NAME]
    assert clock.slept == [0.25, 0.5, 1.0]


def test_what_does_not_pass_within_the_deadline_is_told_with_how_often_it_was_tried(
    api: LambdaApi, service: ScriptedLambda, clock: FakeClock
) -> None:
    service.faults["Invoke"] = [Fault(429, "TooManyRequestsException", "Rate exceeded")] * 100
    with pytest.raises(
        RefusedError, match=r"TooManyRequestsException: Invoke of orders:live .* Rate exceeded"
    ) as caught:
        invoke(api, clock)
    assert caught.value.__notes__ == ["Tried 12 times in 55.8 seconds."]
    assert max(clock.slept) == 8.0


def test_boto3_itself_retries_nothing(api: LambdaApi, service: ScriptedLambda) -> None:
    service.faults["GetDurableExecution"] = [Fault(400, "InvalidParameterValueException", "no")]
    with pytest.raises(RefusedError):
        api.execution(ARN.format(name=NAME))
    assert len(service.requests) == 1


@pytest.mark.parametrize(
    ("fault", "advice"),
    [
        (
            Fault(403, "AccessDeniedException", "not authorized"),
            "Allow the action lambda:InvokeFunction on it",
        ),
        (Fault(403, "ExpiredTokenException", "expired"), r"credentials have expired\. Log in again"),
        (Fault(403, "UnrecognizedClientException", "invalid"), "credentials are not valid here"),
        (
            Fault(404, "ResourceNotFoundException", "Function not found"),
            "There is no such function, version or alias in http://127.0.0.1",
        ),
        (
            Fault(413, "RequestTooLargeException", "too large"),
            "an input of 1 MB at most",
        ),
        (
            Fault(409, "DurableExecutionAlreadyStartedException", "other payload"),
            "The name has been used with another input",
        ),
    ],
)
def test_a_refused_start_is_told_at_once_with_the_next_move(
    api: LambdaApi, service: ScriptedLambda, clock: FakeClock, fault: Fault, advice: str
) -> None:
    service.faults["Invoke"] = [fault]
    with pytest.raises(RefusedError, match=advice) as caught:
        invoke(api, clock)
    assert caught.value.code == fault.code
    assert fault.message in str(caught.value)
    assert clock.slept == []
    assert service.started == {}


@pytest.mark.parametrize("message", ["Function not found: orders", "Function not found: orders."])
def test_a_message_and_the_next_move_are_two_sentences(
    api: LambdaApi, service: ScriptedLambda, clock: FakeClock, message: str
) -> None:
    service.faults["Invoke"] = [Fault(404, "ResourceNotFoundException", message)]
    with pytest.raises(RefusedError, match=r"Function not found: orders\. There is no such") as caught:
        invoke(api, clock)
    assert caught.value.response["Error"]["Message"] == message


def test_a_function_that_is_not_at_an_endpoint_is_compared_with_those_that_are(
    api: LambdaApi, service: ScriptedLambda, clock: FakeClock
) -> None:
    service.faults["Invoke"] = [Fault(404, "ResourceNotFoundException", "no")]
    with pytest.raises(RefusedError, match="compare with the functions that are served there") as caught:
        invoke(api, clock)
    assert "aws lambda" not in str(caught.value)


ACCOUNT = "123456789012"


@pytest.mark.parametrize(
    ("name", "is_qualified"),
    [
        ("orders", False),
        ("orders:live", True),
        (f"{ACCOUNT}:function:orders", False),
        (f"{ACCOUNT}:function:orders:live", True),
        (f"arn:aws:lambda:us-west-2:{ACCOUNT}:function:orders", False),
        (f"arn:aws:lambda:us-west-2:{ACCOUNT}:function:orders:$LATEST", True),
    ],
)
def test_a_qualifier_is_missing_only_where_there_is_none(name: str, is_qualified: bool) -> None:
    stated = {"Error": {"Code": "ResourceNotFoundException", "Message": "Function not found."}}
    error = ClientError(stated, "Invoke")
    told = str(trouble_of(error, Call("Invoke", name, "us-west-2")).error)
    if is_qualified:
        assert told.endswith(
            "There is no such function, version or alias in us-west-2: compare with "
            "aws lambda list-functions, and with the account that the credentials are of."
        )
    else:
        assert told.endswith(f"add a version, an alias or $LATEST, such as {name}:$LATEST.")


@pytest.mark.parametrize(
    ("code", "status", "message"),
    [
        ("ResourceNotFoundException", 404, "Function not found"),
        ("InvalidParameterValueException", 400, "You cannot invoke it using an unqualified ARN."),
    ],
)
def test_a_name_without_a_qualifier_is_why_a_durable_function_cannot_be_invoked(
    api: LambdaApi, service: ScriptedLambda, clock: FakeClock, code: str, status: int, message: str
) -> None:
    service.faults["Invoke"] = [Fault(status, code, message)]
    with pytest.raises(RefusedError, match=r"such as orders:\$LATEST"):
        invoke(api, clock, "orders")


@pytest.mark.parametrize(
    ("operation", "call"),
    [
        ("GetDurableExecution", lambda api, arn: api.execution(arn)),
        ("GetDurableExecutionHistory", lambda api, arn: api.history_page(arn)),
        ("StopDurableExecution", lambda api, arn: api.stop(arn, {"ErrorMessage": "x"})),
        ("PauseDurableExecution", lambda api, arn: api.pause(arn)),
        ("ResumeDurableExecution", lambda api, arn: api.resume(arn)),
        ("SendDurableExecutionCallbackSuccess", lambda api, arn: api.succeed_callback("aWQ=", "1")),
        ("SendDurableExecutionCallbackFailure", lambda api, arn: api.fail_callback("aWQ=", {})),
        ("SendDurableExecutionCallbackHeartbeat", lambda api, arn: api.keep_callback("aWQ=")),
    ],
)
def test_a_missing_permission_is_told_by_the_name_that_a_policy_takes(
    api: LambdaApi, service: ScriptedLambda, operation: str, call: Callable[[LambdaApi, str], object]
) -> None:
    service.faults[operation] = [Fault(403, "AccessDeniedException", "not authorized")]
    with pytest.raises(RefusedError, match=f"Allow the action lambda:{operation} on it"):
        call(api, ARN.format(name=NAME))


def test_a_function_that_is_not_durable_is_told(
    api: LambdaApi, service: ScriptedLambda, clock: FakeClock
) -> None:
    service.is_durable = False
    with pytest.raises(CloudError, match="is not a durable function: the answer has no DurableExecutionArn"):
        invoke(api, clock)


def test_a_function_error_is_told_with_what_it_says(
    api: LambdaApi, service: ScriptedLambda, clock: FakeClock
) -> None:
    service.is_durable, service.function_error = False, "Unhandled"
    with pytest.raises(CloudError, match=r"has failed \(Unhandled\) before it began: .*no module"):
        invoke(api, clock)


def test_an_answer_whose_reply_was_lost_is_not_refused_when_it_is_sent_again(
    api: LambdaApi, service: ScriptedLambda
) -> None:
    service.faults["SendDurableExecutionCallbackSuccess"] = [Fault(None, does_it=True)]
    api.succeed_callback("aWQ=", "1")
    assert len(service.of("SendDurableExecutionCallbackSuccess")) == 2
    with pytest.raises(ServiceError, match=r"ResourceNotFoundException: .* or it has ended") as caught:
        api.succeed_callback("aWQ=", "1")
    assert isinstance(caught.value, ServiceError)
    assert caught.value.response["Error"]["Code"] == "ResourceNotFoundException"


def test_an_endpoint_at_which_nobody_listens_is_told_after_a_moment(
    clock: FakeClock, connect_to: ConnectTo
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        api = connect_to(None, url)
        with pytest.raises(CloudError, match=r"Nobody answers at http://127.0.0.1.*pytest-durable serve"):
            invoke(api, clock)
        assert sum(clock.slept) < 5
        clock.slept.clear()
        with pytest.raises(CloudError, match="Nobody answers"):
            invoke(api, clock)
    # Whoever comes later does not wait as long.
    assert clock.slept == []


def test_somebody_who_listens_again_is_heard_and_waited_for_again(
    connect_to: ConnectTo, clock: FakeClock, service: ScriptedLambda
) -> None:
    api = connect_to("us-west-2", service.url)
    api._is_deaf = True
    assert invoke(api, clock)
    assert not api._is_deaf


def test_an_answer_of_something_else_than_lambda_is_told(
    api: LambdaApi, service: ScriptedLambda, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "answer", lambda request: (200, {}, "<html>"))
    with pytest.raises(CloudError, match=r"What answers in http.* is not Lambda's API"):
        api.execution(ARN.format(name=NAME))


def test_without_a_region_it_is_told_how_to_give_one(connect_to: ConnectTo) -> None:
    with pytest.raises(CloudError, match="No AWS region for orders:live: set AWS_REGION"):
        connect_to(None, None)


def test_a_profile_that_does_not_exist_is_told(
    connect_to: ConnectTo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "staging")
    for endpoint in (None, "http://127.0.0.1:9"):
        with pytest.raises(CloudError, match=r"profile \(staging\) could not be found.*Correct AWS_PROFILE"):
            connect_to("us-west-2", endpoint)


def test_without_credentials_it_is_told_how_to_give_some(
    clock: FakeClock, connect_to: ConnectTo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    api = connect_to("us-west-2", "https://lambda.invalid")
    with pytest.raises(CloudError, match=r"No AWS credentials for Invoke of orders:live.*aws configure"):
        invoke(api, clock)
    assert clock.slept == []


def test_an_endpoint_of_this_machine_needs_neither_credentials_nor_region(
    service: ScriptedLambda, clock: FakeClock, connect_to: ConnectTo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    api = connect_to(None, service.url)
    assert invoke(api, clock)
    assert "authorization" not in service.requests[0].headers


@pytest.mark.parametrize("variable", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_LAMBDA"])
def test_the_endpoint_that_boto3_follows_is_one_without_being_given(
    service: ScriptedLambda,
    clock: FakeClock,
    connect_to: ConnectTo,
    monkeypatch: pytest.MonkeyPatch,
    variable: str,
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv(variable, service.url)
    api = connect_to(None, None)
    assert api.endpoint == service.url
    assert invoke(api, clock)
    assert "authorization" not in service.requests[0].headers
    other = connect_to(None, "http://127.0.0.2:9")
    assert other.endpoint == "http://127.0.0.2:9"
    with pytest.raises(CloudError, match=r"Nobody answers at http://127\.0\.0\.2:9"):
        invoke(other, clock)
    monkeypatch.setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")
    assert connect_to("us-west-2", None).endpoint is None


def test_an_endpoint_that_boto3_cannot_follow_is_told(
    connect_to: ConnectTo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "127.0.0.1:9000")
    with pytest.raises(CloudError, match=r"Invalid endpoint: 127\.0\.0\.1:9000\. .*AWS_ENDPOINT_URL"):
        connect_to("us-west-2", None)
