"""Worker processes of one machine are started whole, whenever an interrupt comes."""

from __future__ import annotations

import signal
from multiprocessing.popen_spawn_posix import Popen
from multiprocessing.process import BaseProcess

import pytest

from ceas_ray.runtime.worker_pool import worker_pool


@pytest.mark.parametrize("started_before", [0, 1])
def test_an_interrupt_waits_until_the_process_that_is_being_started_knows_what_to_do(
    started_before: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    launch, launched = Popen.__dict__["_launch"], []

    def interrupted_launch(self: Popen, process: BaseProcess) -> None:
        signal.raise_signal(signal.SIGINT)
        launch(self, process)
        launched.append(process)

    with pytest.raises(KeyboardInterrupt), worker_pool(2) as pool:
        for _ in range(started_before):
            pool.submit(int)
        monkeypatch.setattr(Popen, "_launch", interrupted_launch)
        pool.submit(int)
    assert len(launched) == 1
