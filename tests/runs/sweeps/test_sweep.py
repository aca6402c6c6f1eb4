"""A sweep without Ray: one job after the other, with the state, the table and the way on that sweeps on Ray have."""

from __future__ import annotations

import json
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest

from ceas_ray.cli.run import main
from ceas_ray.reports import comparison_table
from ceas_ray.runs.sweeps import report as sweep_report
from ceas_ray.runs.sweeps import workers
from ceas_ray.runs.sweeps.report import report
from ceas_ray.runs.sweeps.state import running
from ceas_ray.runs.sweeps.sweep import Sweep
from ceas_ray.runs.sweeps.work import JobEnd, Parcel, run_job
from ceas_ray.runs.sweeps.workers import Workers
from ceas_ray.runtime.failure import RuntimeFailure
from ceas_ray.runtime.interruption import Interruption
from ceas_ray.tracking.files import read_journal
from tests.runs.sweeps.sweep_folder import RULE, rows
from tests.runs.sweeps.sweep_of_small_runs import small_jobs
from tests.small_worlds import SMALL

pytestmark = pytest.mark.usefixtures("working_folder")


def ended(folder: Path) -> list[tuple[int, str]]:
    lines = read_journal(folder / "sweep.jsonl")
    return [(line["number"], line["status"]) for line in lines if line["event"] == "job"]


@pytest.mark.slow
def test_a_failing_job_is_listed_the_others_finish_and_the_same_command_runs_it_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "failing_rule_of_a_test.py").write_text(RULE)
    line = [
        "-m", *SMALL, "aggregation=mean", "aggregation.rule._target_=failing_rule_of_a_test.Mine",
        "+aggregation.rule.fails=false,true",
    ]  # fmt: skip
    assert main(line) == 1
    (folder,) = (tmp_path / "outputs").iterdir()
    found = rows(folder)
    assert [(row["status"], row["aggregation.rule.fails"]) for row in found] == [
        ("completed", "False"),
        ("failed", "True"),
    ]
    assert float(found[0]["test_accuracy"]) > 0 and found[1]["folder"] == "1"
    said = capsys.readouterr()
    assert said.out.splitlines()[-1] == str(folder / "results.csv")
    assert "#1 aggregation.rule.fails=True: failed: " in said.err and "RuntimeError" in said.err
    assert main(line) == 1
    assert ended(folder) == [(0, "completed"), (1, "failed"), (1, "failed")]
    assert [path.name for path in (tmp_path / "outputs").iterdir()] == [folder.name]
    assert (folder / "multirun.yaml").exists()


@pytest.mark.slow
def test_an_interrupted_sweep_goes_on_each_job_once_and_a_finished_one_starts_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    line, done = ["-m", *SMALL, "training.rounds=1", "seed=1,2,3"], 0

    def interrupted_at_the_second(parcel: Parcel, here: bool) -> JobEnd:
        nonlocal done
        done += 1
        return JobEnd("interrupted", "") if done == 2 else run_job(parcel, here)

    monkeypatch.setattr(workers, "run_job", interrupted_at_the_second)
    assert main(line) == 130
    assert "interrupted; the same command goes on" in capsys.readouterr().err
    (folder,) = (tmp_path / "outputs").iterdir()
    assert [row["status"] for row in rows(folder)] == ["completed", "not begun", "not begun"]
    assert main(line) == 0
    assert ended(folder) == [(0, "completed"), (1, "interrupted"), (1, "completed"), (2, "completed")]
    digests = [row["trace_digest"] for row in rows(folder)]
    assert digests == [json.loads((folder / n / "summary.json").read_text())["trace_digest"] for n in "012"]
    assert main([*line, "output=anew"]) == 0, "a folder of its own, whatever lies elsewhere"
    assert [row["trace_digest"] for row in rows(tmp_path / "anew")] == digests
    assert read_journal(tmp_path / "anew" / "sweep.jsonl")[-1]["event"] == "ended"
    capsys.readouterr()
    assert main([*line, "output=anew"]) == 2
    assert capsys.readouterr().err.startswith("hydra.sweep.dir must be a folder without a finished sweep in it")


