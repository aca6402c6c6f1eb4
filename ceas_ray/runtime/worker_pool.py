"""Worker processes that end with whoever started them, however it ends."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context

from ceas_ray.kernel.signals import interrupts_put_off
from ceas_ray.runtime.interruption import end_workers, leave_signals_to_parent


@contextmanager
def worker_pool(processes: int) -> Iterator[ProcessPoolExecutor]:
    """A pool of this many processes; an error or an interrupt ends what they are doing."""
    pool = ProcessPoolExecutor(processes, mp_context=get_context("spawn"), initializer=leave_signals_to_parent)
    try:
        with interrupts_put_off():
            pool.submit(int)  # starts the processes
        yield pool
    except BaseException:
        end_workers()
        pool.shutdown(cancel_futures=True)  # waits for its thread, which would complain if Python ended meanwhile
        raise
    pool.shutdown()
