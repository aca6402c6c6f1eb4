"""Long runs: memory stays flat; a snapshot of the default world is quick and small."""

from __future__ import annotations

import gc
from pathlib import Path

import psutil
import pytest

from ceas_ray.config.composition import composed
from ceas_ray.config.schema import RunSettings
from ceas_ray.config.validation import build
from ceas_ray.kernel.windows import Simulation
from ceas_ray.runs.mlflow_content import round_of
from ceas_ray.runs.results import Results
from ceas_ray.runtime.local_runtime import LocalCluster
from ceas_ray.runtime.recovery import SurvivingSimulation
from ceas_ray.tracking.files import Journal, read_journal
from ceas_ray.tracking.locks import LOCK, HeldLock
from ceas_ray.tracking.snapshots import SnapshotFolder, packed, unpacked
from ceas_ray.tracking.stores import FolderStore
from ceas_ray.world.builder import build_world
from tests.small_worlds import SMALL

WARM, ROUNDS = 150, 350
MAX_MEGABYTES = 4
"""Of growth from round WARM to the end: a few numbers a round, caches that are not full yet, and the allocator's."""


def megabytes() -> float:
    gc.collect()
    return float(psutil.Process().memory_info().rss) / 2**20


@pytest.mark.slow
def test_memory_stays_flat(tmp_path: Path) -> None:
    settings = build(RunSettings, composed([*SMALL[:1], *SMALL[2:], f"training.rounds={ROUNDS}", "attacks=alie"]))
    world = build_world(settings)
    results = Results(settings, world)
    simulation = SurvivingSimulation(LocalCluster(world.one_host()))
    journal = Journal(tmp_path / "journal.jsonl", HeldLock(tmp_path / LOCK, print), print)
    folder = SnapshotFolder(FolderStore(tmp_path / "snapshots"), 3)
    before, sizes = 0.0, []
    for end in simulation.rounds():
        line = results.take(end)
        assert round_of(line).metrics
        journal.append("round", line)
        if results.state.rounds % 10 == 0:
            cut = {"simulation": simulation.cut(), "results": results.snapshot()}
            folder.write(results.state.rounds, cut)
            sizes.append(len(packed(cut)))
        if results.state.rounds == WARM:
            before = megabytes()
    assert megabytes() - before < MAX_MEGABYTES
    assert len(read_journal(tmp_path / "journal.jsonl")) == ROUNDS
    assert len(list((tmp_path / "snapshots").iterdir())) == 3
    books = 8 * ROUNDS
    assert sizes[-1] < sizes[WARM // 10] + 2 * books


def test_a_snapshot_of_the_default_world_is_small_and_goes_on_elsewhere() -> None:
    settings = build(RunSettings, composed(["runtime=local", "training.rounds=3", "training.circuits_per_round=320"]))
    simulation = Simulation(LocalCluster(build_world(settings).one_host()))
    next(simulation.rounds())
    content = packed(simulation.snapshot())
    assert settings.processors.count == 50
    assert len(content) <= 2 * 10**6
    other = Simulation(LocalCluster(build_world(settings).hosts(3, 2)))
    other.restore(unpacked(content))
    assert [end.digest for end in other.rounds()] == [end.digest for end in simulation.rounds()]
