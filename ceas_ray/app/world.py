"""Builds the world of a run: from settings to simulated actors, each constructor getting named values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ceas_ray.aggregation.aggregator import Aggregator
from ceas_ray.app.committee import (
    committee_size,
    crashing_replica,
    faulty_replica,
    jammed,
    on_network,
)
from ceas_ray.app.link_hardware import link_hardware, refuse_without_key, refuse_without_shots
from ceas_ray.app.settings import RunSettings
from ceas_ray.app.settings_checks import SettingsError, instantiate
from ceas_ray.attacks.placement import placed
from ceas_ray.consensus.replica import Committee, Replica
from ceas_ray.consensus.tetrabft import faults_of
from ceas_ray.entanglement.entanglement_manager import EntanglementManager, OnStall, RoundTiming
from ceas_ray.entanglement.hub import Hub
from ceas_ray.entanglement.plan import Demand
from ceas_ray.kernel.actor import Actor
from ceas_ray.kernel.codec import encode
from ceas_ray.kernel.envelope import Envelope
from ceas_ray.kernel.host import Host
from ceas_ray.kernel.streams import Streams
from ceas_ray.kernel.time import picoseconds
from ceas_ray.links.link_manager import LinkManager
from ceas_ray.links.route_manager import RouteManager
from ceas_ray.links.unannounced_tests import UnannouncedTests
from ceas_ray.messages.frames import Channel, ModelAdoption
from ceas_ray.messages.payloads import (
    ADVERSARY,
    DRIVER,
    ENTANGLEMENT_MANAGER,
    Begin,
    processor_link_name,
    processor_name,
    replica_link_name,
    replica_name,
)
from ceas_ray.network.link_parameters import Heterogeneity
from ceas_ray.network.network_plan import NetworkPlan
from ceas_ray.network.route import Route, Swapping
from ceas_ray.processors.adversary import Adversary
from ceas_ray.processors.byzantine_processor import ByzantineProcessor
from ceas_ray.processors.equivocating_processor import EquivocatingProcessor
from ceas_ray.processors.gradient_work import GRADIENT, GradientWork
from ceas_ray.processors.processor import Learning, Processor, Shard
from ceas_ray.quantum import aer_engine, pauli_engine
from ceas_ray.quantum.circuit import Circuit
from ceas_ray.training.datasets import DataSet, load_digits_of, load_file, prepare
from ceas_ray.training.learning_rate import LearningRate
from ceas_ray.training.metrics import Evaluation
from ceas_ray.training.next_state import NextState
from ceas_ray.training.shards import dirichlet_shards, iid_shards

T = TypeVar("T")

_ENGINES = {"pauli": pauli_engine.shifted_values, "aer": aer_engine.shifted_values}


@dataclass(frozen=True)
class World:
    """All that a run needs: actors by the kind of host they live on, and what the driver evaluates with."""

    processors: tuple[Actor, ...]
    links: tuple[Actor, ...]
    replicas: tuple[Actor, ...]
    control: tuple[Actor, ...]
    work: GradientWork
    manager: EntanglementManager
    data: DataSet
    shards: tuple[Shard, ...]
    circuit: Circuit
    evaluation: Evaluation
    public_angles: NDArray[np.float64]
    initial_parameters: NDArray[np.float64]
    byzantine: tuple[int, ...]

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


def _dealt(actors: Sequence[Actor], hosts: int) -> list[tuple[Actor, ...]]:
    return [tuple(actors[h::hosts]) for h in range(min(hosts, len(actors)))]


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
    return _Builder(settings).build()


class _Builder:
    """Holds what several actors share while they are made."""

    def __init__(self, settings: RunSettings) -> None:
        self.settings = settings
        self.streams = Streams(settings.seed)
        count, share = settings.processors.count, settings.attacks.fraction
        if settings.attacks.attack is None and share > 0:
            raise SettingsError("attacks.fraction", "0 without an attack", share)
        self.attackers = round(count * share)
        if self.attackers >= count:
            raise SettingsError("attacks.fraction", f"such that one of {count} processors is honest", share)
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
        self.faults = int(count * settings.aggregation.byzantine_fraction)
        self.chain = encode(("ceas_ray", settings.seed))

    def build(self) -> World:
        settings, training = self.settings, self.settings.training
        data = self._data()
        if data.outputs > training.qubits:
            raise SettingsError("training.qubits", f"at least the {data.outputs} classes", training.qubits)
        circuit = Circuit(
            training.qubits, training.layers, data.outputs, training.entangler, reuploaded=training.inputs == "local"
        )
        network = self._network()
        public = self.streams.generator("hub", "hub", "public angles", 0).uniform(
            -np.pi / 2, np.pi / 2, (64, training.qubits)
        )
        start = self.streams.generator("model", "model", "initial parameters", 0)
        initial = start.uniform(-np.pi / 4, np.pi / 4, circuit.parameter_count)
        shards = self._shards(data)
        quality = np.array([link.fidelity * 1e6 + link.rate for link in network.processor_routes])
        byzantine = placed(
            settings.attacks.placement,
            self.attackers,
            quality,
            self.streams.generator("adversary", "adversary", "placement", 0),
        )
        manager = self._manager(network, len(byzantine) > 0)
        processors = [
            self._processor(k, shards[k], network, initial, byzantine) for k in range(settings.processors.count)
        ]
        adversary = [self._adversary(byzantine, circuit, network)] if byzantine else []
        return World(
            processors=tuple(processors),
            links=self._links(network, byzantine),
            replicas=self._replicas(network, circuit, initial, shards, public, byzantine),
            control=(manager, Hub(
                settings.processors.count, self.size, settings.entanglement.half_life_rounds, self._control_delay,
            ), *adversary),
            work=GradientWork(
                circuit, _ENGINES[settings.processors.engine], self.streams, training.forward_circuits,
            ),
            manager=manager,
            data=data,
            shards=tuple(shards),
            circuit=circuit,
            evaluation=Evaluation(circuit, data.test_angles, data.test_targets, data.test_labels),
            public_angles=public,
            initial_parameters=initial,
            byzantine=byzantine,
        )  # fmt: skip

    # --- data ----------------------------------------------------------

    def _data(self) -> DataSet:
        choice = self.settings.training.data
        if choice.name == "digits":
            features, labels = self._or_refuse("training.data.classes", lambda: load_digits_of(choice.classes))
        elif choice.file is None:
            raise SettingsError("training.data.file", "given for training.data.name=file", None)
        else:
            file = choice.file
            features, labels = self._or_refuse("training.data.file", lambda: load_file(file))
        return self._or_refuse(
            "training.qubits",
            lambda: prepare(features, labels, self.settings.training.qubits, choice.test_fraction, self.settings.seed),
        )

    def _shards(self, data: DataSet) -> list[Shard]:
        choice, count = self.settings.training.data, self.settings.processors.count
        generator = self.streams.generator("hub", "hub", "shards", 0)
        if choice.shards == "iid":
            make = lambda: iid_shards(len(data.train_labels), count, generator)  # noqa: E731
        else:
            make = lambda: dirichlet_shards(  # noqa: E731
                data.train_labels, count, choice.dirichlet_concentration, choice.least_samples, generator
            )
        parts = self._or_refuse("processors.count", make)
        return [Shard(data.train_angles[part], data.train_targets[part]) for part in parts]

    @staticmethod
    def _or_refuse(key: str, make: Callable[[], T]) -> T:
        try:
            return make()
        except ValueError as error:
            raise SettingsError(key, "usable", str(error)) from None

    # --- network ----------------------------------------------------------

    def _network(self) -> NetworkPlan:
        links, settings = self.settings.links, self.settings
        hardware = link_hardware(links)
        spread = Heterogeneity(
            links.least_km, links.most_km, links.least_fidelity, links.mean_fidelity, links.most_fidelity,
            links.replica_km, links.replica_fidelity,
        )  # fmt: skip
        generator = self.streams.generator("network", "network", "links", 0)
        topology = instantiate(settings.network, "network")
        try:
            network: NetworkPlan = topology.build(settings.processors.count, self.size, hardware, spread, generator)
        except ValueError as error:
            raise SettingsError("network", "one that can be built", str(error)) from None
        if settings.consensus.committee == "processors":
            network = self._living_together(network)
        choice = settings.entanglement
        network = network.swapping_by(
            Swapping(links.swap_werner, links.swap_success, choice.purification_rounds, choice.swapping)
        )
        if self._one_link_each(network):
            refuse_without_key(links, network)
        farthest = max(route.latency for route in network.replica_routes)
        slowest = max(route.latency for route in network.routes) + farthest
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

    def _manager(self, network: NetworkPlan, adversary: bool) -> EntanglementManager:
        settings, choice = self.settings, self.settings.entanglement
        on_pairs = settings.training.inputs == "teleported"
        demand = Demand(
            shots=settings.training.circuits_per_round, pairs_per_shot=settings.training.qubits,
            burst_shots=choice.burst_shots, gap_periods=choice.gap_periods, supply=choice.supply,
            deadline_periods=choice.deadline_periods, useful_age_periods=choice.useful_age_periods,
            least_fidelity=choice.least_fidelity, slots=choice.slots, hub_channels=choice.hub_channels,
            multiplexing=choice.multiplexing, test_share=choice.test_share,
            warm_up_test_shots=-(-choice.warm_up_tests // settings.training.qubits),
            key_useful_age=picoseconds(choice.key_useful_age_milliseconds * 1e-3), key_margin=choice.key_margin,
            fresh_hash_keys=settings.consensus.hash_keys == "fresh", node_slots=choice.node_slots,
            finite_keys=settings.consensus.key_rate == "finite",
        )  # fmt: skip
        timeout = settings.consensus.input_timeout
        timing = RoundTiming(
            self._control_delay, picoseconds(choice.planning_milliseconds * 1e-3), self._update_time,
            None if timeout is None else picoseconds(timeout),
            picoseconds(settings.consensus.patience_milliseconds * 1e-3),
        )  # fmt: skip
        scheduler = instantiate(settings.scheduling, "scheduling")
        committee_faults = faults_of(self.size)
        try:
            if on_pairs and self._one_link_each(network):
                refuse_without_shots(settings.links, network, demand)
            return EntanglementManager(
                network, settings.links.swap_werner, demand, scheduler, timing, settings.training.rounds,
                committee_faults + 1, adversary, on_pairs, self.streams,
                OnStall(settings.consensus.on_stall, settings.consensus.most_waits),
            )  # fmt: skip
        except ValueError as error:
            raise SettingsError("entanglement", "a demand that the network can serve", str(error)) from None

    def _links(self, network: NetworkPlan, byzantine: tuple[int, ...]) -> tuple[Actor, ...]:
        peers = {replica_name(j): route for j, route in enumerate(network.replica_routes)}
        parties: list[tuple[str, Route, int | None]] = [
            (processor_link_name(k), route, k) for k, route in enumerate(network.processor_routes)
        ]
        parties += [(replica_link_name(j), route, None) for j, route in enumerate(network.replica_routes)]
        swap, delay, streams = self.settings.links.swap_werner, self._control_delay, self.streams
        refusing = byzantine if "unannounced_tests" in self.settings.attacks.processor_faults else ()
        made: list[Actor] = []
        for name, route, k in parties:
            manager: Actor = (
                RouteManager(name, route, peers, k, delay, streams)
                if network.routed
                else LinkManager(name, route.legs[0], swap, k, delay, streams)
            )
            manager = UnannouncedTests(manager) if k in refusing else manager
            made.append(jammed(self.settings, manager))
        return tuple(made)

    # --- actors ----------------------------------------------------------

    def _channel(self, name: str, peer: str) -> Channel:
        return Channel(name, peer, self.chain, self.streams, self.settings.consensus.hash_keys == "fresh")

    @property
    def _replica_names(self) -> list[str]:
        return [replica_name(j) for j in range(self.size)]

    def _processor(
        self, k: int, shard: Shard, network: NetworkPlan, initial: NDArray[np.float64], byzantine: tuple[int, ...]
    ) -> Actor:
        training = self.settings.training
        name, link = processor_name(k), network.processor_routes[k]
        watched = bool(byzantine) and k not in byzantine and self.settings.attacks.knowledge == "omniscient"
        latencies = {
            replica_name(j): link.latency + leg.latency for j, leg in enumerate(network.replica_routes)
        } | {ADVERSARY: link.latency}  # fmt: skip
        made = Processor(
            k, shard, self._noise(k), Learning(training.batch, training.momentum, training.undo, self._update_time),
            [self._channel(name, replica) for replica in self._replica_names],
            ModelAdoption(faults_of(self.size) + 1),
            initial, latencies, self.streams, watched,
            training.circuits_per_round if training.inputs == "local" else None,
        )  # fmt: skip
        actor: Actor = ByzantineProcessor(made) if k in byzantine else made
        if k in byzantine and "equivocating" in self.settings.attacks.processor_faults:
            actor = EquivocatingProcessor(actor, [made.channel(replica) for replica in self._replica_names])
        return on_network(self.settings, actor, self._delta, self.streams)

    def _noise(self, k: int) -> NDArray[np.float64]:
        settings = self.settings.processors
        spread = np.log(settings.error_spread)
        factors = np.exp(self.streams.generator("processor", processor_name(k), "noise", 0).uniform(-spread, spread, 5))
        means = (
            settings.one_qubit_depolarizing, settings.one_qubit_damping, settings.two_qubit_depolarizing,
            settings.two_qubit_damping, settings.readout_error,
        )  # fmt: skip
        return np.minimum(np.array(means) * factors, [0.75, 0.75, 0.75, 0.75, 0.49])

    def _adversary(self, byzantine: tuple[int, ...], circuit: Circuit, network: NetworkPlan) -> Adversary:
        attack = self.settings.attacks.attack
        assert attack is not None, "Byzantine processors without an attack"
        latencies = {processor_name(k): network.processor_routes[k].latency for k in byzantine}
        return Adversary(
            instantiate(attack, "attacks.attack"), byzantine, self.settings.processors.count, circuit.parameter_count,
            self._update_time + 2 * self._control_delay, latencies, self.streams,
        )  # fmt: skip

    def _replicas(
        self, network: NetworkPlan, circuit: Circuit, initial: NDArray[np.float64], shards: list[Shard],
        public: NDArray[np.float64], byzantine: tuple[int, ...],
    ) -> tuple[Actor, ...]:  # fmt: skip
        settings = self.settings
        count, size = settings.processors.count, self.size
        choice = settings.aggregation
        aggregator = Aggregator(
            instantiate(choice.rule, "aggregation.rule"), instantiate(choice.weights, "aggregation.weights"), choice.cap
        )
        rate = LearningRate(
            settings.training.learning_rate, settings.training.final_learning_rate,
            settings.training.learning_rate_schedule, settings.training.rounds,
        )  # fmt: skip
        next_state = _Remembered(NextState(
            aggregator, rate, circuit, self.faults, np.full(count, float(settings.training.circuits_per_round)),
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
