"""Worker processes that end with whoever started them, however it ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from typing import ParamSpec, TypeVar

from ceas_ray.kernel.signals import interrupts_put_off
from ceas_ray.runtime.interruption import end_workers, leave_signals_to_parent

Parameters = ParamSpec("Parameters")
Returned = TypeVar("Returned")


class _Pool(ProcessPoolExecutor):
    """A pool whose processes start without an interrupt: it starts one when a task comes and all others are busy."""

    def submit(
        self, task: Callable[Parameters, Returned], /, *args: Parameters.args, **kwargs: Parameters.kwargs
    ) -> Future[Returned]:
        with interrupts_put_off():
            return super().submit(task, *args, **kwargs)


@contextmanager
def worker_pool(processes: int) -> Iterator[ProcessPoolExecutor]:
    """Yield a pool of this many processes; an error or an interrupt ends what they are doing."""
    pool = _Pool(processes, mp_context=get_context("spawn"), initializer=leave_signals_to_parent)
    try:
        yield pool
    except BaseException:
        end_workers()
        pool.shutdown(cancel_futures=True)  # waits for its thread, which would complain if Python ended meanwhile
        raise
    pool.shutdown()
