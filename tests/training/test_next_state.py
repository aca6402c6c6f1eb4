"""What a round's agreed inputs are made into."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ceas_ray.aggregation.aggregator import Aggregator
from ceas_ray.aggregation.trimmed_mean import TrimmedMean
from ceas_ray.aggregation.uniform_weights import UniformWeights
from ceas_ray.messages import payloads
from ceas_ray.messages.fixed_point import to_fixed_point
from ceas_ray.quantum.circuit import Circuit
from ceas_ray.training.learning_rate import LearningRate
from ceas_ray.training.next_state import NextState, certified_werner_bounds

CIRCUIT = Circuit(2, 1, 1)
PARAMETERS = CIRCUIT.parameter_count
REPORT = payloads.TestReport(round_index=0, tested=np.full((5, 3), 100.0), errors=np.full((5, 3), 5.0))


def next_state(faults: int) -> NextState:
    """Of five processors, with steps of half the aggregate."""
    return NextState(
        aggregator=Aggregator(TrimmedMean(), UniformWeights(), 1.0),
        learning_rate=LearningRate(0.5, 0.1, "constant", 10),
        circuit=CIRCUIT,
        faults=faults,
        shots=np.full(5, 64.0),
        samples=np.full(5, 20.0),
        public_angles=np.zeros((3, 2)),
        confidence=0.95,
    )


def rows(*values: float) -> Any:
    return [(k, to_fixed_point(np.full(PARAMETERS, value))) for k, value in enumerate(values)]


def test_the_model_steps_against_the_aggregate_and_counts_its_steps() -> None:
    weights, aggregate, (parameters, steps) = next_state(0)((np.ones(PARAMETERS), 7), rows(1, 2, 3, 4, 5), REPORT)
    np.testing.assert_allclose(weights, 0.2)
    np.testing.assert_allclose(aggregate, 3.0)
    np.testing.assert_allclose(parameters, 1.0 - 0.5 * 3.0)
    assert steps == 8


def test_rows_that_are_missing_count_as_the_faulty_ones() -> None:
    """With one fault of five the extremes are trimmed; when a row is missing, the four others are all trusted."""
    _, trimmed, _ = next_state(1)((np.zeros(PARAMETERS), 0), rows(1, 2, 3, 4, 95), REPORT)
    _, trusted, _ = next_state(1)((np.zeros(PARAMETERS), 0), rows(1, 2, 3, 94), REPORT)
    np.testing.assert_allclose(trimmed, 3.0)
    np.testing.assert_allclose(trusted, 25.0)


def test_a_link_without_tests_is_certified_nothing() -> None:
    estimate, lower = certified_werner_bounds(np.array([0.0, 100.0]), np.array([0.0, 10.0]), 0.95)
    assert (estimate[0], lower[0]) == (0.0, 0.0)
    assert 0.0 < lower[1] < estimate[1] == pytest.approx(0.8)


@pytest.mark.parametrize("error_rate", [0.02, 0.1])
def test_the_lower_bound_of_a_link_holds_as_often_as_it_says(error_rate: float) -> None:
    errors = np.random.default_rng(1).binomial(1000, error_rate, 4000).astype(float)
    _, lower = certified_werner_bounds(np.full(4000, 1000.0), errors, 0.95)
    assert np.mean(lower <= 1 - 2 * error_rate) == pytest.approx(0.95, abs=0.02)
