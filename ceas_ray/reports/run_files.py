"""Runs as reports read them: from the files in their folders, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from ceas_ray.reports.file_names import NETWORK
from ceas_ray.tracking.files import read_journal, read_json
from ceas_ray.tracking.plain_yaml import read_yaml

SUMMARY = "summary.json"
_IGNORED = ("seed", "output", "inputs", "origin", "runtime", "tracking", "quiet", "resume", "verify", "stop", "sweep",
            "timeline", "dry_run")  # fmt: skip
"""Settings that do not distinguish runs: they change no result, or results are averaged over them."""


@dataclass(frozen=True, eq=False)
class RunFiles:
    """A run that is over. rounds: a row per round. network: what `network.json` holds; None if there is no file."""

    folder: Path
    settings: Mapping[str, Any]
    summary: Mapping[str, Any]
    rounds: pd.DataFrame
    network: Mapping[str, Any] | None

    @classmethod
    def read(cls, folder: Path) -> RunFiles:
        """Read the files of a run. Raises ValueError, in one line, for a folder that does not hold a whole run."""
        try:
            settings = read_yaml(folder / "settings.yaml")
            summary = read_json(folder / SUMMARY)
            network = folder / NETWORK
            plan = read_json(network) if network.exists() else None
            if not (isinstance(settings, dict) and isinstance(summary, dict) and "status" in summary):
                raise ValueError("settings and summary are mappings")
            return cls(folder, settings, summary, rounds_of(folder), plan)
        except (OSError, ValueError, KeyError, TypeError, yaml.YAMLError) as error:
            line = " ".join(str(error).split())[:120]
            raise ValueError(f"{folder} does not hold a whole run: {line}") from None

    @property
    def choices(self) -> Mapping[str, str]:
        """Return the choice of every group; nothing for a run whose settings do not record it."""
        return dict((self.settings.get("origin") or {}).get("choices") or {})

    @property
    def seed(self) -> int:
        """Return the seed of the run's random draws."""
        return int(self.summary["seed"])


def rounds_of(folder: Path) -> pd.DataFrame:
    """Return the rounds of a run's journal, a row each, indexed by `round`. Raises OSError without a journal."""
    lines = [line for line in read_journal(folder / "journal.jsonl") if line["event"] == "round"]
    numbers = pd.Index([line.pop("round") for line in lines], dtype="int64", name="round")
    columns = [{name: line[name] for name in line if name not in ("event", "run", "time")} for line in lines]
    return pd.DataFrame(columns, numbers)


def runs_in(folders: Sequence[Path]) -> list[RunFiles]:
    """Return the runs in these folders: each holds a run, or the runs of a sweep that are over.

    Raises ValueError, in one line, for a folder with neither.
    """
    found: list[RunFiles] = []
    for folder in folders:
        if (folder / SUMMARY).exists():
            found.append(RunFiles.read(folder))
            continue
        jobs = sorted((path.parent for path in folder.glob(f"*/{SUMMARY}")), key=_by_number)
        if not jobs:
            raise ValueError(f"{folder} holds no run and no sweep: it has no {SUMMARY}, nor has a folder in it")
        found += [RunFiles.read(job) for job in jobs]
    return found


def _by_number(folder: Path) -> tuple[int, str]:
    return (int(folder.name) if folder.name.isdigit() else -1, folder.name)


def labels_of(runs: Sequence[RunFiles]) -> list[str]:
    """Return what distinguishes each run from the others, its seed aside: choices and settings in which they differ.

    Of a group whose choices differ, a setting counts only where runs of one choice differ in it.
    """
    choices = [run.choices for run in runs]
    groups = [group for group in choices[0] if len({str(of.get(group)) for of in choices}) > 1] if runs else []
    leaves = [dict(_leaves(run.settings)) for run in runs]
    keys = [key for key in (leaves[0] if runs else {}) if _differs(key, leaves, choices)]
    labels = []
    for of, found in zip(choices, leaves, strict=True):
        words = [str(of.get(group)) for group in groups if group != "experiment"] or [
            str(of.get(group)) for group in groups
        ]
        labels.append(", ".join([*words, *(f"{key.rpartition('.')[2]}={found.get(key)}" for key in keys)]))
    return [label or "all runs" for label in labels]


def _differs(key: str, leaves: Sequence[Mapping[str, Any]], choices: Sequence[Mapping[str, str]]) -> bool:
    group = key.partition(".")[0]
    if group in _IGNORED or key.endswith("_target_"):
        return False
    by_choice: dict[str, set[str]] = {}
    for found, of in zip(leaves, choices, strict=True):
        by_choice.setdefault(str(of.get(group)), set()).add(str(found.get(key)))
    return any(len(values) > 1 for values in by_choice.values())


def _leaves(settings: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in settings.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value
