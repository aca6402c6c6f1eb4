"""The process that speaks with Ray connects while its owner does other things."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from ceas_ray.runtime.failure import RuntimeFailure
from ceas_ray.runtime.ray_process import ClusterAccess, RayProcess
from tests.runtime.test_faults import wait_until

pytestmark = [pytest.mark.ray, pytest.mark.slow]
LONGEST_SECONDS = 60.0


def test_as_many_workers_as_there_are_cpus_warm_up_before_anything_is_asked_of_them(tmp_path: Path) -> None:
    def warm_up() -> None:
        (tmp_path / str(os.getpid())).touch()
        until = time.monotonic() + LONGEST_SECONDS
        while len(list(tmp_path.iterdir())) < 2 and time.monotonic() < until:
            time.sleep(0.02)  # so that none of them warms up for the other
        raise ValueError("which nobody hears")

    here = ClusterAccess(None, processors=2, dashboard=False, allow_open_cluster=False)
    process = RayProcess(here, LONGEST_SECONDS, pytest.fail, warm_up=warm_up, workers=5)
    try:
        wait_until(lambda: len(list(tmp_path.iterdir())) == 2)
        (machine,) = process.opened.machines
        assert machine.processors == 2
    finally:
        process.end()


def test_a_cluster_that_cannot_be_reached_is_refused_where_it_is_needed() -> None:
    nowhere = ClusterAccess("127.0.0.1:1", processors=2, dashboard=False, allow_open_cluster=False)
    process = RayProcess(nowhere, LONGEST_SECONDS, pytest.fail)
    try:
        with pytest.raises(RuntimeFailure, match=r"runtime\.address"):
            process.call("directory")
    finally:
        process.end()
