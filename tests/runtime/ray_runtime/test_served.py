"""The process that speaks with Ray for a run."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from ceas_ray.runtime.placement import Machine
from ceas_ray.runtime.ray_process import ClusterAccess
from ceas_ray.runtime.ray_runtime import served

pytestmark = pytest.mark.ray


def serve(run: Connection, connection: Connection, ended: Path) -> None:
    """Serve a cluster in whose end comes the signal of a run that has gone."""
    run.close()

    @contextmanager
    def ray_cluster(*_: object, **__: object) -> Iterator[tuple[Machine, ...]]:
        try:
            yield ()
        finally:
            signal.raise_signal(signal.SIGUSR1)
            ended.touch()

    served._ParentWatch._look = lambda _: None  # type: ignore[method-assign]  # the signal comes from the end above
    served.ray_cluster = ray_cluster  # type: ignore[assignment]
    served.ray.get_runtime_context = lambda: type("Context", (), {"gcs_address": "127.0.0.1:1"})  # type: ignore[assignment]
    served.serve(connection)


def test_nothing_interrupts_the_end_of_the_cluster_of_a_run_that_has_gone(tmp_path: Path) -> None:
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("fork").Process(target=serve, args=(ours, theirs, tmp_path / "ended"))
    process.start()
    theirs.close()
    ours.send(("open", (ClusterAccess(None, 1, dashboard=False, allow_open_cluster=False), None, 0)))
    assert ours.recv()[0] == "returned"
    ours.close()
    process.join(60)
    assert (tmp_path / "ended").exists()
    assert process.exitcode == 0
