"""A sweep of small runs, checked and not begun."""

from __future__ import annotations

from pathlib import Path

from ceas_ray.runs.sweeps.jobs import SweepJob, as_job_of_sweep, differences, sweep_job
from tests.composed_settings import composed_once
from tests.small_worlds import SMALL


def small_jobs(folder: Path, *lines: list[str]) -> list[SweepJob]:
    """The jobs with these overrides, in folders 0, 1, ... of `folder`."""
    jobs = []
    for number, (words, differs) in enumerate(zip(lines, differences(lines), strict=True)):
        config = composed_once([*SMALL, *words]) | {"output": str(folder / str(number))}
        jobs.append(sweep_job(as_job_of_sweep(config, number, folder), number, words, differs))
    return jobs
