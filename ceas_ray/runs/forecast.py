"""Forecasts of what a run will cost, in closed form from its outline: they make no plan, and solve and build nothing.
Ours.

Times are those that one core computes, all processes of a local run together, once its compiled code lies in its cache
(the first run on a machine compiles for a minute). Costs were measured on a core with AVX-512 of 2.5 to 3 GHz, and are
scaled by `machine_slowness`. A slow test (tests/runs/test_forecast_of_runs.py) asks for a factor of two beside real
runs of seconds in twenty kinds; there forecasts were .5 to 1.1 of what runs took. What a forecast cannot know is how
often a decision process must be solved until its constraints hold: it counts on 6 times below a supply of 2 and where
an attempt heralds a pair or more, and a process that needs more takes longer by as much.
"""

from __future__ import annotations

from dataclasses import dataclass

from ceas_ray.config.schema import RunSettings
from ceas_ray.entanglement.feasibility import link_classes
from ceas_ray.quantum.circuit_values import MAX_NOISY_QUBITS
from ceas_ray.quantum.gate_circuit import GateCircuit
from ceas_ray.quantum.mixed_pairs import max_nodes
from ceas_ray.runs.machine_speed import machine_slowness
from ceas_ray.scheduling.mdp import Mdp
from ceas_ray.scheduling.solving_work import solving_work
from ceas_ray.world.round_demand import Pairs
from ceas_ray.world.run_size import memory_bytes, own_circuit_bytes
from ceas_ray.world.world import Outline


@dataclass(frozen=True)
class Costs:
    """Measured seconds of one core. link_pair, key_pair: of one that is generated for a shot or a key, on links that
    the hub joins and (routed_...) on routes. path: of a round's messages between two parties that share keys. entry: of
    one of the 4^n numbers of a density matrix in a gradient, per layer and qubit, and gate_entry per gate, use of a
    pair or wait of a circuit of the user's own; amplitude: of the 2^n of a state vector, and gate_amplitude per gate of
    a large circuit.
    ..._of_mlflow: of the process that sends a run, which computes beside the run where there is another core.
    aer_gate: of a gate of a circuit that Aer runs, and aer_entry of each number of its density matrix in it.
    price: of tables of a chain at a price; birth_in_...: of one of the births that its sweeps try.
    """

    start: float = 5.0
    start_of_mlflow: float = 5.0
    start_of_aer: float = 3.0
    party: float = 1e-3
    round: float = 0.015
    round_of_mlflow: float = 0.01
    path: float = 6e-4
    link_pair: float = 5e-7
    key_pair: float = 1.6e-7
    routed_link_pair: float = 6e-7
    routed_key_pair: float = 2.8e-7
    circuit: float = 6e-7
    entry: float = 3e-9
    gate_entry: float = 3e-9
    amplitude: float = 1.2e-8
    gate_amplitude: float = 4e-8
    aer_gate: float = 1.4e-5
    aer_entry: float = 3e-9
    ground_state: float = 6e-4
    ground_state_amplitude: float = 2e-6
    price: float = 0.02
    birth_in_burst: float = 9e-8
    birth_in_gap: float = 1.45e-7


COSTS = Costs()


@dataclass(frozen=True)
class Forecast:
    """The forecast of a run: pairs that a round needs, those that links generate for it and in all, and key bits of a
    round; simulated seconds; seconds that one core computes; memory in bytes.

    start_seconds: until the first round begins, decision processes solved. wall_seconds: all of the run.
    """

    pairs: float
    generated_pairs: float
    generated_in_all: float
    key_bits: float
    warm_up_seconds: float
    round_seconds: float
    simulated_seconds: float
    start_seconds: float
    wall_seconds: float
    memory_bytes: float


def forecast(settings: RunSettings, world: Outline) -> Forecast:
    """Return the cost of a run."""
    of_round, rounds, slowness = world.of_round, settings.training.rounds, machine_slowness()
    start = _start(settings, world)
    all_rounds = rounds * _round(settings, world) + _all_links(settings, world) + _models(settings, world)
    return Forecast(
        pairs=sum(of_round.asked),
        generated_pairs=sum(of_round.generated),
        generated_in_all=sum(of_round.generated_in_all(rounds)),
        key_bits=of_round.key_bits,
        warm_up_seconds=of_round.warm_up_seconds,
        round_seconds=of_round.seconds,
        simulated_seconds=of_round.simulated_seconds,
        start_seconds=slowness * start,
        wall_seconds=slowness * (start + all_rounds),
        memory_bytes=_memory(world),
    )


def _memory(world: Outline) -> float:
    settings, circuit = world.blueprint.settings, world.blueprint.shared_circuit
    of_circuit = own_circuit_bytes(settings, circuit) if isinstance(circuit, GateCircuit) else 0.0
    return memory_bytes(settings) + of_circuit


