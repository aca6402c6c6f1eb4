"""The bias that each kind of error mitigation leaves in a gradient, and its cost in variance."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, get_args

import numpy as np
from numpy.typing import NDArray

from ceas_ray.kernel.streams import Streams
from ceas_ray.processors.gradient_records import GradientInputs
from ceas_ray.processors.gradient_work import ErrorMitigation, Estimator, GradientWork
from ceas_ray.quantum import pauli_engine
from ceas_ray.quantum.bell_pairs import werner_parameter
from ceas_ray.quantum.circuit import Circuit
from ceas_ray.quantum.estimator import exact_gradient
from ceas_ray.quantum.gate_noise import noiseless
from ceas_ray.quantum.loss import SquaredLoss
from ceas_ray.quantum.mixed_pairs import NO_PAIRS
from ceas_ray.quantum.pauli_engine import LaneInputs

LAYERS = 3
_ESTIMATORS: tuple[Estimator, ...] = ("exact", "doubly_stochastic")


def _work(circuit: Circuit, estimator: Estimator, error_mitigation: ErrorMitigation) -> GradientWork:
    return GradientWork(
        circuit=circuit, engine=pauli_engine.shifted_values, streams=Streams(1), loss=SquaredLoss(),
        estimator=estimator, error_mitigation=error_mitigation, forward_circuits=256,
    )  # fmt: skip


def error_mitigation_table(rounds: int) -> dict[str, Any]:
    """Return relative bias and spread of sampled gradients with pairs of one fidelity, by kind of error mitigation.

    6 qubits, 3 layers, 8 samples, 1,024 circuits, perfect gates; spread: root of the summed variance over the ideal
    gradient's norm.
    """
    circuit, draw = Circuit(6, LAYERS, 1), np.random.default_rng(2)
    angles, parameters = draw.uniform(-1.5, 1.5, (8, 6)), draw.uniform(-np.pi, np.pi, circuit.parameter_count)
    targets, nothing = draw.choice([-1.0, 1.0], (8, 1)), noiseless(1, 6)
    lanes = np.zeros(8, np.int64)
    inputs = LaneInputs(angles, parameters[None], nothing, np.ones((1, 7)), lanes)
    ideal = pauli_engine.shifted_values(circuit, inputs, lanes)
    wanted = exact_gradient(ideal.value[:, None], ideal.first[:, None], targets, SquaredLoss())
    table: dict[str, Any] = {}
    powers: NDArray[Any] = np.arange(7)
    for fidelity in (0.97, 0.94, 0.90, 0.85):
        werner = float(werner_parameter(fidelity))
        item = GradientInputs(
            name="processor/0", round_index=0, angles=angles, targets=targets, parameters=parameters,
            noise=nothing[0], attenuation=werner**powers, usable=np.ones(1024, bool),
            certified_werner=werner, werner=NO_PAIRS.werner, coefficients=NO_PAIRS.coefficients,
        )  # fmt: skip
        row = {}
        for error_mitigation in get_args(ErrorMitigation):
            gradients = []
            for estimator in _ESTIMATORS:
                work = _work(circuit, estimator, error_mitigation)
                count = 1 if estimator == "exact" else rounds
                gradients.append(np.array([work([replace(item, round_index=r)])[0]["gradient"] for r in range(count)]))
            exact, sampled = gradients
            row[error_mitigation] = {
                "bias": round(float(np.linalg.norm(exact[0] - wanted) / np.linalg.norm(wanted)), 4),
                "spread": round(float(np.sqrt(sampled.var(axis=0, ddof=1).sum()) / np.linalg.norm(wanted)), 3),
            }
        table[str(fidelity)] = row
    return table
