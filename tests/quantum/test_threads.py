"""Blocks of lanes on several threads."""

from __future__ import annotations

import threading

import pytest

from ceas_ray.quantum.threads import in_blocks


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_every_block_is_done_once_by_the_thread_whose_turn_it_is(threads: int) -> None:
    done, lock = [], threading.Lock()

    def work(first: int, step: int) -> None:
        for block in range(first, 12, step):
            with lock:
                done.append(block)

    in_blocks(work, threads)
    assert sorted(done) == list(range(12))


@pytest.mark.parametrize("threads", [1, 3])
def test_a_failure_in_a_thread_reaches_the_caller(threads: int) -> None:
    def work(first: int, step: int) -> None:
        if first == threads - 1:
            raise KeyError("lane")

    with pytest.raises(KeyError, match="lane"):
        in_blocks(work, threads)
