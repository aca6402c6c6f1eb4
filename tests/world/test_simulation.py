"""The whole simulation: the same result on any hosts and across any cut; its books; faults of the committee."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ceas_ray.kernel.codec import decode, encode
from ceas_ray.kernel.windows import Simulation
from ceas_ray.runtime.local_runtime import LocalCluster
from tests.small_worlds import small_world
from tests.world.committees import key_bits_spent, observations_of


def ends(simulation: Simulation) -> list[tuple[bytes, Any]]:
    return [(end.digest, np.asarray(end.mark.model).tobytes()) for end in simulation.rounds()]


@pytest.mark.parametrize(
    "overrides",
    [
        (),
        ("network=complete", "attacks=sign_flip"),
        ("training.inputs=local",),
        ("training.trap_circuit_share=0.25", "aggregation=ceas", "aggregation.weights.min_tests=10"),
    ],
)
def test_any_number_of_hosts_gives_the_same_digest_and_model(overrides: tuple[str, ...]) -> None:
    one = ends(Simulation(LocalCluster(small_world(*overrides).one_host())))
    assert len(one) == 3
    for processor_hosts, link_hosts in ((1, 1), (2, 1), (4, 3), (8, 2)):
        hosts = small_world(*overrides).hosts(processor_hosts, link_hosts)
        assert ends(Simulation(LocalCluster(hosts))) == one


ROUTED = (
    "network.link_fidelity=0.995", "processors.count=5", "consensus.committee_size=4", "training.rounds=1",
    "entanglement.multiplexing=3",
)  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize(
    "network",
    [
        ("network=line",),
        ("network=grid", "scheduling=oblivious", "links.swap_success=0.8", "entanglement.slots=6"),
        ("network=ring", "entanglement.purification_rounds=1", "entanglement.swapping=in_order"),
        ("network=ring", "entanglement.purification_rounds=2", "entanglement.purification_target=0.9955"),
        ("network=ring", "network.paths=2", "network.in_parallel=true", "scheduling=mdp"),
    ],
)
def test_routes_give_the_same_on_any_number_of_hosts_and_across_a_cut(network: tuple[str, ...]) -> None:
    overrides = (*network, *ROUTED)
    one = ends(Simulation(LocalCluster(small_world(*overrides).one_host())))
    assert len(one) == 1
    for processor_hosts, link_hosts in ((1, 2), (4, 4)):
        hosts = small_world(*overrides).hosts(processor_hosts, link_hosts)
        assert ends(Simulation(LocalCluster(hosts))) == one
    first = Simulation(LocalCluster(small_world(*overrides).hosts(2, 1)))
    assert not list(first.run_until(2 * 10**11))
    second = Simulation(LocalCluster(small_world(*overrides).hosts(1, 3)))
    second.restore(decode(encode(first.snapshot())))
    assert ends(second) == one


def assert_link_books_are_exact(found: list[dict[str, Any]]) -> None:
    """On every link and for every use: stock of before + generated = used + late + expired + sacrificed + stock now."""
    before = np.zeros_like(found[0]["link_books"][..., 5])
    for observed in found:
        books = np.asarray(observed["link_books"])
        assert (books >= 0).all()
        np.testing.assert_array_equal(before + books[..., 0], books[..., 1:].sum(axis=-1))
        before = books[..., 5]
        np.testing.assert_array_equal(books[..., :5].sum(axis=0), observed["counts"])
        assert before.sum() == observed["stored"]


def test_every_physical_link_has_exact_books() -> None:
    found, simulation = rounds_of("network=line", "entanglement.purification_rounds=1", *ROUTED)
    assert [observed["name"] for observed in found] == ["warm_up", "round"]
    assert all(np.shape(observed["link_books"]) == (4, 3, 6) for observed in found)
    assert_link_books_are_exact(found)
    assert (np.asarray(found[0]["link_books"])[:, 1, 0] > 0).all(), "keys need every link of the line"
    assert 0 < key_bits_spent(simulation) <= sum(observed["key_bits"] for observed in found)


def test_another_seed_gives_another_digest() -> None:
    digests = {ends(Simulation(LocalCluster(small_world(f"seed={s}").one_host())))[-1] for s in (1, 2, 3)}
    assert len(digests) == 3


@pytest.mark.slow
@settings(max_examples=12)
@given(cut=st.integers(1, 10**13), hosts=st.integers(1, 3), later_hosts=st.integers(1, 3))
def test_a_cut_anywhere_in_a_run_changes_nothing(cut: int, hosts: int, later_hosts: int) -> None:
    undisturbed = ends(Simulation(LocalCluster(small_world("training.rounds=2").one_host())))
    first = Simulation(LocalCluster(small_world("training.rounds=2").hosts(hosts, hosts)))
    before = [(end.digest, np.asarray(end.mark.model).tobytes()) for end in first.run_until(cut)]
    snapshot = decode(encode(first.snapshot()))
    second = Simulation(LocalCluster(small_world("training.rounds=2").hosts(later_hosts, 1)))
    second.restore(snapshot)
    assert before + ends(second) == undisturbed


def test_a_round_takes_few_host_calls() -> None:
    simulation = Simulation(LocalCluster(small_world("attacks=alie").hosts(4, 2)))
    windows = [end.windows for end in simulation.rounds()]
    assert max(windows[1:]) <= 9, "one of them lets replicas promise silence"


def rounds_of(*overrides: str) -> tuple[list[dict[str, Any]], Simulation]:
    """What the manager observed, until the rounds are over or stalled (a committee without a quorum tries for ever)."""
    simulation = Simulation(LocalCluster(small_world(*overrides).one_host()))
    found: list[dict[str, Any]] = []
    for end in simulation.rounds():
        found += observations_of(end)
        if found[-1]["name"] == "stalled":
            break
    return found, simulation


def test_pairs_and_key_bits_are_accounted_for_exactly() -> None:
    found, simulation = rounds_of()
    before = 0
    for observed in found:
        counts = np.asarray(observed["counts"])
        assert counts[:, 0].sum() + before == counts[:, 1:].sum() + observed["stored"]
        before = observed["stored"]
    distilled = sum(observed["key_bits"] for observed in found)
    assert 0 < key_bits_spent(simulation) <= distilled


def test_silent_members_of_the_committee_cost_views_but_no_rounds() -> None:
    found, _ = rounds_of("attacks.replicas=2", "consensus.committee_size=7", "training.rounds=7")
    rounds = [observed for observed in found if observed["name"] == "round"]
    assert len(rounds) == 7
    assert not any(observed["skipped"] for observed in rounds)
    assert [observed["view"] for observed in rounds] == [0, 0, 0, 0, 0, 2, 1]


@pytest.mark.slow
def test_without_a_quorum_the_run_stalls_and_says_so() -> None:
    found, _ = rounds_of("attacks.replicas=3", "consensus.committee_size=7")
    assert [observed["name"] for observed in found] == ["warm_up", "stalled"]


def test_both_engines_give_the_same_training() -> None:
    parameters = [rounds_of(f"processors={engine}", "training.rounds=1")[0][-1]["model"] for engine in ("pauli", "aer")]
    np.testing.assert_allclose(parameters[0], parameters[1], atol=1e-9)


@pytest.mark.slow
def test_aer_may_sample_a_whole_run_with_outcomes_of_its_own() -> None:
    overrides = ("processors=aer_sampled", "training.estimator=full_shift", "training.circuits_per_round=128")
    few = ("training.batch=1", "attacks=none", "aggregation=mean", "training.rounds=1")
    sampled, exact = (
        rounds_of(*overrides[start:], *few)[0][-1]["model"] - small_world(*few).initial_parameters for start in (0, 1)
    )
    assert np.linalg.norm(sampled) > 0
    assert not np.array_equal(sampled, exact)
    assert np.linalg.norm(sampled - exact) < 1.5 * np.linalg.norm(exact), "the same gradient, other draws"


def test_attackers_move_a_plain_mean_and_not_the_robust_rule() -> None:
    honest = rounds_of("attacks=none", "aggregation=mean", "training.rounds=1")[0][-1]["model"]
    start = small_world().initial_parameters
    attack = ("attacks=sign_flip", "attacks.strength=1000", "training.rounds=1")
    moved = rounds_of(*attack, "aggregation=mean")[0][-1]["model"]
    robust = rounds_of(*attack, "aggregation=nnm_trimmed_mean", "aggregation.byzantine_fraction=0.25")[0][-1]["model"]
    step = np.linalg.norm(honest - start)
    assert np.linalg.norm(moved - start) > 20 * step
    assert np.linalg.norm(robust - start) < 3 * step


def test_shots_over_two_ways_take_less_simulated_time_and_every_pair_is_booked() -> None:
    few = ("network=ring", *ROUTED, "processors.count=2", "network.paths=2")
    shots = []
    for way in ("false", "true"):
        found, _ = rounds_of(*few, f"network.in_parallel={way}")
        assert [observed["name"] for observed in found] == ["warm_up", "round"]
        assert_link_books_are_exact(found)
        shots.append(found[-1]["seconds_by_cause"].shots)
    assert shots[1] < 0.8 * shots[0]
