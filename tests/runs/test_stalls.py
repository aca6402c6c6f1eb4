"""One Byzantine member too many, or no keys: honest ones never differ, and the run says so and ends in order."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from ceas_ray.cli.run import main
from ceas_ray.kernel.codec import decode
from ceas_ray.tracking.files import read_journal
from tests.small_worlds import SMALL
from tests.world.committees import FAULTS, SMALL_COMMITTEE, models, names, run, undisturbed

VOTING = ("poisoned_proposal", "forged_tags", "replayed_tags")
"""Faults with which a member still votes for what honest ones propose: three of four do, beside a silent one."""
GONE = "consensus.crash={replicas:[0,1],round:1,after_milliseconds:0.0,down_milliseconds:1e6}"
JAMMED = "consensus.jamming={replicas:[0,1,2],first_round:0,last_round:9,refills:9}"


def one_too_many(fault: str, *overrides: str) -> None:
    faults = f"attacks.replica_faults=[{fault},silent]"
    found, _, world = run(*SMALL_COMMITTEE, "attacks.replicas=2", faults, *overrides)
    (state,) = models(world, 2)
    if fault in VOTING:
        assert names(found) == ["warm_up"] + ["round"] * 3
    elif fault != "lying":  # one that votes at random may help
        assert names(found) == ["warm_up", "stalled"]
        assert found[-1]["cause"] == "the committee did not decide in time"
    decided = sum(observed["name"] == "round" and not observed["skipped"] for observed in found)
    assert decode(state)[1] == decided, "honest members have what was decided, no more and no less"


@pytest.mark.parametrize("fault", FAULTS)
def test_with_a_silent_member_beside_any_other_fault_honest_ones_hold_what_was_decided(fault: str) -> None:
    one_too_many(fault, "consensus.on_stall=stop")


@pytest.mark.slow
@pytest.mark.parametrize("way", ["wait", "skip"])
@pytest.mark.parametrize("fault", FAULTS)
def test_neither_waiting_nor_skipping_helps_without_a_quorum_and_neither_harms(fault: str, way: str) -> None:
    one_too_many(fault, f"consensus.on_stall={way}", "consensus.max_waits=2")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("trouble", "cause"),
    [(GONE, "the committee did not decide in time"), (JAMMED, "the committee lacks keys")],
    ids=["gone", "jammed"],
)
@pytest.mark.parametrize("way", ["wait", "skip", "stop"])
def test_a_run_that_stalls_keeps_all_that_was_decided_and_says_why_it_ended(
    way: str, trouble: str, cause: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stall = (f"consensus.on_stall={way}", "consensus.max_waits=1", "training.rounds=6")
    assert main([*SMALL, *SMALL_COMMITTEE, trouble, *stall, f"output={tmp_path / 'run'}"]) == 3
    said = capsys.readouterr()
    assert said.err.splitlines()[-1] == f"stalled: {cause}"
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    rounds, decisions = summary["rounds"], summary["decisions"]
    assert rounds >= decisions >= 1
    assert f"stalled after {rounds} rounds" in said.out
    assert (summary["status"], summary["cause"]) == ("stalled", cause)
    assert summary["stall_waits"] == (0 if way == "stop" else 1)
    assert 0 < summary["key_bits"]["spent"] <= summary["key_bits"]["distilled"]
    lines = read_journal(tmp_path / "run" / "journal.jsonl")
    assert [line["round"] for line in lines if line["event"] == "round"] == list(range(rounds + 1))
    assert [line for line in lines if line.get("stalled")] == [lines[-2]]
    assert [line["skipped"] for line in lines[1:-2]] == [0] * decisions + [1] * (rounds - decisions)
    model = undisturbed(*SMALL_COMMITTEE, "training.rounds=6")[decisions]["model"]
    np.testing.assert_array_equal(np.load(tmp_path / "run" / "model.npz")["parameters"], model)
    assert main([f"resume={tmp_path / 'run'}"]) == 2
    assert "resume must be a run that is not stalled" in capsys.readouterr().err
