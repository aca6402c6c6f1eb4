"""Distributed circuits with imperfect pairs, against brute force with all memories, outcomes and corrections."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ceas_ray.distribution.distribution import Distribution
from ceas_ray.distribution.imperfect_pairs import density_matrix, state_fidelity
from ceas_ray.distribution.packed_distributor import PackedDistributor
from ceas_ray.distribution.packets import packets_of
from ceas_ray.distribution.processor_network import ProcessorNetwork
from ceas_ray.distribution.program import program_of
from ceas_ray.distribution.schedule import schedule_of
from ceas_ray.distribution.static_distributor import StaticDistributor
from ceas_ray.quantum.gate_list import ControlledPhase, LocalGate, normal_form
from tests.distribution.circuits import (
    HADAMARD,
    X,
    flipping_circuit,
    fourier_transform,
    random_circuit,
    rotation,
    state_of,
)
from tests.distribution.execution import executed_with, most_at_once
from tests.distribution.test_program import DISTRIBUTORS, listed, network_of, with_kept_copies

MAX_AT_ONCE = 10
"""Qubits at a time, memories included: their density matrix has 16 MB."""


def random_distribution(draw: Any, seed: int, qubits: int, gates: int) -> Distribution:
    """Homes and places at random, so that qubits move and gates are done on third processors."""
    packets = packets_of(qubits, normal_form(qubits, random_circuit(seed, qubits, gates)))
    network = ProcessorNetwork.from_edges([(0, 1), (1, 2)], [qubits, qubits, qubits])
    home = draw.integers(0, 3, len(packets.owner))
    return Distribution(packets, network, home, draw.integers(0, 3, len(packets.ends)))


def check_seed(seed: int, most_qubits: int, gates: int) -> None:
    """A circuit, distributed at random or by a distributor as the seed has it, that brute force has memory for."""
    draw = np.random.default_rng(seed)
    while True:
        qubits = int(draw.integers(2, most_qubits + 1))
        drawn = int(draw.integers(10**6))
        if seed % 5 == 4:
            distribution = with_kept_copies(draw, qubits, flipping_circuit(drawn, qubits, gates // 2))
        elif seed % 5 == 3:
            distribution = random_distribution(draw, drawn, qubits, gates)
        else:
            circuit = listed(qubits, random_circuit(drawn, qubits, gates))
            distribution = DISTRIBUTORS[seed % 5](circuit, network_of(draw, qubits))
        schedule = schedule_of(program_of(distribution))
        if schedule.program.pairs > 0 and most_at_once(schedule) <= MAX_AT_ONCE:
            break
    weights = draw.dirichlet([6, 1, 1, 1], schedule.program.pairs)
    brute = executed_with(schedule, weights)
    assert np.max(np.abs(density_matrix(schedule.program, weights) - brute)) < 1e-12


@pytest.mark.parametrize("seed", range(10))
def test_the_density_matrix_is_that_of_brute_force(seed: int) -> None:
    check_seed(seed, 4, 14)


@pytest.mark.slow
@pytest.mark.parametrize("first", range(100, 200, 20))
def test_a_hundred_density_matrices_are_those_of_brute_force(first: int) -> None:
    for seed in range(first, first + 20):
        check_seed(seed, 5, 16)


def test_with_perfect_pairs_the_state_is_the_undistributed_one() -> None:
    gates = random_circuit(5, 5, 30)
    network = ProcessorNetwork.from_edges([(0, 1)], [3, 2])
    program = program_of(PackedDistributor(2, 2_000)(listed(5, gates), network))
    wanted = state_of(5, gates)
    perfect = np.tile([1.0, 0, 0, 0], (program.pairs, 1))
    assert np.max(np.abs(density_matrix(program, perfect) - np.outer(wanted, wanted.conj()))) < 1e-12


def test_a_teleported_cnot_has_the_errors_of_its_pair() -> None:
    """Ideal, then I with F and Z_c, X_t, Z_c X_t with (1 - F)/3 each."""
    draw = np.random.default_rng(3)
    before = [LocalGate(q, np.linalg.qr(draw.normal(size=(2, 2)) + 1j * draw.normal(size=(2, 2)))[0]) for q in (0, 1)]
    gates = [*before, LocalGate(1, HADAMARD), ControlledPhase(0, 1, np.pi), LocalGate(1, HADAMARD)]
    program = program_of(DISTRIBUTORS[2](listed(2, gates), ProcessorNetwork.from_edges([(0, 1)], [1, 1])))
    fidelity, index = 0.85, np.arange(4)
    ideal = state_of(2, gates)
    z_control = np.diag((1 - 2 * (index & 1)).astype(complex))
    x_target = np.kron(X, np.eye(2))
    wanted = sum(
        weight * np.outer(error @ ideal, (error @ ideal).conj())
        for weight, error in zip(
            [fidelity, *[(1 - fidelity) / 3] * 3], (np.eye(4), z_control, x_target, z_control @ x_target), strict=True
        )
    )
    werner = np.array([[fidelity, *[(1 - fidelity) / 3] * 3]])
    assert np.max(np.abs(density_matrix(program, werner) - wanted)) < 1e-12
    assert state_fidelity(program, werner) == pytest.approx(np.vdot(ideal, wanted @ ideal).real, abs=1e-12)


def test_packing_makes_each_pair_cost_more_and_all_of_them_less() -> None:
    """An error of a pair meets all gates of its copy, but there are fewer pairs."""
    gates = [LocalGate(q, rotation("y", 0.3 * (q + 1))) for q in range(6)] + fourier_transform(6)
    network = ProcessorNetwork.from_edges([(0, 1)], [3, 3])
    errors, pairs = [], []
    for distributor in (PackedDistributor(2, 2_000), StaticDistributor()):
        program = program_of(distributor(listed(6, gates), network))
        werner = np.tile([0.99, *[0.01 / 3] * 3], (program.pairs, 1))
        pairs.append(program.pairs)
        errors.append(1 - state_fidelity(program, werner))
    assert pairs == [3, 9]
    assert errors[0] < errors[1]
    assert errors[0] / pairs[0] > errors[1] / pairs[1]


def test_weights_that_are_none_are_refused() -> None:
    program = program_of(random_distribution(np.random.default_rng(1), 1, 3, 10))
    with pytest.raises(ValueError, match="four weights that sum to 1"):
        density_matrix(program, np.full((program.pairs, 4), 0.3))
