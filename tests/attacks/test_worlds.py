"""Attacks in a whole small world: every one runs, the same on any number of hosts, and does what it says."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ceas_ray.config.conf_path import conf_directory
from ceas_ray.kernel.windows import Simulation
from ceas_ray.runtime.local_runtime import LocalCluster
from tests.small_worlds import small_world

FEW = ("training.rounds=2", "attacks.fraction=0.25", "aggregation.byzantine_fraction=0.25")
NAMES = sorted(path.stem for path in conf_directory().glob("attacks/*.yaml") if path.stem != "none")


def rounds_of(*overrides: str) -> list[dict[str, Any]]:
    """What was observed of every round."""
    simulation = Simulation(LocalCluster(small_world(*overrides).one_host()))
    return [
        {**observed.values, "model": end.mark.model}
        for end in simulation.rounds()
        for observed in end.observations
        if observed.name == "round"
    ]


@pytest.mark.slow
@pytest.mark.parametrize("attack", NAMES)
def test_every_attack_is_the_same_on_any_number_of_hosts(attack: str) -> None:
    overrides = (*FEW, f"attacks={attack}", "attacks.placement=worst_links")
    one, many = (
        [(end.digest, np.asarray(end.mark.model).tobytes()) for end in Simulation(LocalCluster(hosts)).rounds()]
        for hosts in (small_world(*overrides).one_host(), small_world(*overrides).hosts(3, 2))
    )
    assert len(one) == 2
    assert one == many


def test_only_the_silent_are_left_out_for_what_comes_as_the_inputs_time_out_is_echoed_at_once() -> None:
    entered = {
        attack: [len(observed["processors"]) for observed in rounds_of(*FEW, f"attacks={attack}")]
        for attack in ("sign_flip", "silence", "late", "last_moment")
    }
    assert entered == {"sign_flip": [8, 8], "silence": [6, 6], "late": [8, 8], "last_moment": [8, 8]}


def test_who_equivocates_enters_with_one_row_or_not_at_all() -> None:
    for observed in rounds_of(*FEW, "attacks=equivocation"):
        assert not observed["skipped"]
        assert len(observed["processors"]) in (6, 7, 8)
        assert len(set(observed["processors"])) == len(observed["processors"])


TESTED = ("aggregation=weighted_mean", "aggregation.weights.least_tests=1", "aggregation.confidence=0.5", *FEW)


def colluders_weight(*overrides: str) -> float:
    byzantine = small_world(*TESTED, *overrides).byzantine
    return sum(float(rounds_of(*TESTED, *overrides)[-1]["weights"][k]) for k in byzantine)


@pytest.mark.slow
def test_a_lie_about_fidelity_buys_weight_only_where_processors_vouch_for_themselves() -> None:
    placed = ("attacks.placement=worst_links",)
    honest = colluders_weight("attacks=inner_product", *placed)
    lies = [("attacks=false_fidelity", *placed, f"attacks.attack.guessed={share}") for share in ("0.0", "0.5")]
    silent, guessing = (colluders_weight(*lie) for lie in lies)
    boasting = colluders_weight(*lies[0], "entanglement.test_announcements=after_reveal")
    assert silent == honest
    assert guessing < honest
    assert honest < 0.25
    assert boasting == pytest.approx(1.15 * 0.25), "the cap"


def test_where_answers_are_known_no_lie_buys_weight() -> None:
    """Not even where processors vouch for their own pairs; outcomes that are guessed or withheld cost weight."""
    asked = ("attacks.placement=worst_links", "training.known_answer_share=0.25")
    honest = colluders_weight("attacks=inner_product", *asked)
    lie = ("attacks=false_fidelity", "entanglement.test_announcements=after_reveal", *asked)
    guesses, withholds = ("attacks.attack.guessed=0.8", "attacks.attack.withheld=0.8")
    assert colluders_weight(*lie, "attacks.attack.guessed=0.0") == honest
    assert colluders_weight(*lie, guesses) < 0.9 * honest
    assert colluders_weight(*lie, "attacks.attack.guessed=0.0", withholds) < 0.9 * honest


def test_jamming_takes_shots_from_honest_processors_alone() -> None:
    scarce = (*FEW, "entanglement=regime_r0")
    calm, jammed = (rounds_of(*scarce, f"attacks={attack}")[-1] for attack in ("inner_product", "jamming"))
    assert jammed["shots_on_time"] < 0.95 * calm["shots_on_time"]


def test_colluders_with_flipped_labels_learn_the_opposite() -> None:
    honest, flipped = small_world(*FEW, "attacks=mimic"), small_world(*FEW, "attacks=label_flip")
    assert honest.byzantine == flipped.byzantine
    for k, (ours, theirs) in enumerate(zip(honest.shards, flipped.shards, strict=True)):
        assert np.array_equal(theirs.targets, -ours.targets if k in honest.byzantine else ours.targets)
