"""Items of work as processors give them, for tests of that work."""

from __future__ import annotations

from typing import Any

import numpy as np

from ceas_ray.processors.gradient_records import GradientInputs
from ceas_ray.quantum.gate_noise import Noise
from ceas_ray.quantum.mixed_pairs import NO_PAIRS


def items_of(world: Any, noises: list[Any], usable: Any, rounds: int = 1) -> list[GradientInputs]:
    """What processors with these gates and equal pairs are given."""
    attenuation, shard = 0.93 ** np.arange(world.circuit.qubits + 1), world.shards[0]
    return [
        GradientInputs(
            name=f"processor/{k}", round_index=r, angles=shard.angles, targets=shard.targets,
            parameters=world.initial_parameters, noise=noise, attenuation=attenuation, werner=NO_PAIRS.werner,
            coefficients=NO_PAIRS.coefficients, usable=usable, certified_werner=None,
        )
        for r in range(rounds) for k, noise in enumerate(noises)
    ]  # fmt: skip


def noise(qubits: int, two_qubit: float) -> Any:
    figures = np.zeros((qubits, len(Noise)))
    figures[:, Noise.TWO_QUBIT_DEPOLARIZING] = two_qubit
    return figures
