"""Agreement of settings beyond the range of each: every refusal that one setting alone does not decide."""

from __future__ import annotations

from math import ceil

import numpy as np
from numpy.typing import NDArray

from ceas_ray.aggregation.uniform_weights import UniformWeights
from ceas_ray.config.errors import SettingsError, UnusableSettings
from ceas_ray.config.schema import RunSettings
from ceas_ray.entanglement.demand import Demand
from ceas_ray.kernel.time import seconds
from ceas_ray.messages.quorum import Quorums
from ceas_ray.network.memories import fidelity_at
from ceas_ray.network.network_plan import NetworkPlan
from ceas_ray.quantum.bell_pairs import decayed_fidelity, depolarized_state, key_rate_of_state, swapped_state
from ceas_ray.quantum.circuit_values import MAX_NOISY_QUBITS, VariationalCircuit
from ceas_ray.quantum.estimator import full_shift_circuits
from ceas_ray.quantum.gate_circuit import GateCircuit
from ceas_ray.quantum.gate_noise import Noise
from ceas_ray.training.datasets import DataSet
from ceas_ray.world.available_memory import available_memory
from ceas_ray.world.blueprint import Policies, shots_spend_pairs
from ceas_ray.world.counts import Counts, counts_of
from ceas_ray.world.run_size import memory_bytes, own_circuit_bytes
from ceas_ray.world.times import control_delay, message_bound

MAX_KEY_PATHS = 20_000
"""Between processors and replicas, and among replicas: each is planned, distilled and spent in every round."""


def check_settings(settings: RunSettings) -> None:
    """Raise SettingsError for what can be seen without data, network or circuit."""
    counts = counts_of(settings)
    _check_size(settings, counts)
    _check_attackers(settings, counts)
    _check_committee(settings, counts)
    _check_troubles(settings, counts)
    _check_links(settings)
    _check_timetable(settings)
    _check_estimator(settings)


def _check_size(settings: RunSettings, counts: Counts) -> None:
    """Refuse what does not fit this machine, or a stated limit."""
    if counts.key_paths > MAX_KEY_PATHS:
        key = "consensus.committee_size" if settings.consensus.committee == "dedicated" else "processors.count"
        must = (
            f"such that processors and replicas have at most {MAX_KEY_PATHS} paths for keys (here {counts.key_paths})"
        )
        raise SettingsError(key, must, counts.replicas)
    available, needed = available_memory(), memory_bytes(settings)
    if needed > available:
        warm_up = settings.entanglement.warm_up_tests / settings.training.qubits
        of_rounds = settings.training.circuits_per_round >= warm_up
        key = "training.circuits_per_round" if of_rounds else "entanglement.warm_up_tests"
        came = settings.training.circuits_per_round if of_rounds else settings.entanglement.warm_up_tests
        must = (
            f"smaller for processors.count={settings.processors.count}: the run needs about {needed / 2**30:.1f} GB of "
            f"memory, this machine or container has {available / 2**30:.1f}"
        )
        raise SettingsError(key, must, came)


def _check_attackers(settings: RunSettings, counts: Counts) -> None:
    count, share = settings.processors.count, settings.attacks.fraction
    if settings.attacks.attack is None and share > 0:
        raise SettingsError("attacks.fraction", "0 without an attack", share)
    if count % counts.group_size:
        must = f"divisible by training.processors_per_group ({counts.group_size})"
        raise SettingsError("processors.count", must, count)
    if counts.byzantine_parties >= counts.parties:
        of = f"{count} processors" if counts.group_size == 1 else f"{counts.parties} groups"
        raise SettingsError("attacks.fraction", f"such that one of {of} is honest", share)


