"""Without noise, state vectors give what density matrices give."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ceas_ray.quantum import pauli_engine, state_vector_engine
from ceas_ray.quantum.circuit import Circuit
from ceas_ray.quantum.gate_noise import noiseless
from tests.quantum.circuits import circuits, inputs_of, problem


@settings(max_examples=20)
@given(circuit=circuits(), seed=st.integers(0, 1000))
def test_without_noise_state_vectors_give_the_same(circuit: Circuit, seed: int) -> None:
    given_ = problem(circuit, seed, lanes=9)
    ideal = {name: given_[name] for name in ("angles", "parameters", "owner", "cotangent")}
    nothing = {"noise": noiseless(2, circuit.qubits), "attenuation": np.ones((2, circuit.qubits + 1))}
    matrices = pauli_engine.reverse_mode(circuit, inputs_of(ideal | nothing), ideal["cotangent"])
    vectors = state_vector_engine.reverse_mode(circuit, **ideal)
    np.testing.assert_allclose(vectors.values, matrices.values, rtol=0, atol=1e-13)
    np.testing.assert_allclose(vectors.first, matrices.first, rtol=0, atol=1e-12)
    ideal.pop("cotangent")
    assert np.array_equal(state_vector_engine.expectations(circuit, **ideal), vectors.values)
