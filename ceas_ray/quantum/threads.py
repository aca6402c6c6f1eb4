"""Blocks of lanes on several threads."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor


def in_blocks(work: Callable[[int, int], None], threads: int) -> None:
    """Run `work(first block, step)` on that many threads: compiled kernels that release the interpreter's lock."""
    if threads == 1:
        work(0, 1)
        return
    with ThreadPoolExecutor(threads) as pool:
        for done in [pool.submit(work, t, threads) for t in range(threads)]:
            done.result()
