"""The planner: what is asked of which link when, for every member of a network."""

from __future__ import annotations

from operator import add

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ceas_ray.entanglement.key_ledger import KeyLedger
from ceas_ray.entanglement.key_paths import KeyPath, KeyPaths
from ceas_ray.entanglement.leases import places_of, plan_phases
from ceas_ray.entanglement.planner import WARM_UP, RoundPlan
from ceas_ray.kernel.codec import encode
from ceas_ray.messages.payloads import GeneratePairs, GeneratePairsInParallel, processor_name, replica_name
from ceas_ray.messages.quorum import quorums_of
from ceas_ray.network.ring import Ring
from ceas_ray.network.route import Swapping
from ceas_ray.scheduling.clairvoyant import Clairvoyant
from tests.entanglement.parts import LINE, PROCESSORS, REPLICAS, planner_of, small_demand, star


def key_bits(network: object, each: float = 100.0) -> dict[KeyPath, float]:
    return dict.fromkeys(KeyPaths(network, small_demand()), each)  # type: ignore[arg-type]


def plan(round_index: int = 0, starts_at: int = 10**9, each: float = 100.0, **changes: object) -> RoundPlan:
    network = star()
    return planner_of(network, small_demand(**changes)).plan(round_index, starts_at, key_bits(network, each))


def test_every_link_manager_gets_one_plan() -> None:
    names = [name for name, _ in plan().plans]
    expected = [f"link/processor/{k}" for k in range(PROCESSORS)] + [f"link/replica/{j}" for j in range(REPLICAS)]
    assert sorted(names) == sorted(expected)


def test_every_two_parties_are_asked_for_their_key_once() -> None:
    asked = [(name.removeprefix("link/"), peer) for name, of in plan().plans for peer in of.key_peers]
    assert len(asked) == len(set(asked)) == PROCESSORS * REPLICAS + REPLICAS * (REPLICAS - 1) // 2
    assert sorted(asked) == sorted((path.owner, path.peer) for path in key_bits(star()))


@given(st.integers(-3, 5), st.integers(0, 10**12))
@settings(max_examples=20, deadline=None)
def test_the_same_round_is_planned_the_same_and_only_shifted_in_time(round_index: int, starts_at: int) -> None:
    first, later = plan(round_index, 0), plan(round_index, starts_at)
    assert later.ends_at == first.ends_at + starts_at
    for (_, one), (_, other) in zip(first.plans, later.plans, strict=True):
        assert other.starts_at == one.starts_at + starts_at
        assert encode(other.releases) == encode(one.releases)
        assert encode(other.is_test) == encode(one.is_test)


def test_plans_of_one_planner_do_not_depend_on_what_it_planned_before() -> None:
    network = star()
    used = planner_of(network, small_demand())
    for round_index in (4, -1, 0, 2):
        used.plan(round_index, 5, key_bits(network, 300.0))
    fresh = planner_of(network, small_demand()).plan(1, 7, key_bits(network))
    again = used.plan(1, 7, key_bits(network))
    assert [encode(of) for _, of in fresh.plans] == [encode(of) for _, of in again.plans]


def test_no_plan_of_a_phase_is_over_after_the_next_phase_begins() -> None:
    """Four channels for six processors: two phases."""
    begins: dict[int, int] = {}
    planned = plan(hub_channels=REPLICAS + 3)
    for _, of in planned.plans:
        over = of.starts_at + max(map(add, of.key_starts, of.key_lengths), default=0)
        begins[of.starts_at] = max(begins.get(of.starts_at, 0), over)
    assert len(begins) == 2
    (_, first_over), (second, second_over) = sorted(begins.items())
    assert first_over <= second
    assert second_over <= planned.ends_at


def shots_end(planned: RoundPlan) -> int:
    """When the shots of the only phase are over, after its start."""
    return max(int(of.releases[-1]) + of.shot_deadline for _, of in planned.plans if len(of.releases))


def spans_between_replicas(planned: RoundPlan) -> list[tuple[int, int]]:
    """When two replicas each distil, after the start of the plans."""
    spans = [zip(of.key_starts, of.key_lengths, strict=True) for name, of in planned.plans if "replica" in name]
    return [(start, start + length) for of_one in spans for start, length in of_one]


def test_a_processors_shots_are_over_before_its_keys_begin() -> None:
    for _, of in plan().plans:
        if len(of.releases):
            assert int(of.releases[-1]) + of.shot_deadline <= min(of.key_starts)


def test_replicas_distil_beside_the_shots_and_take_no_time_of_their_own() -> None:
    planned = plan(each=1.0, hub_channels=REPLICAS + PROCESSORS)
    assert max(end for _, end in spans_between_replicas(planned)) <= shots_end(planned)
    of_processor = next(of for name, of in planned.plans if "processor" in name)
    assert planned.ends_at - planned.plans[0][1].starts_at == shots_end(planned) + sum(of_processor.key_lengths)


def test_what_replicas_want_beyond_the_time_of_the_shots_is_distilled_in_key_slots() -> None:
    planned = plan(each=250.0, hub_channels=REPLICAS + PROCESSORS)
    spans, over = spans_between_replicas(planned), shots_end(planned)
    assert any(end <= over for _, end in spans) and any(start >= over for start, _ in spans)
    assert all(end <= over or start >= over for start, end in spans), "no path is cut in two"


