"""Whatever changes in an actor is part of its state: a restored world equals the one that was saved, field by field."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

import numpy as np
import pytest

from ceas_ray.kernel.codec import decode, encode
from ceas_ray.kernel.windows import Simulation
from ceas_ray.runtime.local_runtime import LocalCluster
from ceas_ray.world.world import World
from tests.small_worlds import small_world
from tests.world.committees import SMALL_COMMITTEE

KEPT_FOR_SPEED = {
    "LinkManager._key_models", "LinkManager._key_batches", "LinkManager._stock_rules", "LinkManager._booked",
    "RouteModel._alone", "KeyPool._last_hash_key", "KeyPaths._raw_bits_of", "KeyPaths._seconds_of", "Planner._policies",
    "KeyPaths._links_of",
    "ProtocolParameters.next_state", "ObservedReplica._next_state", "Frame._canonical_bytes",
}  # fmt: skip
"""What would be computed anew to the same, as cached properties are."""
PLAIN = (int, float, str, bytes, bool, type(None), np.ndarray)


def attributes(of: Any, path: str, within: frozenset[int]) -> Iterator[tuple[str, Any]]:
    """Every plain value below an object of the simulator, with its path."""
    if isinstance(of, PLAIN):
        yield path, of
    elif id(of) in within:
        return
    elif isinstance(of, Mapping):
        yield f"{path}.keys", encode(sorted(map(str, of)))
        for key, value in of.items():
            yield from attributes(value, f"{path}[{key}]", within | {id(of)})
    elif isinstance(of, set | frozenset):
        yield path, encode(sorted(map(str, of)))
    elif isinstance(of, list | tuple):
        yield f"{path}.len", len(of)
        for number, value in enumerate(of):
            yield from attributes(value, f"{path}[{number}]", within | {id(of)})
    elif type(of).__module__.startswith("ceas_ray.") and hasattr(of, "__dict__"):
        for name, value in sorted(vars(of).items()):
            cached = isinstance(getattr(type(of), name, None), cached_property)
            if not cached and f"{type(of).__name__}.{name}" not in KEPT_FOR_SPEED:
                yield from attributes(value, f"{path}.{name}", within | {id(of)})


def everything(world: World) -> dict[str, Any]:
    return {
        path: value.tobytes() if isinstance(value, np.ndarray) else value
        for actor in (*world.control, *world.links, *world.processors, *world.replicas)
        for path, value in attributes(actor, actor.name, frozenset())
    }


def restored_in_the_middle(*overrides: str, later: float) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """All attributes of a new world, of one so many seconds after its first round, and of one restored from that."""
    new, ran, again = (small_world(*overrides) for _ in range(3))
    first = Simulation(LocalCluster(ran.one_host()))
    over = next(first.rounds()).mark.at
    list(first.run_until(over + round(later * 1e12)))
    second = Simulation(LocalCluster(again.one_host()))
    second.restore(decode(encode(first.snapshot())))
    return everything(new), everything(ran), everything(again)


CRASH = "consensus.crash={replicas:[1],round:1,after_milliseconds:0.1,down_milliseconds:2000.0}"
OFTEN = [
    ("attacks=last_moment",), (*SMALL_COMMITTEE, "attacks=equivocation", "attacks.fraction=0.25", CRASH),
]  # fmt: skip
SELDOM = [
    ("attacks=none",),
    (
        "training.trap_circuit_share=0.25",
        "attacks=false_fidelity",
        "aggregation=ceas",
        "aggregation.weights.min_tests=10",
    ),
    (*SMALL_COMMITTEE, "attacks.replicas=1", "attacks.replica_faults=[replayed_tags]"),
    (*SMALL_COMMITTEE, "consensus.loss_probability=0.3"),
]


@pytest.mark.parametrize(
    ("overrides", "later"),
    [
        *((overrides, 0.2) for overrides in OFTEN),
        *(pytest.param(overrides, 0.2, marks=pytest.mark.slow) for overrides in SELDOM),
        *(pytest.param(overrides, at, marks=pytest.mark.slow) for overrides in OFTEN + SELDOM for at in (0.0, 1.0)),
    ],
    ids=str,
)
def test_a_restored_world_equals_the_one_that_was_saved(overrides: tuple[str, ...], later: float) -> None:
    new, ran, again = restored_in_the_middle(*overrides, later=later)
    assert sorted(path for path in {*ran, *again} if ran.get(path) != again.get(path)) == []
    assert len([path for path in ran if new.get(path) != ran[path]]) > 100, "much has changed"
