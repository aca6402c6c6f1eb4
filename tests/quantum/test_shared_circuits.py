"""Shared circuits whose pairs have mixed ages: the gradient work against a simulation of every shot by itself."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from ceas_ray.kernel.streams import Streams
from ceas_ray.processors.gradient_records import GradientInputs
from ceas_ray.processors.gradient_work import GradientWork
from ceas_ray.quantum import pauli_engine
from ceas_ray.quantum.circuit import Circuit
from ceas_ray.quantum.contrast import contrasts_within
from ceas_ray.quantum.gate_noise import noiseless
from ceas_ray.quantum.loss import SquaredLoss
from ceas_ray.quantum.mixed_pairs import NO_PAIRS, pair_nodes
from ceas_ray.quantum.partition import pair_ends, partition_by_layers, partition_by_qubits
from ceas_ray.quantum.pauli_engine import LaneInputs

GENERATOR = np.random.default_rng(4)


def places_by_route(circuit: Circuit) -> list[list[int]]:
    found: dict[tuple[int, ...], list[int]] = {}
    for place, ends in enumerate(pair_ends(circuit)):
        found.setdefault(tuple(sorted(ends)), []).append(place)
    return list(found.values())


def work(circuit: Circuit, error_mitigation: Any = "none") -> GradientWork:
    return GradientWork(
        circuit=circuit,
        engine=pauli_engine.shifted_values,
        streams=Streams(1),
        loss=SquaredLoss(),
        estimator="exact",
        error_mitigation=error_mitigation,
        forward_circuits=1,
    )


def item(circuit: Circuit, werner: Any, coefficients: Any, certified_werner: float | None = None) -> GradientInputs:
    generator = np.random.default_rng(2)
    noise = noiseless(1, circuit.qubits)[0]
    noise[:] = generator.uniform(0, 0.05, noise.shape)
    return GradientInputs(
        name="processor/0", round_index=0, angles=generator.uniform(-1.5, 1.5, (3, circuit.qubits)),
        targets=np.where(generator.random((3, circuit.outputs)) < 0.5, 1.0, -1.0),
        parameters=generator.uniform(-2, 2, circuit.parameter_count), noise=noise,
        attenuation=np.ones(circuit.qubits + 1), werner=werner, coefficients=coefficients,
        usable=np.ones(4, bool), certified_werner=certified_werner,
    )  # fmt: skip


SHARED = [
    partition_by_qubits(Circuit(4, 2, 1, reuploaded=True), 2, False),
    partition_by_qubits(Circuit(3, 2, 2, entangler="cz"), 3, False),
    partition_by_qubits(Circuit(3, 1, 1), 2, True),
    partition_by_layers(Circuit(2, 3, 2), 2, True),
    partition_by_layers(Circuit(3, 2, 1, reuploaded=True), 2, False),
]


@pytest.mark.parametrize("circuit", SHARED)
def test_the_mean_over_mixed_pairs_is_that_of_every_shot_by_itself(circuit: Circuit) -> None:
    """All shots x all ways to deal each route's pairs, one evaluation each, with coefficients 1 / number."""
    places = places_by_route(circuit)
    pairs = [GENERATOR.uniform(0.6, 1.0, (8, len(where))) for where in places]
    rows = []
    for shot in range(8):
        for dealt in itertools.product(*(itertools.permutations(werner[shot]) for werner in pairs)):
            row = np.empty(circuit.pairs_within)
            for where, values in zip(places, dealt, strict=True):
                row[where] = values
            rows.append(row)
    each = item(circuit, np.array(rows), np.full(len(rows), 1 / len(rows)))
    nodes = pair_nodes(pairs, places)
    ours = item(circuit, nodes.werner, nodes.coefficients)
    assert len(nodes.coefficients) < len(rows)
    found = work(circuit)([ours, each])
    np.testing.assert_allclose(found[0]["gradient"], found[1]["gradient"], atol=1e-10)
    alone = work(circuit)([ours])
    np.testing.assert_array_equal(alone[0]["gradient"], found[0]["gradient"])


@pytest.mark.parametrize("circuit", SHARED)
def test_perfect_pairs_make_no_difference(circuit: Circuit) -> None:
    whole = Circuit(
        circuit.qubits,
        circuit.layers,
        circuit.outputs,
        entangler=circuit.entangler,
        reuploaded=circuit.reuploaded,
        ansatz=circuit.ansatz,
    )
    shared = work(circuit)([item(circuit, np.ones((1, circuit.pairs_within)), np.ones(1))])
    alone = work(whole)([item(whole, NO_PAIRS.werner, NO_PAIRS.coefficients)])
    np.testing.assert_allclose(shared[0]["gradient"], alone[0]["gradient"], atol=1e-12)


def test_the_contrast_is_the_slope_against_perfect_pairs() -> None:
    circuit = partition_by_layers(Circuit(2, 2, 1), 2, False)
    parameters, angles = GENERATOR.uniform(-2, 2, (2, 8)), [GENERATOR.uniform(-1.5, 1.5, (5, 2)) for _ in range(2)]
    found = contrasts_within(circuit, parameters, noise=noiseless(2, 2), angles=angles, werner=np.array([1.0, 0.8]))
    assert found[0] == pytest.approx(1.0, abs=1e-12)
    inputs = LaneInputs(angles[1], parameters[1:], noiseless(1, 2), np.ones((1, 3)), np.zeros(5, np.int64))
    values = [
        pauli_engine.expectations(circuit, inputs._replace(werner=np.full((1, 2), w)))[:, 0] for w in (1.0, 0.8)
    ]  # fmt: skip
    assert found[1] == pytest.approx(values[1] @ values[0] / (values[0] @ values[0]), abs=1e-12)
    assert 0.8**2 - 1e-12 <= found[1] <= 0.8 + 1e-12


def test_rescaling_divides_by_the_contrast_of_the_certified_pairs() -> None:
    circuit = SHARED[0]
    werner = np.full((1, circuit.pairs_within), 0.85)
    rescaled = work(circuit, "rescale")([item(circuit, werner, np.ones(1), certified_werner=0.85)])[0]
    assert 0.85**circuit.pairs_within < rescaled["contrast"] < 1
    plain = item(circuit, werner, np.ones(1))
    left = contrasts_within(
        circuit,
        plain.parameters[None],
        noise=plain.noise[None],
        angles=[plain.angles],
        werner=np.array([0.85]),
    )
    assert rescaled["contrast"] == pytest.approx(float(left[0]))


def test_bounded_rescaling_never_divides_by_less_than_one_half() -> None:
    circuit = SHARED[2]
    for werner, bounded in ((0.97, False), (0.6, True)):
        inputs = [item(circuit, np.full((1, circuit.pairs_within), werner), np.ones(1), certified_werner=werner)]
        rescaled, found = (work(circuit, arm)(inputs)[0] for arm in ("rescale", "bounded_rescale"))
        assert (rescaled["contrast"] < 0.5) == bounded
        assert found["contrast"] == max(rescaled["contrast"], 0.5)
        if not bounded:
            np.testing.assert_array_equal(found["gradient"], rescaled["gradient"])
