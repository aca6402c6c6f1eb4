"""A forecast beside what real runs take: computing time and memory, within a factor of two."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from ceas_ray.config.composition import composed
from ceas_ray.config.schema import RunSettings
from ceas_ray.config.validation import build
from ceas_ray.runs.forecast import forecast
from ceas_ray.world.builder import outline_world
from tests.small_worlds import SMALL

SPREAD = {
    "small": [],
    "with MLflow": ["tracking=mlflow", "tracking.uri=sqlite:///mlflow.db"],
    "many rounds": ["training.rounds=60", "training.evaluate_every=1"],
    "a chain that is solved often": ["entanglement.supply=1.4", "scheduling.gap_slots=3"],
    "the default, short": ["training.rounds=3", "processors.count=50", "training.circuits_per_round=1024",
                           "training.forward_circuits=256", "training.qubits=4", "training.layers=2"],
    "many processors": ["processors.count=500", "training=moons", "training.data.samples=5000"],
    "all processors decide": ["processors.count=25", "consensus=all_processors"],
    "many shots": ["training.circuits_per_round=20000", "scheduling=on_demand"],
    "oblivious": ["scheduling=oblivious", "entanglement=regime_r0", "training.circuits_per_round=4096"],
    "a line": ["network=line", "scheduling=two_level", "processors.count=20", "training.circuits_per_round=512"],
    "a grid": ["network=grid", "scheduling=two_level", "entanglement.purification_rounds=1", "links.max_km=2"],
    "a shared circuit": ["training.partition=circuit", "training.qubits=4", "scheduling=two_level"],
    "shared layers": ["training.partition=layer", "training.layers=2", "scheduling=on_demand"],
    "Aer": ["processors=aer", "scheduling=two_level"],
    "Aer with 4 qubits": ["processors=aer", "training.qubits=4", "training.layers=2", "training.rounds=1"],
    "Aer's own sampling": ["processors=aer_sampled", "scheduling=two_level", "training.rounds=1"],
    "every shift": ["training.estimator=full_shift", "training.circuits_per_round=4096", "scheduling=two_level"],
    "deep circuits": ["training.qubits=7", "training.layers=8", "training.estimator=exact", "scheduling=two_level"],
    "local inputs, no noise": ["processors=noiseless", "training.inputs=local", "training.undo=none"],
    "ground states": ["training=spin_chain", "training.qubits=4", "training.data.samples=300"],
}  # fmt: skip


class Taken(NamedTuple):
    """By a process: seconds that it computed, and the most memory that it had."""

    seconds: float
    mebibytes: float


def run(words: list[str], folder: Path) -> Taken:
    """Run `ceas-ray` in a process of its own."""
    with (folder / "said").open("w") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "ceas_ray.cli.run", *words], cwd=folder, stdout=said, stderr=said
        )
        _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, (folder / "said").read_text()
    return Taken(used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


@pytest.mark.slow
@pytest.mark.parametrize("name", SPREAD)
def test_a_forecast_is_right_within_a_factor_of_two(name: str, tmp_path: Path) -> None:
    chosen = {word.partition("=")[0] for word in SPREAD[name]}
    words = [*(word for word in SMALL if word.partition("=")[0] not in chosen), *SPREAD[name]]
    settings = build(RunSettings, composed(words))
    for _ in range(2):  # the first run on a machine compiles
        foreseen, taken = forecast(settings, outline_world(settings)), run(words, tmp_path)
        if taken.seconds < 2 * foreseen.wall_seconds:
            break
    assert 0.5 < foreseen.wall_seconds / taken.seconds < 2, (foreseen.wall_seconds, taken.seconds)
    assert 0.5 < foreseen.memory_bytes / 2**20 / taken.mebibytes < 2, (foreseen.memory_bytes / 2**20, taken.mebibytes)
