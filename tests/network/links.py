"""Links of hardware that a test chooses."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from ceas_ray.network.link_parameters import LinkHardware
from ceas_ray.network.memories import Decay, Dephasing, Depolarizing, Memory, Relaxing
from ceas_ray.quantum import bell_pairs
from ceas_ray.quantum.emission import Heralded, SingleClick
from tests.network.hardware import HARDWARE

PAIRS: list[tuple[Memory, Memory]] = [
    (Depolarizing(0.06), Depolarizing(0.02)), (Dephasing(0.4), Dephasing(0.1)),
    (Relaxing(0.025, 0.034), Relaxing(1, 2)),
    (Relaxing(0.01, 0.001), Dephasing(0.02)), (Depolarizing(0.5), Relaxing(0.3, 0.1)),
]  # fmt: skip


def hardware(
    memories: tuple[Memory, Memory] | None = None, emission: Heralded | SingleClick | None = None
) -> LinkHardware:
    return replace(HARDWARE, memories=memories, emission=emission)


def decayed_by_loop(weights: np.ndarray, decay: Decay, age: float) -> np.ndarray:
    """What a compiled loop computes from a `Decay`."""
    x, y, z = bell_pairs.correlations(weights)
    damped = math.prod(1 - math.exp(-memory.damping * age) for memory in decay)
    kept = [math.exp(-(one + other) * age) for one, other in zip(decay.start[:3], decay.end[:3], strict=True)]
    return bell_pairs.state_of_correlations(x * kept[0], y * kept[1], z * kept[2] + damped)
