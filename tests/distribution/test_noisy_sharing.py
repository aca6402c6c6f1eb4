"""Shared circuits with noise of gates, imperfect pairs and memories together, against brute force."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ceas_ray.distribution.packed_distributor import PackedDistributor
from ceas_ray.distribution.processor_network import ProcessorNetwork
from ceas_ray.distribution.program import Flip, program_of
from ceas_ray.distribution.schedule import schedule_of
from ceas_ray.distribution.shared_gates import listed, placed_steps, shared_by_qubits
from ceas_ray.quantum import gate_engine
from ceas_ray.quantum.gate_circuit import GateCircuit
from ceas_ray.quantum.gate_noise import Noise
from ceas_ray.quantum.gate_sharing import Move, QubitWait
from tests.distribution.execution import most_at_once
from tests.distribution.noisy_execution import NoisyExecution
from tests.distribution.test_shared_gates import DISTRIBUTORS, drawn, inputs_of, with_angles
from tests.distribution.test_sharing_walk import Drawn, flipping, values_of


def circuit_of(draw: Any, seed: int, qubits: int, gates: int) -> GateCircuit:
    """A circuit with constant angles; of every second seed, one whose copies can be kept."""
    of_circuit = int(draw.integers(10**6))
    circuit = flipping(qubits, gates, of_circuit) if seed % 2 == 0 else drawn(qubits, gates, of_circuit)
    return with_angles(circuit, draw.uniform(-3, 3, len(circuit.rotations)))


def distributor_of(draw: Any, seed: int) -> Any:
    """A distributor as the seed has it: at random, one of training's, or the packed one with all that it may do."""
    kinds = [Drawn(int(draw.integers(10**6)), seed % 2 == 0), *DISTRIBUTORS.values(), PackedDistributor(2, 2_000)]
    return kinds[0] if seed % 3 else kinds[seed // 3 % len(kinds)]


def kept_of_waits(draw: Any, count: int) -> Any:
    """What is left of X and Y, of Z, and of what does not fall to |0>, for each of these waits, (3 count,).

    Of memories that relax, that dephase and that depolarize, in turn.
    """
    found = []
    for k in range(count):
        t_by_t1 = draw.uniform(0, 1)
        t_by_t2 = draw.uniform(0.5, 2) * t_by_t1
        kinds = ((-t_by_t2, -t_by_t1, -t_by_t1), (-t_by_t2, 0, 0), (-t_by_t2, -t_by_t2, 0))
        found += np.exp(kinds[k % 3]).tolist()
    return found


def check(seed: int, most_qubits: int, gates: int, most_at: int, *, qubits_lose: bool = False) -> set[type]:
    """Compare the engine with brute force; return the kinds of steps that there were."""
    draw = np.random.default_rng(seed)
    while True:
        qubits, members = int(draw.integers(2, most_qubits + 1)), int(draw.integers(2, 4))
        circuit, distributor = circuit_of(draw, seed, qubits, gates), distributor_of(draw, seed)
        if members > qubits:
            continue
        edges = [(a, b) for b in range(members) for a in range(b)]
        room = [len(part) for part in np.array_split(np.arange(qubits), members)]
        distribution = distributor(listed(circuit), ProcessorNetwork.from_edges(edges, room))
        program = program_of(distribution)
        if program.pairs > 0 and most_at_once(schedule_of(program)) <= most_at:
            break
    shared = shared_by_qubits(circuit, members, distributor, qubits_lose=qubits_lose)
    sharing = shared.sharing
    assert sharing is not None
    werner = draw.uniform(0.5, 1, (2, sharing.columns))
    for row in werner:
        row[len(sharing.ends) + len(sharing.waits) :] = kept_of_waits(draw, len(sharing.qubit_waits))
    inputs = inputs_of(shared, seed)._replace(werner=werner)
    sections = len(sharing.holders)
    noise = draw.uniform(0, 0.2, (2, sections, qubits, len(Noise)))
    noise[..., Noise.READOUT] = 0
    found = gate_engine.expectations(shared, inputs._replace(noise=noise))
    for lane, owner in ((0, 0), (1, 1)):
        execution = NoisyExecution(circuit, program.start, sharing, noise[owner])
        execution.run(placed_steps(circuit, distribution, program), werner[owner])
        wanted = values_of(execution.state, circuit, program.end)
        np.testing.assert_allclose(found[lane], wanted, rtol=0, atol=1e-12)
    return {type(step) for step in program.steps} | {type(step) for _, step in sharing.steps}


def test_values_with_noise_of_gates_are_those_of_brute_force() -> None:
    kinds = set().union(*(check(seed, 4, 8, 7) for seed in range(16)))
    assert {Move, Flip} <= kinds, "qubits move and copies are kept"


def test_a_copy_that_errs_between_a_gate_and_a_copy_of_it_that_flips_another_flips_that_wrongly() -> None:
    """The wait of the copy that the gate used was booked to that copy alone; only noise of gates made it seen."""
    check(178, 5, 12, 9)


def test_values_where_data_qubits_lose_while_they_wait_are_those_of_brute_force() -> None:
    kinds = set().union(*(check(seed, 4, 8, 7, qubits_lose=True) for seed in range(300, 316)))
    assert {Move, Flip, QubitWait} <= kinds, "qubits move and wait, and copies are kept"


@pytest.mark.slow
@pytest.mark.parametrize("first", range(100, 200, 20))
def test_values_of_a_hundred_circuits_with_noise_of_gates_are_those_of_brute_force(first: int) -> None:
    for seed in range(first, first + 20):
        check(seed, 5, 12, 9)


@pytest.mark.slow
@pytest.mark.parametrize("first", range(400, 500, 20))
def test_values_of_a_hundred_circuits_where_data_qubits_lose_are_those_of_brute_force(first: int) -> None:
    for seed in range(first, first + 20):
        check(seed, 5, 12, 9, qubits_lose=True)
