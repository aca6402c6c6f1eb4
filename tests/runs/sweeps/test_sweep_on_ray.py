"""Sweeps on Ray, and in processes: jobs side by side, each once, whatever happens to some or to the command."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ceas_ray.cli.run import main
from ceas_ray.tracking.files import read_journal
from tests.left_behind import ray_processes
from tests.runs.sweeps.sweep_folder import rows
from tests.runtime.test_faults import rounds_in, wait_until
from tests.small_worlds import SMALL

pytestmark = [pytest.mark.ray, pytest.mark.slow]
LINE = [word for word in SMALL if word not in ("runtime=local", "quiet=true")]
IN_PROCESSES = [sys.executable, "-m", "ceas_ray.cli.run", "-m", *LINE]
COMMAND = [*IN_PROCESSES, "sweep.workers=ray"]
PLACES = pytest.mark.parametrize("command", [COMMAND, IN_PROCESSES], ids=["ray", "processes"])
OWN = (
    "from dataclasses import dataclass\nimport numpy as np\n\n\n@dataclass(frozen=True)\nclass Mine:\n"
    "    fails: bool\n\n    def __call__(self, updates, weights, faults):\n"
    "        if self.fails:\n            raise RuntimeError('too large')\n"
    "        return np.mean(updates, axis=0)\n"
)


def summary_of(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / "summary.json").read_text()))


@PLACES
def test_a_job_that_fails_is_listed_and_the_same_command_runs_it_alone(command: list[str], tmp_path: Path) -> None:
    """The rule is the user's own. Digests are those of single runs."""
    (tmp_path / "rule_of_a_sweep.py").write_text(OWN)
    words = [
        "aggregation=mean",
        "+aggregation.rule.fails=false,true",
        "seed=1,2",
        "aggregation.rule._target_=rule_of_a_sweep.Mine",
    ]

    def swept() -> subprocess.CompletedProcess[str]:
        return subprocess.run([*command, *words], cwd=tmp_path, capture_output=True, text=True, timeout=400)

    first = swept()
    assert first.returncode == 1, first.stderr
    (folder,) = (tmp_path / "outputs").glob("*_sweep")
    states = [summary_of(folder / name)["status"] for name in "0123"]
    assert states == ["completed", "completed", "failed", "failed"]
    said = [line for line in first.stderr.splitlines() if "aggregation.rule.fails=True seed=1: failed: " in line]
    assert any("RuntimeError" in line for line in said), first.stderr
    assert first.stdout.splitlines()[-1] == str(folder / "results.csv")
    assert (folder / "results.csv").read_text().startswith("job,aggregation.rule.fails,seed,test_accuracy,")
    assert ("starting Ray" in first.stderr) == (command == COMMAND)
    assert "4/4" in first.stderr and " left" in first.stderr
    second = swept()
    assert second.returncode == 1 and "2 of 4 jobs are over" in second.stderr
    jobs = [line["number"] for line in read_journal(folder / "sweep.jsonl") if line["event"] == "job"]
    assert sorted(jobs) == [0, 1, 2, 2, 3, 3]
    assert main([*SMALL, "aggregation=mean", f"output={tmp_path / 'alone'}"]) == 0
    assert summary_of(folder / "0")["test_accuracy"] == summary_of(tmp_path / "alone")["test_accuracy"]
    wait_until(lambda: not ray_processes())


@PLACES
def test_an_interrupted_sweep_is_gone_on_with_by_the_same_command(command: list[str], tmp_path: Path) -> None:
    words = [*command, "seed=1,2,3", "training.rounds=40", "runtime.snapshot_every_rounds=1"]
    process = subprocess.Popen(words, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def folders() -> list[Path]:
        return sorted((tmp_path / "outputs").glob("*_sweep/?"))

    wait_until(lambda: any(rounds_in(folder) >= 2 for folder in folders()) or process.poll() is not None)
    os.kill(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert "interrupted; the same command goes on" in errors
    wait_until(lambda: not ray_processes())
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, timeout=400)
    assert done.returncode == 0, done.stderr
    (sweep,) = (tmp_path / "outputs").glob("*_sweep")
    for number, folder in enumerate(folders()):
        assert (summary_of(folder)["status"], summary_of(folder)["seed"]) == ("completed", number + 1)
        rounds = [line["round"] for line in read_journal(folder / "journal.jsonl") if line["event"] == "round"]
        assert rounds == list(range(40))
    assert len(folders()) == 3
    assert len((sweep / "results.csv").read_text().splitlines()) == 4


def test_a_search_runs_its_trials_side_by_side_and_one_of_them_gives_the_digest_of_a_run_alone(tmp_path: Path) -> None:
    words = [
        *COMMAND, "hydra/sweeper=optuna", "hydra.sweeper.trials=3", "hydra.sweeper.parallel=2",
        "seed=range(1,9)", "training.rounds=1",
    ]  # fmt: skip
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, timeout=400)
    assert done.returncode == 0, done.stderr
    (folder,) = (tmp_path / "outputs").glob("*_sweep")
    found = [summary_of(folder / name) for name in "012"]
    assert [one["status"] for one in found] == ["completed"] * 3
    alone = tmp_path / "alone"
    assert main([*SMALL, "training.rounds=1", f"seed={found[0]['seed']}", f"output={alone}"]) == 0
    assert summary_of(alone)["trace_digest"] == found[0]["trace_digest"]
    wait_until(lambda: not ray_processes())


def test_a_search_on_ray_prunes_the_trials_that_it_prunes_in_one_process(tmp_path: Path) -> None:
    words = [
        "hydra/sweeper=optuna", "hydra.sweeper.pruner=median", "hydra.sweeper.startup_trials=1",
        "hydra.sweeper.trials=5", "hydra.sweeper.objective=test_loss", "hydra.sweeper.direction=minimize",
        "hydra.sweeper.sampler=random", "training.learning_rate=tag(log,interval(0.01,1))",
        "training.evaluate_every=1", "training.rounds=4",
    ]  # fmt: skip
    on_ray = [*COMMAND, *words, f"output={tmp_path / 'on_ray'}"]
    done = subprocess.run(on_ray, cwd=tmp_path, capture_output=True, text=True, timeout=400)
    assert done.returncode == 0, done.stderr
    small = [word for word in SMALL if not word.startswith("training.rounds")]
    assert main(["-m", *small, *words, f"output={tmp_path / 'alone'}"]) == 0
    ends = [[(row["status"], row["trace_digest"]) for row in rows(tmp_path / name)] for name in ("on_ray", "alone")]
    assert ends[0] == ends[1]
    assert {status for status, _ in ends[0]} == {"completed", "pruned"}
    wait_until(lambda: not ray_processes())
