"""A sweep from Python: many runs by one call, and one table of all of them."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from ceas_ray.config.composition import composed_jobs, jobs
from ceas_ray.config.errors import SettingsError
from ceas_ray.reports.numbers import numbers_in
from ceas_ray.runs.environment import with_environment
from ceas_ray.runs.python_run import (
    COMPOSING,
    ON_RAY,
    one_thread_each,
    quiet_unless_said,
    refuse_other_commands,
    words_of,
)
from ceas_ray.runs.sweeps.jobs import SweepJob, as_job_of_sweep, differences, sweep_job
from ceas_ray.runs.sweeps.report import report
from ceas_ray.runs.sweeps.state import summary_of
from ceas_ray.runs.sweeps.sweep import run_sweep
from ceas_ray.runs.sweeps.workers import getting_ready
from ceas_ray.runtime.interruption import Interruption


def sweep(*overrides: str, **settings: Any) -> pd.DataFrame:
    """Run every combination of the values that are given; return a row per run, in the order of the runs.

    overrides: as on the command line with `-m`, e.g. `"attacks=alie,sign_flip"`. settings: as of `ceas_ray.run`, but a
    list stands for values to try: `seed=[1, 2, 3]`. Runs go side by side as on the command line, or one after the other
    with `runtime="local"`. `output` is the folder of the sweep (default: a new one under `outputs/`; an unfinished one
    of the same runs is continued). Its columns are the settings that differ, `status`, every number of the summaries
    under its dotted name, `trace_digest` and `folder`; a run that failed has NaN for what it did not reach.

    Raises SettingsError for bad settings before anything runs, RuntimeFailure if the cluster cannot be had, and
    KeyboardInterrupt if it is interrupted; the same call then goes on.
    """
    words = [*overrides, *(word for key, value in settings.items() for word in _swept(key, value))]
    told = quiet_unless_said(words)
    with COMPOSING:
        lines = jobs(told)
        configs = composed_jobs(lines)
    chosen = configs[0]["output"]
    folder = Path(chosen or f"outputs/{datetime.now():%Y-%m-%d_%H-%M-%S}_sweep").absolute()
    configs = _of_jobs(lines, configs, folder)
    ended: list[Sequence[SweepJob]] = []

    def keep(at: Path, found: Sequence[SweepJob], states: Mapping[int, str], causes: Mapping[int, str]) -> None:
        ended.append(found)
        if told == words:
            report(at, found, states, causes)

    alone = nullcontext() if all(config["runtime"]["name"] == "local" for config in configs) else ON_RAY
    with alone, one_thread_each(), getting_ready(configs, len(configs), words) as ready:
        checked = [
            sweep_job(config, number, line, differs)
            for number, (line, config, differs) in enumerate(zip(lines, configs, differences(lines), strict=True))
        ]
        states = run_sweep(checked, folder, chosen is None, Interruption(), ready=ready, ended=keep)
    return _table(ended[0], states)


def _swept(key: str, value: Any) -> list[str]:
    """Return the override of a setting; a list or an array stands for values to try."""
    if isinstance(value, list | tuple | np.ndarray | range):
        values = [word.partition("=")[2] for one in value for word in words_of(key, one)]
        return [f"{key}={','.join(values)}"]
    return list(words_of(key, value))


def _of_jobs(
    lines: Sequence[Sequence[str]], configs: Sequence[Mapping[str, Any]], folder: Path
) -> list[dict[str, Any]]:
    """Return the configurations of the jobs of the sweep in `folder`; raises SettingsError for other commands."""
    found, said_before = [], set[str]()
    for number, (line, config) in enumerate(zip(lines, configs, strict=True)):
        refuse_other_commands(config)
        if config["resume"] is not None:
            raise SettingsError("resume", "null in a sweep: the same call goes on with it", config["resume"])
        job, said = with_environment(config, line, os.environ, sweep=True)
        for text in said if not config["quiet"] else []:
            if text not in said_before:
                print(text, file=sys.stderr)
            said_before.add(text)
        found.append(as_job_of_sweep({**job, "output": str(folder / str(number))}, number, folder))
    return found


def _table(found: Sequence[SweepJob], states: Mapping[int, str]) -> pd.DataFrame:
    rows = []
    for job in found:
        summary = summary_of(job.folder)
        row: dict[str, Any] = {key: yaml.safe_load(value) for key, value in job.differs.items()}
        row |= {"status": states.get(job.number, "lost"), **{k: v for k, v in numbers_in(summary) if k not in row}}
        rows.append(row | {"trace_digest": summary.get("trace_digest"), "folder": str(job.folder)})
    return pd.DataFrame(rows)
