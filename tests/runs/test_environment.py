"""What users set in the environment counts where the command line names nothing else, and is named in a line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

from ceas_ray.cli.run import main
from ceas_ray.config.composition import composed
from ceas_ray.config.errors import SettingsError
from ceas_ray.runs.environment import with_environment
from tests.small_worlds import SMALL

ALL = {
    "RAY_ADDRESS": "10.0.0.1:6379", "MLFLOW_TRACKING_URI": "http://server:5000", "MLFLOW_EXPERIMENT_NAME": "theirs",
    "MLFLOW_RUN_ID": "ab" * 16,
}  # fmt: skip
KEYS = {
    "runtime.address": "10.0.0.1:6379", "tracking.uri": "http://server:5000", "tracking.experiment_name": "theirs",
    "tracking.run_id": "ab" * 16,
}  # fmt: skip
TRACKED = [word for word in SMALL if word != "tracking=folder"]


def found(environment: dict[str, str], *overrides: str, sweep: bool = False) -> tuple[dict[str, Any], list[str]]:
    config, said = with_environment(composed(overrides), overrides, environment, sweep)
    return {f"{group}.{name}": config[group][name] for group, name in (key.split(".") for key in KEYS)}, said


def test_the_environment_goes_before_settings_and_each_variable_is_named() -> None:
    values, said = found(ALL)
    assert values == KEYS
    assert said == [f"{name} is set: {key}={KEYS[key]}" for name, key in zip(ALL, KEYS, strict=True)]


@pytest.mark.parametrize("key", KEYS)
def test_the_command_line_goes_before_the_environment(key: str) -> None:
    own = "10.0.0.2:6379" if key == "runtime.address" else "sqlite:///mine.db"
    values, said = found(ALL, f"{key}='{own}'")
    assert values == KEYS | {key: own}
    assert not any(key in line for line in said)


def test_variables_that_a_run_does_not_look_at_are_not_named() -> None:
    values, said = found(ALL, "runtime=local", "tracking=folder")
    assert said == []
    assert values["runtime.address"] is None and values["tracking.run_id"] is None


def test_empty_variables_count_as_not_set_and_local_means_a_cluster_of_ones_own() -> None:
    assert found(dict.fromkeys(ALL, ""))[1] == []
    assert found({"RAY_ADDRESS": "local"}) == (found({})[0], ["RAY_ADDRESS is set: runtime.address=null"])


def test_the_mlflow_run_of_the_environment_is_the_parent_of_the_jobs_of_a_sweep() -> None:
    config, said = with_environment(composed([]), [], ALL, sweep=True)
    assert (config["tracking"]["run_id"], config["tracking"]["parent_run_id"]) == (None, "ab" * 16)
    assert said[-1] == f"MLFLOW_RUN_ID is set: tracking.parent_run_id={'ab' * 16}"


def test_a_run_that_is_resumed_stays_where_mlflow_has_it_and_goes_to_the_cluster_of_the_environment() -> None:
    config, said = with_environment(composed([]) | {"resume": "outputs/run"}, [], ALL)
    assert said == ["RAY_ADDRESS is set: runtime.address=10.0.0.1:6379"]
    assert config["tracking"] == composed([])["tracking"]


@pytest.mark.parametrize(
    ("variable", "value", "must"),
    [
        ("RAY_ADDRESS", "ray://head:10001", "auto or host:port of the head, from a machine of the cluster: head:6379"),
        ("RAY_ADDRESS", "http://head:8265", "ray job submit --address http://head:8265 -- ceas-ray"),
        ("RAY_ADDRESS", "https://head", "ray job submit --address https://head -- ceas-ray"),
        ("MLFLOW_TRACKING_URI", "mlruns", "a URI that begins with one of http://"),
        ("MLFLOW_EXPERIMENT_NAME", "a\nb", "a text of 1 to 500 printed characters"),
    ],
)
def test_a_value_that_cannot_be_used_is_refused_by_the_name_of_its_variable(
    variable: str, value: str, must: str
) -> None:
    with pytest.raises(SettingsError) as refused:
        found({variable: value})
    assert str(refused.value).startswith(f"{variable} must be ") and must in str(refused.value)


def test_other_addresses_of_a_cluster_are_refused_with_what_to_use_in_place_of_them(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["runtime.address=ray://head:10001", "dry_run=true"]) == 2
    assert capsys.readouterr().err == (
        "runtime.address must be auto or host:port of the head, from a machine of the cluster: head:6379, "
        "not its Ray Client server, got 'ray://head:10001'\n"
    )


def test_a_run_goes_to_the_experiment_of_the_environment_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/theirs.db")
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "theirs")
    client = MlflowClient(f"sqlite:///{tmp_path}/theirs.db")
    theirs = client.create_experiment("begun by somebody", artifact_location=tmp_path.as_uri())
    run_id = client.create_run(theirs).info.run_id
    assert main([*TRACKED, "quiet=false", "training.rounds=1", f"output={tmp_path / 'run'}"]) == 0
    assert f"MLFLOW_TRACKING_URI is set: tracking.uri=sqlite:///{tmp_path}/theirs.db\n" in capsys.readouterr().err
    experiment = client.get_experiment_by_name("theirs")
    assert experiment is not None and len(client.search_runs([experiment.experiment_id])) == 1
    monkeypatch.setenv("MLFLOW_RUN_ID", run_id)
    assert main([*TRACKED, "training.rounds=1", f"output={tmp_path / 'taken'}"]) == 0
    assert json.loads((tmp_path / "taken" / "summary.json").read_text())["mlflow_run_id"] == run_id
    run = client.get_run(run_id)
    assert run.info.status == "FINISHED" and run.data.params["seed"] == "1" and "test_accuracy" in run.data.metrics
    assert main([*TRACKED, "-m", "training.rounds=1", "seed=1,2", f"output={tmp_path / 'sweep'}"]) == 0
    found = client.search_runs([experiment.experiment_id], f"tags.`mlflow.parentRunId` = '{run_id}'")
    assert len(found) == 2


def test_one_mlflow_run_for_all_jobs_of_a_sweep_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*SMALL, "-m", "seed=1,2", f"tracking.run_id={'ab' * 16}"]) == 2
    assert capsys.readouterr().err.startswith("tracking.run_id must be null in a sweep")
