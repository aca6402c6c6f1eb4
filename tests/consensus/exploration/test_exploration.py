"""The explorer itself, and what continuous integration explores each time."""

from __future__ import annotations

from collections import Counter

import pytest

from ceas_ray.consensus.exploration.abstract_model import LIVENESS, AbstractModel
from ceas_ray.consensus.exploration.abstract_rules import Change
from ceas_ray.consensus.exploration.calm_scenario import CalmScenario
from ceas_ray.consensus.exploration.campaign import CampaignReport, explore, run_batch
from ceas_ray.consensus.exploration.chart import chart_of
from ceas_ray.consensus.exploration.conformance import DrivenWalk
from ceas_ray.consensus.exploration.decision_cost import decision_cost
from ceas_ray.consensus.exploration.kinds import KINDS, MIX, Layer, kind_of, run_scenario
from ceas_ray.consensus.exploration.replica_scenario import ReplicaScenario
from ceas_ray.consensus.exploration.round_invariants import RoundInvariants
from ceas_ray.consensus.exploration.violation import Violation


@pytest.mark.slow
@pytest.mark.parametrize(
    ("values", "symmetric", "states"), [(2, True, 265_198), (2, False, 3_136_055), (3, True, 395_696)]
)
def test_every_state_of_the_abstract_model_is_safe_and_live(values: int, symmetric: bool, states: int) -> None:
    found = AbstractModel(4, 2, values).explore(symmetric)
    assert (found.states, found.disagreements, found.not_live) == (states, 0, 0)


@pytest.mark.parametrize(("replicas", "views", "values"), [(4, 4, 3), (4, 5, 4), (7, 4, 3), (10, 4, 3)])
def test_walks_of_the_right_model_do_not_break(replicas: int, views: int, values: int) -> None:
    found = AbstractModel(replicas, views, values).search(0, 5000)
    assert (found.walks, found.broken) == (5000, None)
    assert found.checked > 5000


def test_two_values_hide_that_proofs_need_a_second_alternative() -> None:
    without = [AbstractModel(4, 4, values, Change.NO_TWO_CLAIMS).search(0, 20_000).broken for values in (2, 3)]
    assert without == [None, LIVENESS]


def test_a_broken_walk_of_a_search_is_the_walk_of_its_seed() -> None:
    model = AbstractModel(4, 4, change=Change.TWO_CLAIMS_BEFORE_R2)
    found = model.search(100, 1000)
    assert found.broken is not None
    assert model.walk(100 + found.walks - 1).broken == found.broken


@pytest.mark.parametrize("replicas", [4, 7])
def test_after_the_calm_the_first_view_of_an_honest_leader_decides(replicas: int) -> None:
    events = 0
    for seed in range(60):
        scenario = CalmScenario(seed, AbstractModel(replicas, 4))
        scenario.run()
        events += scenario.events
    assert events > 1000


@pytest.mark.parametrize("replicas", [4, 7, 10])
def test_the_voting_does_what_the_abstract_model_says(replicas: int) -> None:
    steps = 0
    for seed in range(100):
        walk = DrivenWalk(seed, AbstractModel(replicas, 3))
        walk.run()
        steps += walk.steps
    assert steps > 1000


def test_a_seed_replays_to_the_same_chart() -> None:
    seeds = {kind_of(seed): seed for seed in range(len(MIX))}
    assert set(seeds) == set(KINDS)
    for seed in seeds.values():
        chart = chart_of(seed)
        assert chart == chart_of(seed)
        assert chart.endswith("no violation")


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


def test_a_violation_names_its_seed_and_its_invariant(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RoundInvariants, "decides", _refuse)
    report = run_batch(range(128))
    assert report.failures
    assert all("agreement: planted" in str(failure.violation) for failure in report.failures)
    layers = {kind_of(failure.seed).layer for failure in report.failures}
    assert layers <= {Layer.REPLICA, Layer.TAGGED, Layer.ROUNDS}
    assert chart_of(report.failures[0].seed).endswith("VIOLATION: agreement: planted")


def _refuse(*_: object) -> None:
    raise Violation("agreement", "planted")


@pytest.mark.parametrize(("replicas", "tags"), [(4, 87), (7, 300), (10, 639), (50, 17_199)])
def test_a_decision_costs_what_the_specification_counts(replicas: int, tags: int) -> None:
    cost = decision_cost(replicas)
    assert (cost["tags"], cost["latency_deltas"]) == (tags, 5.0)


def test_a_dedicated_committee_of_seven_for_fifty_processors_costs_958_tags() -> None:
    assert decision_cost(7, 50)["tags"] == 958


@pytest.mark.slow
def test_some_thousand_scenarios_of_the_mix_show_no_violation() -> None:
    report = explore(first=0, processes=2, scenarios=4096)
    assert report.failures == []
    assert (report.total.scenarios, report.next_seed, report.interrupted) == (4096, 4096, False)


def test_an_interrupted_campaign_reports_what_was_done_and_where_to_go_on() -> None:
    def interrupt(report: CampaignReport) -> None:
        raise KeyboardInterrupt

    report = explore(first=512, processes=1, scenarios=10**6, progress=interrupt)
    assert report.interrupted
    assert (report.total.scenarios, report.next_seed) == (256, 768)


def test_a_campaign_names_the_outcomes_of_its_scenarios_by_one_digest() -> None:
    first, again, other = (run_batch(range(begin, begin + 16)) for begin in (0, 0, 16))
    assert first.outcomes == again.outcomes != other.outcomes
    digests = {run_scenario(seed).digest for seed in range(32)}
    assert len(digests) == 32


def test_a_campaign_may_keep_to_one_kind() -> None:
    report = explore(first=0, processes=1, scenarios=100, only=KINDS[0])
    assert set(report.by_kind) == {KINDS[0]}
    assert report.total.scenarios >= 100
