"""What a sweep leaves in its folder while it goes on, by which the same command finds it and goes on with it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import Any, get_args

from ceas_ray.config.errors import SettingsError, UnusableSettings, reason_of
from ceas_ray.runs import folder as run_folder
from ceas_ray.runs.folder import SWEEP_JOURNAL, decisive, refuse_unwritable
from ceas_ray.runs.provenance import code_version
from ceas_ray.runs.sweeps.jobs import SweepJob
from ceas_ray.runs.training_run import Status
from ceas_ray.runtime.failure import RuntimeFailure
from ceas_ray.tracking.files import Journal, read_journal, read_json
from ceas_ray.tracking.locks import LOCK, LockLost, holder_of
from ceas_ray.world.inputs import targets_of

_KEY = "hydra.sweep.dir"
OVER: tuple[Status, ...] = ("completed", "stopped", "pruned", "stalled")
"""States of a job that would not end otherwise if it were run once more."""
REPORTED = "ended"
"""Event of a sweep's last line, once all its jobs are over and its table is written."""


def key_of(jobs: Sequence[SweepJob]) -> str:
    """Return a hash of what decides the results of all jobs: settings, contents of input files, code."""
    digest = blake2b(digest_size=16)
    for job in jobs:
        content = [decisive(job.config), job.settings.stop.model_dump(), code_version(targets_of(job.config).values())]
        digest.update(json.dumps(content, sort_keys=True).encode() + b"\0")
    return digest.hexdigest()


def summary_of(folder: Path) -> Mapping[str, Any]:
    """Return what the run in this folder came to; nothing if it wrote no summary."""
    try:
        return dict(read_json(folder / "summary.json"))
    except (OSError, ValueError, TypeError):
        return {}


def status_of(folder: Path) -> Status | None:
    """Return how the run in this folder ended; None if it did not."""
    found = summary_of(folder).get("status")
    return next((status for status in get_args(Status) if status == found), None)


def is_finished(folder: Path) -> bool:
    """Return whether all jobs of the sweep in this folder are over, and reported on."""
    started = _started(folder)
    over = started is None or all(status_of(folder / name) in OVER for name in started.get("jobs", ()))
    return over and is_reported(folder)


def is_reported(folder: Path) -> bool:
    """Return whether the sweep in this folder wrote its table after the last of its jobs; True if there is no sweep."""
    lines = _lines(folder)
    return not lines or lines[-1]["event"] == REPORTED


def unfinished(place: Path, key: str, finished: Callable[[Path], bool] = is_finished) -> Path | None:
    """Return the folder of the newest sweep of these jobs in `place` that is not finished and that nobody runs now."""
    found = [(began, folder) for began, folder in _sweeps_of(place, key) if not finished(folder)]
    return next((folder for _, folder in sorted(found, reverse=True) if not _is_running(folder)), None)


def refuse_taken(
    folder: Path,
    key: str,
    jobs: Sequence[SweepJob],
    resume: bool,
    *,
    finished: Callable[[Path], bool] = is_finished,
) -> None:
    """Raise SettingsError for a folder that holds other jobs, or these jobs with nothing left to do.

    resume: whether an unfinished sweep of the same jobs may be continued.
    """
    refuse_unwritable(folder, _KEY)
    there = _started(folder)
    if there is None:
        for job in jobs:
            run_folder.refuse_taken(job.folder)
    elif there.get("key") != key:
        raise SettingsError(_KEY, "a folder without another sweep in it", str(folder))
    elif finished(folder):
        raise SettingsError(_KEY, "a folder without a finished sweep in it", str(folder))
    elif not resume:
        raise SettingsError(_KEY, "a folder without a sweep in it (sweep.resume=auto goes on with it)", str(folder))


@contextmanager
def running(folder: Path, key: str, jobs: Sequence[SweepJob], by_default: bool) -> Iterator[tuple[Journal, bool]]:
    """Hold the sweep in this folder for this command alone; yield its journal, and whether it was begun before.

    Raises SettingsError while another command runs it, and RuntimeFailure if the folder is lost or its disk full.
    """
    run_folder.make_folder(folder)
    with run_folder.held(folder, _KEY) as lock:
        path, begun = folder / SWEEP_JOURNAL, _started(folder) is not None
        try:
            if not begun and path.exists() and read_journal(path):
                raise ValueError("its first line is not that of a sweep")
            journal = Journal(path, lock, print)
        except (OSError, ValueError) as error:
            raise UnusableSettings(_KEY, f"{path} cannot be read: {reason_of(error)}") from None
        try:
            if not begun:
                names = [job.folder.relative_to(folder).as_posix() for job in jobs]
                journal.append("started", {"key": key, "began": time.time(), "by_default": by_default, "jobs": names})
                journal.write()  # it begins only if this line is on the disk
            yield journal, begun
            journal.close()
        except LockLost as lost:
            raise RuntimeFailure(str(lost)) from None
        except OSError as error:
            how = "once it can be, the same command goes on"
            raise RuntimeFailure(f"{folder} cannot be written to: {reason_of(error)}; {how}") from None
        finally:
            journal.leave()


def ended_jobs(folder: Path) -> dict[int, Mapping[str, Any]]:
    """Return what the sweep's journal says of each job that ended: its last line, by the job's number.

    Raises SettingsError for a line that no sweep writes.
    """
    path = folder / SWEEP_JOURNAL
    lines = [line for line in read_journal(path) if line["event"] == "job"]
    if not all(map(_is_end, lines)):
        raise UnusableSettings(_KEY, f"{path} cannot be read: a line of a job is not one that a sweep writes")
    return {line["number"]: line for line in lines if line["status"] != "interrupted"}


def _is_end(line: Mapping[str, Any]) -> bool:
    number, status, place = (line.get(name) for name in ("number", "status", "folder"))
    whole = type(number) is int and status in get_args(Status) and isinstance(place, str)
    return whole and not Path(str(place)).is_absolute() and ".." not in Path(str(place)).parts


def _sweeps_of(place: Path, key: str) -> Iterator[tuple[float, Path]]:
    for path in place.glob(f"*/{SWEEP_JOURNAL}"):
        started = _started(path.parent)
        if started is not None and started.get("key") == key and started.get("by_default"):
            yield float(started["began"]), path.parent


def _started(folder: Path) -> Mapping[str, Any] | None:
    """Return the first line of a sweep's journal; None if there is none that a sweep wrote."""
    lines = _lines(folder)
    return lines[0] if lines and _is_start(lines[0]) else None


def _lines(folder: Path) -> Sequence[Mapping[str, Any]]:
    """Return the lines of a sweep's journal; none where there is no journal that can be read."""
    try:
        return read_journal(folder / SWEEP_JOURNAL)
    except (OSError, ValueError):
        return ()


def _is_start(line: Mapping[str, Any]) -> bool:
    jobs = line.get("jobs")
    whole = isinstance(jobs, list) and all(isinstance(name, str) and "\0" not in name for name in jobs)
    return whole and line["event"] == "started" and isinstance(line.get("began"), int | float)


def _is_running(folder: Path) -> bool:
    try:
        return holder_of(folder / LOCK) is not None
    except OSError:
        return True