def test_processors_need_the_longer_keys_of_a_round_in_the_same_slots() -> None:
    network, asked = star(), small_demand(hub_channels=REPLICAS + PROCESSORS)
    ledger = KeyLedger(asked, places_of(network, asked), REPLICAS, 9)
    (phase,) = plan_phases(network, asked)
    for round_index in range(5):
        of_slots: dict[int, set[int]] = {}
        for (k, j), slot in phase.processor_slots.items():
            bits = ledger.good_round(replica_name(j), processor_name(k), round_index)
            of_slots.setdefault(slot, set()).add(bits)
        assert all(len(bits) == 1 for bits in of_slots.values())
        assert sum(max(bits) > 0 for bits in of_slots.values()) == quorums_of(REPLICAS).blocking


@pytest.mark.parametrize("round_index", [-2, 0])
def test_without_shots_replicas_distil_in_key_slots(round_index: int) -> None:
    network = star()
    planned = planner_of(network, small_demand(), train_on_pairs=False).plan(round_index, 0, key_bits(network))
    of_processor = next(of for name, of in planned.plans if "processor" in name)
    assert {start for start, _ in spans_between_replicas(planned)} <= set(of_processor.key_starts)


def test_the_warm_up_tests_every_shot_a_round_its_share_and_a_refill_has_none() -> None:
    asked = small_demand()
    for round_index, shots, tests in (
        (WARM_UP, asked.warm_up_test_shots, asked.warm_up_test_shots),
        (0, asked.shots + asked.test_shots, asked.test_shots),
        (-2, 0, 0), (-5, 0, 0),
    ):  # fmt: skip
        for name, of in plan(round_index).plans:
            expected = (shots, tests) if name.startswith("link/processor/") else (0, 0)
            assert (len(of.releases), int(np.sum(of.is_test))) == expected


def test_local_inputs_need_no_shots() -> None:
    network = star()
    planned = planner_of(network, small_demand(), train_on_pairs=False).plan(0, 0, key_bits(network))
    assert all(len(of.releases) == 0 for _, of in planned.plans)


@given(st.floats(1.0, 10**5))
@settings(max_examples=20, deadline=None)
def test_the_key_part_is_as_much_longer_as_more_bits_are_wanted(each: float) -> None:
    one, more = (plan(each=bits).plans[0][1] for bits in (each, 2 * each))
    assert more.key_lengths == pytest.approx([2 * length for length in one.key_lengths], abs=2)
    assert (more.key_bits_wanted == 2 * one.key_bits_wanted).all()


def test_no_key_wanted_takes_no_time() -> None:
    planned = plan(each=0.0)
    assert all(set(of.key_lengths) <= {0} for _, of in planned.plans)


def test_every_key_path_has_a_time_of_its_own() -> None:
    network = star(LINE)
    asked = small_demand(multiplexing=8)
    planned = planner_of(network, asked).plan(0, 0, key_bits(network))
    for _, of in planned.plans:
        assert len(of.key_starts) == len(of.key_lengths) == len(of.key_peers)
        for start, length in zip(of.key_starts, of.key_lengths, strict=True):
            assert of.starts_at + start + length <= planned.ends_at


def test_who_foresees_attempts_alone_is_refused_where_swaps_fail_or_pairs_are_purified() -> None:
    network, asked = star(LINE), small_demand(multiplexing=8)
    planner_of(network, asked, Clairvoyant()).plan(0, 0, key_bits(network))
    for swapping in (Swapping(0.98, 0.9), Swapping(0.98, purification_rounds=1)):
        chancy = network.swapping_by(swapping)
        with pytest.raises(ValueError, match="scheduling must not be clairvoyant where swaps can fail"):
            planner_of(chancy, asked, Clairvoyant()).plan(0, 0, key_bits(chancy))


def test_shots_are_divided_over_routes_in_parallel_and_take_as_long_as_all_of_them_need() -> None:
    one, both = (Ring(5, 1.0, 0.995, "fidelity", paths, in_parallel=paths > 1) for paths in (1, 2))
    asked = small_demand(hub_channels=20, shots=400)
    planned = {
        ring: planner_of(network := star(ring, processors=2), asked).plan(0, 10**9, key_bits(network))
        for ring in (one, both)
    }
    alone, divided = (dict(planned[ring].plans)["link/processor/0"] for ring in (one, both))
    assert isinstance(alone, GeneratePairs) and isinstance(divided, GeneratePairsInParallel)
    assert sum(len(part.releases) for part in divided.parts) == len(alone.releases)
    assert sum(part.is_test.sum() for part in divided.parts) == alone.is_test.sum()
    assert [bool(part.key_peers) for part in divided.parts] == [True, False]
    assert planned[both].times.shots < 0.7 * planned[one].times.shots


def test_a_rotation_does_not_serve_routes_in_parallel() -> None:
    network = star(Ring(5, 1.0, 0.995, "fidelity", 2, in_parallel=True))
    with pytest.raises(ValueError, match=r"entanglement\.demand must be bursts for network\.in_parallel=true"):
        planner_of(network, small_demand(hub_channels=20, is_rotation=True))
