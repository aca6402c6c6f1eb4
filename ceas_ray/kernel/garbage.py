"""Collections of garbage that leave out what lives on."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def old_objects_left_out() -> Iterator[None]:
    """Let collections of garbage look through newer objects alone.

    What lives when this begins (modules, compiled code, the actors) stays anyway; one look through all of it takes as
    long as a round of a simulation.
    """
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
