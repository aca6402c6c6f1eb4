"""The Aer engine."""

from __future__ import annotations

import itertools
import tracemalloc
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ceas_ray.quantum import aer_engine, pauli_engine
from ceas_ray.quantum.circuit import Circuit
from ceas_ray.quantum.gate_noise import Noise, noiseless
from ceas_ray.quantum.pauli_engine import LaneInputs


@pytest.mark.slow
def test_aer_samples_each_circuit_as_its_exact_value_says() -> None:
    circuit = Circuit(2, 1, 2)
    draw = np.random.default_rng(6)
    noise = np.tile([0.03, 0.05, 0.0, 0.04, 0.02, 0.0, 0.1], (2, 1))
    angles, settings = draw.uniform(-1, 1, (4, 2)), draw.uniform(-2, 2, (4, 4))
    attenuation, output = 0.8 ** np.arange(3), np.array([0, 1, 0, 1])
    plus = aer_engine.sampled_outcomes(
        circuit, angles, settings, output, noise=noise, attenuation=attenuation, shots=np.full(4, 40_000), seed=5
    )
    inputs = LaneInputs(angles, settings, np.tile(noise, (4, 1, 1)), np.tile(attenuation, (4, 1)), np.arange(4))
    z = pauli_engine.expectations(circuit, inputs)[np.arange(4), output]
    chance = (1 + (1 - 2 * noise[0, Noise.READOUT]) * z) / 2
    assert np.all(np.abs(plus / 40_000 - chance) < 4 * np.sqrt(chance * (1 - chance) / 40_000))


@given(st.lists(st.floats(-np.pi, np.pi), min_size=1, max_size=3), st.randoms())
def test_an_attenuated_input_state_is_the_sum_of_its_pauli_strings_each_weakened_by_its_weight(
    angles: list[float], draw: Random
) -> None:
    attenuation = np.array([draw.random() for _ in range(len(angles) + 1)])
    paulis = [np.eye(2), np.array([[0, 1], [1, 0]]), np.array([[0, -1j], [1j, 0]]), np.diag([1, -1])]
    expected = np.zeros((2 ** len(angles),) * 2, complex)
    for string in itertools.product(range(4), repeat=len(angles)):
        term = np.ones((1, 1), complex)
        for x, p in zip(angles, string, strict=True):
            bloch = [1, np.sin(x) * np.cos(x), np.sin(x) ** 2, np.cos(x)]
            term = np.kron(paulis[p] * bloch[p] / 2, term)
        expected += attenuation[np.count_nonzero(string)] * term
    assert aer_engine.input_state(np.array(angles), attenuation) == pytest.approx(expected, abs=1e-14)


def test_an_input_state_of_eight_qubits_is_made_in_the_memory_of_some_such_states() -> None:
    tracemalloc.start()
    try:
        state = aer_engine.input_state(np.linspace(-1, 1, 8), np.ones(9))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 40 * state.nbytes


@pytest.mark.parametrize("reuploaded", [False, True])
def test_aers_values_do_not_depend_on_how_many_circuits_it_runs_at_once(
    reuploaded: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    circuit, draw = Circuit(2, 1, 2, reuploaded=reuploaded), np.random.default_rng(3)
    samples = draw.uniform(-1, 1, (3, 2))
    settings_ = draw.uniform(-1, 1, (5, circuit.parameter_count))
    hardware = aer_engine.Hardware(circuit, noiseless(1, 2)[0], np.ones(3), None)
    whole = hardware.expectations(samples, settings_)
    for circuits_at_once in (1, 2, 7):
        monkeypatch.setattr(aer_engine, "MAX_BYTES_OF_STATES", circuits_at_once * 16 * 4**2)
        assert np.array_equal(hardware.expectations(samples, settings_), whole)


def test_sampled_outcomes_do_not_depend_on_how_many_circuits_run_at_once_and_no_two_share_a_stream(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    circuit, count = Circuit(2, 1, 1), 40
    hardware = aer_engine.Hardware(circuit, noiseless(1, 2)[0], np.ones(3), None)
    angles, settings_ = np.full((count, 2), np.pi / 2), np.zeros((count, circuit.parameter_count))
    shots = np.repeat([999, 1000], count // 2)  # two runs of Aer, alike but for one shot
    arguments = (angles, settings_, np.zeros(count, np.int64))
    whole = hardware.counts(*arguments, shots=shots, seed=5)
    first, second = np.split(whole, 2)
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.9
    for circuits_at_once in (1, 3):
        monkeypatch.setattr(aer_engine, "MAX_BYTES_OF_STATES", circuits_at_once * 16 * 4**2)
        assert np.array_equal(hardware.counts(*arguments, shots=shots, seed=5), whole)
