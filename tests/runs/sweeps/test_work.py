"""A worker runs a job as the command would have, on its own machine and on others that share no disk with it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from ceas_ray.runs.sweeps.sweep import parcel_of
from ceas_ray.runs.sweeps.work import JobEnd, packed, run_job, unpack
from tests.runs.sweeps.sweep_of_small_runs import small_jobs

OWN = (
    "from dataclasses import dataclass\nimport numpy as np\n\n\n@dataclass(frozen=True)\nclass Mine:\n"
    "    def __call__(self, updates, weights, faults):\n        return np.mean(updates, axis=0)\n"
)


def summary_of(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / "summary.json").read_text()))


def test_a_job_that_went_to_another_machine_comes_back_as_if_it_had_run_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its data and its own rule are not there any more when it runs."""
    own = tmp_path / "own"
    own.mkdir()
    (own / "travelling_rule_of_a_test.py").write_text(OWN)
    rows = np.random.default_rng(3).normal(size=(80, 3))
    np.savez(own / "mine.npz", x=rows, y=(rows[:, 0] > 0).astype(int))
    monkeypatch.chdir(own)
    monkeypatch.setattr(sys, "path", [*sys.path])
    words = [
        "training.data.name=file", "training.data.file=mine.npz", "aggregation=mean",
        "aggregation.rule._target_=travelling_rule_of_a_test.Mine",
    ]  # fmt: skip
    jobs = small_jobs(tmp_path / "sweep", [*words, "seed=1"], [*words, "seed=1", "quiet=true"])
    parcels = [parcel_of(job) for job in jobs]
    assert list(parcels[0].code) == ["travelling_rule_of_a_test.py"]
    del sys.modules["travelling_rule_of_a_test"]
    here = run_job(parcels[0], here=True)
    for path in own.iterdir():
        path.unlink() if path.is_file() else None
    monkeypatch.chdir(tmp_path)
    there = run_job(parcels[1], here=False)
    assert (here, there.status) == (JobEnd("completed", ""), "completed")
    assert not jobs[1].folder.exists() and there.packed is not None
    unpack(there.packed, jobs[1].folder)
    first, second = (summary_of(job.folder) for job in jobs)
    assert first["trace_digest"] == second["trace_digest"]
    settings = yaml.safe_load((jobs[1].folder / "settings.yaml").read_text())
    assert settings["output"] == str(jobs[1].folder) and settings["training"]["data"]["file"] == str(own / "mine.npz")


@pytest.mark.slow
@pytest.mark.parametrize("here", [True, False])
def test_a_job_that_was_begun_goes_on_where_it_was(here: bool, tmp_path: Path) -> None:
    words = ["seed=1", "training.rounds=4", "runtime.snapshot_every_rounds=1"]
    whole, cut, again = (
        small_jobs(tmp_path / name, [*words, *more])[0]
        for name, more in (("whole", []), ("cut", ["stop.simulated_seconds=1e-3"]), ("cut", []))
    )
    assert run_job(parcel_of(whole), here=True).status == "completed"
    assert run_job(parcel_of(cut), here=True).status == "stopped"
    end = run_job(parcel_of(again), here)
    assert end.status == "completed"
    if end.packed is not None:
        unpack(end.packed, again.folder)
    assert summary_of(again.folder)["trace_digest"] == summary_of(whole.folder)["trace_digest"]
    events = [json.loads(line)["event"] for line in (again.folder / "journal.jsonl").read_text().splitlines()]
    assert events.count("resumed") == 1 and events.count("round") == 4


def test_a_job_whose_folder_holds_other_settings_fails_and_runs_no_code_that_they_name(tmp_path: Path) -> None:
    (job,) = small_jobs(tmp_path / "sweep", ["stop.simulated_seconds=1e-3"])
    assert run_job(parcel_of(job), here=True).status == "stopped"
    (tmp_path / "planted.py").write_text(f"import pathlib; pathlib.Path({str(tmp_path / 'ran')!r}).touch()")
    path = job.folder / "settings.yaml"
    saved = yaml.safe_load(path.read_text())
    path.write_text(yaml.safe_dump(saved | {"training": saved["training"] | {"circuit": f"{tmp_path}/planted.py:f"}}))
    end = run_job(parcel_of(job), here=True)
    assert end.status == "failed" and "holds a run of other settings than this job has (training.circuit)" in end.cause
    assert not (tmp_path / "ran").exists()


def test_a_job_that_cannot_run_fails_alone_and_says_why(tmp_path: Path) -> None:
    (job,) = small_jobs(tmp_path, ["seed=1"])
    (job.folder / "settings.yaml").parent.mkdir(parents=True)
    (job.folder / "settings.yaml").write_text("[")
    end = run_job(parcel_of(job), here=True)
    assert end.status == "failed" and "holds no whole settings of a run" in end.cause


def test_a_folder_is_put_in_place_whole_or_not_at_all(tmp_path: Path) -> None:
    (tmp_path / "run" / "snapshots").mkdir(parents=True)
    (tmp_path / "run" / "snapshots" / "1").write_bytes(b"\0" * 1000)
    content = packed(tmp_path / "run")
    assert content is not None and packed(tmp_path / "nothing") is None
    unpack(content, tmp_path / "other")
    assert (tmp_path / "other" / "snapshots" / "1").read_bytes() == b"\0" * 1000
    with pytest.raises(Exception, match=r".*"):
        unpack(content[:700], tmp_path / "other")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other", "run"]
    assert (tmp_path / "other" / "snapshots" / "1").exists()
