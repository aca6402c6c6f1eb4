"""Key paths: what they distil for the bits that are asked for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ceas_ray.entanglement.demand import finite_bits, key_path_fidelity
from ceas_ray.entanglement.key_paths import KeyPath, KeyPaths
from ceas_ray.quantum.bell_pairs import key_rate
from tests.entanglement.parts import small_demand, star

PATH = KeyPath("processor/1", 0)


@given(bits=st.integers(100, 50_000))
def test_a_finite_block_yields_what_is_asked_and_little_more(bits: int) -> None:
    """Of pairs as good as the plan expects; a block may be a hundredth larger than it needs to be, and a bit."""
    asked = small_demand(finite_keys=True)
    paths = KeyPaths(star(), asked)
    raw = paths.raw_bits(PATH, bits)
    rate = float(key_rate(round(key_path_fidelity(paths.route(PATH), asked), 3)))
    block = round(raw / rate)
    assert bits * 0.99 - 1 <= finite_bits(raw, block)
    assert finite_bits(raw - 2 - rate * block / 50, block - block // 50 - 2) < bits * 1.01


def test_without_blocks_a_path_distils_the_bits_that_are_asked() -> None:
    paths = KeyPaths(star(), small_demand())
    assert paths.raw_bits(PATH, 123.0) == 123.0
    assert KeyPaths(star(), small_demand(finite_keys=True)).raw_bits(PATH, 0.0) == 0.0


def test_key_slots_last_longer_than_distilling_takes_by_their_margin_alone() -> None:
    for finite in (False, True):
        one, two = (
            KeyPaths(star(), small_demand(finite_keys=finite, key_margin=m)).seconds(PATH, 500.0) for m in (1.0, 1.5)
        )
        assert two / one == pytest.approx(1.5)
