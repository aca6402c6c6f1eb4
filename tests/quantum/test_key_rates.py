"""Keys from pairs: asymptotic rates and finite blocks."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ceas_ray.quantum import bell_pairs


def test_pairs_yield_a_key_from_a_fidelity_of_0_83496_upwards() -> None:
    assert bell_pairs.key_rate(0.83495) == 0.0
    assert bell_pairs.key_rate(0.83497) > 0.0
    assert bell_pairs.qber(0.83496) == pytest.approx(0.1100, abs=5e-5)
    assert bell_pairs.key_rate(0.25) == 0.0
    assert bell_pairs.key_rate(1.0) == 1.0


def test_binary_entropy_is_exact_where_an_outcome_is_certain() -> None:
    assert bell_pairs.binary_entropy(0.0) == bell_pairs.binary_entropy(1.0) == 0.0
    assert bell_pairs.binary_entropy(0.5) == 1.0
    for e in (1e-300, 1e-20, 1e-9, 0.11, 0.4999):
        exact = -(e * math.log(e) + (1 - e) * math.log1p(-e)) / math.log(2)
        assert bell_pairs.binary_entropy(e) == pytest.approx(exact, rel=1e-14)
    assert bell_pairs.binary_entropy(1 - 2.0**-40) == pytest.approx(bell_pairs.binary_entropy(2.0**-40), rel=1e-14)


@pytest.mark.parametrize(("fidelity", "block"), [(0.99, 1600), (0.95, 3900), (0.92, 8900)])
def test_the_least_block_with_a_key(fidelity: float, block: int) -> None:
    least = int(bell_pairs.min_block(fidelity))
    assert least == pytest.approx(block, rel=0.01)
    assert bell_pairs.finite_key_length(fidelity, least) >= 1
    assert bell_pairs.finite_key_length(fidelity, least - 1) == 0


def test_no_block_has_a_key_where_error_correction_takes_it_all() -> None:
    assert bell_pairs.min_block(0.85) == math.inf  # it has one only with error correction at the Shannon limit
    assert bell_pairs.finite_key_length(0.85, 10**12) == 0
    assert bell_pairs.min_block(0.85, error_correction=1.0) < 1e6


def bound(fidelity: float, kept: int, tested: int) -> float:
    """The bound of Tomamichel et al. once more, as it stands in the paper."""
    q = 2 * (1 - fidelity) / 3
    total = kept + tested
    mu = math.sqrt(total / (kept * tested) * (tested + 1) / tested * math.log(4 / 1e-10))
    entropy = [-(e * math.log2(e) + (1 - e) * math.log2(1 - e)) if e > 0 else 0.0 for e in (min(q + mu, 0.5), q)]
    return kept * (1 - entropy[0]) - 1.16 * kept * entropy[1] - math.log2(2 / (1e-10**2 * 1e-10))


@pytest.mark.parametrize(("fidelity", "sifted"), [(0.99, 2000), (0.95, 4096), (0.95, 30_011), (1.0, 6000), (0.9, 1000)])
def test_a_finite_key_is_the_best_over_the_number_of_compared_pairs(fidelity: float, sifted: int) -> None:
    best = max(bound(fidelity, sifted - tested, tested) for tested in range(1, sifted))
    assert bell_pairs.finite_key_length(fidelity, sifted) == max(0, math.floor(best))


def test_a_finite_key_with_a_given_share_of_compared_pairs() -> None:
    assert bell_pairs.finite_key_length(0.97, 10_000, test_share=0.3) == math.floor(bound(0.97, 7000, 3000))
    assert bell_pairs.finite_key_length(0.97, 10_000, test_share=0.0) == 0  # nothing compared, nothing known
    assert bell_pairs.finite_key_length(0.97, 10_000, test_share=1.0) == 0  # nothing left
    assert bell_pairs.finite_key_length(0.97, [0, 1, 2]).tolist() == [0, 0, 0]


@given(st.floats(0.9, 1.0), st.integers(2, 10**7))
def test_a_finite_key_is_shorter_than_an_infinite_one_and_grows_with_the_block(fidelity: float, sifted: int) -> None:
    length = bell_pairs.finite_key_length(fidelity, sifted)
    assert 0 <= length <= sifted * bell_pairs.key_rate(fidelity)
    assert length <= bell_pairs.finite_key_length(fidelity, 2 * sifted)


def test_a_very_long_block_reaches_the_asymptotic_rate() -> None:
    rate = bell_pairs.finite_key_length(0.95, 10**13, error_correction=1.0) / 1e13
    assert rate == pytest.approx(float(bell_pairs.key_rate(0.95)), rel=2e-3)
