"""Pairs of mixed age inside a circuit: a few evaluations give the mean over shots and over all ways to deal them."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ceas_ray.quantum.mixed_pairs import NO_PAIRS, pair_nodes


class Multilinear:
    """An output that is affine in each place's w and lies in [-1, 1] for all w in [-1/3, 1]: random at the corners."""

    def __init__(self, places: int, seed: int) -> None:
        self.corners = np.random.default_rng(seed).uniform(-1, 1, (2,) * places)

    def __call__(self, werner: Any) -> float:
        value: Any = self.corners
        for w in werner:
            share = (w + 1 / 3) / (4 / 3)
            value = share * value[1] + (1 - share) * value[0]
        return float(value)


def brute_force(output: Multilinear, werner: list[Any], places: list[list[int]]) -> float:
    """The mean over shots and over all permutations of each route's pairs."""
    found = []
    for shot in range(len(werner[0])):
        for dealt in itertools.product(*(itertools.permutations(pairs[shot]) for pairs in werner)):
            at = np.empty(sum(map(len, places)))
            for where, values in zip(places, dealt, strict=True):
                at[where] = values
            found.append(output(at))
    return float(np.mean(found))


@settings(deadline=None, max_examples=40)
@given(
    sizes=st.sampled_from([[1], [2], [5], [1, 1], [3, 2], [2, 2, 1]]), shots=st.integers(1, 4),
    lowest=st.floats(-1 / 3, 1), seed=st.integers(0, 10**6),
)  # fmt: skip
def test_nodes_give_the_mean_over_shots_and_permutations(
    sizes: list[int], shots: int, lowest: float, seed: int
) -> None:
    generator = np.random.default_rng(seed)
    output = Multilinear(sum(sizes), seed)
    order = generator.permutation(sum(sizes)).tolist()
    ends = np.cumsum(sizes)
    places = [order[end - size : end] for end, size in zip(ends, sizes, strict=True)]
    werner = [generator.uniform(lowest, 1, (shots, size)) for size in sizes]
    found = pair_nodes(werner, places)
    ours = sum(b * output(at) for at, b in zip(found.werner, found.coefficients, strict=True))
    assert ours == pytest.approx(brute_force(output, werner, places), abs=1e-12 + found.left_out)
    assert found.left_out < 1e-9
    assert found.coefficients.sum() == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize("pairs", [6, 12, 18, 32])
@pytest.mark.parametrize("lowest", [0.3, 0.85])
def test_many_pairs_of_one_route_stay_well_conditioned(pairs: int, lowest: float) -> None:
    """For z = prod_i (a_i + b_i w_i) with equal factors the mean needs no permutations."""
    generator = np.random.default_rng(1)
    werner = generator.uniform(lowest, 0.97, (300, pairs))
    exact = np.mean(np.prod(0.1 + 0.9 * werner, axis=1))
    found = pair_nodes([werner], [range(pairs)])
    assert abs(np.prod(0.1 + 0.9 * found.werner, axis=1) @ found.coefficients - exact) < 1e-10
    assert len(found.coefficients) <= pairs + 1


def test_equal_pairs_need_one_node_and_similar_ones_few() -> None:
    equal = pair_nodes([np.full((10, 6), 0.9), np.full((10, 6), 0.8)], [range(6), range(6, 12)])
    np.testing.assert_allclose(equal.werner, [[0.9] * 6 + [0.8] * 6])
    np.testing.assert_array_equal(equal.coefficients, [1.0])
    assert equal.left_out < 1e-12
    werner = 0.9 + 1e-4 * np.random.default_rng(1).random((50, 6))
    assert len(pair_nodes([werner], [range(6)]).coefficients) <= 4


def test_many_routes_are_cut_to_the_most_nodes_within_a_stated_bound() -> None:
    generator = np.random.default_rng(3)
    werner = [generator.uniform(0.90, 0.95, (200, 2)) for _ in range(5)]
    places = [[2 * r, 2 * r + 1] for r in range(5)]
    output = Multilinear(10, 1)
    exact = brute_force(output, [pairs[:5] for pairs in werner], places)
    few = pair_nodes([pairs[:5] for pairs in werner], places, max_nodes=40)
    assert len(few.coefficients) <= 40
    ours = sum(b * output(at) for at, b in zip(few.werner, few.coefficients, strict=True))
    assert 0 < abs(ours - exact) < few.left_out < 0.1


def test_without_pairs_there_is_one_node() -> None:
    assert NO_PAIRS.werner.shape == (1, 0)
    np.testing.assert_array_equal(NO_PAIRS.coefficients, [1.0])
