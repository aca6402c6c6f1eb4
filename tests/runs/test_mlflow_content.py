"""What MLflow is given of a run."""

from __future__ import annotations

from pathlib import Path

import pytest

from ceas_ray.runs.mlflow_content import head_of, run_name
from tests.composed_settings import composed_once


@pytest.mark.parametrize(("words", "name"), [
    ([], "default seed 1"),
    (["seed=7", "output=x", "runtime=local", "quiet=true", "stop.wall_seconds=3"], "default seed 7"),
    (["attacks=sign_flip", "scheduling=mdp", "attacks.fraction=.2", "seed=3"], "sign_flip mdp fraction=.2 seed 3"),
    (["experiment=oblivious"], "oblivious seed 1"),
    (["attacks.fraction=.2", "training.data.validation_fraction=.25", "entanglement.slots=9"],
     "fraction=.2 validation_fraction=.25 slots=9 seed 1"),
    (["links.min_fidelity=.9", "entanglement.min_fidelity=.8"],
     "links.min_fidelity=.9 entanglement.min_fidelity=.8 seed 1"),
])  # fmt: skip
def test_a_name_says_what_differs_from_the_default(words: list[str], name: str) -> None:
    assert run_name(composed_once(words)) == name


def test_a_name_stays_short() -> None:
    config = composed_once([])
    config["origin"]["overrides"] = [f"training.key{k}={'v' * 30}" for k in range(20)]
    assert len(run_name(config)) < 140 and run_name(config).endswith("... seed 1")


def test_params_are_what_a_person_compares() -> None:
    """Not the class that a choice stands for; but a class that was named."""
    named = "aggregation.rule._target_=ceas_ray.aggregation.median.Median"
    params = head_of(composed_once(["aggregation=mean", named]), Path("x"), {}).params
    assert params["scheduling"] == "mdp" and params["attacks.fraction"] == "0.2"
    assert [key for key in params if "_target_" in key] == ["aggregation.rule._target_"]
    assert [key for key in params if "." not in key].index("seed") == list(params).index("seed")


def test_what_changes_no_result_is_no_param() -> None:
    words = ["quiet=true", "output=x", "tracking=folder", "runtime=local", "stop.wall_seconds=60", "timeline=true"]
    head = head_of(composed_once(words), Path("x"), {})
    assert head.params == head_of(composed_once([]), Path("y"), {}).params
    assert head.tags["runtime"] == "local" and head.tags["stop.wall_seconds"] == "60"
    assert not {"quiet", "output", "timeline"} & head.tags.keys()
