"""Trouble: what an exception of boto3 means, in words that say what to do about it."""

from __future__ import annotations

from dataclasses import dataclass

from botocore import exceptions as botocore
from botocore.parsers import ResponseParserError

from pytest_durable.cloud.addresses import is_of_aws
from pytest_durable.cloud.targets import is_qualified
from pytest_durable.errors import CloudError, RefusedError

_THROTTLED = frozenset(
    {"TooManyRequestsException", "ThrottlingException", "Throttling", "RequestLimitExceeded", "SlowDown"}
)
_EXPIRED = frozenset({"ExpiredTokenException", "ExpiredToken", "RequestExpired"})
_INVALID = frozenset(
    {
        "UnrecognizedClientException",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "SignatureDoesNotMatch",
        "MissingAuthenticationTokenException",
    }
)
_DENIED = frozenset({"AccessDeniedException", "AccessDenied"})

NOT_FOUND = "ResourceNotFoundException"

UNKNOWN = frozenset({NOT_FOUND, *_DENIED})
"""What is said of an execution that is not there, or not for whoever asks."""

# The name of an action of IAM is that of the operation, but for this one.
_ACTIONS = {"Invoke": "InvokeFunction"}

DEPLOY_DURABLE = (
    "Deploy it with a DurableConfig, which a function gets when it is created, and invoke a version that was "
    "published since."
)

_LOGIN = "Log in again (aws sso login, or new keys), and run the tests again."


@dataclass(frozen=True, slots=True)
class Call:
    """A call of the API: what is done to what, and where. ``region`` of None is not known."""

    operation: str
    resource: str
    region: str | None = None
    endpoint: str | None = None

    @property
    def action(self) -> str:
        """What IAM calls it."""
        return f"lambda:{_ACTIONS.get(self.operation, self.operation)}"

    @property
    def place(self) -> str | None:
        """Where it is done, None if that is not known."""
        return self.endpoint or self.region

    def __str__(self) -> str:
        return f"{self.operation} of {self.resource}" + (f" in {self.place}" if self.place else "")


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a call has failed.

    ``passes`` tells that it may go well when tried again, ``is_unanswered`` that what was asked for may have
    been done all the same, ``is_deaf`` that nobody listens there at all.
    """

    error: CloudError
    passes: bool = False
    is_unanswered: bool = False
    is_deaf: bool = False


def trouble_of(error: Exception, call: Call) -> Trouble:
    """Return what an exception of a call means."""
    match error:
        case botocore.ClientError():
            return _refused(error, call)
        case botocore.NoCredentialsError() | botocore.PartialCredentialsError():
            return Trouble(
                CloudError(
                    f"No AWS credentials for {call}: {error}. Set AWS_PROFILE, or AWS_ACCESS_KEY_ID and "
                    "AWS_SECRET_ACCESS_KEY, or run aws configure."
                )
            )
        case (
            botocore.CredentialRetrievalError()
            | botocore.TokenRetrievalError()
            | botocore.UnauthorizedSSOTokenError()
            | botocore.SSOTokenLoadError()
        ):
            why = str(error).rstrip(".")
            return Trouble(CloudError(f"The AWS credentials for {call} cannot be had: {why}. {_LOGIN}"))
        case botocore.NoRegionError():
            return Trouble(CloudError(no_region(call.resource)))
        case botocore.EndpointConnectionError() | botocore.ConnectTimeoutError():
            return Trouble(CloudError(_unreachable(error, call)), passes=True, is_deaf=True)
        case botocore.HTTPClientError():
            return Trouble(
                CloudError(f"No answer to {call}: {error}. Look at the network between here and there."),
                passes=True,
                is_unanswered=True,
            )
        case ResponseParserError():
            return Trouble(CloudError(f"The answer to {call} is not that of Lambda's API: {error}"))
        case _:
            return Trouble(CloudError(f"{call} cannot be asked for: {error}"))


def no_region(function_name: str) -> str:
    """Return what is said when nothing tells the region of a function."""
    return (
        f"No AWS region for {function_name}: set AWS_REGION, give --durable-region, or set durable_region in "
        "the configuration."
    )


def _unreachable(error: Exception, call: Call) -> str:
    if call.endpoint is not None:
        return (
            f"Nobody answers at {call.endpoint}: {error}. Start the endpoint there (pytest-durable serve), "
            "or correct --durable-endpoint, LAMBDA_ENDPOINT or AWS_ENDPOINT_URL_LAMBDA."
        )
    return f"Lambda cannot be reached for {call}: {error}. Look at the network, and at the region."


def _refused(error: botocore.ClientError, call: Call) -> Trouble:
    stated = error.response.get("Error", {})
    code, message = stated.get("Code", "Unknown"), stated.get("Message") or "without a message"
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    is_throttled = code in _THROTTLED or status == 429
    refused = RefusedError(code, status, message, str(call), _advice(code, message, call))
    # After an error of the service's own what was asked for may have been done.
    return Trouble(refused, passes=is_throttled or status >= 500, is_unanswered=status >= 500)


def _advice(code: str, message: str, call: Call) -> str:
    if code in _DENIED:
        return f"Allow the action {call.action} on it to whoever runs the tests."
    if code in _EXPIRED:
        return f"The AWS credentials have expired. {_LOGIN}"
    if code in _INVALID:
        return "The AWS credentials are not valid here: look at AWS_PROFILE, at the keys, and at the region."
    if call.operation == "Invoke":
        return _advice_on_invoking(code, message, call)
    if code == NOT_FOUND and "Callback" in call.operation:
        return "There is no such callback, or it has ended."
    if code == NOT_FOUND:
        return "Look at the region and the account: an execution is found where it was started."
    return ""


def _advice_on_invoking(code: str, message: str, call: Call) -> str:
    if not is_qualified(call.resource) and (code == NOT_FOUND or "qualif" in message.lower()):
        return (
            "A durable function is invoked by a qualified name: add a version, an alias or $LATEST, such as "
            f"{call.resource}:$LATEST."
        )
    if code == NOT_FOUND:
        missing = f"There is no such function, version or alias in {call.place or 'the region'}: compare with"
        if call.endpoint is not None and not is_of_aws(call.endpoint):
            return f"{missing} the functions that are served there."
        return f"{missing} aws lambda list-functions, and with the account that the credentials are of."
    if "DurableExecutionName" in message or "not durable" in message.lower():
        # Only a durable function is invoked with a name.
        return f"Is it a durable function? {DEPLOY_DURABLE}"
    if code == "DurableExecutionAlreadyStartedException":
        return "The name has been used with another input: give another name."
    if code in ("RequestTooLargeException", "RequestEntityTooLargeException"):
        return "An execution is started asynchronously, with an input of 1 MB at most."
    return ""
