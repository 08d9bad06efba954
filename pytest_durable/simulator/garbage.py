"""Garbage: cyclic garbage is collected between runs, not in them.

The collector runs callbacks and finalizers at moments that depend on everything else in the process; under
it two runs of the same handler could differ. Runs are short, so what gathers meanwhile is little.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collection_paused() -> Iterator[None]:
    """Let the cyclic collector rest while the block runs."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
