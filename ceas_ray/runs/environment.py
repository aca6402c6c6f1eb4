"""What users set in the environment for Ray and MLflow: taken where the command line names nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ceas_ray.config.composition import overridden_keys
from ceas_ray.config.errors import SettingsError
from ceas_ray.config.schema import RunSettings
from ceas_ray.config.validation import build
from ceas_ray.runs.tracking_choice import checked_uri

_KEYS = {
    "RAY_ADDRESS": "runtime.address",
    "MLFLOW_TRACKING_URI": "tracking.uri",
    "MLFLOW_EXPERIMENT_NAME": "tracking.experiment_name",
    "MLFLOW_RUN_ID": "tracking.run_id",
}
"""The setting that each variable stands for."""
_IN_A_SWEEP = {"tracking.run_id": "tracking.parent_run_id"}
"""What stands for a setting in a sweep, whose jobs cannot all have it."""
_OWN_CLUSTER = "local"
"""A value of RAY_ADDRESS with which Ray starts a cluster of this machine, as `runtime.address=null` does."""


def with_environment(
    config: Mapping[str, Any], overrides: Sequence[str], environment: Mapping[str, str], sweep: bool = False
) -> tuple[dict[str, Any], list[str]]:
    """Return the configuration with what the environment sets, and a line for each variable that counts.

    The command line goes before the environment, and that before settings. A run that is resumed or verified stays
    where MLflow has it, whatever the environment says. sweep: whether it is one of several jobs. Raises SettingsError,
    which names the variable, for a value that its setting cannot have.
    """
    named, made, said = set(overridden_keys(overrides)), dict(config), []
    for variable, key in _KEYS.items():
        key = _IN_A_SWEEP.get(key, key) if sweep else key
        value = environment.get(variable, "")
        if not value or key in named or not _counts(config, key.partition(".")[0]):
            continue
        group, _, name = key.partition(".")
        chosen = None if (variable, value) == ("RAY_ADDRESS", _OWN_CLUSTER) else value
        made[group] = made[group] | {name: chosen}
        _refuse_bad(made, variable, key)
        said.append(f"{variable} is set: {key}={'null' if chosen is None else chosen}")
    if environment.get("MLFLOW_EXPERIMENT_ID") and _counts(config, "tracking"):
        said.append("MLFLOW_EXPERIMENT_ID is not used: MLFLOW_EXPERIMENT_NAME or MLFLOW_RUN_ID say where a run goes")
    return made, said


def _counts(config: Mapping[str, Any], group: str) -> bool:
    """Return whether a run of this configuration looks at the variables of this group."""
    if group == "runtime":
        return bool(config["runtime"]["name"] == "ray")
    return bool(config["tracking"]["mlflow"]) and config["resume"] is None and config["verify"] is None


def _refuse_bad(config: Mapping[str, Any], variable: str, key: str) -> None:
    try:
        settings = build(RunSettings, config)
        if key == "tracking.uri":
            checked_uri(settings.tracking.uri)
    except SettingsError as error:
        if error.key == key:
            raise SettingsError(variable, error.must, error.came) from None
