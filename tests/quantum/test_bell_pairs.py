"""Closed forms, at values that were computed independently."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ceas_ray.quantum import bell_pairs

FIDELITIES = st.floats(0.25, 1.0)


def test_known_values() -> None:
    assert bell_pairs.decayed_fidelity(0.95, 0.5, 1.0) == pytest.approx(0.674571462, abs=1e-9)
    assert bell_pairs.decayed_fidelity(0.9, 0.1, 0.1) == pytest.approx(0.489121637, abs=1e-9)
    assert bell_pairs.decayed_fidelity(0.95, 2 * 0.5, 1.0) == pytest.approx(0.507515609, abs=1e-9)
    assert bell_pairs.cutoff_age(0.95, 0.8, 1e-3) == pytest.approx(2.411620568e-4, abs=1e-13)
    assert bell_pairs.swapped_fidelity(0.9, 0.9) == pytest.approx(0.813333333, abs=1e-9)
    assert bell_pairs.swapped_fidelity(0.95, 0.8) == pytest.approx(0.763333333, abs=1e-9)
    assert bell_pairs.teleportation_fidelity(0.9) == pytest.approx(0.933333333, abs=1e-9)
    assert bell_pairs.key_rate(0.95) == pytest.approx(0.578315399, abs=1e-9)
    assert bell_pairs.key_rate(0.90) == pytest.approx(0.293281330, abs=1e-9)
    assert bell_pairs.key_rate(0.83) == 0.0


@given(FIDELITIES, FIDELITIES, st.floats(0, 5))
def test_werner_pairs_are_the_special_case_of_bell_diagonal_ones(first: float, second: float, age: float) -> None:
    def werner(fidelity: float) -> np.ndarray:
        return np.array([fidelity, *[(1 - fidelity) / 3] * 3])

    swapped = bell_pairs.swapped_state(werner(first), werner(second))
    assert swapped[0] == pytest.approx(float(bell_pairs.swapped_fidelity(first, second)), abs=1e-12)
    assert swapped.sum() == pytest.approx(1)
    decayed = bell_pairs.decayed_state(werner(first), age, 1.0)
    assert decayed[0] == pytest.approx(float(bell_pairs.decayed_fidelity(first, age, 1.0)), abs=1e-12)


@pytest.mark.parametrize("call", [
    lambda: bell_pairs.werner_parameter(1.7),
    lambda: bell_pairs.decayed_fidelity(0.9, -1, 1),
    lambda: bell_pairs.swapped_state([0.5, 0.5, 0.5, 0], [1, 0, 0, 0]),
    lambda: bell_pairs.cutoff_age(0.9, 0.95, 1),
])  # fmt: skip
def test_impossible_arguments_are_refused(call: object) -> None:
    with pytest.raises(ValueError, match="must"):
        call()  # type: ignore[operator]
