"""Noise of gates and readout."""

from __future__ import annotations

import math

import numpy as np
import pytest

from ceas_ray.quantum.gate_noise import Noise, noiseless, thermal_relaxation, visibility


def test_perfect_gates_have_no_noise_at_all() -> None:
    assert noiseless(2, 3).shape == (2, 3, len(Noise))
    assert not noiseless(2, 3).any()


def test_populations_relax_with_t1_and_coherences_with_t2() -> None:
    damping, dephasing = thermal_relaxation(np.array(2.0), np.array(10.0), np.array(8.0))
    assert 1 - damping == pytest.approx(math.exp(-0.2))
    assert math.sqrt(1 - damping) * (1 - dephasing) == pytest.approx(math.exp(-0.25))


def test_at_twice_t1_there_is_no_dephasing_beyond_damping() -> None:
    _, dephasing = thermal_relaxation(np.array(2.0), np.array(10.0), np.array(20.0))
    assert dephasing == pytest.approx(0.0, abs=1e-15)


@pytest.mark.parametrize("times", [(-1.0, 1.0, 1.0), (1.0, 0.0, 1.0), (1.0, 1.0, 2.1), (math.nan, 1.0, 1.0)])
def test_times_that_no_qubit_has_are_refused(times: tuple[float, float, float]) -> None:
    with pytest.raises(ValueError, match="T2 at most 2 T1"):
        thermal_relaxation(*map(np.array, times))


def test_readout_that_flips_every_other_bit_leaves_nothing_to_see() -> None:
    noise = noiseless(1, 3)[0]
    noise[:, Noise.READOUT] = [0.0, 0.1, 0.5]
    assert visibility(noise, 3).tolist() == pytest.approx([1.0, 0.8, 0.0])


def test_where_layers_run_on_different_hardware_the_last_one_reads_out() -> None:
    noise = noiseless(2, 1)
    noise[:, 0, Noise.READOUT] = [0.4, 0.1]
    assert visibility(noise, 1).tolist() == pytest.approx([0.8])
