"""What a rule and weights return is checked where they return it, and the policy named."""

from __future__ import annotations

import numpy as np
import pytest

from ceas_ray.aggregation.aggregator import Aggregator
from ceas_ray.aggregation.evidence import Evidence
from ceas_ray.aggregation.uniform_weights import UniformWeights
from ceas_ray.aggregation.weighted_mean import WeightedMean

ROWS = [np.ones(4) * k for k in range(3)]
EVIDENCE = Evidence(*(np.ones(3) for _ in range(5)), qubits=2)


class Returns:
    """A policy that returns this, whatever it is given."""

    def __init__(self, returned: object) -> None:
        self.returned = returned

    def __call__(self, *arguments: object) -> object:
        return self.returned


@pytest.mark.parametrize(
    "returned",
    [np.ones(3), np.ones((1, 4)), 1.0, np.full(4, np.nan), np.full(4, np.inf), np.ones(4) * 1j, None],
)
def test_a_rule_that_returns_no_aggregate_is_named(returned: object) -> None:
    with pytest.raises(ValueError, match=r"Returns\.__call__ must return"):
        Aggregator(Returns(returned), UniformWeights(), 1.0).aggregate(ROWS, EVIDENCE, 0)  # type: ignore[arg-type]


@pytest.mark.parametrize("returned", [np.ones(2) / 2, np.array([-1.0, 1, 1]), np.ones(3), np.full(3, np.nan), None])
def test_weights_that_are_none_are_named(returned: object) -> None:
    with pytest.raises(ValueError, match=r"Returns\.__call__ must return"):
        Aggregator(WeightedMean(), Returns(returned), 1.0).aggregate(ROWS, EVIDENCE, 0)  # type: ignore[arg-type]


def test_good_policies_are_taken() -> None:
    weights, aggregate = Aggregator(WeightedMean(), UniformWeights(), 1.0).aggregate(ROWS, EVIDENCE, 0)
    np.testing.assert_allclose(weights, 1 / 3)
    np.testing.assert_allclose(aggregate, 1.0)