def round_seconds_by_kind(settings: RunSettings, world: Outline) -> dict[str, float]:
    """Return the seconds that one core computes in a round, by the kind of host that computes them."""
    counts, of_round = world.blueprint.counts, world.of_round
    return {
        "processors": counts.parties * _gradient(settings, world),
        "links": _links(world, of_round.generated),
        "replicas": counts.key_paths * COSTS.path,
        "entanglement_manager": COSTS.round,
    }


def _start(settings: RunSettings, world: Outline) -> float:
    """Return the seconds until the first round: libraries, data, actors, stock policies."""
    seconds = COSTS.start + COSTS.party * world.blueprint.counts.parties
    seconds += COSTS.start_of_mlflow * settings.tracking.mlflow
    seconds += COSTS.start_of_aer * (settings.processors.engine != "pauli")
    data = settings.training.data
    if data.name == "spin_chain":
        seconds += data.samples * (COSTS.ground_state + 2**data.spins * COSTS.ground_state_amplitude)
    return seconds + _solving(world)


def _solving(world: Outline) -> float:
    scheduler = world.scheduler.scheduler
    if not isinstance(scheduler, Mdp):
        return 0.0
    seen = dict.fromkeys(map(scheduler.seen, link_classes(world.blueprint.network, world.demand)))
    total = 0.0
    for work in (solving_work(scheduler, link) for link in seen):
        total += work.prices * COSTS.price
        total += work.births_in_bursts * COSTS.birth_in_burst + work.births_in_gaps * COSTS.birth_in_gap
    return total


def _round(settings: RunSettings, world: Outline) -> float:
    """Return the seconds of one round without its links: messages, gradients, the journal."""
    by_kind = round_seconds_by_kind(settings, world)
    return COSTS.round_of_mlflow * settings.tracking.mlflow + sum(by_kind.values()) - by_kind["links"]


def _gradient(settings: RunSettings, world: Outline) -> float:
    """Return the seconds of one party's gradient: as many samples as it has, or as a batch holds."""
    training, engine = settings.training, settings.processors.engine
    circuit, groups = world.blueprint.shared_circuit, world.blueprint.network.groups
    samples = min(training.batch, len(world.data.train_labels) / world.blueprint.counts.parties)
    nodes = max_nodes([part.pairs for part in groups[0].routes]) if groups else 1
    drawn = 0 if training.estimator == "exact" else training.circuits_per_round
    if isinstance(circuit, GateCircuit) and circuit.qubits > MAX_NOISY_QUBITS:
        amplitudes = 2.0**circuit.qubits * len(circuit.gates) * (1 + circuit.shift_count / 2) * circuit.outputs
        return drawn * COSTS.circuit + samples * amplitudes * COSTS.gate_amplitude
    if isinstance(circuit, GateCircuit):
        sectors = 1 if circuit.sharing is None else circuit.sharing.sectors
        steps = len(circuit.gates) + (0 if circuit.sharing is None else len(circuit.sharing.steps))
        entries = sectors * 4.0**circuit.qubits * steps * circuit.outputs
        return drawn * COSTS.circuit + samples * nodes * entries * COSTS.gate_entry
    if engine == "pauli":
        entries = 4.0**circuit.qubits * circuit.layers * circuit.qubits * circuit.outputs
        return drawn * COSTS.circuit + samples * nodes * entries * COSTS.entry
    runs = drawn if engine == "aer_sampled" else samples * (1 + 2 * circuit.parameter_count)
    gates = 2 * circuit.qubits + circuit.parameter_count + circuit.layers * circuit.qubits
    return nodes * runs * gates * (COSTS.aer_gate + 4.0**circuit.qubits * COSTS.aer_entry)


def _all_links(settings: RunSettings, world: Outline) -> float:
    """Return the seconds that links take in the warm-up and all rounds."""
    return _links(world, world.of_round.generated_in_all(settings.training.rounds))


def _links(world: Outline, generated: Pairs) -> float:
    """Return what links compute to make these pairs for shots and keys."""
    network = world.blueprint.network
    if network.is_star and not network.groups and network.purification_rounds == 0:
        return generated.shots * COSTS.link_pair + generated.keys * COSTS.key_pair
    return generated.shots * COSTS.routed_link_pair + generated.keys * COSTS.routed_key_pair


def _models(settings: RunSettings, world: Outline) -> float:
    """Return the seconds of evaluations of the model, and the model of the same data in one place."""
    training, data, circuit = settings.training, world.data, world.blueprint.circuit
    evaluated = len(data.test_labels) + len(data.validation_labels)
    passes = evaluated * (1 + training.rounds / training.evaluate_every) + 4 * training.rounds * len(data.train_labels)
    gates = len(circuit.gates) if isinstance(circuit, GateCircuit) else circuit.layers * circuit.qubits
    return passes * 2.0**circuit.qubits * gates * COSTS.amplitude
