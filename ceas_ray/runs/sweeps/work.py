"""What a worker on some machine does for a sweep: it runs a job, whose files came along, and hands its folder back."""

from __future__ import annotations

import atexit
import importlib
import io
import os
import shutil
import sys
import tarfile
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from threadpoolctl import threadpool_limits

from ceas_ray.config.errors import SettingsError, UnusableSettings
from ceas_ray.config.schema import RunSettings
from ceas_ray.config.validation import build
from ceas_ray.kernel.input_file import carrying
from ceas_ray.runs.folder import decisive, read_settings
from ceas_ray.runs.limits import Pruning
from ceas_ray.runs.run import execute
from ceas_ray.runs.training_run import Status
from ceas_ray.runtime.failure import RuntimeFailure
from ceas_ray.runtime.interruption import Interruption
from ceas_ray.runtime.platform_fingerprint import first_difference, platform_fingerprint
from ceas_ray.runtime.temporary_folder import parent_of_temporary_files
from ceas_ray.tracking.locks import LOCK
from ceas_ray.world.builder import outline_world


@dataclass(frozen=True)
class Parcel:
    """A job as it travels. folder: on the machine of the command; packed: what is in it by now, if anything.

    files: contents of input files by their absolute paths there; code: those of the user's own modules by their names.
    fingerprint: of what the machine of the command computes (None: others may compute other bits). warnings: which the
    sweep prints. pruning: of a trial.
    """

    config: Mapping[str, Any]
    folder: Path
    packed: bytes | None
    files: Mapping[str, bytes]
    code: Mapping[str, bytes]
    fingerprint: Mapping[str, str] | None
    warnings: tuple[str, ...] = ()
    pruning: Pruning | None = None


@dataclass(frozen=True)
class JobEnd:
    """How a job ended. packed: its folder, where it ran on another machine than that of the command."""

    status: Status
    cause: str
    packed: bytes | None = None


def run_job(parcel: Parcel, here: bool) -> JobEnd:
    """Run a job, or go on with it. here: whether this is the machine of the command.

    Only in the main thread is it ended by signals.
    """
    interruption = Interruption()
    hears = threading.current_thread() is threading.main_thread()
    try:
        if hears:
            interruption.begin()
        _refuse_other_bits(parcel)
        with threadpool_limits(1), _own_code(parcel.code), carrying(parcel.files), _work_folder(parcel, here) as at:
            status, cause = _run(parcel, at, interruption)
            return JobEnd(status, cause, None if here else packed(at))
    except KeyboardInterrupt:
        return JobEnd("interrupted", "")
    except (SettingsError, RuntimeFailure) as error:
        return JobEnd("failed", str(error))
    finally:
        if hears:
            interruption.end()


def warm_up(config: Mapping[str, Any]) -> None:
    """Import what a job with this configuration takes. What is wrong with it, the command says."""
    with threadpool_limits(1), suppress(SettingsError):
        outline_world(build(RunSettings, config))


def _run(parcel: Parcel, folder: Path, interruption: Interruption) -> tuple[Status, str]:
    causes: list[str] = []
    config: Mapping[str, Any] = parcel.config
    if (folder / "settings.yaml").exists():
        saved = read_settings(folder, "resume")
        _refuse_other_settings(folder, saved, config)
        config = saved | {name: config[name] for name in ("runtime", "stop", "quiet")} | {"resume": str(folder)}
    status = execute(
        config,
        interruption,
        lambda summary, _: causes.append(summary["cause"]),
        folder,
        printed_warnings=parcel.warnings,
        pruning=parcel.pruning,
    )
    return status, "".join(causes)


def _refuse_other_settings(folder: Path, saved: Mapping[str, Any], config: Mapping[str, Any]) -> None:
    """Raise SettingsError for the folder of another run: it might name code that nobody here chose."""
    known, wanted = decisive(saved), decisive(config)
    other = next((key for key in sorted({*known, *wanted}) if known.get(key) != wanted.get(key)), None)
    if other is not None:
        raise UnusableSettings("resume", f"{folder} holds a run of other settings than this job has ({other})")


def _refuse_other_bits(parcel: Parcel) -> None:
    if parcel.fingerprint is None:
        return
    difference = first_difference(dict(parcel.fingerprint), own_fingerprint())
    if difference is not None:
        raise RuntimeFailure(
            f"machine {os.uname().nodename} would compute other bits: {difference}; runtime.allow_mixed_hosts=true "
            "runs it all the same"
        )


@cache
def own_fingerprint() -> dict[str, str]:
    """Return what this machine computes, worked out once: see `platform_fingerprint`."""
    return platform_fingerprint()


@contextmanager
def _own_code(code: Mapping[str, bytes]) -> Iterator[None]:
    """Make a folder with these modules the working folder, where policies of one's own are looked for."""
    if not code:
        yield
        return
    before = Path.cwd()
    os.chdir(_folder_of_code(tuple(sorted(code.items()))))
    try:
        yield
    finally:
        os.chdir(before)


@cache
def _folder_of_code(code: tuple[tuple[str, bytes], ...]) -> Path:
    """Return the folder with these modules: one in the life of a process, since Python imports a module once."""
    folder = Path(tempfile.mkdtemp(prefix="ceas_code_", dir=parent_of_temporary_files()))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    for name, content in code:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    sys.path.insert(0, str(folder))  # before the folder of the command, which Ray's workers on its machine have there
    importlib.invalidate_caches()
    return folder


@contextmanager
def _work_folder(parcel: Parcel, here: bool) -> Iterator[Path]:
    """Yield the run folder itself, or one on this machine with what was in it."""
    if here:
        yield parcel.folder
        return
    with tempfile.TemporaryDirectory(prefix="ceas_job_", dir=parent_of_temporary_files()) as place:
        folder = Path(place, parcel.folder.name)
        if parcel.packed is not None:
            unpack(parcel.packed, folder)
        yield folder


def packed(folder: Path) -> bytes | None:
    """Return the files of a folder as one archive; None if there is no such folder."""
    if not folder.is_dir():
        return None
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as archive:
        archive.add(folder, arcname=".", filter=lambda member: None if Path(member.name).name == LOCK else member)
    return content.getvalue()


def unpack(content: bytes, folder: Path) -> None:
    """Put the files of an archive into the folder, in place of what is there: all of them or none."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    place = Path(tempfile.mkdtemp(prefix=f".{folder.name}_", dir=folder.parent))
    try:
        with tarfile.open(fileobj=io.BytesIO(content)) as archive:
            archive.extractall(place, filter="data")
        if folder.exists():
            shutil.rmtree(folder)
        place.replace(folder)
    finally:
        shutil.rmtree(place, ignore_errors=True)
