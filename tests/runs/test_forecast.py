"""A forecast: in closed form, near the plan that a run makes; what is too large is refused before it is built."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ceas_ray.cli.run import main
from ceas_ray.config.errors import SettingsError
from ceas_ray.config.schema import RunSettings
from ceas_ray.config.validation import build
from ceas_ray.kernel.windows import Simulation
from ceas_ray.messages.observations import RoundObserved, WarmUpObserved
from ceas_ray.runs import run
from ceas_ray.runs.forecast import forecast
from ceas_ray.runtime.local_runtime import LocalCluster
from ceas_ray.scheduling.mdp import Mdp
from ceas_ray.world import builder as world
from ceas_ray.world.builder import outline_world
from tests.composed_settings import composed_once
from tests.entanglement.planned_cost import planned_cost
from tests.small_worlds import SMALL, small_world


@pytest.mark.slow
@pytest.mark.parametrize("overrides", [
    [], ["processors.count=60"], ["network=line"], ["network=complete"], ["scheduling=oblivious"],
    ["consensus=all_processors", "consensus.committee_size=null"], ["training.partition=circuit"],
    ["training.inputs=local"], ["training.circuits_per_round=512"],
])  # fmt: skip
def test_the_forecast_of_a_round_is_within_a_factor_of_two_of_its_plan(overrides: list[str]) -> None:
    settings = build(RunSettings, composed_once([*SMALL, *overrides]))
    found = forecast(settings, outline_world(settings))
    planned = planned_cost(small_world(*overrides).manager)
    assert 0.5 < found.round_seconds / planned.simulated_seconds < 2
    assert 0.5 < found.pairs / planned.pairs < 2
    assert 0.5 < found.key_bits / planned.key_bits < 2


@pytest.mark.parametrize("overrides", [
    ["network=ring", "consensus.committee_size=4", "entanglement.key_useful_age_milliseconds=1"],
    ["network=complete", "processors.count=6", "entanglement.key_useful_age_milliseconds=3"],
    ["network=line", "processors.count=12", "entanglement.key_useful_age_milliseconds=1", "consensus.hash_keys=kept"],
    ["network=grid", "processors.count=9", "entanglement.purification_rounds=1", "entanglement.multiplexing=4"],
])  # fmt: skip
def test_the_forecast_of_simulated_time_takes_the_slowest_path_of_each_key_slot(overrides: list[str]) -> None:
    settings = build(RunSettings, composed_once([*SMALL, *overrides]))
    found, planned = forecast(settings, outline_world(settings)), planned_cost(small_world(*overrides).manager)
    assert found.round_seconds == pytest.approx(planned.simulated_seconds, rel=0.2)
    assert found.warm_up_seconds == pytest.approx(planned.warm_up_seconds, rel=0.2)
    assert found.pairs == pytest.approx(planned.pairs, rel=0.2)


@pytest.mark.parametrize(
    "overrides", [["training.rounds=1"], ["training.rounds=5"], ["network=grid", "training.rounds=4"]]
)
def test_the_forecast_of_a_whole_run_knows_that_its_last_rounds_distil_nothing(overrides: list[str]) -> None:
    settings = build(RunSettings, composed_once([*SMALL, *overrides]))
    found, taken = forecast(settings, outline_world(settings)), 0.0
    for end in Simulation(LocalCluster(small_world(*overrides).one_host())).rounds():
        payloads = [seen.payload for seen in end.observations]
        taken += sum(one.simulated_seconds for one in payloads if isinstance(one, (WarmUpObserved, RoundObserved)))
    assert found.simulated_seconds == pytest.approx(taken, rel=0.25)


LOW_FIDELITY = [
    "links.min_fidelity=0.9", "links.mean_fidelity=0.93", "links.max_fidelity=0.95", "links.replica_fidelity=0.97",
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("overrides", [
    ["scheduling=mdp"], ["scheduling=on_demand"], ["scheduling=oblivious", "training.circuits_per_round=512"],
    ["scheduling=freshest_first", "entanglement=scarce_supply"], ["scheduling=base_stock"], ["scheduling=clairvoyant"],
    ["scheduling=time_sharing"], ["scheduling=two_level", "links=trapped_ion"],
    ["scheduling=oblivious", "entanglement=rotation_two_shots"], ["scheduling=oblivious", "network=grid"],
    ["scheduling=two_level", "entanglement.purification_rounds=1"],
    ["scheduling=two_level", "network=line", "links.swap_success=0.7"],
    ["scheduling=two_level", "consensus.key_rate=finite", "training.rounds=8", *LOW_FIDELITY],
])  # fmt: skip
def test_the_forecast_counts_the_pairs_that_links_generate_not_only_those_that_are_needed(
    overrides: list[str], tmp_path: Path
) -> None:
    words = [*SMALL, *overrides]
    settings = build(RunSettings, composed_once(words))
    found = forecast(settings, outline_world(settings))
    assert main([*words, f"output={tmp_path / 'run'}"]) == 0
    done = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert 0.5 < found.generated_in_all / done["bell_pairs"]["generated"] < 2
    assert 0.5 < found.simulated_seconds / done["simulated_seconds"] < 2


@pytest.mark.slow
def test_the_forecast_knows_that_a_finite_block_may_last_for_several_rounds() -> None:
    overrides = ["consensus.key_rate=finite", "scheduling=two_level", "training.rounds=15", *LOW_FIDELITY]
    settings = build(RunSettings, composed_once([*SMALL, *overrides]))
    found, taken = forecast(settings, outline_world(settings)), 0.0
    for end in Simulation(LocalCluster(small_world(*overrides).one_host())).rounds():
        payloads = [seen.payload for seen in end.observations]
        taken += sum(one.simulated_seconds for one in payloads if isinstance(one, (WarmUpObserved, RoundObserved)))
    assert found.simulated_seconds == pytest.approx(taken, rel=0.5)


def test_the_forecast_of_key_slots_that_are_not_planned_is_near_that_of_those_that_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for overrides in ([], ["network=line"], ["network=grid", "processors.count=25"], ["network=complete"]):
        settings = build(RunSettings, composed_once([*SMALL, *overrides]))
        planned = forecast(settings, outline_world(settings))
        monkeypatch.setattr(world, "_MAX_PLANNED_PATHS", 0)
        estimated = forecast(settings, outline_world(settings))
        monkeypatch.undo()
        assert 0.5 < estimated.round_seconds / planned.round_seconds < 2
        assert 0.5 < estimated.warm_up_seconds / planned.warm_up_seconds < 2


@pytest.mark.parametrize("hash_keys", ["fresh", "kept"])
def test_the_forecast_knows_that_finite_keys_take_whole_blocks(hash_keys: str) -> None:
    overrides = ["consensus.key_rate=finite", f"consensus.hash_keys={hash_keys}", "consensus.committee_size=4"]
    settings = build(RunSettings, composed_once([*SMALL, *overrides]))
    found, planned = forecast(settings, outline_world(settings)), planned_cost(small_world(*overrides).manager)
    assert 0.5 < found.round_seconds / planned.simulated_seconds < 2
    assert 0.5 < found.warm_up_seconds / planned.warm_up_seconds < 2
    assert 0.5 < found.pairs / planned.pairs < 2


@pytest.mark.slow
@pytest.mark.parametrize(("override", "message"), [
    ("training.circuits_per_round=100000000", "training.circuits_per_round must be smaller for processors.count"),
    ("entanglement.slots=1000000000", "entanglement.slots must be an integer in [1, 100000]"),
    ("consensus.committee_size=100", "consensus.committee_size must be such that processors and replicas have at most"),
    ("output=", "output must be a folder of this machine: a path of 1 to 2000 printed characters, no URL, got ''"),
    ("+hydra.sweep.dir=x", "hydra.sweep.dir must be given without +"),
    ("--cfg", "--cfg must be followed by job or hydra or all"),
    ("runtime.address=[::1]:6379", "runtime.address must be written 'runtime.address=\"[::1]:6379\"'"),
    ("entanglement.supply=inf", "entanglement.supply must be a number in [0.001, 1000], got inf"),
])  # fmt: skip
def test_what_is_too_large_is_refused_before_anything_is_built(
    override: str, message: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(world, "load_data", lambda *_: pytest.fail("something was built"))
    many = ["processors.count=1000"] if "committee" in override else []
    assert main([override, *many]) == 2
    assert capsys.readouterr().err.startswith(message)


@pytest.mark.parametrize("slots", [400, 5000, 100_000])
def test_a_dry_run_solves_and_builds_nothing(
    slots: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Mdp, "stock_policy", lambda self, link: pytest.fail("a chain was solved"))
    monkeypatch.setattr(run, "build_world", lambda *_: pytest.fail("a world was built"))
    assert main(["dry_run=true", f"entanglement.slots={slots}"]) == 0
    assert "wall seconds" in capsys.readouterr().out


@pytest.mark.slow
def test_a_run_ended_by_a_budget_is_stopped_and_goes_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "run"
    assert main([*SMALL, f"output={folder}", "stop.simulated_seconds=1e-6"]) == 0
    assert '"status": "stopped"' in (folder / "summary.json").read_text()
    assert main([f"resume={folder}", "stop.simulated_seconds=null"]) == 0
    assert '"status": "completed"' in (folder / "summary.json").read_text()


@pytest.mark.parametrize("override", ["training.data.min_samples=1000", "training.data.shards=label", "seed=2"])
def test_a_dry_run_refuses_what_a_run_refuses(override: str, capsys: pytest.CaptureFixture[str]) -> None:
    command = [*SMALL, override, "processors.count=250"]
    assert main([*command, "dry_run=true"]) == 2
    refused = capsys.readouterr().err
    assert main(command) == 2
    assert capsys.readouterr().err == refused
    assert refused.startswith("processors.count: ")


@pytest.mark.slow
def test_a_dry_run_refuses_a_folder_that_a_run_refuses(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    taken, snapshots = tmp_path / "taken", tmp_path / "snapshots"
    for folder, name in ((taken, "journal.jsonl"), (snapshots, "round_00000001.snapshot")):
        folder.mkdir()
        (folder / name).write_text("of another run")
    for words in (
        [f"output={taken}"], ["output=/dev/null/x"], [f"runtime.snapshot_folder={snapshots}", f"output={tmp_path}/a"],
    ):  # fmt: skip
        said = []
        for dry in ("true", "false"):
            assert main([*SMALL, *words, f"dry_run={dry}"]) == 2
            said.append(capsys.readouterr().err)
        assert said[0] == said[1]
        assert said[0].count("\n") == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["snapshots", "taken"]


def test_a_dry_run_makes_nothing(tmp_path: Path) -> None:
    places = [f"output={tmp_path / 'run'}", f"runtime.snapshot_folder={tmp_path / 'snapshots'}"]
    assert main([*SMALL, *places, "dry_run=true"]) == 0
    assert list(tmp_path.iterdir()) == []


def test_a_sweep_of_too_many_jobs_is_counted_not_listed() -> None:
    from ceas_ray.config.composition import jobs

    with pytest.raises(SettingsError, match="a sweep of at most 10000 jobs"):
        jobs(["seed=range(0,1000000000)"])


def test_a_decision_process_that_wastes_what_one_attempt_heralds_is_foreseen_to_be_solved_several_times(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("ceas_ray.runs.forecast.machine_slowness", lambda: 1.0)
    foreseen = []
    for success in ("0.012", "0.5"):  # of 16 modes: .2 pairs an attempt, and 7
        words = ["runtime=local", "tracking=folder", "processors.count=8", f"links.success_at_1_km={success}"]
        settings = build(RunSettings, composed_once(words))
        foreseen.append(forecast(settings, outline_world(settings)).start_seconds)
    assert foreseen[1] > 2 * foreseen[0]


def test_a_decision_process_of_short_bursts_is_foreseen_to_be_solved_several_times(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("ceas_ray.runs.forecast.machine_slowness", lambda: 1.0)
    foreseen = []
    for supply in ("4.5", "2.2"):
        words = [*SMALL, "entanglement.burst_shots=1", f"entanglement.supply={supply}"]
        settings = build(RunSettings, composed_once(words))
        foreseen.append(forecast(settings, outline_world(settings)).start_seconds)
    assert foreseen[1] > foreseen[0] + 1
