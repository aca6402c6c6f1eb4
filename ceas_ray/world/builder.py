"""Builds the world of a run: from settings to simulated actors, each constructor getting named values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from math import ceil
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ceas_ray.aggregation.aggregator import Aggregator
from ceas_ray.aggregation.evidence import Weights
from ceas_ray.aggregation.rule import Rule, combined
from ceas_ray.aggregation.uniform_weights import UniformWeights
from ceas_ray.attacks.attack import Attack
from ceas_ray.attacks.checked_attack import CheckedAttack
from ceas_ray.attacks.placement import placed
from ceas_ray.config.errors import SettingsError, UnusableSettings, or_refuse
from ceas_ray.config.policies import instantiate
from ceas_ray.config.schema import RunSettings
from ceas_ray.config.validation import unusable
from ceas_ray.consensus.committee import Committee
from ceas_ray.consensus.replica import Replica
from ceas_ray.entanglement.hub import Hub
from ceas_ray.entanglement.key_ledger import KeyLedger
from ceas_ray.entanglement.key_paths import KeyPaths
from ceas_ray.entanglement.leases import plan_phases
from ceas_ray.entanglement.pair_ledger import PairLedger
from ceas_ray.entanglement.plan import Demand, phases
from ceas_ray.entanglement.planner import Planner
from ceas_ray.entanglement.round_controller import RoundController, RoundTiming
from ceas_ray.kernel.actor import Actor
from ceas_ray.kernel.codec import encode
from ceas_ray.kernel.envelope import Envelope
from ceas_ray.kernel.host import Host
from ceas_ray.kernel.policy_calls import PolicyError
from ceas_ray.kernel.streams import Streams
from ceas_ray.kernel.time import picoseconds
from ceas_ray.links.link_manager import LinkManager
from ceas_ray.links.route_manager import RouteManager
from ceas_ray.messages.frames import Channel, ModelAdoption
from ceas_ray.messages.payloads import (
    ADVERSARY,
    DRIVER,
    ENTANGLEMENT_MANAGER,
    HUB,
    Begin,
    processor_link_name,
    processor_name,
    replica_link_name,
    replica_name,
)
from ceas_ray.messages.quorum import Quorums
from ceas_ray.messages.round_progress import OnStall, RoundProgress
from ceas_ray.network.group import Group
from ceas_ray.network.link_parameters import Heterogeneity
from ceas_ray.network.network_plan import NetworkPlan, Topology
from ceas_ray.network.route import Route, Swapping
from ceas_ray.processors.adversary import Adversary
from ceas_ray.processors.byzantine_processor import ByzantineProcessor
from ceas_ray.processors.false_announcements import FalseAnnouncements
from ceas_ray.processors.gradient_work import GRADIENT, GradientWork
from ceas_ray.processors.known_answer_draws import KnownAnswers
from ceas_ray.processors.processor import Learning, Processor, Shard
from ceas_ray.quantum import aer_engine, pauli_engine
from ceas_ray.quantum.circuit import Circuit
from ceas_ray.quantum.estimator import full_shift_circuits
from ceas_ray.quantum.known_answer_circuits import asked_count
from ceas_ray.quantum.loss import Loss
from ceas_ray.quantum.mixed_pairs import most_nodes
from ceas_ray.quantum.partition import cut_by_layers, cut_by_qubits, member_of_layer, pair_ends
from ceas_ray.scheduling.checked_scheduler import CheckedScheduler
from ceas_ray.scheduling.scheduler import Scheduler
from ceas_ray.training.datasets import DataSet
from ceas_ray.training.learning_rate import LearningRate
from ceas_ray.training.metrics import Evaluation
from ceas_ray.training.next_state import NextState
from ceas_ray.world.committee import (
    committee_size,
    crashing_replica,
    faulty_replica,
    on_jammed_fiber,
    on_network,
)
from ceas_ray.world.data import dealt_shards, load_data
from ceas_ray.world.inputs import Inputs, targets_of
from ceas_ray.world.link_hardware import (
    link_hardware,
    refuse_without_key,
    refuse_without_shared_shots,
    refuse_without_shots,
)
from ceas_ray.world.model import loss_of
from ceas_ray.world.network import built_network
from ceas_ray.world.processor_noise import processor_noise
from ceas_ray.world.size_limits import refuse_too_large

_ENGINES = {
    "pauli": pauli_engine.shifted_values,
    "aer": aer_engine.shifted_values,
    "aer_sampled": aer_engine.shifted_values,
}


T = TypeVar("T")


@dataclass(frozen=True)
class World:
    """All that a run needs: actors by the kind of host they live on, and what the driver evaluates with.

    Where `processors_per_group` processors share the circuit, a group is one simulated actor, `processor/g` with g the
    number of the group: its first member, which leads. So are the shards, the rows of the committee, and `byzantine`.
    shared_circuit: with its parts and teleportations; circuit: the same on one processor. most_evaluations: of the
    circuit and a sample, for pairs of mixed age.
    """

    processors: tuple[Actor, ...]
    links: tuple[Actor, ...]
    replicas: tuple[Actor, ...]
    control: tuple[Actor, ...]
    work: GradientWork
    manager: RoundController
    data: DataSet
    shards: tuple[Shard, ...]
    circuit: Circuit
    shared_circuit: Circuit
    evaluation: Evaluation
    validation: Evaluation | None
    public_angles: NDArray[np.float64]
    initial_parameters: NDArray[np.float64]
    byzantine: tuple[int, ...]
    processors_per_group: int
    most_evaluations: int
    inputs: Inputs

    @property
    def byzantine_processors(self) -> list[int]:
        """Of Byzantine groups all members."""
        m = self.processors_per_group
        return [processor for k in self.byzantine for processor in range(k * m, (k + 1) * m)]

    def hosts(self, processor_hosts: int, link_hosts: int) -> list[Host]:
        """The actors on this many hosts; the manager's has the first envelope."""
        work = {GRADIENT: self.work}
        made = [Host(f"processors/{h}", part, work) for h, part in enumerate(_dealt(self.processors, processor_hosts))]
        made += [Host(f"links/{h}", part) for h, part in enumerate(_dealt(self.links, link_hosts))]
        control = Host("entanglement_manager", self.control)
        control.post([Envelope(1, DRIVER, 0, ENTANGLEMENT_MANAGER, Begin())])
        return [*made, Host("replicas", self.replicas), control]

    def one_host(self) -> list[Host]:
        """All actors on one host: one heap."""
        host = Host("all", (*self.processors, *self.links, *self.replicas, *self.control), {GRADIENT: self.work})
        host.post([Envelope(1, DRIVER, 0, ENTANGLEMENT_MANAGER, Begin())])
        return [host]


