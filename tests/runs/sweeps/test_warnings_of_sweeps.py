"""Warnings of the jobs of a sweep: each once, with the jobs that it concerns, whatever runs them."""

from __future__ import annotations

from pathlib import Path

import pytest

import ceas_ray
from ceas_ray.cli.run import main
from ceas_ray.runs import training_run
from ceas_ray.runs.sweeps.report import warnings_in
from ceas_ray.runs.sweeps.sweep import parcel_of
from ceas_ray.runs.sweeps.work import run_job
from ceas_ray.tracking.files import read_journal
from tests.runs.sweeps.sweep_of_small_runs import small_jobs
from tests.small_worlds import SMALL

pytestmark = pytest.mark.usefixtures("working_folder")
CHOOSES = "warning: MaxWeight chooses between links that share channels"


def test_a_sweep_prints_a_warning_once_and_says_which_jobs_it_concerns(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = [*SMALL, "training.rounds=1", "scheduling=max_weight,on_demand", "seed=1,2"]
    assert main(["-m", *line, "output=swept"]) == 0
    (said,) = [text for text in capsys.readouterr().err.splitlines() if text.startswith(CHOOSES)]
    assert said.endswith("(2 of 4 jobs: #0, #1)"), said
    for number, expected in enumerate((1, 1, 0, 0)):
        journal = read_journal(tmp_path / "swept" / str(number) / "journal.jsonl")
        assert sum(CHOOSES in event.get("text", "") for event in journal) == expected


@pytest.mark.slow
def test_a_sweep_from_python_prints_a_warning_once(capsys: pytest.CaptureFixture[str]) -> None:
    ceas_ray.sweep(*SMALL, "training.rounds=1", "scheduling=max_weight", seed=[1, 2])
    (said,) = [text for text in capsys.readouterr().err.splitlines() if text.startswith(CHOOSES)]
    assert said.endswith("(all 2 jobs)"), said


def test_a_job_notes_the_warnings_that_were_found_when_it_was_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (job,) = small_jobs(tmp_path, ["scheduling=max_weight", "training.rounds=1"])
    monkeypatch.delattr(training_run, "warnings_of")
    assert run_job(parcel_of(job), here=True).status == "completed"
    journal = read_journal(job.folder / "journal.jsonl")
    noted = tuple(event["text"] for event in journal if event["event"] == "warning")
    assert noted == job.warnings and noted[-1].startswith(CHOOSES)
    assert CHOOSES not in capsys.readouterr().err


def test_a_long_list_of_jobs_is_cut_and_one_job_is_named(tmp_path: Path) -> None:
    lines = [["scheduling=max_weight", f"seed={seed}"] for seed in range(10)] + [["seed=11"]]
    jobs = small_jobs(tmp_path, *lines)

    def said(first: int, end: int) -> list[str]:
        return [text for text in warnings_in(jobs[first:end], 11) if text.startswith(CHOOSES)]

    assert said(0, 11)[0].endswith("(10 of 11 jobs: #0, #1, #2, #3, #4, #5, #6, #7 and 2 more)")
    assert said(3, 4)[0].endswith("(job #3)")
    assert said(10, 11) == []
