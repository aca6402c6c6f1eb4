"""The folder of a run: how a new one is made, and what is in an old one, read as untrusted input."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any

import yaml

from ceas_ray.config.errors import SettingsError, UnusableSettings, reason_of
from ceas_ray.config.schema import RunSettings
from ceas_ray.tracking.files import Journal, read_journal
from ceas_ray.tracking.locks import LOCK, HeldLock, LockLost, holder_of
from ceas_ray.tracking.plain_yaml import read_yaml

FREE_GROUPS = ("runtime", "tracking")
FREE = (*FREE_GROUPS, "stop", "sweep", "output", "resume", "verify", "timeline", "dry_run", "quiet", "origin")
"""Groups and keys that change no result: another choice may go on with a run."""

SWEEP_JOURNAL = "sweep.jsonl"
"""The journal of a sweep, in the folder that holds those of its runs."""

_TAKEN_BY = ("journal.jsonl", "settings.yaml", "summary.json")
"""Files that only a run or a study leaves in its folder."""

MLFLOW_STATUS = {
    "completed": "FINISHED",
    "stopped": "FINISHED",
    "pruned": "FINISHED",
    "stalled": "FAILED",
    "failed": "FAILED",
    "interrupted": "KILLED",
}
"""What MLflow calls the states in which a run ends."""


def wanted_folder(settings: RunSettings) -> Path:
    """Return the folder of a new run, not made yet; SettingsError if it cannot be made."""
    if settings.output is None:
        base = Path("outputs") / f"{datetime.now():%Y-%m-%d_%H-%M-%S}_seed{settings.seed}"
    else:
        base = Path(settings.output)
    folder = base.absolute()
    refuse_unwritable(folder, "output")
    if settings.output is not None:
        refuse_taken(folder)
    return folder


def refuse_taken(folder: Path) -> None:
    """Raise SettingsError for a folder that a run or a study has: one that began to write there."""
    journal, *others = (folder / name for name in _TAKEN_BY)
    if any(path.exists() for path in others) or (journal.exists() and journal.stat().st_size):
        raise SettingsError("output", "a folder without a run in it", str(folder))


def refuse_unwritable(folder: Path, key: str) -> None:
    """Raise SettingsError of `key` for a folder that is not there and cannot be made, or cannot be written to."""
    try:
        parent = next(p for p in (folder, *folder.parents) if p.exists())
    except OSError as error:  # names that no file system takes
        raise SettingsError(key, f"a folder that can be made ({error.strerror})", str(folder)) from None
    if not parent.is_dir() or not os.access(parent, os.W_OK):
        raise SettingsError(key, f"a folder that can be made ({parent} is not a writable folder)", str(folder))


@contextmanager
def claimed(folder: Path, by_default: bool) -> Iterator[HeldLock]:
    """Make the folder, and hold it for one run or study alone, whoever else starts at this moment.

    by_default: nobody chose the name; where another run has it, this one gets `NAME-2`, `NAME-3` and so on. A chosen
    folder may exist, but not with another run in it: SettingsError. One in which nothing was begun is not left behind.
    """
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    if not by_default:
        make_folder(folder)
    else:
        make_folder(folder.parent)
        names = (folder if n == 1 else folder.with_name(f"{folder.name}-{n}") for n in count(1))
        folder, missing = next(name for name in names if _made(name)), missing[1:]
    try:
        with held(folder, "output") as lock:
            refuse_taken(folder)
            try:
                yield lock
            finally:
                _remove_if_empty(folder / "journal.jsonl")
    finally:
        with suppress(OSError):  # at the first one that is not empty
            for path in dict.fromkeys((folder, *missing) if by_default else missing):
                path.rmdir()


@contextmanager
def held(folder: Path, key: str) -> Iterator[HeldLock]:
    """Hold the folder of a run for this process alone. SettingsError (of `key`), which says who has it, while another
    process does."""
    try:
        lock = HeldLock(folder / LOCK, lambda line: print(line, file=sys.stderr))
    except BlockingIOError as error:
        raise _in_use(key, folder, str(error.strerror)) from None
    except FileNotFoundError:
        raise UnusableSettings(key, f"{folder} is not the folder of a run: there is no such folder") from None
    except OSError as error:
        raise UnusableSettings(key, f"{folder} cannot be written to: {reason_of(error)}") from None
    try:
        yield lock
    finally:
        lock.release()


def refuse_while_its_sweep_runs(folder: Path, key: str) -> None:
    """Raise SettingsError (of `key`) for a run of a sweep that goes on: whoever runs that writes to the folder."""
    for sweep in folder.parents:
        if (sweep / SWEEP_JOURNAL).exists() and (holder := holder_of(sweep / LOCK)) is not None:
            raise _in_use(key, folder, f"its sweep in {sweep} is {holder}")


def _in_use(key: str, folder: Path, holder: str) -> SettingsError:
    return SettingsError(key, f"a folder that no other process writes to ({holder})", str(folder))


def _remove_if_empty(path: Path) -> None:
    if path.exists() and not path.stat().st_size:
        path.unlink()


def make_folder(folder: Path) -> None:
    """Make the folder and those above it, where they are missing; raises SettingsError if that cannot be done."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError("output", f"a folder that can be made ({error.strerror})", str(folder)) from None


