"""The schema of a run's settings: every key with its type, its unit and its range, each stated once.

`setting_types` holds the types that several settings share. The values live in `conf/`; nothing below
`ceas_ray.config` sees these classes. Every number has a finite range; where infinity means something its range says
what.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from ceas_ray.config.setting_types import (
    Address,
    Fidelity,
    FolderOrUrl,
    FolderText,
    GateError,
    Kilometres,
    Labels,
    Members,
    MemoryMicroseconds,
    MemoryMilliseconds,
    Microseconds,
    Milliseconds,
    PathText,
    Probability,
    ReplicaFault,
    Requirement,
    RoundIndex,
    Rounds,
    Seconds,
    Share,
    ShotPeriods,
    Target,
    Text,
    Texts,
)
from ceas_ray.kernel.ranges import Range


class SettingsGroup(BaseModel):
    """Settings that belong together: frozen, nothing converted, nothing unknown, nothing left out."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class RuntimeSettings(SettingsGroup):
    """The runtime: hosts, snapshots, and how long a host may make no progress."""

    name: Literal["ray", "local"]
    processor_hosts: Annotated[int, Range(1, 2000)] | None
    link_hosts: Annotated[int, Range(1, 2000)] | None
    address: Address | None
    dashboard: bool
    allow_mixed_hosts: bool
    allow_open_cluster: bool
    snapshot_every_rounds: Rounds | None
    snapshot_every_seconds: Seconds | None
    snapshots_kept: Annotated[int, Range(1, 1000)]
    snapshot_folder: FolderOrUrl | None
    hang_seconds: Annotated[float, Range(1, 86_400, unit="seconds")]
    wait_seconds: Seconds | None
    on_lost_cluster: Literal["wait", "local", "stop"]


class TrackingSettings(SettingsGroup):
    """The record of a run beside its own folder."""

    mlflow: bool
    uri: PathText | None
    experiment_name: Text
    run_id: Text | None
    parent_run_id: Text | None


class DataSettings(SettingsGroup):
    """The data set, how its features become angles, and how it is split and spread over the processors."""

    name: Literal["digits", "iris", "wine", "breast_cancer", "moons", "circles", "spin_chain", "file"]
    classes: Labels
    file: PathText | None
    samples: Annotated[int, Range(10, 100_000)]
    noise: Annotated[float, Range(0, 2)]
    spins: Annotated[int, Range(2, 11)]
    copies: Annotated[int, Range(1, 1_000_000_000)] | None
    features: Annotated[Literal["pca"] | Labels, Requirement("pca or a list of features, by their numbers")]
    standardize: bool
    repeat_features: bool
    angle_range: Annotated[float, Range(0, 2, open_below=True)]
    test_fraction: Annotated[float, Range(0.05, 0.9)]
    validation_fraction: Annotated[float, Range(0, 0.9)]
    shards: Literal["dirichlet", "iid", "label"]
    own_shards: Target | None
    dirichlet_concentration: Annotated[float, Range(0.01, 1_000_000)]
    labels_per_shard: Annotated[int, Range(1, 1000)]
    min_samples: Annotated[int, Range(1, 100_000)]


class TrainingSettings(SettingsGroup):
    """The model, the estimator and the descent.

    circuit: one of your own, in place of `ansatz`, `entangler`, `qubits` and `layers`: an OpenQASM 3 file, or
    path.py:function or module:function, which returns a Qiskit circuit, its inputs and its weights. observables:
    one for each output of such a circuit, as 0.5*ZZ + XI, the last letter for qubit 0; []: <Z_k>. error_mitigation:
    automatic is rescale for partition=data and none for shared circuits.
    """

    partition: Literal["data", "circuit", "layer"]
    processors_per_group: Annotated[int, Range(2, 16)]
    distributor: Literal["fewest_gates", "static", "packed"]
    inputs: Literal["teleported", "local"]
    rounds: Rounds
    circuits_per_round: Annotated[int, Range(2, 100_000_000)]
    forward_circuits: Annotated[int, Range(1, 100_000_000)]
    batch: Annotated[int, Range(1, 100_000)]
    qubits: Annotated[int, Range(2, 8)]
    layers: Annotated[int, Range(1, 16)]
    ansatz: Literal["ring", "hardware_efficient", "strongly_entangling"]
    entangler: Literal["cx", "cz"]
    circuit: PathText | None
    observables: Texts
    estimator: Literal["doubly_stochastic", "full_shift", "exact"]
    loss: Literal["squared", "cross_entropy"]
    own_loss: Target | None
    loss_scale: Annotated[float, Range(0.001, 1000)]
    error_mitigation: Literal["automatic", "none", "rescale", "bounded_rescale", "probabilistic_error_cancellation"]
    trap_circuit_share: Annotated[float, Range(0, 0.5)]
    momentum: Annotated[float, Range(0, 0.999)]
    learning_rate: Annotated[float, Range(1e-9, 1000)]
    final_learning_rate: Annotated[float, Range(0, 1000)]
    learning_rate_schedule: Literal["constant", "cosine"]
    evaluate_every: Rounds
    data: DataSettings


