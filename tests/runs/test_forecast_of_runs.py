"""A forecast beside what real runs take: computing time and memory, within a factor of two."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from ceas_ray.config.composition import composed
from ceas_ray.config.schema import RunSettings
from ceas_ray.config.validation import build
from ceas_ray.kernel.imported_modules import PACKAGE
from ceas_ray.runs.forecast import Forecast, forecast
from ceas_ray.runs.machine_speed import machine_slowness
from ceas_ray.world.builder import outline_world
from tests.cli.warm_commands import WarmProcess, warm_process
from tests.small_worlds import SMALL

SPREAD = {
    "small": [],
    "with MLflow": ["tracking=mlflow", "tracking.uri=sqlite:///mlflow.db"],
    "many rounds": ["training.rounds=30", "training.evaluate_every=1"],
    "a chain that is solved often": ["entanglement.supply=1.4", "scheduling.gap_slots=3"],
    "the default, short": ["training.rounds=3", "processors.count=50", "training.circuits_per_round=1024",
                           "training.forward_circuits=256", "training.qubits=4", "training.layers=2"],
    "many processors": ["processors.count=250", "training=moons", "training.data.samples=2500"],
    "all processors decide": ["processors.count=25", "consensus=all_processors"],
    "many shots": ["training.circuits_per_round=20000", "scheduling=on_demand"],
    "very many shots": ["training.circuits_per_round=600000", "training.rounds=1", "scheduling=on_demand"],
    "very many circuits of local inputs": ["training.circuits_per_round=600000", "training.rounds=1",
                                           "training.inputs=local", "scheduling=on_demand"],
    "all pairs foreseen": ["training.circuits_per_round=200000", "training.rounds=1", "scheduling=clairvoyant"],
    "oblivious": ["scheduling=oblivious", "entanglement=scarce_supply", "training.circuits_per_round=4096"],
    "a line": ["network=line", "scheduling=two_level", "processors.count=20", "training.circuits_per_round=512"],
    "a grid": ["network=grid", "scheduling=two_level", "entanglement.purification_rounds=1", "links.max_km=2"],
    "a shared circuit": ["training.partition=circuit", "training.qubits=4", "scheduling=two_level",
                         "training.rounds=10"],
    "shared layers": ["training.partition=layer", "training.layers=2", "scheduling=on_demand"],
    "Aer": ["processors=aer", "scheduling=two_level"],
    "Aer with 4 qubits": ["processors=aer", "training.qubits=4", "training.layers=2", "training.rounds=1"],
    "Aer's own sampling": ["processors=aer_sampled", "scheduling=two_level", "training.rounds=1"],
    "every shift": ["training.estimator=full_shift", "training.circuits_per_round=4096", "scheduling=two_level"],
    "deep circuits": ["training.qubits=7", "training.layers=8", "training.estimator=exact", "scheduling=two_level"],
    "local inputs, no noise": ["processors=noiseless", "training.inputs=local", "training.error_mitigation=none"],
    "ground states": ["training=spin_chain", "training.qubits=4", "training.data.samples=300"],
}  # fmt: skip


MAX_CPU_SECONDS = 300
ATTEMPTS = 3
"""At a run: the first may compile, which a forecast leaves out, and the machine may be slow for a moment."""
IN_A_SMALL_PARENT = """
import json, resource, subprocess, sys
done = subprocess.run(sys.argv[1:])
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([done.returncode, used.ru_utime + used.ru_stime]))
"""
"""A program that runs a command and says what it took; the memory of whoever starts a process counts as its own."""


def seconds_of_a_process(words: list[str], folder: Path) -> float:
    """Computing time of a run in a process of its own, libraries included."""
    command = [sys.executable, "-c", IN_A_SMALL_PARENT, sys.executable, "-m", "ceas_ray.cli.run", *words]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    code, seconds = json.loads(done.stdout.splitlines()[-1])
    assert code == 0, done.stderr
    return float(seconds)


@dataclass(frozen=True)
class Warm:
    """A process that forks for every run. start_seconds: what its runs are spared, computing of libraries and such."""

    process: WarmProcess
    start_seconds: float


@pytest.fixture(scope="module")
def warm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warm]:
    folder = tmp_path_factory.mktemp("warm")
    seconds_of_a_process([*SMALL, "output=compiles"], folder)
    whole = min(seconds_of_a_process([*SMALL, f"output=alone_{k}"], folder) for k in range(ATTEMPTS))
    with warm_process(folder, MAX_CPU_SECONDS, [*SMALL, "output=first"]) as process:
        yield Warm(process, whole - process.run([*SMALL, "output=spared"]).cpu_seconds)


def kept_code() -> set[tuple[Path, int]]:
    """Files of compiled code, and when they were written."""
    places = [PACKAGE, *(Path(place) for place in [os.environ.get("NUMBA_CACHE_DIR")] if place)]
    return {(file, file.stat().st_mtime_ns) for place in places for file in place.rglob("*.nbc")}


@pytest.mark.slow
@pytest.mark.alone
@pytest.mark.parametrize("name", SPREAD)
def test_a_forecast_is_right_within_a_factor_of_two(name: str, warm: Warm) -> None:
    chosen = {word.partition("=")[0] for word in SPREAD[name]}
    words = [*(word for word in SMALL if word.partition("=")[0] not in chosen), *SPREAD[name]]
    settings = build(RunSettings, composed(words))
    for _ in range(ATTEMPTS):
        kept, before = kept_code(), forecast_now(settings)
        warm.process.clear()
        ended = warm.process.run([*words, "output=run"])
        assert ended.code == 0, ended.err
        after = forecast_now(settings)
        foreseen, taken = (before.wall_seconds + after.wall_seconds) / 2, warm.start_seconds + ended.cpu_seconds
        if kept_code() == kept and 0.5 < foreseen / taken < 2:
            break
    assert 0.5 < foreseen / taken < 2, (foreseen, taken)
    megabytes = before.memory_bytes / 2**20
    assert 0.5 < megabytes / ended.megabytes < 2, (megabytes, ended.megabytes)


def forecast_now(settings: RunSettings) -> Forecast:
    """The forecast for the speed that the machine has now, which other work may have changed since it was measured."""
    machine_slowness.cache_clear()
    return forecast(settings, outline_world(settings))
