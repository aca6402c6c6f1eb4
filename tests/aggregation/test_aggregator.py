"""What a rule and weights return is checked where they return it, and the policy named."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest

from ceas_ray.aggregation.aggregator import Aggregator
from ceas_ray.aggregation.evidence import Evidence
from ceas_ray.aggregation.uniform_weights import UniformWeights
from ceas_ray.aggregation.weighted_mean import WeightedMean
from ceas_ray.kernel.policy_calls import PolicyError

ROWS = [np.ones(4) * k for k in range(3)]
EVIDENCE = Evidence(**{field.name: np.ones(3) for field in fields(Evidence)} | {"qubits": 2})


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
    with pytest.raises(PolicyError, match=r"Returns\.__call__ must return"):
        Aggregator(Returns(returned), UniformWeights(), 1.0).aggregate(ROWS, EVIDENCE, 0)  # type: ignore[arg-type]


@pytest.mark.parametrize("returned", [np.ones(2) / 2, np.array([-1.0, 1, 1]), np.ones(3), np.full(3, np.nan), None])
def test_weights_that_are_none_are_named(returned: object) -> None:
    with pytest.raises(PolicyError, match=r"Returns\.__call__ must return"):
        Aggregator(WeightedMean(), Returns(returned), 1.0).aggregate(ROWS, EVIDENCE, 0)  # type: ignore[arg-type]


class Changes:
    """A policy that writes into what it is given."""

    def __call__(self, first: object, *others: object) -> object:
        array = first.shots if isinstance(first, Evidence) else first
        assert isinstance(array, np.ndarray)
        array[0] = 7.0
        return array


@pytest.mark.parametrize("aggregator", [
    Aggregator(Changes(), UniformWeights(), 1.0), Aggregator(WeightedMean(), Changes(), 1.0),  # type: ignore[arg-type]
])  # fmt: skip
def test_a_policy_that_changes_what_it_is_given_is_named(aggregator: Aggregator) -> None:
    with pytest.raises(PolicyError, match=r"Changes\.__call__ failed with ValueError: .*read-only \(test_aggregator"):
        aggregator.aggregate(ROWS, EVIDENCE, 0)
    assert (ROWS[1] == 1.0).all() and (EVIDENCE.shots == 1.0).all()


def test_good_policies_are_taken() -> None:
    weights, aggregate = Aggregator(WeightedMean(), UniformWeights(), 1.0).aggregate(ROWS, EVIDENCE, 0)
    np.testing.assert_allclose(weights, 1 / 3)
    np.testing.assert_allclose(aggregate, 1.0)
