"""One gate on density matrices in the Pauli basis, as compiled passes take it."""

from __future__ import annotations

import numpy as np
import pytest

from ceas_ray.kernel.compiled_code import COMPILED, njit
from ceas_ray.quantum.gate_steps import correlate_one
from ceas_ray.quantum.lanes import aligned_rows, lane_count

LANES = lane_count(np.float64)


@njit(**(COMPILED | {"cache": False}))
def correlated(maps, qubit, source, h, scratch, derivatives):  # type: ignore[no-untyped-def]
    correlate_one(maps, qubit, source, h, scratch, derivatives)


def rows(generator: np.random.Generator, count: int) -> np.ndarray:
    made = aligned_rows(count, np.float64)
    made[:] = generator.normal(size=made.shape)
    return made


@pytest.mark.parametrize("left_over", [0.0, np.inf, np.nan])
@pytest.mark.parametrize("qubit", [0, 1])
def test_derivatives_do_not_depend_on_what_was_in_memory_before(qubit: int, left_over: float) -> None:
    """A sum began with x - x in place of 0: not a number, where memory happened to hold none."""
    generator = np.random.default_rng(1)
    maps, source, h = np.zeros((3, 16, LANES)), rows(generator, 16), rows(generator, 16)
    maps[:, :12] = generator.normal(size=(3, 12, LANES))
    scratch, derivatives = np.full((6, 16, LANES), left_over), np.full((2, LANES), left_over)
    correlated(maps, qubit, source, h, scratch, derivatives)
    digits = source.reshape(4, 4, LANES), h.reshape(4, 4, LANES)
    sums = np.einsum("ail,ajl->ijl" if qubit == 0 else "ial,jal->ijl", digits[1], digits[0])[1:]
    expected = np.einsum("dijl,ijl->dl", maps[1:, :12].reshape(2, 3, 4, LANES)[:, :, 1:], sums[:, 1:])
    np.testing.assert_allclose(derivatives, expected, rtol=1e-12)