def _check_committee(settings: RunSettings, counts: Counts) -> None:
    """Refuse a committee that cannot be, or that is unsafe from the start."""
    size, attacks = settings.consensus.committee_size, settings.attacks
    if settings.consensus.committee == "processors":
        if size is not None:
            raise SettingsError("consensus.committee_size", "null for consensus.committee=processors", size)
        if counts.replicas < 4:
            raise SettingsError("processors.count", "at least 4 for consensus.committee=processors", counts.replicas)
        if attacks.replicas:
            must = "0 for consensus.committee=processors: the Byzantine processors are the Byzantine replicas"
            raise SettingsError("attacks.replicas", must, attacks.replicas)
        faults = Quorums(counts.replicas).faults
        if counts.byzantine_parties > faults:
            must = f"such that at most f = {faults} of the {counts.replicas} in the committee are Byzantine"
            raise SettingsError("attacks.fraction", must, attacks.fraction)
    elif size is None or size < 4:
        raise SettingsError("consensus.committee_size", "at least 4 (n > 3 f with f >= 1)", size)
    if attacks.replicas > counts.replicas:
        raise SettingsError("attacks.replicas", f"at most the {counts.replicas} of the committee", attacks.replicas)
    if attacks.replicas and not attacks.replica_faults:
        raise SettingsError("attacks.replica_faults", "given for attacks.replicas > 0", attacks.replica_faults)


def _check_troubles(settings: RunSettings, counts: Counts) -> None:
    """Refuse partitions, crashes and jamming of members that are not there, or that end before they begin."""
    consensus = settings.consensus
    for name in ("network_partition", "crash", "jamming"):
        choice = getattr(consensus, name)
        for member in () if choice is None else choice.replicas:
            if not 0 <= member < counts.replicas:
                must = f"members of the committee (0 to {counts.replicas - 1})"
                raise SettingsError(f"consensus.{name}.replicas", must, member)
    split = consensus.network_partition
    if split is not None and split.heals_seconds <= split.begins_seconds:
        must = f"after it begins ({split.begins_seconds})"
        raise SettingsError("consensus.network_partition.heals_seconds", must, split.heals_seconds)


def _check_links(settings: RunSettings) -> None:
    links = settings.links
    if not links.min_fidelity <= links.mean_fidelity <= links.max_fidelity:
        must = f"between {links.min_fidelity} and {links.max_fidelity}"
        raise SettingsError("links.mean_fidelity", must, links.mean_fidelity)
    if links.min_km > links.max_km:
        raise SettingsError("links.min_km", f"at most links.max_km ({links.max_km})", links.min_km)


def _check_timetable(settings: RunSettings) -> None:
    choice = settings.entanglement
    if choice.demand == "bursts" and choice.stations is not None:
        raise SettingsError("entanglement.stations", "null for entanglement.demand=bursts", choice.stations)
    if choice.demand == "rotation" and (choice.gap_periods < 1 or choice.gap_periods % 1):
        must = "a whole number, at least 1, for entanglement.demand=rotation"
        raise SettingsError("entanglement.gap_periods", must, choice.gap_periods)


def _check_estimator(settings: RunSettings) -> None:
    training, engine = settings.training, settings.processors.engine
    if training.forward_circuits >= training.circuits_per_round:
        must = f"below training.circuits_per_round ({training.circuits_per_round})"
        raise SettingsError("training.forward_circuits", must, training.forward_circuits)
    if training.partition != "data" and training.error_mitigation == "probabilistic_error_cancellation":
        raise SettingsError(
            "training.error_mitigation",
            f"none, rescale or bounded_rescale for training.partition={training.partition}",
            "probabilistic_error_cancellation",
        )
    if engine == "aer_sampled" and training.estimator == "exact":
        raise SettingsError("training.estimator", "one that samples, with processors.engine aer_sampled", "exact")
    if engine != "pauli" and training.error_mitigation == "probabilistic_error_cancellation":
        raise SettingsError(
            "training.error_mitigation",
            "none, rescale or bounded_rescale where Aer prepares the inputs",
            training.error_mitigation,
        )
    if training.trap_circuit_share == 0:
        return
    key, share = "training.trap_circuit_share", training.trap_circuit_share
    if training.partition != "data" or training.inputs != "teleported":
        raise SettingsError(key, "0 unless partition is data and inputs are teleported", share)
    if training.error_mitigation == "probabilistic_error_cancellation":
        raise SettingsError(key, "0 for training.error_mitigation=probabilistic_error_cancellation", share)


