"""Token: a failing run as one short text, which ``--durable-replay`` takes.

``d1.`` and the base64 of compressed JSON. The 1 is the version of all that is behind it, the
dictionary of the compression included.
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
import importlib
import json
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from durable_sdk.config import Duration
from pytest_durable.errors import UsageError
from pytest_durable.faults import KINDS, Fault
from pytest_durable.plan import Plan

# A failure belongs to the test's own line, not to ours.
__tracebackhide__ = True

PREFIX = "d1."

_OWN = "faults."

# What tokens have in common, the likeliest last. A change of it is a new version.
_DICTIONARY = (
    b'builtins:ValueError","builtins:TimeoutError","builtins:RuntimeError"reordered_callback"lost_callback'
    b'"early_callback"late_callback"duplicate_callback"cold_start"duplicate_invocation"out_of_memory'
    b'"invocation_timeout"duration"latency"items"partial_page"duplicate_request"revoke_token"stale_token'
    b'"slow_api"request_too_large"status"message"code"service_error"get_state"api"lose_response"lose_request'
    b'"throttle"always"error"times"name"fail_step"during_replay":true"before_return":true"persisted":true'
    b'"effect"nth":2"at_checkpoint":"during_step":"before_step":"after_step":"tests/test_.py::test_'
    b'",[["crash",{"'
)

_MAXIMUM_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class Token:
    """A run of the test ``nodeid``: its plan and seed.

    ``code_digest`` tells the code that it ran, ``fingerprint`` how it failed; either may be empty.
    """

    nodeid: str
    plan: Plan
    seed: int = 0
    code_digest: str = ""
    fingerprint: str = ""

    def encode(self) -> str:
        """Return it as text.

        Raises:
            UsageError: a fault has a value that cannot be written down, such as an error of a local class.
        """
        picks = [number for pair in self.plan.picks for number in pair]
        body = [
            self.nodeid,
            [_fault_to_json(fault) for fault in self.plan.faults],
            picks,
            self.seed,
            self.code_digest,
            self.fingerprint,
        ]
        text = json.dumps(body, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        packer = zlib.compressobj(9, zdict=_DICTIONARY)
        packed = packer.compress(text.encode("utf-8", "surrogatepass")) + packer.flush()
        return PREFIX + base64.urlsafe_b64encode(packed).decode().rstrip("=")

    @classmethod
    def decode(cls, text: str, kinds: Iterable[type[Fault]] = KINDS) -> Token:
        """Return what a text stands for. ``kinds`` are all kinds of faults that may be in it.

        Raises:
            UsageError: it is malformed, cut off, of another version, or has a fault that is not known.
        """
        body = _unpacked(text.strip())
        known = {_name_of(kind): kind for kind in kinds}
        try:
            return cls._of(body, known)
        except (ValueError, TypeError, KeyError, AttributeError):
            raise _malformed(text) from None

    @classmethod
    def _of(cls, body: Any, known: dict[str, type[Fault]]) -> Token:
        nodeid, faults, numbers, seed, code_digest, fingerprint = body
        is_sound = (
            all(isinstance(part, str) for part in (nodeid, code_digest, fingerprint))
            and type(seed) is int
            and all(type(number) is int and number >= 0 for number in numbers)
        )
        if not is_sound:
            raise ValueError(body)
        picks = tuple(zip(numbers[::2], numbers[1::2], strict=True))
        plan = Plan(tuple(_fault_from_json(fault, known) for fault in faults), picks)
        return cls(nodeid, plan, seed, code_digest, fingerprint)


def _unpacked(text: str) -> Any:
    prefix, dot, packed = text.partition(".")
    if not dot or not (prefix[:1] == "d" and prefix[1:].isdecimal()):
        raise UsageError(f"A token of a run begins with {PREFIX!r}, got {_shown(text)}.")
    if prefix + dot != PREFIX:
        raise UsageError(
            f"The token is of version {prefix[1:]}, and this version of pytest-durable reads {PREFIX[1:-1]}: "
            f"run it with the version that printed it. Got {_shown(text)}."
        )
    try:
        data = base64.b64decode(packed + "=" * (-len(packed) % 4), altchars=b"-_", validate=True)
        unpacker = zlib.decompressobj(zdict=_DICTIONARY)
        plain = unpacker.decompress(data, _MAXIMUM_BYTES)
        is_whole = unpacker.eof and not unpacker.unused_data
        body = json.loads(plain.decode("utf-8", "surrogatepass")) if is_whole else None
    except (binascii.Error, zlib.error, ValueError, RecursionError):
        body = None
    if body is None:
        raise _malformed(text)
    return body


def _malformed(text: str) -> UsageError:
    return UsageError(
        f"The token is damaged: copy it again as a whole, from {PREFIX!r} to its end. Got {_shown(text)}."
    )


def _shown(text: str) -> str:
    return repr(text) if len(text) <= 80 else f"{text[:60]!r}... ({len(text)} characters)"


def _name_of(kind: type[Fault]) -> str:
    """Return what a kind is called in tokens: ours by their short names, others as tests write them."""
    return kind.kind().removeprefix(_OWN) if kind in KINDS else kind.kind()


def _fault_to_json(fault: Fault) -> list[Any]:
    fields = {}
    for spec in dataclasses.fields(fault):
        value = getattr(fault, spec.name)
        if not (value == spec.default and type(value) is type(spec.default)):
            fields[spec.name] = _to_json(value, fault)
    return [_name_of(type(fault)), fields] if fields else [_name_of(type(fault))]


def _fault_from_json(given: Any, known: dict[str, type[Fault]]) -> Fault:
    match given:
        case [str(name)]:
            fields: dict[str, Any] = {}
        case [str(name), dict(fields)]:
            pass
        case _:
            raise ValueError(given)
    kind = known.get(name)
    if kind is None:
        raise UsageError(
            f"The token has a fault of the kind {name!r}, which no plugin of this run knows; "
            f"known are {', '.join(sorted(known))}."
        )
    try:
        return kind(**{key: _from_json(value) for key, value in fields.items()})
    except TypeError as error:
        raise UsageError(f"The token has a fault {kind.kind()} that cannot be made: {error}.") from None


def _to_json(value: object, fault: Fault) -> Any:
    match value:
        case None | bool() | str():
            return value
        case int() | float() if type(value) in (int, float) and abs(value) != float("inf") and value == value:
            return value
        case timedelta():
            return value.total_seconds()
        case Duration():
            return value.to_seconds()
        case tuple() | list():
            return [_to_json(item, fault) for item in value]
        case type() if issubclass(value, BaseException):
            return {"class": _path_of(value, fault)}
        case BaseException():
            written = {"class": _path_of(type(value), fault), "args": _to_json(value.args, fault)}
            try:
                _from_json(written)
            except TypeError as error:
                raise UsageError(
                    f"A token cannot hold the error of {fault!r}: {type(value).__qualname__} cannot be made "
                    f"again from its args ({error}). Give the fault another error."
                ) from None
            return written
        case _:
            raise UsageError(
                f"A token cannot hold {value!r} of {fault!r}: it holds texts, numbers and errors."
            )


def _path_of(kind: type[BaseException], fault: Fault) -> str:
    path = f"{kind.__module__}:{kind.__qualname__}"
    if _found(path) is not kind:
        raise UsageError(
            f"A token cannot hold the error of {fault!r}: its class is not found at {path}. "
            "Define it at the top of a module that can be imported."
        )
    return path


def _from_json(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(_from_json(item) for item in value)
    if isinstance(value, dict):
        path = value["class"]
        found = _found(path)
        if not (isinstance(found, type) and issubclass(found, BaseException)):
            raise UsageError(f"The token has an error of the class {path}, which cannot be imported here.")
        return found(*_from_json(value["args"])) if "args" in value else found
    return value


def _found(path: str) -> object:
    """Return what a module has under a name, None if it cannot be imported or has no such thing."""
    module, _, names = path.partition(":")
    try:
        found: object = importlib.import_module(module)
        for name in names.split("."):
            found = getattr(found, name)
    except (ImportError, AttributeError, ValueError):
        return None
    return found
