"""By what a sweep is found again, and who may go on with it."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest

from ceas_ray.config.errors import SettingsError
from ceas_ray.runs.sweeps.jobs import SweepJob
from ceas_ray.runs.sweeps.state import key_of, refuse_taken, running, unfinished
from ceas_ray.runtime.failure import RuntimeFailure
from ceas_ray.tracking import files
from tests.runs.sweeps.sweep_of_small_runs import small_jobs


def ended(job: SweepJob, status: str) -> None:
    job.folder.mkdir(parents=True, exist_ok=True)
    (job.folder / "summary.json").write_text(json.dumps({"status": status}))


def begun(folder: Path, jobs: list[SweepJob]) -> str:
    key = key_of(jobs)
    with running(folder, key, jobs, by_default=True):
        return key


def reported(folder: Path, jobs: list[SweepJob]) -> None:
    with running(folder, key_of(jobs), jobs, by_default=True) as (journal, _):
        journal.append("ended", {"jobs": len(jobs)})


def test_the_key_of_a_sweep_holds_what_decides_results_and_nothing_else(tmp_path: Path) -> None:
    lines = ["seed=1"], ["seed=2"]
    key = key_of(small_jobs(tmp_path, *lines))
    assert key == key_of(small_jobs(tmp_path / "elsewhere", *lines))
    assert key == key_of(small_jobs(tmp_path, *([*words, "runtime.hang_seconds=9"] for words in lines)))
    for other in (lines[::-1], lines[:1], [[*words, "training.rounds=4"] for words in lines]):
        assert key != key_of(small_jobs(tmp_path, *other))


def test_the_newest_sweep_that_is_not_finished_is_gone_on_with(tmp_path: Path) -> None:
    sweeps = [small_jobs(tmp_path / name, ["seed=1"], ["seed=2"]) for name in ("b", "a", "c")]
    keys = {begun(jobs[0].folder.parent, jobs) for jobs in sweeps}
    assert len(keys) == 1
    (key,) = keys
    for job in sweeps[2]:
        ended(job, "completed")
    assert unfinished(tmp_path, key) == tmp_path / "c", "the newest, whose table is not written yet"
    reported(tmp_path / "c", sweeps[2])
    assert unfinished(tmp_path, key) == tmp_path / "a", "the newest, c, is finished"
    ended(sweeps[1][0], "completed")
    ended(sweeps[1][1], "failed")
    assert unfinished(tmp_path, key) == tmp_path / "a", "a job that failed is not over"
    assert unfinished(tmp_path, "another key") is None
    with running(tmp_path / "a", key, sweeps[1], by_default=True):
        assert unfinished(tmp_path, key) == tmp_path / "b", "another command runs a"


def test_a_sweep_whose_folder_was_chosen_is_only_found_there(tmp_path: Path) -> None:
    jobs = small_jobs(tmp_path / "mine", ["seed=1"])
    key = key_of(jobs)
    with running(tmp_path / "mine", key, jobs, by_default=False):
        other_command = running(tmp_path / "mine", key, jobs, by_default=False)
        with pytest.raises(SettingsError, match="a folder that no other process writes to"):
            other_command.__enter__()
    assert unfinished(tmp_path, key) is None
    refuse_taken(tmp_path / "mine", key, jobs, resume=True)
    with pytest.raises(SettingsError, match="without a sweep in it"):
        refuse_taken(tmp_path / "mine", key, jobs, resume=False)
    with pytest.raises(SettingsError, match="another sweep"):
        refuse_taken(tmp_path / "mine", "another key", jobs, resume=True)
    ended(jobs[0], "completed")
    reported(tmp_path / "mine", jobs)
    with pytest.raises(SettingsError, match="a finished sweep"):
        refuse_taken(tmp_path / "mine", key, jobs, resume=True)


def test_a_sweep_begins_only_where_its_first_line_can_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(file: int, content: bytes) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    jobs = small_jobs(tmp_path / "mine", ["seed=1"])
    with monkeypatch.context() as disk:
        disk.setattr(files.os, "write", full)
        sweep = running(tmp_path / "mine", "a key", jobs, by_default=False)
        with pytest.raises(RuntimeFailure, match="No space left on device; once it can be, the same command goes on"):
            sweep.__enter__()
    with running(tmp_path / "mine", "a key", jobs, by_default=False) as (_, begun):
        assert not begun


def test_a_folder_with_a_run_of_somebody_else_is_refused(tmp_path: Path) -> None:
    jobs = small_jobs(tmp_path / "mine", ["seed=1"])
    jobs[0].folder.mkdir(parents=True)
    (jobs[0].folder / "journal.jsonl").write_text("of another run")
    with pytest.raises(SettingsError, match="a folder without a run in it"):
        refuse_taken(tmp_path / "mine", key_of(jobs), jobs, resume=True)