def check_data(settings: RunSettings, data: DataSet) -> None:
    """Raise SettingsError for more classes than there are qubits to read them from."""
    if data.outputs > settings.training.qubits:
        must = f"at least the {data.outputs} classes"
        raise SettingsError("training.qubits", must, settings.training.qubits)


def check_circuits(
    settings: RunSettings,
    circuit: VariationalCircuit,
    largest_shard: int,
    *,
    policies: Policies,
    noise: NDArray[np.float64],
) -> None:
    """Raise SettingsError for estimates that the circuit (of a whole party) or the number of its runs does not allow.

    largest_shard: how many samples the party with the most of them has. noise: of all processors, (count, n, 7).
    """
    training = settings.training
    if settings.processors.engine == "aer_sampled" and circuit.pairs_within:
        must = f"pauli or aer for training.partition={training.partition}"
        raise SettingsError("processors.engine", must, "aer_sampled")
    if isinstance(circuit, GateCircuit):
        _check_large(settings, circuit, noise)
        _check_memory_of(settings, circuit)
    needed = full_shift_circuits(min(training.batch, largest_shard), circuit.outputs, circuit.shift_count)
    if training.estimator == "full_shift" and training.circuits_per_round < needed:
        must = f"at least {needed} for full_shift"
        raise SettingsError("training.circuits_per_round", must, training.circuits_per_round)
    if training.trap_circuit_share > 0:
        _check_trap_circuits(settings, circuit.qubits, policies)


def _check_large(settings: RunSettings, circuit: GateCircuit, noise: NDArray[np.float64]) -> None:
    """Raise SettingsError for more qubits than density matrices can have, unless state vectors will do."""
    if circuit.qubits <= MAX_NOISY_QUBITS:
        return
    training, most = settings.training, f"at most {MAX_NOISY_QUBITS} qubits"
    if training.inputs != "local" or training.partition != "data":
        must = f"{most}, or training.inputs=local and training.partition=data"
        raise SettingsError("training.circuit", must, circuit.qubits)
    if np.any(np.delete(noise, Noise.READOUT, axis=-1)):
        must = f"{most} where gates have noise (processors=noiseless has none)"
        raise SettingsError("training.circuit", must, circuit.qubits)


def _check_memory_of(settings: RunSettings, circuit: GateCircuit) -> None:
    available = available_memory()
    needed = memory_bytes(settings) + own_circuit_bytes(settings, circuit)
    if needed > available:
        gigabytes = f"{needed / 2**30:.1f} GB of memory, this machine or container has {available / 2**30:.1f}"
        must = f"smaller: the run needs about {gigabytes}"
        came = f"{circuit.qubits} qubits, {len(circuit.gates)} gates, processors.threads={settings.processors.threads}"
        raise SettingsError("training.circuit", must, came)


def _check_trap_circuits(settings: RunSettings, qubits: int, policies: Policies) -> None:
    key, share = "training.trap_circuit_share", settings.training.trap_circuit_share
    if isinstance(policies.weights, UniformWeights):
        raise SettingsError(key, "0 with flat weights, which no answer changes", share)
    # The share that fills the forgetting window with as many tests as weights wait for.
    a_round = settings.training.circuits_per_round * qubits
    forgotten = 1 - 0.5 ** (1 / settings.entanglement.half_life_rounds)
    min_share = ceil(1000 * forgotten * settings.aggregation.weights.get("min_tests", 0) / a_round) / 1000
    if share < min_share:
        must = f"0 or at least {min_share}, or weights never have their aggregation.weights.min_tests"
        raise SettingsError(key, must, share)


