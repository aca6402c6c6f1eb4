"""Distributed circuits as OpenQASM programs, run by Aer."""

from __future__ import annotations

import numpy as np
from qiskit import qasm3
from qiskit_aer import AerSimulator

from ceas_ray.distribution.openqasm import to_openqasm3
from ceas_ray.distribution.program import Flip, program_of
from ceas_ray.distribution.schedule import schedule_of
from tests.distribution.circuits import flipping_circuit, state_of
from tests.distribution.test_program import listed, with_kept_copies


def test_a_program_flips_the_copies_that_it_keeps() -> None:
    """With the same amplitudes on the circuit's qubits, up to phases and the outcomes of measurements."""
    flips, seed = 0, -1
    while flips < 2:
        seed += 1
        gates = flipping_circuit(seed, 3, 12)
        schedule = schedule_of(program_of(with_kept_copies(np.random.default_rng(seed), 3, gates)))
        flips = sum(isinstance(step, Flip) for step in schedule.program.steps)
    program = qasm3.loads(to_openqasm3(schedule, listed(3, gates)))
    program.save_statevector()
    amplitudes = np.asarray(AerSimulator(seed_simulator=1).run(program, shots=1).result().get_statevector())
    wanted = np.abs(state_of(3, gates))
    assert np.allclose(np.sort(np.abs(amplitudes))[-len(wanted) :], np.sort(wanted), atol=1e-9)
    assert np.sum(np.abs(amplitudes) > 1e-9) == np.sum(wanted > 1e-9)
