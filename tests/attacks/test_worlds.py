"""Attacks in a whole small world: every one runs, the same on any number of hosts, and does what it says."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ceas_ray.config.conf_path import conf_directory
from ceas_ray.config.errors import SettingsError
from ceas_ray.kernel.envelope import Send
from ceas_ray.kernel.windows import Simulation
from ceas_ray.messages.attack_payloads import SendRow
from ceas_ray.processors.adversary import Adversary
from ceas_ray.runtime.local_runtime import LocalCluster
from tests.small_worlds import small_world
from tests.world.committees import observations_of

FEW = ("training.rounds=2", "attacks.fraction=0.25", "aggregation.byzantine_fraction=0.25")
NAMES = sorted(path.stem for path in conf_directory().glob("attacks/*.yaml") if path.stem != "none")


def rounds_of(*overrides: str) -> list[dict[str, Any]]:
    """What was observed of every round."""
    simulation = Simulation(LocalCluster(small_world(*overrides).one_host()))
    return [observed for end in simulation.rounds() for observed in observations_of(end) if observed["name"] == "round"]


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


@pytest.mark.slow
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


TESTED = ("aggregation=weighted_mean", "aggregation.weights.min_tests=1", "aggregation.confidence=0.5", *FEW)


def colluders_weight(*overrides: str) -> float:
    byzantine = small_world(*TESTED, *overrides).byzantine
    return sum(float(rounds_of(*TESTED, *overrides)[-1]["weights"][k]) for k in byzantine)


@pytest.mark.slow
def test_a_lie_about_fidelity_buys_weight_only_where_processors_vouch_for_themselves() -> None:
    placed = ("attacks.placement=worst_links",)
    honest = colluders_weight("attacks=inner_product", *placed)
    lies = [("attacks=false_fidelity", *placed, f"attacks.announcements.guessed={share}") for share in ("0.0", "0.5")]
    silent, guessing = (colluders_weight(*lie) for lie in lies)
    boasting = colluders_weight(*lies[0], "entanglement.test_announcements=after_reveal")
    assert silent == honest
    assert guessing < honest
    assert honest < 0.25
    assert boasting == pytest.approx(1.15 * 0.25), "the cap"


@pytest.mark.slow
def test_where_answers_are_known_no_lie_buys_weight() -> None:
    """Not even where processors vouch for their own pairs; outcomes that are guessed or withheld cost weight."""
    asked = ("attacks.placement=worst_links", "training.trap_circuit_share=0.25")
    honest = colluders_weight("attacks=inner_product", *asked)
    lie = ("attacks=false_fidelity", "entanglement.test_announcements=after_reveal", *asked)
    guesses, withholds = ("attacks.announcements.guessed=0.8", "attacks.announcements.withheld=0.8")
    assert colluders_weight(*lie, "attacks.announcements.guessed=0.0") == honest
    assert colluders_weight(*lie, guesses) < 0.9 * honest
    assert colluders_weight(*lie, "attacks.announcements.guessed=0.0", withholds) < 0.9 * honest


@pytest.mark.slow
def test_jamming_takes_shots_from_honest_processors_alone() -> None:
    scarce = (*FEW, "entanglement=scarce_supply")
    calm, jammed = (rounds_of(*scarce, f"attacks={attack}")[-1] for attack in ("inner_product", "jamming"))
    assert jammed["shots_on_time"] < 0.95 * calm["shots_on_time"]


def test_colluders_with_flipped_labels_learn_the_opposite() -> None:
    honest, flipped = small_world(*FEW, "attacks=mimic"), small_world(*FEW, "attacks=label_flip")
    assert honest.byzantine == flipped.byzantine
    for k, (ours, theirs) in enumerate(zip(honest.shards, flipped.shards, strict=True)):
        assert np.array_equal(theirs.targets, -ours.targets if k in honest.byzantine else ours.targets)


def test_a_little_is_enough_may_come_at_the_last_moment_with_false_announcements_and_jamming() -> None:
    """Each part does what it does alone: the rows of one attack, sent like another, with lies and jamming."""
    parts = ("attacks.timing=last_moment", "attacks/announcements=false_fidelity", "attacks.announcements.withheld=1.0")
    overrides = (*FEW, "attacks=alie", *parts, "attacks.jammed_share=0.5", "entanglement=scarce_supply")
    world = small_world(*overrides)
    (adversary,) = (actor for actor in world.control if isinstance(actor, Adversary))
    rows: list[np.ndarray] = []
    handle = adversary.handle

    def watched(envelope: Any) -> Any:
        effects = list(handle(envelope))
        for effect in effects:
            if isinstance(effect, Send) and isinstance(effect.payload, SendRow):
                assert effect.payload.timing == "last_moment"
                rows.append(effect.payload.row)
        return effects

    adversary.handle = watched  # type: ignore[method-assign]
    ends = list(Simulation(LocalCluster(world.one_host())).rounds())
    observed = [o for end in ends for o in observations_of(end) if o["name"] == "round"]
    plain = rounds_of(*FEW, "attacks=alie", "entanglement=scarce_supply")
    assert len(rows) == 2 * len(world.byzantine)
    assert all(np.array_equal(row, rows[0]) for row in rows[: len(world.byzantine)]), "all colluders send the same"
    assert observed[-1]["shots_on_time"] < 0.95 * plain[-1]["shots_on_time"]
    assert observed[0]["simulated_seconds"] > plain[0]["simulated_seconds"], "honest inputs wait for the last moment"


@pytest.mark.parametrize(("override", "message"), [
    ("attacks.attack.withheld=1.0", "attacks.attack.withheld must be named attacks.announcements.withheld"),
    ("attacks.attack.timing=late", "attacks.attack.timing must be named attacks.timing"),
    ("attacks.attack._target_=ceas_ray.attacks.delay.Delay", "InnerProductManipulation with attacks.timing, got"),
    ("attacks.jammed_share=1.0", "attacks.jammed_share must be a number in [0, 0.999], got 1.0"),
    ("attacks.timing=soon", "attacks.timing must be one of prompt, last_moment, late, never, got 'soon'"),
])  # fmt: skip
def test_a_part_of_an_attack_that_is_wrong_or_has_another_name_now_is_refused_by_its_key(
    override: str, message: str
) -> None:
    with pytest.raises(SettingsError) as refused:
        small_world("attacks=sign_flip", override)
    assert message in str(refused.value)