def _made(folder: Path) -> bool:
    """Return whether this call made the folder; mkdir tells one caller alone, on shared file systems too."""
    try:
        folder.mkdir()
    except FileExistsError:
        return False
    except OSError as error:
        raise SettingsError("output", f"a folder that can be made ({error.strerror})", str(folder)) from None
    return True


def flat(config: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return nested settings as one mapping from dotted keys; lists as JSON."""
    found: dict[str, Any] = {}
    for name, value in config.items():
        if isinstance(value, Mapping):
            found |= flat(value, f"{prefix}{name}.")
        else:
            found[f"{prefix}{name}"] = json.dumps(value) if isinstance(value, list | tuple) else value
    return found


def decisive(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the flat settings that a result may depend on."""
    return {key: value for key, value in flat(config).items() if key.partition(".")[0] not in FREE}


def settings_text(config: Mapping[str, Any]) -> str:
    """Return `settings.yaml`: without aliases, keys sorted."""
    return yaml.safe_dump(json.loads(json.dumps(config)), sort_keys=True)


def read_settings(folder: Path, key: str) -> dict[str, Any]:
    """Return `settings.yaml` of a run folder; SettingsError (of `key`) for whatever is wrong with it."""
    path = folder / "settings.yaml"
    try:
        content = read_yaml(path)
        if not isinstance(content, dict) or not all(isinstance(name, str) for name in content):
            raise ValueError("no mapping of settings")
    except (FileNotFoundError, NotADirectoryError):
        raise UnusableSettings(key, f"{folder} is not the folder of a run: it has no {path.name}") from None
    except OSError as error:
        raise UnusableSettings(key, f"{path} cannot be read: {reason_of(error)}") from None
    except (yaml.YAMLError, ValueError, RecursionError, AttributeError) as error:
        line = " ".join(str(error).split())[:120]
        raise UnusableSettings(key, f"{path} holds no whole settings of a run: {line}") from None
    return content


def journal_of(folder: Path, key: str) -> list[dict[str, Any]]:
    """Return the journal of a run folder, whole lines only; SettingsError (of `key`) if it cannot be read."""
    path = folder / "journal.jsonl"
    try:
        return read_journal(path) if path.exists() else []
    except (OSError, ValueError) as error:
        raise UnusableSettings(key, f"{path} cannot be read: {reason_of(error)}") from None


def opened_journal(lock: HeldLock, key: str, warn: Callable[[str], None]) -> Journal:
    """Open the journal of a run whose folder is held, to go on with it; SettingsError (of `key`) if it cannot be."""
    path = lock.folder / "journal.jsonl"
    try:
        return Journal(path, lock, warn)
    except FileNotFoundError:
        raise UnusableSettings(key, _what_became_of(lock)) from None
    except (OSError, ValueError) as error:
        raise UnusableSettings(key, f"{path} cannot be read: {reason_of(error)}") from None


def _what_became_of(lock: HeldLock) -> str:
    try:
        lock.require_held()
    except LockLost as lost:
        return str(lost)
    return f"{lock.folder} was deleted and made anew while this process began to write to it"


def digests_of(journal: list[dict[str, Any]]) -> dict[int, str]:
    """Return the digest of every round in a journal."""
    rounds = [line for line in journal if line["event"] == "round"]
    return {line["round"]: line["digest"] for line in rounds if isinstance(line.get("round"), int) and "digest" in line}
