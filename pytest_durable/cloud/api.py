"""LambdaApi: the calls that cloud mode makes, each tried again where that is safe.

boto3 itself retries nothing. What passes (throttling, errors of the service's own, lost connections) is tried
again here, within a deadline, and every call may be: an invocation has a name under which it cannot start
twice, the others change nothing when they are repeated.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Self
from urllib.parse import urlsplit
from weakref import WeakSet

import boto3
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ProfileNotFound
from botocore.parsers import ResponseParserError

from pytest_durable.cloud.addresses import is_of_aws, is_of_this_machine
from pytest_durable.cloud.clock import Clock, ServiceClock
from pytest_durable.cloud.trouble import DEPLOY_DURABLE, NOT_FOUND, Call, no_region, trouble_of
from pytest_durable.errors import CloudError, RefusedError
from pytest_durable.result.wording import counted

# A failure belongs to the test's own line, not to ours.
__tracebackhide__ = True

_FIRST_DELAY_SECONDS = 0.25
_LONGEST_DELAY_SECONDS = 8.0

# How long a call that is no part of a run is tried.
PATIENCE_SECONDS = 30.0

# How long nobody at all may listen: an endpoint that starts takes a moment, a wrong one stays deaf.
_DEAF_SECONDS = 5.0

_CONNECT_TIMEOUT_SECONDS = 10
# Executions are started asynchronously, so no answer takes as long as a function may run.
_READ_TIMEOUT_SECONDS = 70

_PAGE_EVENTS = 1000

_LOCAL_REGION = "us-west-2"

# What the service says to an answer for a callback that has one already. An answer that is wrong in itself,
# as one that is too large, is refused otherwise (InvalidParameterValueException).
_ALREADY_ENDED = frozenset({NOT_FOUND, "CallbackTimeoutException"})


clients: WeakSet[Any] = WeakSet()
"""The clients of boto3 that have been made here, for what stands for the service in this process."""


class LambdaApi:
    """Calls of Lambda's API in one region or at one endpoint."""

    def __init__(self, client: Any, clock: Clock, endpoint: str | None = None) -> None:
        self._client = client
        self.endpoint = endpoint
        """Where it is; None if that is AWS."""
        self._is_deaf = False
        """Whether nobody at all has listened to the last call."""
        self.clock = clock
        self.region: str = client.meta.region_name

    @classmethod
    def connect(cls, function_name: str, region: str | None, endpoint: str | None, clock: Clock) -> Self:
        """Return the API where a function is. At an endpoint of this machine credentials are not needed.

        Without an endpoint it is the one that boto3 follows by itself, as AWS_ENDPOINT_URL_LAMBDA says.

        Raises:
            CloudError: there is no region, no such profile, no such endpoint, or boto3 is too old.
        """
        try:
            session = boto3.Session()
            endpoint = endpoint or _configured_endpoint(session)
            is_local = endpoint is not None and is_of_this_machine(endpoint)
            region = region or session.region_name or (_LOCAL_REGION if is_local else None)
            if region is None:
                raise CloudError(no_region(function_name))
            config = Config(
                connect_timeout=_CONNECT_TIMEOUT_SECONDS,
                read_timeout=_READ_TIMEOUT_SECONDS,
                retries={"total_max_attempts": 1, "mode": "standard"},
                # The proxies of the machine are for other machines.
                proxies={} if is_local else None,
            )
            if is_local and session.get_credentials() is None:
                config = config.merge(Config(signature_version=UNSIGNED))
            client = session.client("lambda", region_name=region, endpoint_url=endpoint, config=config)
        except ProfileNotFound as error:
            raise CloudError(f"{error}. Correct AWS_PROFILE, or add the profile: aws configure.") from None
        if not hasattr(client, "get_durable_execution"):
            raise CloudError(
                f"boto3 {boto3.__version__} does not know durable executions. Install boto3>=1.42.1."
            )
        # Another address, such as that of AWS_ENDPOINT_URL, is nobody's in this process.
        if (urlsplit(client.meta.endpoint_url).hostname or "").startswith("lambda"):
            clients.add(client)
            clock = ServiceClock(clock)
        return cls(client, clock, endpoint)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def invoke(self, function_name: str, payload: str | None, name: str, deadline: float) -> str:
        """Start an execution and return its ARN. It runs on its own: no connection is held for it.

        Raises:
            CloudError: it cannot be started, or the function is not durable.
        """
        given = {} if payload is None else {"Payload": payload.encode()}
        answer = self._call(
            "Invoke",
            function_name,
            deadline,
            FunctionName=function_name,
            InvocationType="Event",
            DurableExecutionName=name,
            **given,
        )
        # Read in any case: the connection is not free before.
        body = answer["Payload"].read().decode(errors="replace") if "Payload" in answer else ""
        arn: str | None = answer.get("DurableExecutionArn")
        if arn:
            return arn
        if answer.get("FunctionError"):
            raise CloudError(
                f"{function_name} has failed ({answer['FunctionError']}) before it began: {body}"
            )
        raise CloudError(
            f"{function_name} has been invoked, and is not a durable function: the answer has no "
            f"DurableExecutionArn. {DEPLOY_DURABLE}"
        )

    def find(self, function_name: str, name: str, deadline: float) -> str | None:
        """Return the ARN of the execution of a name, None if there is none.

        Raises:
            CloudError: there is no answer.
        """
        answer = self._call(
            "ListDurableExecutionsByFunction",
            function_name,
            deadline,
            FunctionName=function_name,
            DurableExecutionName=name,
        )
        found = [execution["DurableExecutionArn"] for execution in answer.get("DurableExecutions", ())]
        return found[0] if found else None

    def execution(self, arn: str, deadline: float | None = None) -> dict[str, Any]:
        """Return what GetDurableExecution answers.

        Raises:
            CloudError: there is no answer.
        """
        answer = self._call("GetDurableExecution", arn, deadline, DurableExecutionArn=arn)
        return self._demanded(answer, "Status")

    def history_page(
        self, arn: str, marker: str | None = None, *, with_data: bool = True, deadline: float | None = None
    ) -> dict[str, Any]:
        """Return a page of GetDurableExecutionHistory.

        Raises:
            CloudError: there is no answer.
        """
        given = {} if marker is None else {"Marker": marker}
        answer = self._call(
            "GetDurableExecutionHistory",
            arn,
            deadline,
            DurableExecutionArn=arn,
            IncludeExecutionData=with_data,
            MaxItems=_PAGE_EVENTS,
            **given,
        )
        return self._demanded(answer, "Events")

    def _demanded(self, answer: dict[str, Any], member: str) -> dict[str, Any]:
        # boto3 makes an empty answer of what is none, such as the page of a proxy.
        if member not in answer:
            where = self.endpoint or self.region
            raise CloudError(
                f"What answers in {where} is not Lambda's API, or an older one: no {member} in {answer!r}."
            )
        return answer

    def stop(self, arn: str, error: Mapping[str, Any]) -> None:
        """End an execution from outside; nothing happens to one that has ended.

        Raises:
            CloudError: it cannot be stopped.
        """
        self._call("StopDurableExecution", arn, None, DurableExecutionArn=arn, Error=dict(error))

    def pause(self, arn: str) -> None:
        """Let an execution invoke its handler no more.

        Raises:
            CloudError: it cannot be paused.
        """
        self._call("PauseDurableExecution", arn, None, DurableExecutionArn=arn)

    def resume(self, arn: str) -> None:
        """Let an execution that was paused go on.

        Raises:
            CloudError: it cannot be resumed.
        """
        self._call("ResumeDurableExecution", arn, None, DurableExecutionArn=arn)

    def succeed_callback(self, callback_id: str, result: str | None) -> None:
        """Answer a callback.

        Raises:
            CloudError: the service refuses.
        """
        given = {} if result is None else {"Result": result.encode()}
        self._answer("SendDurableExecutionCallbackSuccess", callback_id, **given)

    def fail_callback(self, callback_id: str, error: Mapping[str, Any]) -> None:
        """Answer a callback with an error.

        Raises:
            CloudError: the service refuses.
        """
        self._answer("SendDurableExecutionCallbackFailure", callback_id, Error=dict(error))

    def keep_callback(self, callback_id: str) -> None:
        """Send a heartbeat for a callback.

        Raises:
            CloudError: the service refuses.
        """
        self._answer("SendDurableExecutionCallbackHeartbeat", callback_id)

    def _answer(self, operation: str, callback_id: str, **given: Any) -> None:
        self._call(operation, f"callback {callback_id}", None, CallbackId=callback_id, **given)

    def _call(self, operation: str, resource: str, deadline: float | None, **given: Any) -> dict[str, Any]:
        call = Call(operation, resource, self.region, self.endpoint)
        send = self._method(operation, call)
        began = self.clock.now()
        deadline = began + PATIENCE_SECONDS if deadline is None else deadline
        # Where nobody has listened, somebody does at once or the tests that are left are not to wait each.
        heard_by = began if self._is_deaf else began + _DEAF_SECONDS
        attempts, delay, may_be_done = 0, _FIRST_DELAY_SECONDS, False
        while True:
            attempts += 1
            try:
                answer: dict[str, Any] = send(**given)
                self._is_deaf = False
                return answer
            except (BotoCoreError, ClientError, ResponseParserError) as error:
                trouble = trouble_of(error, call)
                self._is_deaf = trouble.is_deaf
                if may_be_done and _is_repeated_answer(operation, trouble.error):
                    # It was taken the first time, and the answer to that got lost.
                    return {}
                may_be_done = may_be_done or trouble.is_unanswered
                waited = self.clock.now() - began
                limit = min(deadline, heard_by) if trouble.is_deaf else deadline
                if not trouble.passes or self.clock.now() + delay > limit:
                    told = trouble.error
                    if attempts > 1:
                        told.add_note(f"Tried {counted(attempts, 'time')} in {waited:.1f} seconds.")
                    # It says what boto3's says, whose traceback would fill the screen.
                    raise told from None
                self.clock.sleep(delay)
                delay = min(2 * delay, _LONGEST_DELAY_SECONDS)

    def _method(self, operation: str, call: Call) -> Callable[..., Any]:
        snake = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in operation)
        method: Callable[..., Any] | None = getattr(self._client, snake.lstrip("_"), None)
        if method is None:
            raise CloudError(f"boto3 {boto3.__version__} cannot do {call}. Install a newer boto3.")
        return method


def _configured_endpoint(session: boto3.Session) -> str | None:
    """Return the endpoint that the environment or a profile tells boto3; None if it is AWS's.

    Raises:
        CloudError: it is no URL.
    """
    try:
        # With keys of nobody, or it would look for some now. Nothing is asked.
        client = session.client(
            "lambda",
            region_name=session.region_name or _LOCAL_REGION,
            aws_access_key_id="nobody",
            aws_secret_access_key="nothing",
        )
    except ValueError as error:
        raise CloudError(
            f"{error}. Correct AWS_ENDPOINT_URL_LAMBDA, AWS_ENDPOINT_URL, or endpoint_url of the profile."
        ) from None
    url: str = client.meta.endpoint_url
    client.close()
    return None if is_of_aws(url) else url


def is_already_ended(error: CloudError) -> bool:
    """Return whether the service refuses an answer because the callback has one already, or is gone."""
    return isinstance(error, RefusedError) and error.code in _ALREADY_ENDED


def _is_repeated_answer(operation: str, error: CloudError) -> bool:
    return operation.startswith("SendDurableExecutionCallback") and is_already_ended(error)
