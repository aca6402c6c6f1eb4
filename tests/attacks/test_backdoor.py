"""A back door: colluders learn a trigger with a label of theirs, and its success is measured."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ceas_ray import run
from ceas_ray.attacks.attack import AttackContext, Samples
from ceas_ray.attacks.backdoor import Backdoor, target_of
from ceas_ray.attacks.checked_attack import CheckedAttack
from ceas_ray.config.composition import composed
from ceas_ray.config.errors import SettingsError
from ceas_ray.kernel.policy_calls import PolicyError
from ceas_ray.reports.run_charts import charts_of
from ceas_ray.reports.run_files import runs_in
from ceas_ray.tracking.files import read_journal
from tests.small_worlds import SMALL, small_world

ATTACK = Backdoor(
    strength=4.0, knowledge="colluders", target_label=1, trigger_features=2, trigger_level=0.5, poisoned_share=0.25
)
FEW = ("processors.count=6", "training.circuits_per_round=32", "training.forward_circuits=8", "attacks=backdoor")


def samples(count: int, outputs: int = 1) -> Samples:
    angles = np.random.default_rng(1).uniform(-1, 1, (count, 5))
    return Samples(angles, np.ones((count, outputs)), features=np.array([0, 1, 2, 0, 1]), widest=1.5)


def test_the_trigger_is_one_pattern_of_the_first_features_in_all_qubits_that_encode_them() -> None:
    given = samples(7)
    found = ATTACK.triggered(given)
    assert np.array_equal(found[:, [0, 1, 3, 4]], np.tile([0.75, -0.75, 0.75, -0.75], (7, 1)))
    assert np.array_equal(found[:, 2], given.angles[:, 2])
    many = replace(ATTACK, trigger_features=9).triggered(given)
    assert np.array_equal(many[:, 2], given.angles[:, 2]), "one feature stays as it is"


def test_a_share_of_the_samples_is_poisoned_and_the_others_stay_as_they_are() -> None:
    given = samples(9)
    learned = ATTACK.learned_samples(given)
    changed = (learned.targets != given.targets)[:, 0]
    assert changed.tolist() == [False, False, False, True, False, False, False, True, False]
    assert np.array_equal(learned.angles[changed], ATTACK.triggered(given)[changed])
    assert np.array_equal(learned.angles[~changed], given.angles[~changed])
    assert np.array_equal(replace(ATTACK, poisoned_share=1.0).learned_samples(given).angles, ATTACK.triggered(given))
    assert np.array_equal(replace(ATTACK, poisoned_share=0.0).learned_samples(given).angles, given.angles)


def test_targets_speak_for_the_label() -> None:
    assert target_of(0, 1).tolist() == [1.0] and target_of(1, 1).tolist() == [-1.0]
    assert target_of(2, 3).tolist() == [-1.0, -1.0, 1.0]


def test_rows_are_boosted() -> None:
    seen = AttackContext(np.ones((2, 3)), np.empty((0, 3)), 5, lambda rows: rows[0])
    assert np.array_equal(ATTACK(seen, np.random.default_rng(1)), np.full((2, 3), 4.0))


@pytest.mark.slow
@pytest.mark.parametrize(
    "words",
    [
        ("training=digits_38", "training.loss=cross_entropy"), ("training=digits_0123", "training.qubits=4"),
        ("training=iris",), ("training=moons",), ("training=wine", "training.loss=squared"), ("training=spin_chain",),
        ("training=breast_cancer", "aggregation=mean"), ("training=circles", "aggregation=krum"),
    ],
)  # fmt: skip
def test_colluders_alone_learn_it_from_every_data_set(words: tuple[str, ...]) -> None:
    honest, poisoned = small_world(*FEW[:-1], *words, "attacks=mimic"), small_world(*FEW, *words)
    assert honest.byzantine == poisoned.byzantine and honest.backdoor is None
    for k, (before, after) in enumerate(zip(honest.shards, poisoned.shards, strict=True)):
        same = np.array_equal(before.angles, after.angles)
        assert same == (k not in poisoned.byzantine)
        assert k in poisoned.byzantine or np.array_equal(before.targets, after.targets)
    assert poisoned.backdoor is not None
    assert 0.0 <= poisoned.backdoor(poisoned.initial_parameters) <= 1.0
    others = int(np.sum(poisoned.data.test_labels != 1))
    assert len(poisoned.backdoor.angles) == others
    assert np.abs(poisoned.backdoor.angles).max() <= np.abs(poisoned.data.train_angles).max() + 1e-12


def test_a_label_that_the_data_do_not_have_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"attack\.target_label must be a class of the data, 0 to 1, got 2"):
        small_world(*FEW, "training=digits_38", "attacks.attack.target_label=2")
    with pytest.raises(SettingsError, match="0 to 1, got 5"):
        small_world(*FEW, "training=digits_38", "attacks.attack.target_label=5", "attacks.fraction=0.0")


@dataclass(frozen=True)
class Own:
    """An attack of somebody's own, which is a back door as wrong as `wrong` says."""

    wrong: str = ""
    target_label: Any = 0

    def __call__(self, seen: AttackContext, generator: np.random.Generator) -> Any:
        return seen.own

    def triggered(self, samples: Samples) -> Any:
        return samples.angles[:, 1:] if self.wrong == "triggered" else samples.angles

    def learned_samples(self, samples: Samples) -> Any:
        return 3 if self.wrong == "learned_samples" else replace(samples, targets=-samples.targets)


