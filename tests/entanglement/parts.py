"""The parts of an entanglement manager on a small star, built without any settings."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Literal

import numpy as np

from ceas_ray.entanglement.demand import Demand
from ceas_ray.entanglement.key_ledger import KeyLedger
from ceas_ray.entanglement.key_paths import KeyPaths
from ceas_ray.entanglement.pair_ledger import PairLedger
from ceas_ray.entanglement.planner import Planner
from ceas_ray.entanglement.round_controller import RoundController, RoundTiming
from ceas_ray.kernel.envelope import Effect, Observation
from ceas_ray.kernel.streams import Streams
from ceas_ray.messages.observations import ProgressObserved
from ceas_ray.messages.quorum import Quorums
from ceas_ray.messages.round_progress import OnStall, RoundProgress
from ceas_ray.network.line import Line
from ceas_ray.network.link_parameters import LinkDraws
from ceas_ray.network.network_plan import NetworkPlan
from ceas_ray.network.star import Star
from ceas_ray.scheduling.oblivious import Oblivious
from tests.entanglement.demands import demand
from tests.network.hardware import HARDWARE, SPREAD

CLOSER = replace(SPREAD, min_fidelity=0.96)
SWAP_WERNER = 0.98
TIMING = RoundTiming(control_delay=10, planning_time=1000, update_time=100, input_timeout=None, patience=5000)
PROCESSORS, REPLICAS = 6, 4
LINE = Line(5, 1.0, 0.995, "fidelity")


def without_progress(effects: Iterable[Effect]) -> list[Effect]:
    """The effects apart from what the driver is told of a round that goes on."""
    return [
        effect
        for effect in effects
        if not (isinstance(effect, Observation) and isinstance(effect.payload, ProgressObserved))
    ]


def small_demand(**changes: Any) -> Demand:
    return demand(**({"shots": 40, "warm_up_test_shots": 9, "hub_channels": 8} | changes))


def star(topology: Any = None, processors: int = PROCESSORS, replicas: int = REPLICAS) -> NetworkPlan:
    made: NetworkPlan = (topology or Star()).build(
        processors, replicas, LinkDraws(HARDWARE, CLOSER, np.random.default_rng(1))
    )
    return made


def planner_of(network: NetworkPlan, asked: Demand, scheduler: Any = None, train_on_pairs: bool = True) -> Planner:
    paths = KeyPaths(network, asked)
    return Planner(
        network,
        paths,
        demand=asked,
        scheduler=scheduler or Oblivious(),
        train_on_pairs=train_on_pairs,
        streams=Streams(1),
    )


def pair_ledger_of(network: NetworkPlan, finite_keys: bool = False) -> PairLedger:
    return PairLedger(network, KeyPaths(network, small_demand()), 6, finite_keys)


def controller_of(
    rounds: int = 3, way: Literal["wait", "skip", "stop"] = "stop", max_waits: int = 0, adversary: bool = False
) -> RoundController:
    network, asked = star(), small_demand()
    paths = KeyPaths(network, asked)
    return RoundController(
        Planner(network, paths, demand=asked, scheduler=Oblivious(), train_on_pairs=True, streams=Streams(1)),
        paths,
        keys=KeyLedger(asked, range(PROCESSORS), REPLICAS, rounds),
        pairs=PairLedger(network, paths, asked.pairs_per_shot, asked.finite_keys),
        progress=RoundProgress(Quorums(REPLICAS), PROCESSORS, OnStall(way, max_waits)),
        timing=TIMING,
        rounds=rounds,
        adversary=adversary,
    )
