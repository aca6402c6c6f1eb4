"""Circuits of the user's own that processors share: they train as one processor does, and pay for it in pairs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ceas_ray.config.errors import SettingsError
from ceas_ray.config.schema import RunSettings
from ceas_ray.config.validation import build
from ceas_ray.kernel.codec import decode, encode
from ceas_ray.kernel.time import seconds
from ceas_ray.kernel.windows import Simulation
from ceas_ray.quantum.gate_circuit import GateCircuit
from ceas_ray.runtime.local_runtime import LocalCluster
from ceas_ray.world.builder import build_world, outline_world
from ceas_ray.world.shared_circuit import kept_by_memories, times_of_shots
from tests.composed_settings import composed_once
from tests.small_worlds import SMALL
from tests.world.test_partitions import PERFECT
from tests.world.test_simulation import assert_link_books_are_exact, ends, rounds_of

PROGRAM = """OPENQASM 3.0;
include "stdgates.inc";
input float x_0; input float x_1; input float x_2; input float x_3;
input float theta_0; input float theta_1; input float theta_2;
qubit[4] q;
ry(x_0) q[0]; ry(x_1) q[1]; ry(x_2) q[2]; ry(x_3) q[3];
cx q[0], q[2]; cx q[0], q[3]; crz(theta_0) q[0], q[1];
barrier q;
rx(theta_1) q[0]; rx(theta_1) q[1]; ry(theta_2) q[2];
cx q[1], q[2]; cz q[1], q[3]; cx q[2], q[0];
"""
SHARED = [
    ["training.partition=circuit"],
    ["training.partition=circuit", "training.distributor=static", "training.processors_per_group=3"],
    ["training.partition=circuit", "training.distributor=packed"],
    ["training.partition=layer"],
]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "mine.qasm").write_text(PROGRAM)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def settings_of(*words: str) -> RunSettings:
    return build(RunSettings, composed_once([*SMALL, "training.circuit=mine.qasm", *words]))


def simulation_of(*words: str) -> Simulation:
    return Simulation(LocalCluster(build_world(settings_of(*words)).one_host()))


@pytest.mark.parametrize("inputs", ["local", "teleported"])
@pytest.mark.parametrize("words", SHARED, ids=lambda words: ",".join(words)[9:])
def test_on_perfect_hardware_a_shared_circuit_trains_as_one_processor_does(words: list[str], inputs: str) -> None:
    members = 3 if "training.processors_per_group=3" in words else 2
    alone, shared = (
        list(simulation_of(*PERFECT, f"training.inputs={inputs}", *more).rounds())[-1].mark.model
        for more in (["processors.count=4"], [f"processors.count={4 * members}", *words])
    )
    np.testing.assert_allclose(shared, alone, atol=1e-12)
    assert np.abs(np.asarray(shared) - build_world(settings_of()).initial_parameters).max() > 1e-3


@pytest.mark.slow
@pytest.mark.parametrize("words", SHARED, ids=lambda words: ",".join(words)[9:])
def test_any_number_of_hosts_and_a_cut_in_time_give_the_same(words: list[str]) -> None:
    settings = settings_of("training.rounds=2", "processors.count=12", *words)
    one = ends(Simulation(LocalCluster(build_world(settings).one_host())))
    assert len(one) == 2
    assert ends(Simulation(LocalCluster(build_world(settings).hosts(3, 2)))) == one
    first = Simulation(LocalCluster(build_world(settings).hosts(2, 1)))
    before = [(end.digest, np.asarray(end.mark.model).tobytes()) for end in first.run_until(4 * 10**11)]
    second = Simulation(LocalCluster(build_world(settings).hosts(1, 2)))
    second.restore(decode(encode(first.snapshot())))
    assert before + ends(second) == one


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "pairs"),
    [
        (["training.partition=circuit", "training.distributor=static"], 5),
        (["training.partition=circuit", "training.distributor=packed"], 2),
        (["training.partition=layer"], 4),
        (["training.partition=layer", "training.inputs=teleported"], 8),
    ],
)
def test_a_shot_spends_the_pairs_of_its_copies_or_of_teleported_qubits(words: list[str], pairs: int) -> None:
    """In a star each of them is two link pairs, but one where the hub teleports."""
    more = ["training.inputs=local", "training.rounds=1", "entanglement=scarce_supply"]
    settings = settings_of(*more, *words)
    circuit = build_world(settings).shared_circuit
    assert isinstance(circuit, GateCircuit)
    assert circuit.sharing is not None
    assert circuit.pairs_within == pairs
    of_links = sum(1 if first < 0 else 2 for first, _ in circuit.sharing.ends)
    found, _ = rounds_of("training.circuit=mine.qasm", *more, *words)
    assert_link_books_are_exact(found)
    assert np.asarray(found[-1]["counts"])[[0, 2], 1].sum() == of_links * found[-1]["shots_on_time"]
    assert 0 < found[-1]["shots_on_time"] < found[-1]["shots"]


def test_pairs_and_copies_wait_in_the_memories_of_their_processors_while_a_shot_runs() -> None:
    words = ["training.partition=circuit", "training.distributor=packed", "training.inputs=local"]
    outline = outline_world(settings_of(*words)).blueprint
    group, circuit, processors = outline.network.groups[0], outline.shared_circuit, outline.settings.processors
    assert isinstance(circuit, GateCircuit)
    assert circuit.sharing is not None
    kept, times = kept_by_memories(processors, circuit, group), times_of_shots(processors, circuit, group)
    (part,) = group.routes
    memory, latency = part.route.coherence_seconds, seconds(part.route.latency)
    assert kept.shape == (circuit.sharing.columns,)
    waited = 2 * times.until_spent + times.until_used
    np.testing.assert_allclose(kept, np.exp(-np.concatenate([waited, times.waits]) / memory), rtol=1e-12)
    assert times.until_spent[0] == 0, "the first pair is spent at once"
    assert times.length >= latency
    slow = processors.model_copy(update={"two_qubit_gate_nanoseconds": 1e5})
    assert np.all(kept_by_memories(slow, circuit, group) <= kept)
    assert times_of_shots(slow, circuit, group).length > times.length


RELAXING = ["processors.t1_microseconds=300", "processors.t2_microseconds=200"]


@pytest.mark.parametrize("words", SHARED, ids=lambda words: ",".join(words)[9:])
def test_data_qubits_wait_without_loss_unless_processors_have_times_or_memories_hold_them(words: list[str]) -> None:
    columns = []
    for more in ([], RELAXING, ["processors.idle_qubits=memory"]):
        circuit = outline_world(settings_of("processors.count=12", *words, *more)).blueprint.shared_circuit
        assert isinstance(circuit, GateCircuit)
        assert circuit.sharing is not None
        assert bool(circuit.sharing.qubit_waits) == bool(more)
        columns.append(circuit.sharing.columns)
    assert columns[0] < columns[1] == columns[2]


@pytest.mark.parametrize(
    ("more", "rates"),
    [
        (RELAXING, [1 / 200e-6, 1 / 300e-6, 1 / 300e-6]),
        ([*RELAXING, "processors.idle_qubits=memory"], [1 / 60e-3, 1 / 60e-3, 0.0]),
    ],
)
def test_data_qubits_lose_for_as_long_as_they_wait_for_outcomes_and_gates(more: list[str], rates: list[float]) -> None:
    words = ["training.partition=circuit", "training.distributor=packed", *more]
    outline = outline_world(settings_of(*words)).blueprint
    group, circuit, processors = outline.network.groups[0], outline.shared_circuit, outline.settings.processors
    assert isinstance(circuit, GateCircuit)
    assert circuit.sharing is not None
    times, kept = times_of_shots(processors, circuit, group), kept_by_memories(processors, circuit, group)
    assert kept.shape == (circuit.sharing.columns,)
    assert 0 < times.qubit_waits.max() <= times.length
    found = kept[-3 * len(times.qubit_waits) :].reshape(-1, 3)
    np.testing.assert_allclose(found, np.exp(-np.outer(times.qubit_waits, rates)), rtol=1e-12)


@pytest.mark.slow
@pytest.mark.parametrize("words", SHARED[:3], ids=lambda words: ",".join(words)[9:])
def test_data_qubits_that_relax_while_they_wait_leave_another_model(words: list[str]) -> None:
    """Their gates take no time; by layers nothing would wait then."""
    more = ["training.rounds=1", "processors.count=12", "training.estimator=exact", *words]
    models = [
        np.asarray(list(simulation_of(*more, *times).rounds())[-1].mark.model)
        for times in ([], ["processors.t1_microseconds=1e9", "processors.t2_microseconds=1e9"], RELAXING)
    ]
    np.testing.assert_allclose(models[1], models[0], rtol=0, atol=1e-6)
    assert 1e-6 < np.abs(models[2] - models[0]).max() < 0.3


@pytest.mark.slow
def test_memories_that_lose_more_while_a_shot_runs_leave_another_model() -> None:
    """Gates that take time change nothing else."""
    words = [
        "training.partition=circuit",
        "training.distributor=packed",
        "training.rounds=1",
        "training.estimator=exact",
    ]
    models = [
        list(simulation_of(*words, f"processors.two_qubit_gate_nanoseconds={length}").rounds())[-1].mark.model
        for length in (0, 10_000)
    ]
    difference = np.abs(np.asarray(models[0]) - models[1]).max()
    assert 0 < difference < 0.1


def test_a_shot_that_takes_longer_than_its_period_is_refused() -> None:
    words = ["training.partition=circuit", "processors.two_qubit_gate_nanoseconds=1e7"]
    with pytest.raises(SettingsError, match="a shot must end within its shot period") as refused:
        outline_world(settings_of(*words))
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["training.processors_per_group=5", "processors.count=10"], "the circuit has 4 qubits to share, got 5"),
        (
            ["training.partition=layer", "training.processors_per_group=4"],
            "the circuit has 2 layers (between barriers) to share, got 4 processors",
        ),
        (
            ["training.partition=layer", "training.distributor=packed"],
            "training.distributor must be fewest_gates without training.circuit and training.partition=circuit",
        ),
        (["training.circuit=null", "training.distributor=static"], "training.distributor must be fewest_gates without"),
        (["training.error_mitigation=probabilistic_error_cancellation"], "training.partition=circuit"),
    ],
)
def test_what_cannot_be_shared_is_one_line(words: list[str], line: str) -> None:
    with pytest.raises(SettingsError) as refused:
        outline_world(settings_of("training.partition=circuit", *words))
    assert line in str(refused.value)
    assert "\n" not in str(refused.value)
