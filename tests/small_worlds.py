"""Small worlds for tests: everything real, little of it."""

from __future__ import annotations

from ceas_ray.config.schema import RunSettings
from ceas_ray.config.validation import build
from ceas_ray.world.builder import build_world
from ceas_ray.world.world import World
from tests.composed_settings import composed_once

SMALL = [
    "processors.count=8", "training.rounds=3", "training.circuits_per_round=64", "training.forward_circuits=16",
    "training.qubits=3", "training.layers=1", "entanglement.warm_up_tests=60", "runtime=local", "tracking=folder",
    "quiet=true",
]  # fmt: skip


def small_world(*overrides: str) -> World:
    return build_world(build(RunSettings, composed_once([*SMALL, *overrides])))