@pytest.mark.slow
def test_a_sweep_interrupted_before_a_job_is_over_says_that_it_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    line = ["-m", *SMALL, "quiet=false", "training.rounds=1", "seed=1,2"]
    with monkeypatch.context() as patched:
        patched.setattr(workers, "run_job", lambda parcel, here: JobEnd("interrupted", ""))
        assert main(line) == 130
    assert "going on with" not in capsys.readouterr().err
    assert main(line) == 0
    (folder,) = (tmp_path / "outputs").iterdir()
    said = " ".join(capsys.readouterr().err.split())  # lines are as wide as the screen
    assert "going on with" in said and "0 of 2 jobs are over" in said, said
    assert ended(folder) == [(0, "interrupted"), (0, "completed"), (1, "completed")]


def test_a_sweep_whose_last_job_is_over_when_the_signal_comes_is_complete(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def signalled_at_the_end(parcel: Parcel, here: bool) -> JobEnd:
        end = run_job(parcel, here)
        if Path(parcel.folder).name == "1":
            signal.raise_signal(signal.SIGTERM)
        return end

    monkeypatch.setattr(workers, "run_job", signalled_at_the_end)
    assert main(["-m", *SMALL, "training.rounds=1", "seed=1,2", f"output={tmp_path}/s"]) == 0
    assert ended(tmp_path / "s") == [(0, "completed"), (1, "completed")]
    assert "interrupted" not in capsys.readouterr().err


SEARCH = ["hydra/sweeper=optuna", "training.learning_rate=interval(0.1,0.3)", "hydra.sweeper.trials=2"]


@pytest.mark.slow
@pytest.mark.parametrize("words", [["seed=1,2"], SEARCH], ids=["sweep", "search"])
def test_a_sweep_that_a_signal_ends_while_it_reports_is_reported_by_the_same_command_and_runs_nothing_twice(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def signalled(*_: Any) -> None:
        signal.raise_signal(signal.SIGTERM)

    line = ["-m", *SMALL, "training.rounds=1", *words]
    for step in (f"{sweep_report.__name__}.write_whole", f"{comparison_table.__name__}.print_rows"):
        with monkeypatch.context() as patched:
            patched.setattr(step, signalled)
            assert main(line) == 130
    assert main(line) == 0
    (folder,) = (tmp_path / "outputs").iterdir()
    assert ended(folder) == [(0, "completed"), (1, "completed")]
    assert [row["status"] for row in rows(folder)] == ["completed", "completed"]
    capsys.readouterr()
    assert main([*line, f"output={folder}"]) == 2
    assert "must be a folder without a finished sweep in it" in capsys.readouterr().err


class LongJob:
    """What runs one job that does not end, and whose sweep's folder is deleted meanwhile."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __len__(self) -> int:
        return 1

    def submit(self, *_: Any) -> None:
        """Begin it."""

    def ended(self, seconds: float) -> list[Any]:
        assert self._folder.exists(), "the sweep goes on"
        shutil.rmtree(self._folder)
        return []


def test_a_sweep_whose_folder_is_deleted_ends_before_a_job_does(tmp_path: Path) -> None:
    folder, jobs = tmp_path / "s", small_jobs(tmp_path / "s", ["seed=1"])

    def swept() -> None:
        with running(folder, "a key", jobs, by_default=False) as (journal, begun):
            sweep = Sweep(jobs, folder, journal, begun=begun, ended=report, states={})
            sweep.go(Workers((), LongJob(folder), travels=False), Interruption())

    with pytest.raises(RuntimeFailure, match=f"{folder} was deleted while this process wrote to it"):
        swept()


def test_a_forecast_of_a_sweep_leaves_no_folder(tmp_path: Path) -> None:
    assert main(["-m", *SMALL, "seed=1,2", "dry_run=true"]) == 0
    assert list(tmp_path.iterdir()) == []