@dataclass(frozen=True)
class Outline:
    """What a forecast needs of a world: its network, demand and circuits, the mean samples of a processor (or group),
    who is served together, in how many key slots, and whether shots spend pairs."""

    network: NetworkPlan
    demand: Demand
    circuit: Circuit
    shared_circuit: Circuit
    samples: float
    phases: tuple[tuple[int, ...], ...]
    key_slots: tuple[int, ...]
    on_pairs: bool
    said: tuple[str, ...]
    """What was left out of the input files, to be told."""


_FEW_PATHS = 1000
_FEW_SAMPLES = 60
"""Enough to see whether a drawn data set fits the circuit."""


def _dealt(actors: Sequence[Actor], hosts: int) -> list[tuple[Actor, ...]]:
    return [tuple(actors[h::hosts]) for h in range(min(hosts, len(actors)))]


def _weakened(route: Route, share: float) -> Route:
    """The same route, but only this share of the attempts that would succeed do."""
    legs = (replace(leg, success_probability=leg.success_probability * share) for leg in route.legs)
    return replace(route, legs=tuple(legs))


def _weakened_group(group: Group, share: float) -> Group:
    """As `_weakened`, of all routes that its shots need."""
    return replace(group, routes=tuple(replace(part, route=_weakened(part.route, share)) for part in group.routes))


