"""The mix of whole-replica scenarios contains what an adversary, a network and outsiders can do."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from ceas_ray.consensus.exploration.draws import Draws
from ceas_ray.consensus.exploration.replica_scenario import ReplicaScenario
from ceas_ray.consensus.exploration.replica_setting import PLENTY, ReplicaSetting
from ceas_ray.messages.payloads import replica_name


@pytest.mark.parametrize(("replicas", "rounds"), [(4, 1), (7, 1), (10, 1), (4, 3), (7, 3), (10, 2)])
def test_every_trouble_is_drawn_often(replicas: int, rounds: int) -> None:
    settings = [ReplicaSetting.drawn(Draws(seed, "mix"), replicas, False, rounds) for seed in range(400)]
    drawn = Counter[str]()
    for setting in settings:
        drawn["liars without a protocol"] += setting.omniscient
        drawn["liars with twins"] += bool(setting.twins)
        drawn["floods"] += setting.floods
        drawn["a processor that lies"] += bool(setting.liar_processors)
        drawn["late or partial reports"] += setting.hub != "all"
        drawn["inputs that close at different times"] += setting.spread
        drawn["crashes"] += bool(setting.outages)
        drawn["lost frames"] += bool(setting.lost)
        drawn["calm from the start"] += setting.calm_at == 0.0
        drawn["views judged"] += setting.judges_views
    assert min(drawn.values()) >= 10, drawn
    assert len(drawn) == 10


@pytest.mark.parametrize(("replicas", "rounds"), [(4, 1), (7, 1), (10, 1), (4, 3), (7, 3), (10, 2)])
def test_every_attack_is_drawn_often(replicas: int, rounds: int) -> None:
    drawn = Counter[str]()
    for seed in range(400):
        setting = ReplicaSetting.drawn(Draws(seed, "mix"), replicas, False, rounds).with_attacks(Draws(seed, "attacks"))
        lasting = setting.lost_until - setting.calm_at if setting.lost else 0.0
        silent = {replica_name(j) for j in setting.honest} == setting.deaf and not setting.omniscient
        drawn["contents sent as proposals"] += setting.poisons
        drawn["frames lost for long"] += lasting >= 40.0
        drawn["for very long"] += lasting >= 200.0
        if rounds > 1:
            drawn["honest replicas kept a round apart"] += bool(setting.apart)
        else:
            drawn["for long while liars are silent"] += lasting >= 40.0 and silent
    assert min(drawn.values()) >= 4, drawn
    assert len(drawn) == 4


@pytest.mark.parametrize(("replicas", "seeds"), [(4, 80), (7, 40)])
def test_liars_keep_honest_replicas_a_round_apart(replicas: int, seeds: int) -> None:
    """Some decide with the help of f liars what the others miss; then one of them may decide a round alone."""
    happened = Counter[str]()
    for seed in range(seeds):
        scenario = ReplicaScenario(seed, replicas=replicas, rounds=2, aim=_apart)
        if scenario.setting.apart:
            scenario.run()
            first, last = (list(of_round) for of_round in scenario.judge.decided)
            happened["scenarios"] += 1
            happened["missed by those kept apart"] += not scenario.setting.apart & {*first}
            happened["the next one by one of the others first"] += last[0] not in scenario.setting.apart
    assert happened["scenarios"] >= 4
    assert 2 * min(happened.values()) >= happened["scenarios"], happened


def _apart(setting: ReplicaSetting) -> ReplicaSetting:
    return replace(setting, outages={})


def test_tagged_scenarios_meet_junk_and_scarce_keys() -> None:
    settings = [ReplicaSetting.drawn(Draws(seed, "mix"), 4, True, 1) for seed in range(200)]
    assert sum(setting.junk for setting in settings) > 30
    assert sum(setting.key_bits < PLENTY for setting in settings) > 20


@pytest.mark.parametrize(("replicas", "seeds"), [(4, 60), (7, 12), (10, 4)])
def test_scenarios_with_junk_and_real_tags_end_in_a_decision(replicas: int, seeds: int) -> None:
    for seed in range(seeds):
        scenario = ReplicaScenario(seed, replicas=replicas, tagged=True)
        scenario.run()
        assert scenario.judge.all_decided


def test_a_good_round_is_trained_whatever_liars_say() -> None:
    good = 0
    for seed in range(140):
        scenario = ReplicaScenario(seed, replicas=4)
        if scenario.setting.is_good:
            scenario.run()
            good += not any(decided.skipped for decided in scenario.judge.decided[0].values())
    assert good >= 8
