"""The environment variables of the process, copied as cheaply as can be: every replay compares them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def copy_of(environment: Mapping[Any, Any]) -> dict[Any, Any]:
    """Return what ``os.environ`` or ``os.environb`` holds, keys and values as the system has them.

    What stands in the place of ``os.environ``, such as a dict of a test, is copied as it is.
    """
    # Reading through the mapping decodes each variable, which takes a hundred times as long.
    held = getattr(environment, "_data", None)
    return dict(held) if isinstance(held, dict) else dict(environment)
