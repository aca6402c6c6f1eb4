"""Going on with a run, or replaying it, from its folder."""

from __future__ import annotations

import copy
import json
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ceas_ray.config.composition import overridden_keys
from ceas_ray.config.conf_path import conf_directory
from ceas_ray.config.errors import SettingsError, UnusableSettings, reason_of
from ceas_ray.config.schema import RunSettings
from ceas_ray.config.validation import build
from ceas_ray.kernel.windows import Simulation
from ceas_ray.runs.confirmed_places import refuse_unconfirmed, refuse_unconfirmed_code
from ceas_ray.runs.folder import FREE, FREE_GROUPS, decisive, journal_of, read_settings, refuse_unwritable
from ceas_ray.runs.provenance import code_version
from ceas_ray.runs.results import Results
from ceas_ray.runs.stored_run import KEPT, fetched, held_place
from ceas_ray.runtime.local_runtime import LocalCluster
from ceas_ray.runtime.platform_fingerprint import platform_fingerprint
from ceas_ray.tracking.files import read_json
from ceas_ray.tracking.locks import HeldLock
from ceas_ray.tracking.snapshots import OtherFormat, SnapshotFolder
from ceas_ray.tracking.store_lock import HeldStore
from ceas_ray.tracking.stores import store_at
from ceas_ray.world.builder import build_world
from ceas_ray.world.inputs import targets_of

_KEY = "runtime.snapshot_folder"


@dataclass(frozen=True)
class Cut:
    """A point from which a run can go on: all that the driver and the simulation knew when `rounds` rounds were
    over."""

    rounds: int
    simulation: Mapping[str, Any]
    results: Mapping[str, Any]
    wall_seconds: float
    faults: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True)
class Resumed:
    """A run to go on with: from its newest usable cut (None: from the beginning). notes: on other snapshots."""

    cut: Cut | None
    journal: list[dict[str, Any]]
    notes: tuple[str, ...]


def config_of_run(config: Mapping[str, Any], overrides: Sequence[str]) -> dict[str, Any]:
    """Return the configuration of the run that `resume` or `verify` names.

    Overrides may choose what changes no result (runtime, tracking, limits), key by key: what they do not name goes on
    as in the run. Any other must agree with the run. Where `resume` is the URL of a run's snapshots, a run folder is
    made from what is kept there.
    """
    key = "resume" if config["resume"] is not None else "verify"
    if config["resume"] is not None and config["verify"] is not None:
        raise SettingsError("verify", "null where a run is resumed", config["verify"])
    if not isinstance(config[key], str):
        raise SettingsError(key, "a text", config[key])
    if key == "resume" and "://" in config[key]:
        output = config["output"]
        with fetched(config[key], output if isinstance(output, str) else None) as folder:
            found = _config_of(folder, key, config, overrides)
            if _KEY not in overridden_keys(overrides):  # what the command names, whatever the settings there say
                _copy({"runtime": {"snapshot_folder": config[key]}}, found, _KEY.split("."))
            return found
    return _config_of(Path(config[key]).absolute(), key, config, overrides)


def _config_of(folder: Path, key: str, config: Mapping[str, Any], overrides: Sequence[str]) -> dict[str, Any]:
    saved = read_settings(folder, key)
    merged = copy.deepcopy(saved)
    known, asked = decisive(saved), decisive(config)
    for name in overridden_keys(overrides):
        if name in FREE_GROUPS:
            _choose(name, config, merged)
            continue
        if name.partition(".")[0] in FREE:
            _copy(config, merged, name.split("."))
            continue
        for entry in asked:
            named = name == "experiment" or entry == name or entry.startswith(f"{name}.")
            if named and (entry not in known or known[entry] != asked[entry]):
                was = repr(known[entry]) if entry in known else "left out"
                raise SettingsError(entry, f"{was} as in the run in {folder}", asked[entry])
    merged |= {"resume": None, "verify": None, key: str(folder), "output": saved.get("output")}
    if all(isinstance(merged.get(group), dict) for group in FREE_GROUPS):
        refuse_unconfirmed(folder, merged, config, named=overridden_keys(overrides), environment=os.environ)
    refuse_unconfirmed_code(folder, merged, overridden_keys(overrides))
    _refuse_settings_of_another_version(folder, key, merged)
    return merged


def _refuse_settings_of_another_version(folder: Path, key: str, merged: Mapping[str, Any]) -> None:
    """Raise SettingsError if this version does not know the settings of a run of another one."""
    try:
        build(RunSettings, merged)
    except SettingsError as error:
        started = next((line for line in journal_of(folder, key) if line["event"] == "started"), {})
        if started.get("code") in (None, code_version(targets_of(merged).values())):
            raise
        must = f"a run of this version of ceas_ray ({error}; its code: {started['code']})"
        raise SettingsError(key, must, str(folder)) from None


