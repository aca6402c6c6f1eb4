"""Networks built from topologies, for tests of what they hold."""

from __future__ import annotations

from typing import Any

import numpy as np

from ceas_ray.network.link_parameters import LinkDraws
from ceas_ray.network.network_plan import NetworkPlan
from tests.network.hardware import HARDWARE, SPREAD


def built(topology: Any, seed: int, processors: int = 8, replicas: int = 4) -> NetworkPlan:
    plan: NetworkPlan = topology.build(processors, replicas, LinkDraws(HARDWARE, SPREAD, np.random.default_rng(seed)))
    return plan
