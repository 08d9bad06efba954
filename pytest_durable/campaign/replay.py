"""The token that ``--durable-replay`` gives, and the test that it is of."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

import pytest

from pytest_durable.campaign.kinds import added_kinds
from pytest_durable.errors import UsageError
from pytest_durable.exploration.token import Token
from pytest_durable.faults import KINDS
from pytest_durable.settings import Settings


def the_token(config: pytest.Config, nodeids: Sequence[str]) -> Token:
    """Return the token to be replayed; its test is one of those collected.

    Raises:
        UsageError: the token is malformed, or its test was not collected.
    """
    text = Settings.of(config).replay
    assert text is not None, "asked for with a token only"
    try:
        token = Token.decode(text, (*KINDS, *added_kinds(config)))
    except UsageError as error:
        raise UsageError(f"--durable-replay: {error}") from None
    # Where nothing was collected pytest says so, and why.
    if nodeids and token.nodeid not in nodeids:
        near = get_close_matches(token.nodeid, nodeids, n=1)
        hint = f" Did it become {near[0]}?" if near else ""
        raise UsageError(
            f"--durable-replay: the token is of {token.nodeid}, which is not among the tests collected.{hint}"
        )
    return token