def _choose(group: str, config: Mapping[str, Any], merged: dict[str, Any]) -> None:
    """Make another choice of a group: what tells its files apart, as the command has it; the rest is as in the run.

    The first key of a group's files says which choice it is: the same choice once more changes nothing.
    """
    chosen, own = config[group], merged.get(group)
    if not isinstance(own, dict):
        raise SettingsError(group, "a group of the run's settings", own)
    first, *others = (yaml.safe_load(path.read_text()) for path in sorted((conf_directory() / group).glob("*.yaml")))
    apart = [name for name in first if any(other[name] != first[name] for other in others)]
    if own.get(apart[0]) != chosen[apart[0]]:
        merged[group] = own | {name: chosen[name] for name in apart}


def _copy(source: Mapping[str, Any], target: dict[str, Any], path: Sequence[str]) -> None:
    for name in path[:-1]:
        below = target.get(name)
        if not isinstance(below, dict):
            raise SettingsError(".".join(path), "a key of the run's settings", name)
        source, target = source[name], below
    if path[-1] in source:
        target[path[-1]] = source[path[-1]]


def versions(config: Mapping[str, Any]) -> dict[str, str]:
    """Return what must be the same for a run of these settings to go on with the same bits."""
    return {"code": code_version(targets_of(config).values())} | platform_fingerprint()


def snapshot_of(config: Mapping[str, Any], found: Mapping[str, str], run: str | None, cut: Cut) -> dict[str, Any]:
    """Return what a snapshot file holds. run: the identity that the journal of the run has."""
    return {
        "run": run,
        "versions": dict(found),
        "settings": {key: json.dumps(value) for key, value in decisive(config).items()},
        "rounds": cut.rounds,
        "simulation": cut.simulation,
        "results": cut.results,
        "wall_seconds": cut.wall_seconds,
        "faults": list(cut.faults),
    }


def snapshot_folder(settings: RunSettings, folder: Path) -> SnapshotFolder:
    """Return where a run keeps its snapshots. Raises SettingsError for a URL that cannot be used here."""
    return _snapshots_at(settings.runtime.snapshot_folder, settings, folder)


def _snapshots_at(chosen: str | None, settings: RunSettings, folder: Path) -> SnapshotFolder:
    own = folder / "snapshots"
    if chosen is None and own.is_symlink():
        raise UnusableSettings(_KEY, f"{own} is a link, which is not followed; {_KEY}=FOLDER names another place")
    try:
        store = store_at(own if chosen is None else chosen)
    except ValueError as error:
        raise UnusableSettings(_KEY, f"{chosen} cannot hold snapshots: {error}") from None
    return SnapshotFolder(store, settings.runtime.snapshots_kept)


def refuse_snapshots_of_others(settings: RunSettings, folder: Path) -> None:
    """Raise SettingsError if there are snapshots already where a new run wants to keep its own."""
    chosen = settings.runtime.snapshot_folder
    if chosen is not None and "://" not in chosen:
        refuse_unwritable(Path(chosen).absolute(), _KEY)
    snapshots = snapshot_folder(settings, folder)
    found = _newest_first(settings, snapshots) or [name for name in KEPT if snapshots.has_beside(name)]
    if found:
        key = "output" if chosen is None else _KEY
        raise SettingsError(
            key, f"a folder without snapshots of another run (it has {found[0]})", chosen or str(folder)
        )


@contextmanager
def held_snapshots(settings: RunSettings) -> Iterator[HeldLock | HeldStore | None]:
    """Hold the chosen folder of snapshots, or place behind a URL, for this run alone; None: there is none to hold.

    Raises SettingsError while another run keeps its snapshots there.
    """
    chosen = settings.runtime.snapshot_folder
    if chosen is None:
        yield None
        return
    with held_place(_KEY, chosen, store_at(chosen)) as lock:
        yield lock


def refuse_unwritable_snapshots(settings: RunSettings, folder: Path) -> None:
    """Raise SettingsError if snapshots cannot be written where settings want them; found out by writing there."""
    chosen = settings.runtime.snapshot_folder
    if chosen is None:
        return
    try:
        snapshot_folder(settings, folder).check_writable()
    except OSError as error:
        raise UnusableSettings(_KEY, f"{chosen} cannot be written to: {error.strerror}") from None


def _newest_first(settings: RunSettings, snapshots: SnapshotFolder) -> list[str]:
    try:
        return snapshots.newest_first()
    except OSError as error:
        raise UnusableSettings(_KEY, f"{settings.runtime.snapshot_folder} cannot be read: {error.strerror}") from None


