"""The benchmark of a round on Ray: what its parts are, and that a snapshot is one that restores."""

from __future__ import annotations

from pathlib import Path

import pytest

from ceas_ray.bench import framework
from ceas_ray.kernel.windows import Simulation
from tests.kernel.random_actors import cluster


def test_hosts_that_compute_at_the_same_time_count_once() -> None:
    seconds = {"processors/0": 3.0, "processors/1": 5.0, "links/0": 1.0, "links/1": 2.0,
               "replicas": 0.5, "entanglement_manager": 0.25}  # fmt: skip
    assert framework._parts(seconds, gradients=6.0, processor_hosts=2) == {
        "gradients": 3.0, "processors": 1.0, "links": 2.0, "replicas": 0.5, "manager_and_hub": 0.25,
    }  # fmt: skip


def test_snapshots_are_written_read_and_restored_and_none_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    simulation = Simulation(cluster(5, 2, True))
    next(simulation.rounds())
    found = framework._snapshots(simulation)
    assert found["snapshot_bytes"] > 0
    assert found["snapshot_ms"]["worst"] >= found["snapshot_ms"]["median"] >= 0
    assert list(tmp_path.iterdir()) == []