class _Remembered:
    """A pure function whose last results are remembered: replicas on one host all ask the same."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function
        self._results: dict[bytes, Any] = {}

    def __call__(self, *arguments: Any) -> Any:
        key = encode(arguments)
        if key not in self._results:
            self._results = {key: self._function(*arguments)}
        return self._results[key]


def build_world(settings: RunSettings) -> World:
    """The world of these settings; SettingsError for whatever cannot be."""
    return _or_refused(settings, lambda builder: builder.build())


def outline_world(settings: RunSettings) -> Outline:
    """The measures of the world of these settings, in bounded time; SettingsError for what cannot be."""
    return _or_refused(settings, lambda builder: builder.outline())


def _or_refused(settings: RunSettings, make: Callable[[_Builder], T]) -> T:
    """What `make` makes; SettingsError for settings that are too large, or name a policy that fails."""
    refuse_too_large(settings)
    try:
        return make(_Builder(settings))
    except PolicyError as error:
        raise UnusableSettings(error.policy, str(error)) from error


class _Builder:
    """Holds what several actors share while they are made."""

    def __init__(self, settings: RunSettings) -> None:
        self.settings = settings
        self.streams = Streams(settings.seed)
        self.inputs = Inputs(settings.inputs)
        count, share = settings.processors.count, settings.attacks.fraction
        if settings.attacks.attack is None and share > 0:
            raise SettingsError("attacks.fraction", "0 without an attack", share)
        chosen = settings.attacks.attack
        made = None if chosen is None else instantiate(chosen, "attacks.attack", Attack, self.inputs.read)
        self.attack: Attack | None = None if made is None else CheckedAttack(made)
        shared = settings.training.partition != "data"
        self.members = settings.training.processors_per_group if shared else 1
        if count % self.members:
            raise SettingsError(
                "processors.count", f"divisible by training.processors_per_group ({self.members})", count
            )
        self.parties = count // self.members
        self.attackers = round(self.parties * share)
        if self.attackers >= self.parties:
            of = f"{count} processors" if self.members == 1 else f"{self.parties} groups"
            raise SettingsError("attacks.fraction", f"such that one of {of} is honest", share)
        self.size = committee_size(settings, self.attackers)
        self.bad = settings.attacks.replicas
        if settings.training.forward_circuits >= settings.training.circuits_per_round:
            raise SettingsError(
                "training.forward_circuits",
                f"below training.circuits_per_round ({settings.training.circuits_per_round})",
                settings.training.forward_circuits,
            )
        least, mean, most = (getattr(settings.links, f"{which}_fidelity") for which in ("least", "mean", "most"))
        if not least <= mean <= most:
            raise SettingsError("links.mean_fidelity", f"between {least} and {most}", mean)
        if settings.links.least_km > settings.links.most_km:
            raise SettingsError(
                "links.least_km", f"at most links.most_km ({settings.links.most_km})", settings.links.least_km
            )
        self.faults = int(self.parties * settings.aggregation.byzantine_fraction)
        self._rule: Rule = instantiate(settings.aggregation.rule, "aggregation.rule", Rule, self.inputs.read)
        self._weights: Weights = instantiate(
            settings.aggregation.weights, "aggregation.weights", Weights, self.inputs.read
        )
        self.chain = encode(("ceas_ray", settings.seed))
        self._noise = processor_noise(settings.processors, settings.training.qubits, self.streams, self.inputs)

    def build(self) -> World:
        settings, training = self.settings, self.settings.training
        data = load_data(training.data, training.qubits, settings.seed, self.inputs)
        circuit = self._circuit(data)
        shared = self._shared(circuit)
        network = self._network(shared)
        widest = training.data.angle_range * np.pi
        public = self.streams.generator("hub", "hub", "public angles", 0).uniform(
            -widest, widest, (64, training.qubits)
        )
        start = self.streams.generator("model", "model", "initial parameters", 0)
        initial = start.uniform(-np.pi / 4, np.pi / 4, circuit.parameter_count)
        shards = self._shards(data)
        served = [network.served(k) for k in range(self.parties)]
        quality = np.array([link.fidelity * 1e6 + link.rate for link in served])
        byzantine = placed(
            settings.attacks.placement,
            self.attackers,
            quality,
            self.streams.generator("adversary", "adversary", "placement", 0),
        )
        if self.attack is not None:
            for k in byzantine:
                shards[k] = Shard(shards[k].angles, self.attack.learned_targets(shards[k].targets))
        manager = self._manager(network, len(byzantine) > 0)
        processors = [self._processor(k, shards[k], network, shared, initial, byzantine) for k in range(self.parties)]
        adversary = [self._adversary(byzantine, circuit, network)] if byzantine else []
        self.inputs.read_code(targets_of(settings.model_dump()))
        return World(
            processors=tuple(processors),
            links=self._links(network, byzantine, self._jammed(quality, byzantine)),
            replicas=self._replicas(network, shared, initial, shards, public, byzantine),
            control=(manager, Hub(
                self.parties, self.size, settings.entanglement.half_life_rounds, self._control_delay,
                asked_count(training.circuits_per_round, training.known_answer_share),
            ), *adversary),
            work=self._work(shared, max(len(shard.angles) for shard in shards)),
            manager=manager,
            data=data,
            shards=tuple(shards),
            circuit=circuit,
            shared_circuit=shared,
            evaluation=Evaluation(circuit, self._loss, data.test_angles, data.test_targets, data.test_labels),
            validation=self._validation(circuit, data),
            public_angles=public,
            initial_parameters=initial,
            byzantine=byzantine,
            processors_per_group=self.members,
            most_evaluations=most_nodes([part.pairs for part in network.groups[0].routes]) if network.groups else 1,
            inputs=self.inputs,
        )  # fmt: skip

    def outline(self) -> Outline:
        """The world's measures: its network and demand, but no actors; of drawn data sets a few samples stand for all.

        Raises SettingsError for what `build` would refuse, as far as it shows without a plan.
        """
        settings, choice = self.settings, self.settings.training.data
        drawn = choice.name in ("moons", "circles", "spin_chain")
        few = choice.model_copy(update={"samples": min(choice.samples, _FEW_SAMPLES)}) if drawn else choice
        data = load_data(few, settings.training.qubits, settings.seed, self.inputs)
        samples = choice.samples * (1 - choice.test_fraction) if drawn else float(len(data.train_labels))
        if samples < self.parties:
            raise SettingsError("processors.count", f"at most the {samples:.0f} training samples", self.parties)
        circuit = self._circuit(data)
        shared = self._shared(circuit)
        network = self._network(shared)
        demand = self._demand(network)
        instantiate(settings.scheduling, "scheduling", Scheduler)
        self._work(shared, max(1, int(samples / self.parties)))
        try:
            self._refuse_without_shots(network, demand)
            together, key_slots = self._together(network, demand)
        except ValueError as error:
            raise unusable("entanglement", str(error)) from None
        return Outline(
            network,
            demand,
            circuit,
            shared,
            samples / self.parties,
            together,
            key_slots,
            self._on_pairs,
            tuple(self.inputs.said),
        )

    def _together(self, network: NetworkPlan, demand: Demand) -> tuple[tuple[tuple[int, ...], ...], tuple[int, ...]]:
        """The phases, and the key slots of each; of many paths with shared links a plan without their packing."""
        if network.routed and self.parties * self.size <= _FEW_PATHS:
            planned = plan_phases(network, demand)
            return tuple(phase.members for phase in planned), tuple(phase.key_slots for phase in planned)
        together = phases(network, demand)
        return together, (self.size,) * len(together)

    def _circuit(self, data: DataSet) -> Circuit:
        training = self.settings.training
        if data.outputs > training.qubits:
            raise SettingsError("training.qubits", f"at least the {data.outputs} classes", training.qubits)
        return Circuit(
            training.qubits, training.layers, data.outputs, training.entangler, training.inputs == "local",
            training.ansatz,
        )  # fmt: skip

    def _shared(self, circuit: Circuit) -> Circuit:
        """The circuit as a group of processors runs it; the same where each runs it alone."""
        training = self.settings.training
        if training.partition == "data":
            return circuit
        if training.undo == "exact":
            raise SettingsError("training.undo", f"none or scalar for training.partition={training.partition}", "exact")
        cut = cut_by_qubits if training.partition == "circuit" else cut_by_layers
        return or_refuse(
            "training.processors_per_group", lambda: cut(circuit, self.members, training.inputs == "teleported")
        )

    # --- data ----------------------------------------------------------

    def _validation(self, circuit: Circuit, data: DataSet) -> Evaluation | None:
        """Of the samples that were set aside for choosing settings, if any were."""
        if not data.has_validation:
            return None
        return Evaluation(circuit, self._loss, data.validation_angles, data.validation_targets, data.validation_labels)

    def _shards(self, data: DataSet) -> list[Shard]:
        generator = self.streams.generator("hub", "hub", "shards", 0)
        parts = dealt_shards(self.settings.training.data, data.train_labels, self.parties, generator)
        return [Shard(data.train_angles[part], data.train_targets[part]) for part in parts]

    # --- network ----------------------------------------------------------

    def _network(self, shared: Circuit) -> NetworkPlan:
        links, settings = self.settings.links, self.settings
        hardware = link_hardware(links)
        spread = Heterogeneity(
            links.least_km, links.most_km, links.least_fidelity, links.mean_fidelity, links.most_fidelity,
            links.replica_km, links.replica_fidelity,
        )  # fmt: skip
        generator = self.streams.generator("network", "network", "links", 0)
        topology = instantiate(settings.network, "network", Topology, self.inputs.read)
        network = built_network(topology, settings.processors.count, self.size, hardware, spread, generator)
        self.inputs.say(network.said)
        if settings.consensus.committee == "processors":
            network = self._living_together(network)
        choice = settings.entanglement
        network = network.swapping_by(
            Swapping(links.swap_werner, links.swap_success, choice.purification_rounds, choice.swapping)
        )
        if self.members > 1:
            whole = network
            network = or_refuse("network", lambda: whole.grouped(self.members, pair_ends(shared)))
        if self._one_link_each(network):
            refuse_without_key(links, network)
        farthest = max(route.latency for route in network.replica_routes)
        slowest = max(route.latency for route in network.routes) + farthest
        slowest = max([slowest, *(group.latency for group in network.groups)])
        if slowest > self._control_delay:
            raise SettingsError(
                "entanglement.control_delay_microseconds", f"at least the longest latency ({slowest / 1e6:.1f})",
                settings.entanglement.control_delay_microseconds,
            )  # fmt: skip
        if slowest > self._delta:
            raise SettingsError(
                "consensus.delta_microseconds", f"at least the longest latency ({slowest / 1e6:.1f})",
                settings.consensus.delta_microseconds,
            )  # fmt: skip
        return network

    @staticmethod
    def _living_together(network: NetworkPlan) -> NetworkPlan:
        """Replica j at the node of processor j: a leg like the processor's link, multiplexed as every leg is."""
        if not network.swapped or network.routed:
            raise SettingsError("network", "star for consensus.committee=processors", "another")
        pairs = zip(network.replica_routes, network.processor_routes, strict=True)
        return replace(network, replica_routes=tuple(replace(leg, legs=link.legs) for leg, link in pairs))

    def _one_link_each(self, network: NetworkPlan) -> bool:
        """Whether the hub's links say all; longer routes and purified pairs are judged when they are planned."""
        single = all(len(route.legs) == 1 for route in network.routes)
        return single and self.settings.entanglement.purification_rounds == 0

    @property
    def _control_delay(self) -> int:
        return picoseconds(self.settings.entanglement.control_delay_microseconds * 1e-6)

    @property
    def _delta(self) -> int:
        return picoseconds(self.settings.consensus.delta_microseconds * 1e-6)

    @property
    def _update_time(self) -> int:
        return picoseconds(self.settings.processors.update_milliseconds * 1e-3)

    def _demand(self, network: NetworkPlan) -> Demand:
        settings, choice = self.settings, self.settings.entanglement
        pairs = network.groups[0].pairs_per_shot if network.groups else settings.training.qubits
        return Demand(
            shots=settings.training.circuits_per_round, pairs_per_shot=pairs,
            burst_shots=choice.burst_shots, gap_periods=choice.gap_periods, supply=choice.supply,
            deadline_periods=choice.deadline_periods, useful_age_periods=choice.useful_age_periods,
            least_fidelity=choice.least_fidelity, slots=choice.slots, hub_channels=choice.hub_channels,
            multiplexing=choice.multiplexing, test_share=choice.test_share,
            warm_up_test_shots=-(-choice.warm_up_tests // pairs),
            key_useful_age=picoseconds(choice.key_useful_age_milliseconds * 1e-3), key_margin=choice.key_margin,
            fresh_hash_keys=settings.consensus.hash_keys == "fresh", node_slots=choice.node_slots,
            finite_keys=settings.consensus.key_rate == "finite",
        )  # fmt: skip

    def _manager(self, network: NetworkPlan, adversary: bool) -> RoundController:
        settings, demand = self.settings, self._demand(network)
        timeout = settings.consensus.input_timeout
        timing = RoundTiming(
            self._control_delay, picoseconds(settings.entanglement.planning_milliseconds * 1e-3), self._update_time,
            None if timeout is None else picoseconds(timeout),
            picoseconds(settings.consensus.patience_milliseconds * 1e-3),
        )  # fmt: skip
        scheduler = CheckedScheduler(instantiate(settings.scheduling, "scheduling", Scheduler, self.inputs.read))
        try:
            self._refuse_without_shots(network, demand)
            return self._controller(network, demand, scheduler, timing, adversary)
        except ValueError as error:
            raise unusable("entanglement", str(error)) from None
        except PolicyError as error:
            if error.refusal is None:
                raise
            raise UnusableSettings("scheduling", error.refusal) from None

    def _controller(
        self, network: NetworkPlan, demand: Demand, scheduler: Scheduler, timing: RoundTiming, adversary: bool
    ) -> RoundController:
        settings = self.settings
        processors, replicas = len(network.processor_routes), len(network.replica_routes)
        rounds, paths = settings.training.rounds, KeyPaths(network, settings.links.swap_werner, demand)
        on_stall = OnStall(settings.consensus.on_stall, settings.consensus.most_waits)
        return RoundController(
            Planner(network, paths, demand, scheduler, self._on_pairs, self.streams),
            paths,
            KeyLedger(demand, processors, replicas, rounds),
            PairLedger(network, paths, demand.pairs_per_shot, demand.finite_keys),
            RoundProgress(Quorums(replicas), processors, on_stall),
            timing,
            rounds,
            adversary,
        )

    def _refuse_without_shots(self, network: NetworkPlan, demand: Demand) -> None:
        if network.groups:
            refuse_without_shared_shots(self.settings.links, network, demand)
        elif self._on_pairs and self._one_link_each(network):
            refuse_without_shots(self.settings.links, network, demand)

    def _jammed(self, quality: NDArray[np.float64], byzantine: tuple[int, ...]) -> tuple[int, ...]:
        """The honest processors whose links are jammed: the best ones, as many as there are colluders."""
        if self.attack is None or self.attack.share_jammed() == 0:
            return ()
        honest = [k for k in np.argsort(-quality, kind="stable") if k not in byzantine]
        return tuple(int(k) for k in honest[: len(byzantine)])

    @property
    def _on_pairs(self) -> bool:
        """Whether shots spend pairs."""
        return self.members > 1 or self.settings.training.inputs == "teleported"

    def _links(self, network: NetworkPlan, byzantine: tuple[int, ...], jammed: tuple[int, ...]) -> tuple[Actor, ...]:
        peers = {replica_name(j): route for j, route in enumerate(network.replica_routes)}
        parties: list[tuple[str, Route, int | None]] = [
            (processor_link_name(k), route, k) for k, route in enumerate(network.processor_routes)
        ]
        parties += [(replica_link_name(j), route, None) for j, route in enumerate(network.replica_routes)]
        swap, delay, streams = self.settings.links.swap_werner, self._control_delay, self.streams
        groups: tuple[Group | None, ...] = network.groups or (None,) * self.parties
        made: list[Actor] = []
        for name, route, k in parties:
            group = None if k is None else groups[k]
            if k in jammed and self.attack is not None:
                share = 1 - self.attack.share_jammed()
                route, group = _weakened(route, share), None if group is None else _weakened_group(group, share)
            link: Actor = (
                RouteManager(name, route, peers, k, delay, streams, group)
                if network.routed
                else LinkManager(name, route.legs[0], swap, k, delay, streams)
            )
            if k in byzantine and self.attack is not None:
                revealed = self.settings.entanglement.test_announcements == "after_reveal"
                link = FalseAnnouncements(link, self.attack, revealed, streams)
            made.append(on_jammed_fiber(self.settings, link))
        return tuple(made)

    # --- actors ----------------------------------------------------------

    def _channel(self, name: str, peer: str) -> Channel:
        return Channel(name, peer, self.chain, self.streams, self.settings.consensus.hash_keys == "fresh")

    @property
    def _replica_names(self) -> list[str]:
        return [replica_name(j) for j in range(self.size)]

    def _processor(
        self, k: int, shard: Shard, network: NetworkPlan, shared: Circuit, initial: NDArray[np.float64],
        byzantine: tuple[int, ...],
    ) -> Actor:  # fmt: skip
        training = self.settings.training
        name, link = processor_name(k), network.processor_routes[k]
        seen = self.attack is not None and self.attack.knowledge == "omniscient"
        watched = bool(byzantine) and k not in byzantine and seen
        latencies = {
            replica_name(j): link.latency + leg.latency for j, leg in enumerate(network.replica_routes)
        } | {ADVERSARY: link.latency, HUB: link.latency}  # fmt: skip
        made = Processor(
            k, shard, self._noise_of(k, shared),
            Learning(training.batch, training.momentum, training.undo, self._update_time),
            [self._channel(name, replica) for replica in self._replica_names],
            ModelAdoption(Quorums(self.size).blocking),
            initial, latencies, self.streams, watched,
            None if self._on_pairs else training.circuits_per_round,
        )  # fmt: skip
        actor: Actor = made
        if k in byzantine and self.attack is not None:
            actor = FalseAnnouncements(ByzantineProcessor(made), self.attack, False, self.streams)
        return on_network(self.settings, actor, self._delta, self.streams)

    def _noise_of(self, k: int, shared: Circuit) -> NDArray[np.float64]:
        """Noise of the circuit of processor (or group) k: (n, 7), or (layers, n, 7) where members run its layers."""
        members = self._noise[k * self.members : (k + 1) * self.members]
        if shared.parts:
            return members[list(shared.parts), np.arange(shared.qubits)]
        if self.members > 1:
            return members[list(member_of_layer(shared))]
        return members[0]

    @property
    def _data_circuits(self) -> int:
        """Of a processor and round: those that are not of known answers."""
        training = self.settings.training
        return training.circuits_per_round - asked_count(training.circuits_per_round, training.known_answer_share)

    @property
    def _loss(self) -> Loss:
        return loss_of(self.settings.training)

    def _work(self, circuit: Circuit, largest_shard: int) -> GradientWork:
        training, processors = self.settings.training, self.settings.processors
        sampled = processors.engine == "aer_sampled"
        if sampled and training.estimator == "exact":
            raise SettingsError("training.estimator", "one that samples, with processors.engine aer_sampled", "exact")
        if sampled and circuit.pairs_within:
            raise SettingsError(
                "processors.engine", f"pauli or aer for training.partition={training.partition}", "aer_sampled"
            )
        if processors.engine != "pauli" and training.undo == "exact":
            raise SettingsError("training.undo", "none or scalar where Aer prepares the inputs", training.undo)
        needed = full_shift_circuits(min(training.batch, largest_shard), circuit.outputs, circuit.parameter_count)
        if training.estimator == "full_shift" and training.circuits_per_round < needed:
            raise SettingsError(
                "training.circuits_per_round", f"at least {needed} for full_shift", training.circuits_per_round
            )
        return GradientWork(
            circuit, _ENGINES[processors.engine], self.streams, self._loss, training.estimator, training.undo,
            training.forward_circuits, processors.threads, aer_engine.sampled_outcomes if sampled else None,
            self._known_answers(circuit),
        )  # fmt: skip

    def _known_answers(self, circuit: Circuit) -> KnownAnswers | None:
        training, key = self.settings.training, "training.known_answer_share"
        if training.known_answer_share == 0:
            return None
        if training.partition != "data" or training.inputs != "teleported":
            raise SettingsError(
                key, "0 unless partition is data and inputs are teleported", training.known_answer_share
            )
        if training.undo == "exact":
            raise SettingsError(key, "0 for training.undo=exact", training.known_answer_share)
        if isinstance(self._weights, UniformWeights):
            raise SettingsError(key, "0 with flat weights, which no answer changes", training.known_answer_share)
        least = self._least_share(circuit.qubits)
        if training.known_answer_share < least:
            must = f"0 or at least {least}, or weights never have their aggregation.weights.least_tests"
            raise SettingsError(key, must, training.known_answer_share)
        unshifted = (
            1 / (1 + 2 * circuit.parameter_count) if training.estimator == "full_shift"
            else training.forward_circuits / training.circuits_per_round
        )  # fmt: skip
        return KnownAnswers(circuit, self.streams, training.known_answer_share, unshifted)

    def _least_share(self, qubits: int) -> float:
        """The share of known answers that fills the forgetting window with as many tests as weights wait for."""
        a_round = self.settings.training.circuits_per_round * qubits
        forgotten = 1 - 0.5 ** (1 / self.settings.entanglement.half_life_rounds)
        return ceil(1000 * forgotten * self.settings.aggregation.weights.get("least_tests", 0) / a_round) / 1000

    def _adversary(self, byzantine: tuple[int, ...], circuit: Circuit, network: NetworkPlan) -> Adversary:
        assert self.attack is not None, "Byzantine processors without an attack"
        latencies = {processor_name(k): network.processor_routes[k].latency for k in byzantine}
        return Adversary(
            self.attack, byzantine, self.parties, circuit.parameter_count,
            self._update_time + 2 * self._control_delay, latencies, self.streams, self._anticipated,
        )  # fmt: skip

    def _anticipated(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """The aggregate that the adversary expects of rows (n, d): of the rule in use, with equal weights."""
        equal = np.full(len(rows), 1 / len(rows))
        return combined(self._rule, rows, equal, min(self.faults, (len(rows) - 1) // 2))

    def _replicas(
        self, network: NetworkPlan, circuit: Circuit, initial: NDArray[np.float64], shards: list[Shard],
        public: NDArray[np.float64], byzantine: tuple[int, ...],
    ) -> tuple[Actor, ...]:  # fmt: skip
        settings = self.settings
        count, size = self.parties, self.size
        choice = settings.aggregation
        aggregator = Aggregator(self._rule, self._weights, choice.cap)
        rate = LearningRate(
            settings.training.learning_rate, settings.training.final_learning_rate,
            settings.training.learning_rate_schedule, settings.training.rounds,
        )  # fmt: skip
        next_state = _Remembered(NextState(
            aggregator, rate, circuit, self.faults, np.full(count, float(self._data_circuits)),
            np.array([float(len(shard.angles)) for shard in shards]), public, choice.confidence,
        ))  # fmt: skip
        committee = Committee(size, count, self.faults, self._delta)
        attackers = byzantine if settings.consensus.committee == "processors" else range(size)[size - self.bad :]

        def make(j: int) -> Replica:
            name, leg = replica_name(j), network.replica_routes[j]
            latencies = {
                processor_name(k): link.latency + leg.latency for k, link in enumerate(network.processor_routes)
            }
            latencies |= {
                replica_name(i): other.latency + leg.latency for i, other in enumerate(network.replica_routes) if i != j
            }
            latencies[ENTANGLEMENT_MANAGER] = leg.latency
            channels = [self._channel(name, peer) for peer in latencies if peer != ENTANGLEMENT_MANAGER]
            return Replica(j, committee, channels, latencies, next_state, (initial, 0), self.chain)

        made: list[Actor] = []
        for j in range(size):
            replica: Actor
            if j in attackers:
                replica = faulty_replica(settings, list(attackers).index(j), make(j), self.streams)
            else:
                replica = crashing_replica(settings, j, partial(make, j)) or make(j)
            made.append(on_network(settings, replica, self._delta, self.streams))
        return tuple(made)
