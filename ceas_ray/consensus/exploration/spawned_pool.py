"""The processes of a campaign or a hunt."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from multiprocessing.pool import Pool

from ceas_ray.kernel.signals import interrupts_put_off


@contextmanager
def spawned_pool(processes: int, begin_worker: Callable[[], None] | None) -> Iterator[Pool]:
    """Yield a pool of this many processes, which end with the block. begin_worker: called first in each of them.

    An interrupt waits until all have started.
    """
    with ExitStack() as opened:
        with interrupts_put_off():
            pool = opened.enter_context(multiprocessing.get_context("spawn").Pool(processes, begin_worker))
        yield pool