def check_network(settings: RunSettings, network: NetworkPlan) -> None:
    """Raise SettingsError for a network that yields no keys, or that is slower than messages may be."""
    if one_link_each(network):
        _check_keys(settings, network)
    farthest = max(route.latency for route in network.replica_routes)
    slowest = max(route.latency for route in network.routes) + farthest
    slowest = max([slowest, *(group.latency for group in network.groups), *(of.latency for of in network.parallel)])
    must = f"at least the longest latency ({slowest / 1e6:.1f})"
    if slowest > control_delay(settings):
        came = settings.entanglement.control_delay_microseconds
        raise SettingsError("entanglement.control_delay_microseconds", must, came)
    if slowest > message_bound(settings):
        raise SettingsError("consensus.delta_microseconds", must, settings.consensus.delta_microseconds)


def one_link_each(network: NetworkPlan) -> bool:
    """Decide whether the hub's links say all; longer routes and purified pairs are judged when they are planned."""
    single = all(len(route.legs) == 1 for route in network.routes)
    return single and network.purification_rounds == 0


def _check_keys(settings: RunSettings, network: NetworkPlan) -> None:
    """Refuse links of which a path that authentication needs yields no key even from pairs just emitted."""
    links = settings.links
    processors, replicas = (
        np.array([link.birth_weights() for link in ends]) for ends in (network.processor_links, network.replica_links)
    )
    if network.swapped:
        ends = np.concatenate([processors, replicas])
        paths = depolarized_state(swapped_state(ends[:, None], replicas), links.swap_werner).reshape(-1, 4)
    else:
        paths = np.array([link.birth_weights() for link in network.direct_links.values()])
    rates = key_rate_of_state(paths)
    worst = int(np.argmin(rates))
    if rates[worst] <= 0:
        raise UnusableSettings(
            "links", f"end-to-end pairs must yield a key (Werner pairs do above a fidelity of .835), those of "
            f"{links.profile} have {paths[worst, 0]:.3f}",
        )  # fmt: skip


def check_shots(settings: RunSettings, network: NetworkPlan, demand: Demand) -> None:
    """Raise SettingsError for links that can hardly hold the pairs of a shot at once, entangled."""
    if network.groups:
        _check_shared_shots(settings, network, demand)
    elif shots_spend_pairs(settings, counts_of(settings)) and one_link_each(network):
        _check_own_shots(settings, network, demand)


def _check_own_shots(settings: RunSettings, network: NetworkPlan, demand: Demand) -> None:
    for link in network.processor_links:
        alive = link.rate * seconds(demand.useful_age(link))
        gathering = (demand.pairs_per_shot - 1) / link.rate + seconds(link.latency)
        left = float(fidelity_at(link.birth_weights(), link.decay, np.array(gathering)))
        if alive < demand.pairs_per_shot or left <= 0.5:
            raise UnusableSettings(
                "links", f"a shot needs {demand.pairs_per_shot} entangled pairs at once, {settings.links.profile} has "
                f"{alive:.3g} of useful age at {link.length_km:.3g} km, the oldest of a shot's at fidelity {left:.3f}",
            )  # fmt: skip


def _check_shared_shots(settings: RunSettings, network: NetworkPlan, demand: Demand) -> None:
    """Refuse what `_check_own_shots` refuses, on the routes between processors that share a circuit."""
    for group in network.groups:
        alive = seconds(demand.useful_age(group))
        for part in group.routes:
            route, memory = part.route, part.route.coherence_seconds / 2
            gathering = np.array((part.pairs - 1) / route.rate + seconds(route.latency))
            left = float(decayed_fidelity(route.fidelity, gathering, memory))
            if route.rate * alive < part.pairs or left <= 0.5:
                raise UnusableSettings(
                    "links", f"a shared shot needs {part.pairs} entangled end-to-end pairs at once, "
                    f"{settings.links.profile} has {route.rate * alive:.3g} of useful age between {route.nodes[0]} and "
                    f"{route.nodes[-1]}, the oldest of a shot's at fidelity {left:.3f}",
                )  # fmt: skip
