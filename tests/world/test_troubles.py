"""Troubles of a run's committee all at once: loss, a partition, a crash, jamming, a liar; the same on any hosts."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import combinations

import numpy as np
import pytest

from ceas_ray.config.schema import RunSettings
from ceas_ray.config.validation import build
from ceas_ray.kernel.codec import decode, encode
from ceas_ray.kernel.windows import Simulation
from ceas_ray.runtime.local_runtime import LocalCluster
from ceas_ray.world.builder import build_world
from ceas_ray.world.world import World
from tests.composed_settings import composed_once
from tests.small_worlds import SMALL, small_world
from tests.world.committees import models, names, run

TINY = (
    "training=moons", "processors.count=4", "training.circuits_per_round=8", "training.forward_circuits=4",
    "training.qubits=2", "training.rounds=2", "entanglement.warm_up_tests=4", "consensus.committee_size=4",
    "consensus.max_waits=30",
)  # fmt: skip
TROUBLES = {
    "loss": "consensus.loss_probability=0.1",
    "partition": "consensus.network_partition={{replicas:[3],begins_seconds:{begins},heals_seconds:{heals}}}",
    "crash": "consensus.crash={{replicas:[1],round:0,after_milliseconds:0.01,down_milliseconds:2.5}}",
    "jamming": "consensus.jamming={{replicas:[0,1],first_round:-1,last_round:0,refills:1}}",
    "liar": "attacks.replicas=1",
}
FAST = [("loss", "jamming"), ("partition", "crash"), ("crash", "liar"), tuple(TROUBLES)[:4], tuple(TROUBLES)]
CASES = [*FAST, *(pytest.param(pair, marks=pytest.mark.slow) for pair in combinations(TROUBLES, 2) if pair not in FAST)]
Ends = list[tuple[bytes, bytes]]


def overrides_of(*troubles: str) -> tuple[str, ...]:
    closes = inputs_close("jamming" in troubles)
    chosen = [TROUBLES[trouble].format(begins=closes - 0.5, heals=closes + 0.002) for trouble in troubles]
    return (*TINY, "attacks.replica_faults=[lying]", *chosen)


@cache
def inputs_close(jammed: bool) -> float:
    """Return when inputs of round 0 close, in seconds: without other troubles it is decided .03 ms later."""
    settings = build(RunSettings, composed_once([*SMALL, *TINY, *([TROUBLES["jamming"].format()] if jammed else [])]))
    over = next(Simulation(LocalCluster(build_world(settings).one_host())).rounds()).mark.at
    return over * 1e-12 - (settings.entanglement.planning_milliseconds + 0.03) * 1e-3


def build_worlds(*troubles: str) -> Iterator[World]:
    """As many as one asks for, all alike."""
    settings = build(RunSettings, composed_once([*SMALL, *overrides_of(*troubles)]))
    while True:
        yield build_world(settings)


def ends(simulation: Simulation) -> Ends:
    return [(end.digest, np.asarray(end.mark.model).tobytes()) for end in simulation.rounds()]


@pytest.mark.parametrize("troubles", CASES, ids="+".join)
def test_troubles_together_end_and_give_the_same_on_any_hosts_and_across_a_cut(troubles: tuple[str, ...]) -> None:
    """One host; and 2 + 2 of them that are replaced, in the midst of the trouble, by 3 + 1."""
    worlds, midst = build_worlds(*troubles), inputs_close("jamming" in troubles) + 0.0005
    world = next(worlds)
    one = ends(Simulation(LocalCluster(world.one_host())))
    assert len(one) == 2
    assert [decode(state)[1] for state in models(world, 3)] == [2], "honest members differ, or have skipped a round"
    first = Simulation(LocalCluster(next(worlds).hosts(2, 2)))
    before = [(end.digest, np.asarray(end.mark.model).tobytes()) for end in first.run_until(round(midst * 1e12))]
    second = Simulation(LocalCluster(next(worlds).hosts(3, 1)))
    second.restore(decode(encode(first.snapshot())))
    assert before + ends(second) == one


@pytest.mark.slow
def test_none_of_the_troubles_is_idle() -> None:
    sets = [tuple(TROUBLES), *combinations(TROUBLES, len(TROUBLES) - 1)]
    digests = {ends(Simulation(LocalCluster(next(build_worlds(*some)).one_host())))[-1][0] for some in sets}
    assert len(digests) == len(sets)


@pytest.mark.parametrize("milliseconds", [3, 8, 40])
def test_a_member_that_was_cut_off_in_the_last_round_learns_what_was_decided(milliseconds: int) -> None:
    """However long: as long as the others wait for it, and though no new keys will come."""
    closes = inputs_close(jammed=False)
    cut = f"{{replicas:[3],begins_seconds:{closes - 0.5},heals_seconds:{closes + milliseconds * 1e-3}}}"
    world = small_world(*TINY, "training.rounds=1", f"consensus.network_partition={cut}")
    assert len(ends(Simulation(LocalCluster(world.one_host())))) == 1
    assert [decode(state)[1] for state in models(world, 4)] == [1]


@pytest.mark.parametrize(
    "fault", ["silent", "withheld_votes", *(pytest.param(fault, marks=pytest.mark.slow) for fault in ("slow", "lying"))]
)
@pytest.mark.parametrize("way", ["wait", "skip"])
def test_when_a_missing_member_comes_back_waiting_has_lost_nothing_and_giving_up_one_round_at_most(
    fault: str, way: str
) -> None:
    """Beside an attacker a round stalls while a member is down; the models are to the bit those without any trouble."""
    slowly = ("training.rounds=3", "consensus.delta_microseconds=2000.0", "consensus.patience_milliseconds=100.0")
    crash = "consensus.crash={replicas:[1],round:1,after_milliseconds:0.0,down_milliseconds:2000.0}"
    faults = (crash, "attacks.replicas=1", f"attacks.replica_faults=[{fault}]", f"consensus.on_stall={way}")
    calm, troubled = run(*TINY, *slowly), run(*TINY, *slowly, *faults)
    wanted, found = ([np.asarray(observed["model"]).tobytes() for observed in a[1:]] for a in (calm[0], troubled[0]))
    assert names(troubled[0]) == ["warm_up"] + ["round"] * 3
    assert [observed["waits"] > 0 for observed in troubled[0][1:]] == [False, True, False]
    skipped = [observed["skipped"] for observed in troubled[0][1:]]
    if any(skipped):
        assert (way, skipped) == ("skip", [False, True, False])
        assert found[0] == found[1] == wanted[0] != found[2]
    else:
        assert found == wanted
    assert [decode(state)[1] for state in models(troubled[2], 3)] == [3 - sum(skipped)]
