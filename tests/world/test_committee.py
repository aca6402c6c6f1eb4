"""The committee of a training run under every fault: honest members agree to the bit, and a stall loses nothing."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from ceas_ray.cli.run import main
from ceas_ray.config.conf_path import conf_directory
from ceas_ray.kernel.codec import decode, encode
from ceas_ray.kernel.envelope import Envelope
from ceas_ray.kernel.windows import Simulation
from ceas_ray.messages import authentication
from ceas_ray.runtime.local_runtime import LocalCluster
from tests.entanglement.parts import without_progress
from tests.messages.decisions import a_decision
from tests.small_worlds import SMALL, small_world
from tests.world.committees import (
    FAULTS,
    SMALL_COMMITTEE,
    inner,
    key_bits_spent,
    models,
    names,
    run,
    same_on_any_hosts,
    times_of,
    undisturbed,
)

ON_INPUTS = ("alie", "equivocation", "jamming", "late", "silence")
"""Attacks that differ in what reaches the committee: all other ones send one row of another content in time."""
OTHERS = sorted({path.stem for path in conf_directory().glob("attacks/*.yaml")} - {"none", *ON_INPUTS})


def test_a_round_is_over_when_enough_honest_members_know_its_decision_to_teach_the_others() -> None:
    """Found by the explorer. On f + 1 reports one honest member may be the only one that knows: with f liars beside it
    nobody could ever learn from it what was decided, and the next round would stall for good."""
    manager = small_world().manager
    manager.progress.plan(0)
    manager.progress.begin()
    answers = []
    for j in range(5):
        decided = a_decision(15)
        answers.append(
            bool(
                without_progress(
                    manager.handle(
                        Envelope(
                            deliver_at=10**12,
                            sender=f"replica/{j}",
                            serial=j,
                            receiver="entanglement_manager",
                            payload=decided,
                        )
                    )
                )
            )
        )
    assert answers == [False, False, False, False, True]


def test_a_flood_of_forged_frames_ends_in_an_alarm_and_in_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(authentication, "FAILURES_PER_ALARM", 4)
    attack = ("attacks.replicas=1", "attacks.replica_faults=[forged_tags]")
    found, _, world = run(*SMALL_COMMITTEE, *attack, "training.rounds=2")
    alarms = [observed for observed in found if observed["name"] == "forgeries"]
    assert alarms
    assert all(observed["sender"].startswith("replica/") for observed in alarms)
    assert [name for name in names(found) if name != "forgeries"] == ["warm_up", "round", "round"]
    assert len(models(world, 3)) == 1


def test_alarms_are_in_the_journal(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(authentication, "FAILURES_PER_ALARM", 4)
    attack = ("attacks.replicas=1", "attacks.replica_faults=[forged_tags]", "training.rounds=2")
    assert main([*SMALL, *SMALL_COMMITTEE, *attack, f"output={tmp_path / 'run'}"]) == 0
    lines = [json.loads(line) for line in (tmp_path / "run" / "journal.jsonl").read_text().splitlines()]
    assert any(line["event"] == "alarm" for line in lines)


@pytest.mark.parametrize("fault", FAULTS)
def test_up_to_f_faulty_members_change_nothing_of_what_honest_ones_hold(fault: str) -> None:
    found, _, world = run("attacks.replicas=2", f"attacks.replica_faults=[{fault}]", "training.rounds=6")
    assert names(found) == ["warm_up"] + ["round"] * 6
    assert len(models(world, 5)) == 1
    assert decode(models(world, 5).pop())[1] == 6, "a round was skipped"
    honest = undisturbed("training.rounds=6")
    assert [np.asarray(a["model"]).tobytes() for a in found] == [np.asarray(b["model"]).tobytes() for b in honest]


@pytest.mark.parametrize("fault", ["silent", "lying"])
def test_faulty_members_keep_no_model_from_processors_that_need_no_pairs(fault: str) -> None:
    """Their plans have hardly any length, so that nobody could ask for a model in time."""
    local = ("training.inputs=local", "training.rounds=3")
    found, _, _ = run("attacks.replicas=2", f"attacks.replica_faults=[{fault}]", *local)
    honest = undisturbed(*local)
    assert [np.asarray(a["model"]).tobytes() for a in found] == [np.asarray(b["model"]).tobytes() for b in honest]


def test_different_faults_work_together() -> None:
    found, _, world = run(
        "attacks.replicas=2", "attacks.replica_faults=[lying,equivocating]", "consensus.loss_probability=0.2",
        "training.rounds=4",
    )  # fmt: skip
    assert names(found) == ["warm_up"] + ["round"] * 4
    assert len(models(world, 5)) == 1


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_gives_the_same_on_any_hosts_and_across_a_cut(fault: str) -> None:
    overrides = (*SMALL_COMMITTEE, "attacks.replicas=1", f"attacks.replica_faults=[{fault}]", "training.rounds=4")
    same_on_any_hosts(*overrides)


@pytest.mark.slow
@pytest.mark.parametrize(
    "trouble",
    [
        "consensus.loss_probability=0.3",
        "consensus.crash={replicas:[0,1],round:1,after_milliseconds:0.1,down_milliseconds:2.0}",
        "consensus.crash={replicas:[2],round:0,after_milliseconds:0.3,down_milliseconds:2000.0}",
        "consensus.jamming={replicas:[0,1,2],first_round:0,last_round:1,refills:1}",
    ],
)
def test_loss_crashes_and_jamming_give_the_same_on_any_hosts_and_across_a_cut(trouble: str) -> None:
    same_on_any_hosts(*SMALL_COMMITTEE, trouble, "training.rounds=3")


def test_a_crashed_member_recovers_and_a_late_one_catches_up() -> None:
    for down in (2.0, 3000.0):
        crash = f"consensus.crash={{replicas:[1],round:1,after_milliseconds:0.1,down_milliseconds:{down}}}"
        found, _, world = run(*SMALL_COMMITTEE, crash, "training.rounds=4")
        assert names(found) == ["warm_up"] + ["round"] * 4
        assert len(models(world, 4)) == 1


def test_a_partition_heals_and_who_was_cut_off_catches_up() -> None:
    warm_up, first, *_ = times_of(*SMALL_COMMITTEE, "training.rounds=3")
    for heals, together in ((first + 0.01, 4), (1000.0, 3)):
        split = f"consensus.network_partition={{replicas:[3],begins_seconds:{warm_up},heals_seconds:{heals}}}"
        found, _, world = run(*SMALL_COMMITTEE, split, "training.rounds=3")
        assert names(found) == ["warm_up"] + ["round"] * 3
        assert len(models(world, together)) == 1
        assert len(models(world, 4)) == 5 - together


LOST = "consensus.loss_probability=0.2"
CRASHED = "consensus.crash={replicas:[1],round:1,after_milliseconds:0.1,down_milliseconds:2.0}"
JAMMED = "consensus.jamming={replicas:[0,1,2],first_round:0,last_round:1,refills:1}"
LYING = ("attacks.replicas=1", "attacks.replica_faults=[lying]")


def split() -> str:
    """One member alone during the first round."""
    warm_up, first, *_ = times_of(*SMALL_COMMITTEE, "training.rounds=1")
    return f"consensus.network_partition={{replicas:[3],begins_seconds:{warm_up},heals_seconds:{first + 0.01}}}"


def rounds_of_one_model_on_any_hosts(*troubles: str, rounds: int = 3) -> None:
    found, _, world = run(*SMALL_COMMITTEE, *troubles, f"training.rounds={rounds}")
    assert names(found) == ["warm_up"] + ["round"] * rounds
    assert len(models(world, 3)) == 1
    same_on_any_hosts(*SMALL_COMMITTEE, *troubles, f"training.rounds={rounds}")


def test_loss_a_crash_jamming_and_a_liar_together_give_the_same_on_any_hosts_and_across_a_cut() -> None:
    rounds_of_one_model_on_any_hosts(LOST, CRASHED, JAMMED, *LYING)


def test_a_partition_a_crash_and_jamming_together_give_the_same_on_any_hosts_and_across_a_cut() -> None:
    rounds_of_one_model_on_any_hosts(split(), CRASHED, JAMMED)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("troubles", "rounds"),
    [((), 3), (LYING, 3), ((LOST,), 3), ((LOST, CRASHED, JAMMED), 4)],
    ids=["alone", "lying", "loss", "all"],
)
def test_a_partition_beside_other_troubles_gives_the_same_on_any_hosts_and_across_a_cut(
    troubles: tuple[str, ...], rounds: int
) -> None:
    """Whoever has spent its keys when the jamming ends catches up in a round that distils some; the last does not."""
    rounds_of_one_model_on_any_hosts(split(), *troubles, rounds=rounds)


def test_a_committee_in_two_halves_stalls_and_goes_on_when_they_meet() -> None:
    warm_up, first, *_ = times_of(*SMALL_COMMITTEE, "training.rounds=2")
    split = f"consensus.network_partition={{replicas:[2,3],begins_seconds:{warm_up},heals_seconds:{first + 0.2}}}"
    found, _, world = run(*SMALL_COMMITTEE, split, "training.rounds=2", "consensus.max_waits=20")
    assert names(found) == ["warm_up", "round", "round"]
    assert [observed["waits"] > 0 for observed in found[1:]] == [True, False]
    assert len(models(world, 4)) == 1


def test_a_cut_while_a_member_is_down_changes_nothing() -> None:
    crash = "consensus.crash={replicas:[1],round:0,after_milliseconds:0.0,down_milliseconds:2500.0}"
    overrides = (*SMALL_COMMITTEE, crash, "training.rounds=2")
    _, first, second = times_of(*overrides)
    whole = Simulation(LocalCluster(small_world(*overrides).one_host()))
    digests = [end.digest for end in whole.rounds()]
    for cut in (first, (first + second) / 2, second - 0.0005):
        before = Simulation(LocalCluster(small_world(*overrides).hosts(2, 1)))
        seen = [end.digest for end in before.run_until(round(cut * 1e12))]
        after = Simulation(LocalCluster(small_world(*overrides).one_host()))
        after.restore(decode(encode(before.snapshot())))
        assert seen + [end.digest for end in after.rounds()] == digests


@pytest.mark.slow
@pytest.mark.parametrize("way", ["wait", "skip", "stop"])
def test_one_silent_member_too_many_stalls_the_run_which_says_so_and_ends(way: str) -> None:
    found, _, world = run("attacks.replicas=3", f"consensus.on_stall={way}", "consensus.max_waits=2")
    assert names(found) == ["warm_up", "stalled"]
    assert found[-1]["cause"] == "the committee did not decide in time"
    assert found[-1]["waits"] == (0 if way == "stop" else 2)
    assert len(models(world, 4)) == 1


@pytest.mark.slow
@pytest.mark.parametrize("way", ["wait", "skip"])
def test_a_round_that_stalls_goes_on_when_the_committee_is_back(way: str) -> None:
    crash = "consensus.crash={replicas:[0,1],round:1,after_milliseconds:0.0,down_milliseconds:4000.0}"
    waiting = (f"consensus.on_stall={way}", "consensus.max_waits=60")
    found, _, world = run(*SMALL_COMMITTEE, crash, *waiting, "training.rounds=3")
    assert names(found) == ["warm_up"] + ["round"] * 3
    assert [observed["waits"] > 0 for observed in found[1:]] == [False, True, False]
    assert len(models(world, 4)) == 1
    assert not any(observed["skipped"] for observed in found[1:]), "its inputs are there, so it is decided"


def test_jammed_legs_stall_the_round_until_the_refill() -> None:
    jamming = "consensus.jamming={replicas:[0,1,2],first_round:0,last_round:3,refills:1}"
    found, _, world = run(*SMALL_COMMITTEE, jamming, "training.rounds=6")
    assert names(found) == ["warm_up"] + ["round"] * 6
    waits = [observed["waits"] for observed in found[1:]]
    assert sum(waits) >= 2
    assert len(models(world, 4)) == 1
    stopped, _, _ = run(*SMALL_COMMITTEE, jamming, "training.rounds=6", "consensus.on_stall=stop")
    assert names(stopped)[-1] == "stalled"


def test_a_processor_that_equivocates_ends_in_quarantine_by_agreement() -> None:
    found, _, world = run(
        "attacks=equivocation", "attacks.fraction=0.25", "training.rounds=4", "aggregation.byzantine_fraction=0.25"
    )
    rounds = found[1:]
    assert names(rounds) == ["round"] * 4
    byzantine = set(world.byzantine)
    assert set(rounds[0]["quarantined"]) == set()
    assert all(set(observed["quarantined"]) == byzantine for observed in rounds[1:])
    assert all(not byzantine & set(observed["processors"]) for observed in rounds)
    assert len({inner(actor).model.quarantined for actor in world.replicas}) == 1


def test_a_processor_that_announces_no_outcome_of_a_test_is_certified_as_useless() -> None:
    attack = ("attacks=false_fidelity", "attacks.fraction=0.25", "training.rounds=1")
    for refusing in (False, True):
        _, simulation, world = run(*attack, f"attacks.announcements.withheld={1.0 if refusing else 0.0}")
        state = world.control[1].state
        tested, errors = (np.asarray(part).sum(axis=1) for part in (state.tested, state.errors))
        rates = errors / tested
        bad = np.isin(np.arange(8), world.byzantine)
        assert rates[~bad].max() < 0.2
        assert (rates[bad] == 1).all() if refusing else (rates[bad] < 0.2).all()
        assert simulation.digest


def test_finite_blocks_cost_many_more_pairs_for_the_same_key() -> None:
    overrides = (*SMALL_COMMITTEE, "training.rounds=1")
    pairs, bits = [], []
    for rate in ("asymptotic", "finite"):
        found, simulation, _ = run(*overrides, f"consensus.key_rate={rate}")
        assert names(found) == ["warm_up", "round"]
        pairs.append(sum(int(np.asarray(observed["counts"])[1, 0]) for observed in found))
        bits.append(sum(observed["key_bits"] for observed in found))
        assert 0 < key_bits_spent(simulation) <= bits[-1]
    assert pairs[1] > 1.5 * pairs[0]


@pytest.mark.parametrize("attack", [*ON_INPUTS, *(pytest.param(name, marks=pytest.mark.slow) for name in OTHERS)])
def test_whatever_byzantine_processors_attack_with_honest_ones_in_the_committee_hold_one_model(attack: str) -> None:
    """Every processor is a member, and the one that attacks is silent as a member."""
    few = ("processors.count=4", "training.circuits_per_round=32", "training.rounds=1", "entanglement.warm_up_tests=20")
    one_of_four = ("attacks.fraction=0.25", "aggregation.byzantine_fraction=0.25")
    found, _, world = run("consensus=all_processors", f"attacks={attack}", *one_of_four, *few)
    assert names(found) == ["warm_up", "round"]
    assert not found[1]["skipped"]
    honest = [actor for k, actor in enumerate(world.replicas) if k not in world.byzantine]
    assert len(honest) == 3
    (state,) = {encode(inner(actor).model.state) for actor in honest}
    assert decode(state)[1] == 1


def test_all_processors_can_be_the_committee() -> None:
    found, _, world = run("consensus=all_processors", "attacks=sign_flip", "attacks.fraction=0.25", "training.rounds=2")
    assert names(found) == ["warm_up", "round", "round"]
    honest = [actor for k, actor in enumerate(world.replicas) if k not in world.byzantine]
    assert len(honest) == 6
    assert len({encode(inner(actor).model.state) for actor in honest}) == 1