class ProcessorSettings(SettingsGroup):
    """The quantum processors.

    Errors per gate are drawn log-uniformly between mean / spread and mean * spread, for each processor and, by the
    second spread, for each of its qubits; or listed in `noise_file`. T1, T2 (both or none) add the relaxation during
    gates and, in circuits of the user's own that processors share, while a qubit waits: idle_qubits says whether it
    waits as a qubit of the processor, by these times (none: without loss), or in a memory as those of its links.
    """

    engine: Literal["pauli", "aer", "aer_sampled"]
    threads: Annotated[int, Range(1, 256)]
    count: Annotated[int, Range(2, 2000)]
    profile: Text
    demonstrated: bool
    one_qubit_depolarizing: GateError
    one_qubit_damping: GateError
    one_qubit_dephasing: GateError
    two_qubit_depolarizing: GateError
    two_qubit_damping: GateError
    two_qubit_dephasing: GateError
    readout_error: Annotated[float, Range(0, 0.4)]
    t1_microseconds: MemoryMicroseconds | None
    t2_microseconds: MemoryMicroseconds | None
    one_qubit_gate_nanoseconds: Annotated[float, Range(0, 1e9, unit="nanoseconds")]
    two_qubit_gate_nanoseconds: Annotated[float, Range(0, 1e9, unit="nanoseconds")]
    idle_qubits: Literal["processor", "memory"]
    error_spread: Annotated[float, Range(1, 10)]
    qubit_error_spread: Annotated[float, Range(1, 10)]
    noise_file: PathText | None
    update_milliseconds: Milliseconds


class AggregationSettings(SettingsGroup):
    """The rule, the weights, the cap, and what share of Byzantine processors it must tolerate."""

    rule: Target
    weights: Target
    cap: Annotated[float, Range(1, 3)]
    byzantine_fraction: Annotated[float, Range(0, 0.49)]
    confidence: Annotated[float, Range(0.5, 0.9999)]


class AttackSettings(SettingsGroup):
    """The Byzantine processors and replicas: how many there are, where they are placed and what they do.

    The parts of an attack combine freely. attack: the rows that colluders send (null: nobody attacks). timing: when
    these rows leave: once they are ready, in time to arrive just before the inputs time out, when the inputs time out,
    or never. announcements: what they announce in tests. jammed_share: the share of attempts that they spoil, on as
    many of the best honest links as there are colluders.
    replicas: how many members of the committee are Byzantine; the i-th has fault i of `replica_faults`, in turn.
    """

    attack: Target | None
    timing: Literal["prompt", "last_moment", "late", "never"]
    announcements: Target
    jammed_share: Annotated[float, Range(0, 0.999)]
    fraction: Share
    placement: Literal["random", "best_links", "worst_links"]
    strength: Annotated[float, Range(-1e6, 1e6)]
    knowledge: Literal["colluders", "omniscient"]
    replicas: Annotated[int, Range(0, 2000)]
    replica_faults: Annotated[tuple[ReplicaFault, ...], Field(strict=False, max_length=2000)]


class StopSettings(SettingsGroup):
    """Limits that end a run early: at the end of the round in which a limit is passed, or within it if that is still
    not over 3 s of wall time later. Null: no limit.
    """

    wall_seconds: Seconds | None
    simulated_seconds: Seconds | None
    bell_pairs: Annotated[int, Range(1, 10**18)] | None


class LinkSettings(SettingsGroup):
    """The links' hardware profile and how links differ.

    Memories are those of the nodes; the hub's are the same unless hub_... says otherwise. Each memory model needs its
    own times and leaves the others null: depolarizing coherence, dephasing t2, relaxation t1 and t2.
    """

    profile: Text
    demonstrated: bool
    scheme: Literal["heralded", "single_click"]
    bright_population: Annotated[float, Range(0, 0.5, open_below=True)] | None
    attempt_base_microseconds: Annotated[float, Range(0, 1e9, unit="microseconds")]
    attempt_microseconds_per_km: Annotated[float, Range(0, 1e6, unit="microseconds")]
    modes: Annotated[int, Range(1, 1_000_000)]
    success_at_1_km: Probability
    loss_db_per_km: Annotated[float, Range(0, 1000)]
    dark_count_probability: Share
    memory: Literal["depolarizing", "dephasing", "relaxation"]
    coherence_milliseconds: MemoryMilliseconds | None
    t1_milliseconds: MemoryMilliseconds | None
    t2_milliseconds: MemoryMilliseconds | None
    hub_coherence_milliseconds: MemoryMilliseconds | None
    hub_t1_milliseconds: MemoryMilliseconds | None
    hub_t2_milliseconds: MemoryMilliseconds | None
    attempt_dephasing: Share
    swap_werner: Share
    swap_success: Probability
    min_km: Kilometres
    max_km: Kilometres
    min_fidelity: Fidelity
    mean_fidelity: Fidelity
    max_fidelity: Fidelity
    replica_km: Kilometres
    replica_fidelity: Fidelity


