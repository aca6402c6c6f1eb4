"""Every file in conf/ composes and builds."""

from __future__ import annotations

from pathlib import Path

import pytest

from ceas_ray.app.compose import composed, jobs
from ceas_ray.app.conf_path import conf_directory
from ceas_ray.app.settings import RunSettings
from ceas_ray.app.settings_checks import build
from ceas_ray.app.world import build_world

OWN_NETWORK = Path(__file__).with_name("cities.graphml")
CHOICES = [(path.parent.name, path.stem) for path in sorted(conf_directory().glob("*/*.yaml"))]


@pytest.mark.parametrize(("group", "choice"), CHOICES)
def test_every_choice_makes_a_world(group: str, choice: str) -> None:
    own = [f"network.file={OWN_NETWORK}"] if choice == "graphml" else []
    settings = build(RunSettings, composed([f"{group}={choice}", "processors.count=8", "training.rounds=1", *own]))
    assert len(build_world(settings).replicas) == 7


def test_the_command_line_wins_over_the_experiment() -> None:
    settings = build(RunSettings, composed(["experiment=oblivious", "attacks=sign_flip", "seed=3"]))
    assert settings.attacks.attack is not None
    assert settings.attacks.attack["_target_"].endswith("SignFlip")
    assert settings.scheduling["_target_"].endswith("Oblivious")
    assert settings.training.undo == "none"


def test_a_sweep_is_all_combinations() -> None:
    assert len(jobs(["seed=1,2,3", "attacks=alie,sign_flip"])) == 6
