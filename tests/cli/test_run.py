"""The command: bad input in one line, runs that leave a whole folder."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ceas_ray.cli.run import main
from ceas_ray.tracking.files import read_journal
from tests.small_worlds import SMALL, small_world

BAD = {
    "wrong type": (["processors.count=many"], "processors.count must be an integer"),
    "a truth is no number": (["training.rounds=true"], "training.rounds must be an integer"),
    "out of range": (["training.momentum=1.5"], "training.momentum must be a number in [0, 0.999], got 1.5"),
    "negative": (
        ["links.coherence_milliseconds=-1"],
        "links.coherence_milliseconds must be a number of milliseconds in [1e-06, 1e+12], or inf (it",
    ),
    "unknown key": (["processors.cuont=3"], "processors.cuont must be a known key"),
    "unknown key with plus": (["+processors.cuont=3"], "did you mean processors.count?"),
    "unknown group with plus": (["+nothing.here=3"], "nothing must be a known key"),
    "forced out of range": (["++processors.count=0"], "processors.count must be"),
    "unknown choice": (["network=torus"], "network must be one of complete, graphml, grid, line, "),
    "a network in pieces": (
        ["network=random_geometric", "network.radius_km=0.9"], "but node/0002 cannot be reached from node/0000: raise",
    ),
    "no node but the hub": (["network=line", "network.nodes=1"], "network.nodes must be an integer in [2, 400], got 1"),
    "a network without a file": (["network=graphml"], "network.file must be a path of 1 to 2000 printed characters"),
    "a missing network": (
        ["network=graphml", "network.file=/nowhere.graphml"], "network.file must be an existing file, got '/nowhere",
    ),
    "routes that yield no key": (["network=line", "network.nodes=11"], "to yield a key, got 0.7"),
    "routes below the minimum fidelity": (
        ["network=grid", "entanglement.min_fidelity=0.97"], "entanglement.min_fidelity must be below",
    ),
    "few slots of a node": (["network=line", "entanglement.node_slots=40"], "entanglement.node_slots at least 48"),
    "foresight of swaps": (
        ["network=line", "scheduling=clairvoyant", "links.swap_success=0.9"],
        "scheduling must not be clairvoyant where swaps can fail",
    ),
    "swaps that never succeed": (["links.swap_success=0"], "links.swap_success must be a number in (0, 1], got 0"),
    "slots for purification": (
        ["entanglement.purification_rounds=1", "entanglement.slots=3"], "entanglement.slots must be at least 4",
    ),
    "unknown experiment": (["experiment=headlines"], "experiment must be one of"),
    "an experiment of many runs": (["experiment=headline"], "experiment must be started by scripts/reproduce"),
    "unknown word": (["training.partition=pixel"], "training.partition must be one of data, circuit, layer"),
    "groups not filled": (["training.partition=layer", "processors.count=7"], "processors.count must be divisible by"),
    "small committee": (["consensus.committee_size=3"], "consensus.committee_size must be at least 4"),
    "a committee of nobody": (["consensus.committee_size=null"], "consensus.committee_size must be at least 4"),
    "more attackers than members": (["attacks.replicas=8"], "attacks.replicas must be at most the 7 of the committee"),
    "an unknown member crashes": (
        ["consensus.crash={replicas:[9],round:1,after_milliseconds:0,down_milliseconds:1}"],
        "consensus.crash.replicas must be members of the committee (0 to 6), got 9",
    ),
    "an unknown member is cut off": (
        ["consensus.network_partition={replicas:[-1],begins_seconds:0,heals_seconds:1}"],
        "consensus.network_partition.replicas must be members of the committee (0 to 6), got -1",
    ),
    "an unknown member is jammed": (
        ["consensus.jamming={replicas:[7],first_round:0,last_round:1,refills:0}"], "consensus.jamming.replicas must be",
    ),
    "a partition that heals before it begins": (
        ["consensus.network_partition={replicas:[1],begins_seconds:2,heals_seconds:1}"],
        "consensus.network_partition.heals_seconds must be after it begins (2.0), got 1.0",
    ),
    "half a partition": (
        ["consensus.network_partition={replicas:[1]}"], "consensus.network_partition.begins_seconds must be given"
    ),
    "a negative time-out": (
        ["consensus.input_timeout=-1"], "consensus.input_timeout must be a number of seconds in [1e-06, 1e+09], got -1",
    ),
    "a negative bound on delays": (["consensus.delta_microseconds=-5"], "consensus.delta_microseconds must be"),
    "an unknown fault": (["attacks.replica_faults=[lazy]"], "attacks.replica_faults[0] must be one of silent, slow,"),
    "no fault for the faulty": (["attacks.replicas=1", "attacks.replica_faults=[]"], "replica_faults must be given"),
    "more loss than a network": (["consensus.loss_probability=1"], "consensus.loss_probability must be"),
    "an unknown way out of a stall": (["consensus.on_stall=panic"], "consensus.on_stall must be one of wait, skip,"),
    "an unsafe committee of all": (
        ["consensus=all_processors", "attacks=alie", "attacks.fraction=0.5"],
        "attacks.fraction must be such that at most f = 2 of the 8 in the committee are Byzantine, got 0.5",
    ),
    "a size for a committee of all": (
        ["consensus=all_processors", "consensus.committee_size=7"], "consensus.committee_size must be null for",
    ),
    "a committee of all on another network": (
        ["consensus=all_processors", "network=line"], "network must be star for consensus.committee=processors",
    ),
    "more attackers than processors": (["attacks=alie", "attacks.fraction=1"], "attacks.fraction must be"),
    "attackers without attack": (["attacks=none", "attacks.fraction=0.2"], "attacks.fraction must be 0"),
    "missing file": (
        ["training.data.name=file", "training.data.file=/nowhere/data.csv"],
        "training.data.file must be an existing file, got '/nowhere/data.csv'",
    ),
    "no file": (["training.data.name=file"], "training.data.file must be given"),
    "too many processors for the data": (["processors.count=1000"], "processors.count: "),
    "no key": (["links.replica_fidelity=0.85"], "links: end-to-end pairs must yield a key"),
    "no slots": (["entanglement.slots=2"], "entanglement.slots must be at least the 3 pairs of a shot, got 2"),
    "few channels": (["entanglement.hub_channels=7"], "entanglement.hub_channels must exceed the 7 legs"),
    "unwritable folder": (["output=/dev/null/run"], "output must be a folder that can be made"),
    "long name": ([f"output={'a' * 300}"], "output must be a folder that can be made (File name too long)"),
    "foreign class": (["attacks=alie", "attacks.attack._target_=os.system"], "must be a class within ceas_ray"),
    "policy argument": (
        ["scheduling=two_level", "scheduling.burst_limit=much"], "scheduling.burst_limit must be an integer",
    ),
    "unknown policy argument": (["+scheduling.stock=3"], "scheduling.stock must be a known key"),
    "garbage": (["a b=c"], "command line must be words key=value whose key is"),
    "one bad job of a sweep": (["-m", "seed=1,-2"], "seed must be"),
    "unreachable cluster": (["runtime=ray", "runtime.address=127.0.0.1:1"], "runtime.address must be host:port"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_bad_input_gets_one_clear_line_and_leaves_nothing(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    overrides, complaint = BAD[name]
    small = [s for s in SMALL if not any(o.startswith(s.split("=")[0]) for o in overrides)]
    assert main([*small, *overrides]) == 2
    said = capsys.readouterr()
    assert said.err.count("\n") == 1, said.err
    assert complaint in said.err
    assert said.err.count(" must ") <= 1 and said.err.count(", got ") <= 1, "an error quotes no other error"
    assert list(tmp_path.iterdir()) == []


def test_a_run_leaves_settings_journal_model_and_summary(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "run"
    assert main([*SMALL, f"output={folder}", "attacks=alie", "attacks.fraction=0.125"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == str(folder / "summary.json")
    summary = json.loads((folder / "summary.json").read_text())
    wanted = (
        "schema_version status seed git_commit git_dirty runtime machines hosts processors rounds test_accuracy "
        "chance_accuracy validation_accuracy bell_pairs bell_pair_utilization bell_pair_utilization_net "
        "demand_on_time mean_contrast rounds_per_simulated_second decisions view_changes key_bits simulated_seconds "
        "wall_seconds windows trace_digest mlflow_run_id"
    )
    assert set(wanted.split()) <= set(summary)
    assert summary["validation_accuracy"] is None
    pairs = summary["bell_pairs"]
    spent = sum(pairs["used"].values()) + sum(pairs[k] for k in ("late", "expired", "sacrificed", "stored"))
    assert pairs["generated"] == spent
    assert (summary["status"], summary["rounds"], summary["decisions"]) == ("completed", 3, 3)
    lines = read_journal(folder / "journal.jsonl")
    assert [line["event"] for line in lines] == ["started", "round", "round", "round", "ended"]
    assert lines[-2]["digest"] == summary["trace_digest"]
    assert np.load(folder / "model.npz")["parameters"].shape == (6,)
    assert main([*SMALL, f"output={folder}"]) == 2, "a finished run was about to be overwritten"


def test_a_run_with_a_validation_set_says_its_accuracy_there_in_journal_and_summary(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    assert main([*SMALL, f"output={folder}", "training.data.validation_fraction=0.2", "training.evaluate_every=2"]) == 0
    summary = json.loads((folder / "summary.json").read_text())
    rounds = [line for line in read_journal(folder / "journal.jsonl") if line["event"] == "round"]
    assert ["validation_accuracy" in line for line in rounds] == [False, True, True]
    assert rounds[-1]["validation_accuracy"] == summary["validation_accuracy"]
    world = small_world("training.data.validation_fraction=0.2")
    assert world.validation is not None
    assert len(world.validation.labels) == len(world.data.validation_labels)
    assert sum(len(shard.angles) for shard in world.shards) == len(world.data.train_labels)
    assert summary["validation_accuracy"] == world.validation(np.load(folder / "model.npz")["parameters"])[1]


@pytest.mark.slow
def test_a_stalled_run_ends_with_its_own_exit_code(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    assert main([*SMALL, f"output={folder}", "attacks.replicas=3"]) == 3
    assert json.loads((folder / "summary.json").read_text())["status"] == "stalled"


def test_a_dry_run_starts_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main([*SMALL, "dry_run=true"]) == 0
    assert "Bell pairs used per round" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("limit", ["stop.simulated_seconds=0.001", "stop.bell_pairs=1", "stop.wall_seconds=1e-6"])
def test_the_first_limit_that_is_passed_ends_a_run_after_its_round_and_is_named(tmp_path: Path, limit: str) -> None:
    assert main([*SMALL, f"output={tmp_path / 'run'}", "stop.bell_pairs=1000000000", limit]) == 0
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert (summary["rounds"], summary["status"]) == (1, "stopped")
    assert summary["cause"].startswith(f"{limit.replace('1e-6', '1e-06')} is reached: ")


@pytest.mark.slow
def test_a_budget_of_bell_pairs_counts_those_for_keys_and_tests_too(tmp_path: Path) -> None:
    assert main([*SMALL, f"output={tmp_path / 'one'}", "stop.bell_pairs=1"]) == 0
    of_one_round = json.loads((tmp_path / "one" / "summary.json").read_text())["bell_pairs"]["generated"]
    assert main([*SMALL, f"output={tmp_path / 'run'}", f"stop.bell_pairs={of_one_round}"]) == 0
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert summary["rounds"] == 2
    assert f"{summary['bell_pairs']['generated']:,} Bell pairs were generated" in summary["cause"]


@pytest.mark.slow
def test_a_sweep_shows_in_mlflow_even_where_processes_start_at_once(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "ceas_ray.cli.run", "-m", *SMALL, "tracking=mlflow", "training.rounds=1"]
    started = [
        subprocess.Popen(
            [*command, f"seed={seed},{seed + 1}", f"output=run{seed}"], stderr=subprocess.PIPE, cwd=tmp_path
        )
        for seed in (1, 3)
    ]
    for process in started:
        _, errors = process.communicate(timeout=300)
        assert process.returncode == 0, errors
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{tmp_path}/outputs/mlflow.db")
    runs = client.search_runs([client.get_experiment_by_name("ceas_ray").experiment_id], "params.seed != '0'")
    assert len(runs) == 4
    assert {run.info.status for run in runs} == {"FINISHED"}
    for run in runs:
        assert 0 <= run.data.metrics["test_accuracy"] <= 1
        assert "trace_digest" in run.data.tags
        assert run.data.params["processors.count"] == "8"


@pytest.mark.slow
def test_an_unreachable_mlflow_server_stops_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "run"
    assert main([*SMALL, "tracking=mlflow", "tracking.uri=http://127.0.0.1:9", f"output={folder}"]) == 0
    assert "the run goes on without it" in " ".join(capsys.readouterr().err.split())
    assert json.loads((folder / "summary.json").read_text())["mlflow_run_id"] is None