class EntanglementSettings(SettingsGroup):
    """Demand, leases and tests.

    demand: bursts come at random, or as the rotation of the hub's stations says (stations null: as many as needed).
    purification_target: a link is purified at most purification_rounds times, and no more often than its fresh pairs
    need to reach this fidelity (null: always that many times).
    """

    demand: Literal["bursts", "rotation"]
    stations: Annotated[int, Range(1, 1_000_000)] | None
    burst_shots: Annotated[int, Range(1, 10_000, unit="shots")]
    gap_periods: Annotated[float, Range(0, 10_000, unit="shot periods")]
    supply: Annotated[float, Range(0.001, 1000)]
    deadline_periods: ShotPeriods
    useful_age_periods: ShotPeriods
    min_fidelity: Fidelity | None
    slots: Annotated[int, Range(1, 100_000)]
    hub_channels: Annotated[int, Range(1, 1_000_000)]
    multiplexing: Annotated[int, Range(1, 1_000_000)]
    node_slots: Annotated[int, Range(1, 1_000_000_000)] | None
    swapping: Literal["as_soon_as_possible", "in_order", "balanced_tree"]
    purification_rounds: Annotated[int, Range(0, 4)]
    purification_target: Fidelity | None
    test_share: Annotated[float, Range(0, 0.5)]
    warm_up_tests: Annotated[int, Range(0, 100_000_000)]
    test_announcements: Literal["before_reveal", "after_reveal"]
    half_life_rounds: Annotated[float, Range(0.01, 1_000_000, unit="rounds")]
    key_useful_age_milliseconds: Milliseconds
    key_margin: Annotated[float, Range(1, 100)]
    control_delay_microseconds: Microseconds
    planning_milliseconds: Milliseconds


class CrashSettings(SettingsGroup):
    """These replicas crash in a round, some time after inputs may close, and recover from their disks."""

    replicas: Members
    round: RoundIndex
    after_milliseconds: Annotated[float, Range(0, 1e9, unit="milliseconds")]
    down_milliseconds: Milliseconds


class NetworkPartitionSettings(SettingsGroup):
    """These replicas are cut off from everybody else, between two simulated times."""

    replicas: Members
    begins_seconds: Annotated[float, Range(0, 1e9, unit="seconds")]
    heals_seconds: Seconds


class JammingSettings(SettingsGroup):
    """No pair on the legs of these replicas yields a key, in some rounds and in the first `refills` refills."""

    replicas: Members
    first_round: Annotated[int, Range(-1, 1_000_000)]
    last_round: Annotated[int, Range(-1, 1_000_000)]
    refills: Annotated[int, Range(0, 1_000_000)]


class ConsensusSettings(SettingsGroup):
    """The committee, and the faults of its network and its keys."""

    committee: Literal["dedicated", "processors"]
    committee_size: Annotated[int, Range(1, 100)] | None
    input_timeout: Seconds | None
    delta_microseconds: Microseconds
    hash_keys: Literal["fresh", "kept"]
    patience_milliseconds: Milliseconds
    on_stall: Literal["wait", "skip", "stop"]
    max_waits: Annotated[int, Range(0, 1000)]
    key_rate: Literal["asymptotic", "finite"]
    loss_probability: Annotated[float, Range(0, 0.9)]
    retransmissions: Annotated[int, Range(0, 1000)]
    network_partition: NetworkPartitionSettings | None
    crash: CrashSettings | None
    jamming: JammingSettings | None


class StudySettings(SettingsGroup):
    """A study instead of a training run (name null: none).

    utilization, timetable: how many seeds, bursts of shots a seed, and for utilization the grid too. headline,
    rules: the form, and the design (see `experiment.design`).
    """

    name: Literal["utilization", "timetable", "headline", "rules", "awareness", "everything", "weights"] | None
    seeds: Annotated[int, Range(2, 100)]
    bursts: Annotated[int, Range(20, 1_000_000)]
    grid: bool
    form: Text
    design: Target | None


class SweepSettings(SettingsGroup):
    """The jobs of one command with -m. resume: whether it goes on with an unfinished sweep of the same jobs.

    workers: whether small jobs run on Ray even where no cluster is given.
    """

    resume: Literal["auto", "never"]
    workers: Literal["auto", "ray"]


class Origin(SettingsGroup):
    """How the settings of a run came about; noted when they are composed, never chosen.

    choices: the file of every group. overrides: the words of the command line, without those for Hydra itself.
    """

    choices: dict[str, str]
    overrides: list[str]


class RunSettings(SettingsGroup):
    """All settings of a run."""

    seed: Annotated[int, Range(0, 2**53)]
    output: FolderText | None
    resume: FolderText | None
    verify: FolderText | None
    inputs: Annotated[dict[str, str], Requirement("a mapping from inputs to the hashes of their contents")]
    timeline: bool
    dry_run: bool
    quiet: bool
    stop: StopSettings
    sweep: SweepSettings
    study: StudySettings
    runtime: RuntimeSettings
    tracking: TrackingSettings
    training: TrainingSettings
    processors: ProcessorSettings
    network: Target
    links: LinkSettings
    entanglement: EntanglementSettings
    consensus: ConsensusSettings
    aggregation: AggregationSettings
    attacks: AttackSettings
    scheduling: Target
    origin: Origin = Origin(choices={}, overrides=[])
