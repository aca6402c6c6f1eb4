"""A world, built: its actors by the kind of host they live on, and what the driver evaluates with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ceas_ray.entanglement.demand import Demand
from ceas_ray.entanglement.round_controller import RoundController
from ceas_ray.kernel.actor import Actor
from ceas_ray.kernel.envelope import Envelope
from ceas_ray.kernel.host import Host
from ceas_ray.messages.payloads import DRIVER, ENTANGLEMENT_MANAGER, Begin
from ceas_ray.processors.gradient_work import GRADIENT, GradientWork
from ceas_ray.processors.processor import Shard
from ceas_ray.quantum.circuit_values import VariationalCircuit
from ceas_ray.scheduling.checked_scheduler import CheckedScheduler
from ceas_ray.training.datasets import DataSet
from ceas_ray.training.metrics import Evaluation, LabelShare
from ceas_ray.world.blueprint import Blueprint
from ceas_ray.world.inputs import RunInputs
from ceas_ray.world.round_demand import RoundDemand


@dataclass(frozen=True)
class World:
    """The actors of a run, and what else it needs.

    Where `processors_per_group` processors share the circuit, a group is one simulated actor, `processor/g` with g the
    number of the group: its first member, which leads. So are the shards, the rows of the committee, and `byzantine`.
    shared_circuit: with its parts and teleportations; circuit: the same on one processor. max_evaluations: of the
    circuit and a sample, for pairs of mixed age.
    backdoor: measures the success of a back door; None without one. outline: what all this was made from.
    """

    processors: tuple[Actor, ...]
    links: tuple[Actor, ...]
    replicas: tuple[Actor, ...]
    control: tuple[Actor, ...]
    work: GradientWork
    manager: RoundController
    data: DataSet
    shards: tuple[Shard, ...]
    circuit: VariationalCircuit
    shared_circuit: VariationalCircuit
    evaluation: Evaluation
    validation: Evaluation | None
    backdoor: LabelShare | None
    public_angles: NDArray[np.float64]
    initial_parameters: NDArray[np.float64]
    byzantine: tuple[int, ...]
    processors_per_group: int
    max_evaluations: int
    inputs: RunInputs
    outline: Outline

    @property
    def byzantine_processors(self) -> list[int]:
        """Indices of Byzantine processors; of Byzantine groups all members."""
        m = self.processors_per_group
        return [processor for k in self.byzantine for processor in range(k * m, (k + 1) * m)]

    def hosts(self, processor_hosts: int, link_hosts: int) -> list[Host]:
        """Return the actors on this many hosts; the manager's has the first envelope."""
        work = {GRADIENT: self.work}
        made = [Host(f"processors/{h}", part, work) for h, part in enumerate(_dealt(self.processors, processor_hosts))]
        made += [Host(f"links/{h}", part) for h, part in enumerate(_dealt(self.links, link_hosts))]
        control = Host("entanglement_manager", self.control)
        control.post([Envelope(deliver_at=1, sender=DRIVER, serial=0, receiver=ENTANGLEMENT_MANAGER, payload=Begin())])
        return [*made, Host("replicas", self.replicas), control]

    def one_host(self) -> list[Host]:
        """Return all actors on one host: one heap."""
        host = Host("all", (*self.processors, *self.links, *self.replicas, *self.control), {GRADIENT: self.work})
        host.post([Envelope(deliver_at=1, sender=DRIVER, serial=0, receiver=ENTANGLEMENT_MANAGER, payload=Begin())])
        return [host]


def _dealt(actors: Sequence[Actor], hosts: int) -> list[tuple[Actor, ...]]:
    return [tuple(actors[h::hosts]) for h in range(min(hosts, len(actors)))]


@dataclass(frozen=True)
class Outline:
    """A world before anything in it is made that takes long: what a forecast needs, and what actors are made from.

    Nothing that settings can be blamed for is left to be found when these are made.
    """

    blueprint: Blueprint
    data: DataSet
    demand: Demand
    scheduler: CheckedScheduler
    of_round: RoundDemand
    inputs: RunInputs