def resumed(settings: RunSettings, config: Mapping[str, Any], folder: Path) -> Resumed:
    """Return the newest usable cut of the run in `folder`; damaged snapshots are passed over and noted.

    Raises SettingsError, the difference named, for a run or snapshot of other settings or another version, and for a
    run that is completed.
    """
    journal = journal_of(folder, "resume")
    _refuse_completed(folder, settings.training.rounds)
    here = versions(config)
    _refuse_other_version(journal, here, settings.runtime.allow_mixed_hosts)
    notes: list[str] = []
    written = sum(line["event"] == "round" for line in journal)
    for snapshots, name in _candidates(settings, folder, notes):
        try:
            content = snapshots.read(name)
            _refuse_other(name, content, config=config, here=here, allow_mixed=settings.runtime.allow_mixed_hosts)
            if journal and content.get("run") != journal[0].get("run"):
                raise ValueError("it is of another run")
            cut = _checked(content, settings)
            if cut.rounds > written:
                raise ValueError(f"the journal holds only {written} rounds")
            return Resumed(cut, journal, tuple(notes))
        except OtherFormat as error:
            raise SettingsError("resume", f"a run of this version ({name}: {error})", str(folder)) from None
        except (OSError, ValueError) as error:
            notes.append(f"{name} is not usable ({reason_of(error)}); going back to the one before")
    if notes or written:
        notes.append("there is no usable snapshot: starting from the first round")
    return Resumed(None, journal, tuple(notes))


def _candidates(settings: RunSettings, folder: Path, notes: list[str]) -> list[tuple[SnapshotFolder, str]]:
    """Return the snapshots by name: those in the chosen folder, then, if this is another one, where the run kept them
    before.
    """
    chosen = snapshot_folder(settings, folder)
    found = [(chosen, name) for name in _newest_first(settings, chosen)]
    runtime = read_settings(folder, "resume").get("runtime")
    before = runtime.get("snapshot_folder") if isinstance(runtime, dict) else None
    if before == settings.runtime.snapshot_folder or not isinstance(before, str | None):
        return found
    try:
        old = _snapshots_at(before, settings, folder)
        return [*found, *((old, name) for name in old.newest_first())]
    except (OSError, SettingsError) as error:
        notes.append(f"where the run kept its snapshots before, nothing can be read ({reason_of(error)})")
        return found


def _refuse_completed(folder: Path, rounds: int) -> None:
    path = folder / "summary.json"
    try:
        summary = read_json(path) if path.exists() else {}
    except (OSError, ValueError):
        return
    if not isinstance(summary, dict):
        return
    if summary.get("status") == "stalled" or (summary.get("status") == "completed" and summary.get("rounds") == rounds):
        raise SettingsError("resume", f"a run that is not {summary['status']}", str(folder))


def _refuse_other_version(journal: Sequence[Mapping[str, Any]], here: Mapping[str, str], allow: bool) -> None:
    started = next((line for line in journal if line["event"] == "started"), {})
    if not allow and started.get("code") not in (None, here["code"]):
        raise SettingsError(
            "resume", f"a run of this version of ceas_ray (its code: {started['code']})", f"code {here['code']}"
        )


def _refuse_other(
    name: str, content: Any, *, config: Mapping[str, Any], here: Mapping[str, str], allow_mixed: bool
) -> None:
    """Raise ValueError for what is no snapshot; raises SettingsError for one of other settings or of another
    version.
    """
    if not isinstance(content, dict) or not all(_is_of_texts(content.get(n)) for n in ("versions", "settings")):
        raise ValueError("it lacks its versions and settings")
    wanted = {key: json.dumps(value) for key, value in decisive(config).items()}
    for of, expected, found in (("settings", wanted, content["settings"]), ("version", here, content["versions"])):
        if of == "version" and allow_mixed:
            continue
        for key in sorted(set(expected) | set(found), key=str):
            if expected.get(key) != found.get(key):
                raise SettingsError(
                    "resume", f"a run whose snapshots have its {of}",
                    f"{name} with {key}: {found.get(key)} instead of {expected.get(key)}",
                )  # fmt: skip


def _is_of_texts(value: Any) -> bool:
    return isinstance(value, dict) and all(
        isinstance(text, str) and text.isprintable() for pair in value.items() for text in pair
    )


def _checked(content: Mapping[str, Any], settings: RunSettings) -> Cut:
    """Return the cut in a snapshot, tried out on actors of this process; raises ValueError if they do not take it."""
    try:
        cut = Cut(
            int(content["rounds"]), content["simulation"], content["results"], float(content["wall_seconds"]),
            tuple(dict(fault) for fault in content["faults"]),
        )  # fmt: skip
        if not (0 <= cut.wall_seconds < math.inf and cut.rounds >= 0):
            raise ValueError("numbers that no run has")
        json.dumps(cut.faults, allow_nan=False)
        world = build_world(settings)
        Simulation(LocalCluster(world.one_host())).restore(cut.simulation)
        Results(settings, world).restore(cut.results)
    except SettingsError:
        raise
    except Exception as error:
        raise ValueError(f"its content fits no run: {type(error).__name__}") from None
    return cut
