"""The next state from a round's agreed inputs: the pure function that every replica recomputes, bit for bit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ceas_ray.aggregation.aggregator import Aggregator
from ceas_ray.aggregation.evidence import Evidence
from ceas_ray.messages.fixed_point import from_fixed_point
from ceas_ray.messages.payloads import TestReport
from ceas_ray.quantum import pair_physics
from ceas_ray.quantum.circuit_values import VariationalCircuit
from ceas_ray.quantum.contrast import contrast, contrasts_within, weight_profiles
from ceas_ray.quantum.error_rate_bound import error_rate_bound
from ceas_ray.quantum.gate_noise import noiseless
from ceas_ray.quantum.trap_circuits import certified_answer_contrast
from ceas_ray.training.learning_rate import LearningRate

Floats = NDArray[np.float64]
ModelState = tuple[Floats, int]
"""The model's parameters, shape (d,), in rad, and the number of rounds that changed them."""

Rows = Sequence[tuple[int, NDArray[np.int64]]]
"""Processors and their rows in fixed point (d,), sorted by processor."""


@dataclass(frozen=True)
class NextState:
    """`next_state(previous, rows, test_report) -> (weights, aggregate, next model state)`.

    Plain descent along the aggregate: momentum and error mitigation are the workers'. Evidence for the weights comes
    from the hub's test report and from what the hub knows of the plan, never from the processors: the contrast that
    tested pairs certify or, where the hub asks what it knows, the one that the answers certify, gates and readout
    included; each answer counts as tests of as many pairs as it took.

    circuit: with the pairs that it spends inside. faults: f_processors. shots, samples: per processor, of the plan and
    of the shards, shape (N,). public_angles: encoding angles, shape (B, n), for the contrast of the model. confidence:
    of the certified lower bound.
    """

    aggregator: Aggregator
    learning_rate: LearningRate
    circuit: VariationalCircuit
    faults: int
    shots: Floats
    samples: Floats
    public_angles: Floats
    confidence: float

    def __call__(self, previous: ModelState, rows: Rows, test_report: TestReport) -> tuple[Floats, Floats, ModelState]:
        """Aggregate the rows, sorted by processor, and take a step."""
        parameters, step = previous
        processors = np.array([processor for processor, _ in rows], dtype=np.int64)
        weights, aggregate = self.aggregator.aggregate(
            _updates(rows), self._evidence(parameters, processors, test_report), self._faults_among(rows)
        )
        return weights, aggregate, (parameters - self.learning_rate(step) * aggregate, step + 1)

    def effective_weights(self, rows: Rows, weights: Floats) -> Floats | None:
        """Return each row's weight in the aggregate (n,); None for a rule that gives none. weights: of these rows."""
        return self.aggregator.effective_weights(_updates(rows), weights, self._faults_among(rows))

    def _faults_among(self, rows: Rows) -> int:
        """Return how many of the rows may be faulty, if all that are missing are."""
        return max(0, self.faults - (len(self.shots) - len(rows)))

    def _evidence(self, parameters: Floats, processors: NDArray[np.int64], report: TestReport) -> Evidence:
        tested, errors = report.tested[processors], report.errors[processors]
        tests = tested[:, :3].sum(axis=1)
        werner, lower = certified_werner_bounds(tests, errors[:, :3].sum(axis=1), self.confidence)
        if tested.shape[1] > 3:
            certified = certified_answer_contrast(tested[:, 3], errors[:, 3], self.confidence)
            tests = tested[:, 3] * self.circuit.qubits
        else:
            certified = self._contrasts(parameters, lower)
        return Evidence(
            contrast_lower=certified,
            contrast=self._contrasts(parameters, werner),
            shots=self.shots[processors],
            samples=self.samples[processors],
            tests=tests,
            qubits=self.circuit.qubits,
        )

    def _contrasts(self, parameters: Floats, werner: Floats) -> Floats:
        """Return the contrasts (n,) of the model on the public inputs, with ideal gates, for these Werner parameters of
        pairs."""
        count, circuit = len(werner), self.circuit
        ideal = noiseless(1, circuit.qubits)
        if circuit.pairs_within:
            return contrasts_within(
                circuit, np.tile(parameters, (count, 1)), noise=np.repeat(ideal, count, axis=0),
                angles=[self.public_angles] * count, werner=werner,
            )  # fmt: skip
        if circuit.reuploaded:
            return np.ones(count)
        (profile,) = weight_profiles(circuit, parameters[None], ideal, [self.public_angles])
        powers = np.arange(circuit.qubits + 1)
        return np.array([contrast(profile, w**powers) for w in werner])


def _updates(rows: Rows) -> list[Floats]:
    return [from_fixed_point(row) for _, row in rows]


def certified_werner_bounds(tested: Floats, errors: Floats, confidence: float) -> tuple[Floats, Floats]:
    """Return the point estimate and one-sided lower bound of the Werner parameter w = 1 - 2 e of links, shape (n,)
    each.

    The lower bound covers at least `confidence` (see `error_rate_bound`). Both are at least 0; a link without tests
    has 0.
    """
    rate = np.where(tested > 0, errors / np.maximum(tested, 1.0), 0.5)
    rates = rate, error_rate_bound(tested, errors, confidence)
    estimate, bound = (np.maximum(0.0, pair_physics.correlation_of_error_rate(of)) for of in rates)
    return estimate, bound