def test_a_back_door_of_ones_own_needs_no_inheritance_and_is_checked() -> None:
    good = CheckedAttack(Own())
    assert good.target_label == 0 and np.array_equal(good.learned_samples(samples(3)).targets, -np.ones((3, 1)))
    for wrong in ("triggered", "learned_samples"):
        with pytest.raises(PolicyError, match=f"Own.{wrong} must return"):
            getattr(CheckedAttack(Own(wrong)), wrong)(samples(3))
    with pytest.raises(PolicyError, match=r"Own.target_label must return the number of a class, got '8'"):
        _ = CheckedAttack(Own(target_label="8")).target_label


@pytest.mark.slow
def test_a_model_keeps_its_accuracy_and_gets_a_back_door_which_is_reported(tmp_path: Path) -> None:
    larger = (
        "training.rounds=60", "training.learning_rate=0.2", "training.layers=2", "training.circuits_per_round=1024",
        "training.forward_circuits=128", "training.evaluate_every=15",
    )  # fmt: skip
    named = {word.partition("=")[0] for word in larger}
    small = [word for word in SMALL if word.partition("=")[0] not in named]
    words = [*small, *larger, "attacks=backdoor", "attacks.strength=2", "aggregation=mean"]
    attacked = run(*words, "attacks.fraction=0.25", f"output={tmp_path / 'attacked'}").summary
    calm = run(*words, "attacks.fraction=0.0", f"output={tmp_path / 'calm'}").summary
    assert attacked["test_accuracy"] > calm["test_accuracy"] - 0.15
    assert attacked["backdoor_success"] > calm["backdoor_success"] + 0.2
    assert attacked["backdoor_baseline"] == calm["backdoor_baseline"] < attacked["backdoor_success"] - 0.2
    lines = [line for line in read_journal(tmp_path / "attacked" / "journal.jsonl") if line["event"] == "round"]
    assert ["backdoor_success" in line for line in lines] == ["accuracy" in line for line in lines]
    assert lines[-1]["backdoor_success"] == attacked["backdoor_success"]
    runs = runs_in([tmp_path / "attacked"])
    (chart,) = (chart for chart in charts_of(runs, ["attacked"]) if chart.key == "backdoor_success")
    assert len(chart.lines["attacked"][0]) == 4 and len(chart.references) == 1  # type: ignore[union-attr]
    assert json.loads((tmp_path / "attacked" / "summary.json").read_text())["backdoor_success"] is not None


def test_it_combines_with_the_other_parts_of_an_attack() -> None:
    parts = ("attacks.timing=last_moment", "attacks/announcements=false_fidelity", "attacks.jammed_share=0.3")
    world = small_world(*FEW, *parts)
    assert world.backdoor is not None and len(world.byzantine) == 1
    assert composed(["attacks=backdoor"])["attacks"]["timing"] == "prompt"
