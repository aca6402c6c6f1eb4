"""Places that a run folder names: its writer may choose neither where tokens of this user go nor whose code runs."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from ceas_ray.config.command_line import hydra_text
from ceas_ray.config.errors import UnusableSettings
from ceas_ray.config.policies import own_folders

ADDRESS, URI, CIRCUIT = "runtime.address", "tracking.uri", "training.circuit"
VARIABLES = {ADDRESS: "RAY_ADDRESS", URI: "MLFLOW_TRACKING_URI"}
"""What confirms a place in the environment."""


def is_here(place: object) -> bool:
    """Return whether nothing is sent to another process: no place is named, or a file of SQLite."""
    return place is None or (isinstance(place, str) and place.startswith("sqlite"))


def refuse_unconfirmed(
    folder: Path,
    config: Mapping[str, Any],
    own: Mapping[str, Any],
    *,
    named: Collection[str],
    environment: Mapping[str, str],
) -> None:
    """Raise SettingsError for a place of the run in `folder` that neither the command line nor the environment
    confirms.

    config: of the run, as it goes on. own: this user's configuration. named: keys that the command line names.
    """
    for key, place in _places_of(config).items():
        group, _, name = key.partition(".")
        replaced = key == ADDRESS and environment.get(VARIABLES[key])
        if key in named or place in (own[group][name], environment.get(VARIABLES[key])) or replaced:
            continue
        raise unconfirmed(folder, key, place, f"{key}={place}")


def refuse_unconfirmed_code(folder: Path, config: Mapping[str, Any], named: Collection[str]) -> None:
    """Raise SettingsError for a Python file that only the run in `folder` names: a function in it would be run.

    The command line confirms it, and so does a start in the folder where it lies (or with that in PYTHONPATH), as long
    as this is no run folder. config: of the run, as it goes on. named: keys that the command line names.
    """
    code = _code_elsewhere(config)
    if code is not None and CIRCUIT not in named:
        how = f"{CIRCUIT}={config['training']['circuit']}, or a start in the folder of that file, confirms it"
        raise UnusableSettings(CIRCUIT, f"the run in {folder} names code in {code}, which would be run; {how}")


def _code_elsewhere(config: Mapping[str, Any]) -> Path | None:
    """Return the Python file that these settings name, unless it lies where a user's own modules may lie."""
    training = config.get("training")
    circuit = training.get("circuit") if isinstance(training, Mapping) else None
    path, _, _ = circuit.rpartition(":") if isinstance(circuit, str) else ("", "", "")
    code = Path(path).absolute()
    return code if path.endswith(".py") and code.parent not in own_folders() else None


def unconfirmed(folder: Path, key: str, place: object, word: str) -> UnusableSettings:
    """Return the error for a place, which says how to confirm it: by `word` or the environment."""
    how = f"{word} or {VARIABLES[key]} confirms it"
    line = f"{key}: the run in {folder} names {place!r}, and tokens would be sent there; {how}"
    return UnusableSettings(key, re.sub("//[^/@]*:[^/@]*@", "//", line))


def confirmations(config: Mapping[str, Any], environment: Mapping[str, str]) -> list[str]:
    """Return the words that confirm the places of a run when it is resumed, save what the environment confirms and
    what holds a password."""
    places = {key: place for key, place in _places_of(config).items() if environment.get(VARIABLES[key]) != place}
    if _code_elsewhere(config) is not None:
        places[CIRCUIT] = config["training"]["circuit"]
    return [
        f"{key}={place if re.fullmatch('[A-Za-z0-9_./:-]+', place) else hydra_text(place)}"
        for key, place in places.items()
        if key == CIRCUIT or "@" not in place
    ]


def _places_of(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the places beyond this process that a run of this configuration uses."""
    runtime, tracking = config["runtime"], config["tracking"]
    found = {
        ADDRESS: runtime.get("address") if runtime.get("name") == "ray" else None,
        URI: tracking.get("uri") if tracking.get("mlflow") and config["verify"] is None else None,
    }
    return {key: place for key, place in found.items() if not is_here(place)}
