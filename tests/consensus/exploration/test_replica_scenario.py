"""Scenarios of whole replicas: what each of them showed once, and what they meet."""

from __future__ import annotations

from collections import Counter

import pytest

from ceas_ray.consensus.exploration.replica_scenario import ReplicaScenario


@pytest.mark.parametrize(("replicas", "seeds"), [(4, 30), (10, 4)])
def test_a_replica_knows_the_body_of_every_value_that_it_finds_valid(replicas: int, seeds: int) -> None:
    """Found by the explorer: a poisoned proposal taught a replica a value without its body; to propose it failed."""
    valid = 0
    for seed in range(seeds):
        scenario = ReplicaScenario(seed, replicas=replicas)
        scenario.run()
        for values in (scenario.nodes[j]._agreement.values for j in scenario.honest):
            assert all(values.body_of(digest) is not None for digest in values.state.outcomes)
            valid += len(values.state.outcomes)
    assert valid > seeds


@pytest.mark.parametrize("seed", [50445, 50793])
def test_a_leader_that_enters_a_view_after_its_suggests_still_asks_for_the_body_that_they_lock(seed: int) -> None:
    """Found by the explorer: what it wanted was forgotten with what it had wanted in the view before."""
    ReplicaScenario(seed, replicas=4).run()


def test_a_replica_that_was_down_when_a_round_began_costs_at_most_one_view() -> None:
    """Found by the explorer: it asked the others only after its third view."""
    ReplicaScenario(81843, replicas=4, rounds=3).run()


def test_a_halted_replica_that_lacks_the_body_may_ask_for_it_again_and_again() -> None:
    """Found by the explorer, of its judge: the time of a view gives a new pace to one that enters none."""
    ReplicaScenario(307109, replicas=4, tagged=True).run()


@pytest.mark.slow
def test_scenarios_of_several_rounds_crash_miss_catch_up_skip_and_quarantine() -> None:
    happened = Counter[str]()
    for seed in range(100):
        scenario = ReplicaScenario(seed, replicas=4, tagged=seed % 4 == 0, rounds=2 + seed % 3)
        scenario.run()
        decisions = [decided for of_round in scenario.judge.decided for decided in of_round.values()]
        happened["skipped"] += any(decided.skipped for decided in decisions)
        happened["trained"] += any(not decided.skipped for decided in decisions)
        happened["view changes"] += any(decided.view > 0 for decided in decisions)
        happened["quarantines"] += any(decided.quarantined for decided in decisions)
        happened["rounds missed"] += any(len(of) < len(scenario.honest) for of in scenario.judge.decided)
        happened["crashes"] += scenario.crashes > 0
    assert min(happened.values()) >= 10, happened
    assert len(happened) == 6


@pytest.mark.parametrize(("replicas", "rounds", "seeds"), [(4, 1, 120), (7, 1, 30), (4, 3, 40)])
def test_reports_and_updates_that_are_late_or_missing_end_in_a_decision(replicas: int, rounds: int, seeds: int) -> None:
    skipped = 0
    for seed in range(seeds):
        scenario = ReplicaScenario(seed, replicas=replicas, rounds=rounds)
        scenario.run()
        skipped += any(decided.skipped for of_round in scenario.judge.decided for decided in of_round.values())
    assert 0 < skipped < seeds
