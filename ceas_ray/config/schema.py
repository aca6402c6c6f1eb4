"""The settings of a run: what a scientist may choose, with units in the names and ranges beside them.

The values live in `conf/`; nothing below `ceas_ray.config` sees these classes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from ceas_ray.config.validation import Range

Share = Annotated[float, Range(0, 1)]
Positive = Annotated[float, Range(0, exclusive=True)]
NotNegative = Annotated[float, Range(0)]
Count = Annotated[int, Range(1)]
Fidelity = Annotated[float, Range(0.25, 1)]
Target = Mapping[str, Any]
ReplicaFault = Literal[
    "silent", "slow", "equivocating", "lying", "poisoned_proposal", "withheld_votes", "forged_tags", "replayed_tags"
]


@dataclass(frozen=True)
class RuntimeSettings:
    """Where the run computes, when it saves snapshots, how long a host may stand still."""

    name: Literal["ray", "local"]
    processor_hosts: Count | None
    link_hosts: Count
    address: str | None
    dashboard: bool
    allow_mixed_hosts: bool
    allow_open_cluster: bool
    snapshot_every_rounds: Count | None
    snapshot_every_seconds: Positive | None
    snapshots_kept: Count
    snapshot_folder: str | None
    hang_seconds: Annotated[float, Range(1)]


@dataclass(frozen=True)
class TrackingSettings:
    """Where the run is recorded, beside its own folder."""

    mlflow: bool
    uri: str | None
    experiment_name: str


@dataclass(frozen=True)
class DataSettings:
    """The data set, how its features become angles, and how it is split and spread over the processors."""

    name: Literal["digits", "iris", "wine", "breast_cancer", "moons", "circles", "spin_chain", "file"]
    classes: tuple[int, ...]
    file: str | None
    samples: Annotated[int, Range(10, 100000)]
    noise: Annotated[float, Range(0, 2)]
    spins: Annotated[int, Range(2, 11)]
    copies: Count | None
    features: Literal["pca"] | tuple[int, ...]
    standardize: bool
    repeat_features: bool
    angle_range: Annotated[float, Range(0, 2, exclusive=True)]
    test_fraction: Annotated[float, Range(0.05, 0.9)]
    shards: Literal["dirichlet", "iid", "label"]
    dirichlet_concentration: Positive
    labels_per_shard: Count
    least_samples: Count


@dataclass(frozen=True)
class TrainingSettings:
    """The model, the estimator and the descent."""

    partition: Literal["data", "circuit", "layer"]
    processors_per_group: Annotated[int, Range(2, 16)]
    inputs: Literal["teleported", "local"]
    rounds: Count
    circuits_per_round: Annotated[int, Range(2)]
    forward_circuits: Count
    batch: Count
    qubits: Annotated[int, Range(2, 8)]
    layers: Annotated[int, Range(1, 16)]
    ansatz: Literal["ring", "hardware_efficient", "strongly_entangling"]
    entangler: Literal["cx", "cz"]
    estimator: Literal["doubly_stochastic", "full_shift", "exact"]
    loss: Literal["squared", "cross_entropy"]
    loss_scale: Positive
    undo: Literal["none", "scalar", "exact"]
    known_answer_share: Annotated[float, Range(0, 0.5)]
    momentum: Annotated[float, Range(0, 0.999)]
    learning_rate: Positive
    final_learning_rate: NotNegative
    learning_rate_schedule: Literal["constant", "cosine"]
    evaluate_every: Count
    data: DataSettings


@dataclass(frozen=True)
class ProcessorSettings:
    """The quantum processors.

    Errors per gate are drawn log-uniformly between mean / spread and mean * spread, for each processor and, by the
    second spread, for each of its qubits; or listed in `noise_file`. T1, T2 (both or none) add the relaxation during
    gates.
    """

    engine: Literal["pauli", "aer", "aer_sampled"]
    threads: Annotated[int, Range(1, 256)]
    count: Annotated[int, Range(2, 2000)]
    profile: str
    demonstrated: bool
    one_qubit_depolarizing: Annotated[float, Range(0, 0.5)]
    one_qubit_damping: Annotated[float, Range(0, 0.5)]
    one_qubit_dephasing: Annotated[float, Range(0, 0.5)]
    two_qubit_depolarizing: Annotated[float, Range(0, 0.5)]
    two_qubit_damping: Annotated[float, Range(0, 0.5)]
    two_qubit_dephasing: Annotated[float, Range(0, 0.5)]
    readout_error: Annotated[float, Range(0, 0.4)]
    t1_microseconds: Positive | None
    t2_microseconds: Positive | None
    one_qubit_gate_nanoseconds: NotNegative
    two_qubit_gate_nanoseconds: NotNegative
    error_spread: Annotated[float, Range(1, 10)]
    qubit_error_spread: Annotated[float, Range(1, 10)]
    noise_file: str | None
    update_milliseconds: Positive


@dataclass(frozen=True)
class AggregationSettings:
    """The rule, the weights, the cap, and what share of the processors it must stand."""

    rule: Target
    weights: Target
    cap: Annotated[float, Range(1, 3)]
    byzantine_fraction: Annotated[float, Range(0, 0.49)]
    confidence: Annotated[float, Range(0.5, 0.9999)]


@dataclass(frozen=True)
class AttackSettings:
    """The Byzantine: their share of the processors, where they sit, what they do.

    replicas: how many members of the committee are Byzantine; the i-th has fault i of `replica_faults`, in turn.
    """

    attack: Target | None
    fraction: Annotated[float, Range(0, 1)]
    placement: Literal["random", "best_links", "worst_links"]
    strength: float
    knowledge: Literal["colluders", "omniscient"]
    replicas: Annotated[int, Range(0)]
    replica_faults: tuple[ReplicaFault, ...]


@dataclass(frozen=True)
class StopSettings:
    """When to end early: at the end of the round in which a limit is passed. Null: no limit."""

    wall_seconds: Positive | None
    simulated_seconds: Positive | None


@dataclass(frozen=True)
class LinkSettings:
    """The links' hardware profile and how links differ.

    Memories are those of the nodes; the hub's are the same unless hub_... says otherwise. Each memory model needs its
    own times and leaves the others null: depolarizing coherence, dephasing t2, relaxation t1 and t2.
    """

    profile: str
    demonstrated: bool
    scheme: Literal["heralded", "single_click"]
    bright_population: Annotated[float, Range(0, 0.5, exclusive=True)] | None
    attempt_base_microseconds: NotNegative
    attempt_microseconds_per_km: NotNegative
    modes: Count
    success_at_1_km: Annotated[float, Range(0, 1, exclusive=True)]
    loss_db_per_km: NotNegative
    dark_count_probability: Share
    memory: Literal["depolarizing", "dephasing", "relaxation"]
    coherence_milliseconds: Positive | None
    t1_milliseconds: Positive | None
    t2_milliseconds: Positive | None
    hub_coherence_milliseconds: Positive | None
    hub_t1_milliseconds: Positive | None
    hub_t2_milliseconds: Positive | None
    attempt_dephasing: Share
    swap_werner: Share
    swap_success: Annotated[float, Range(0, 1, exclusive=True)]
    least_km: Positive
    most_km: Positive
    least_fidelity: Fidelity
    mean_fidelity: Fidelity
    most_fidelity: Fidelity
    replica_km: Positive
    replica_fidelity: Fidelity


@dataclass(frozen=True)
class EntanglementSettings:
    """Demand, leases and tests."""

    burst_shots: Count
    gap_periods: NotNegative
    supply: Positive
    deadline_periods: Positive
    useful_age_periods: Positive
    least_fidelity: Fidelity | None
    slots: Count
    hub_channels: Count
    multiplexing: Count
    node_slots: Count | None
    swapping: Literal["as_soon_as_possible", "in_order"]
    purification_rounds: Annotated[int, Range(0, 4)]
    test_share: Annotated[float, Range(0, 0.5)]
    warm_up_tests: Annotated[int, Range(0)]
    test_announcements: Literal["before_reveal", "after_reveal"]
    half_life_rounds: Positive
    key_useful_age_milliseconds: Positive
    key_margin: Annotated[float, Range(1, 100)]
    control_delay_microseconds: Positive
    planning_milliseconds: Positive


@dataclass(frozen=True)
class CrashSettings:
    """These replicas crash in a round, some time after inputs may close, and recover from their disks."""

    replicas: tuple[int, ...]
    round: Annotated[int, Range(0)]
    after_milliseconds: NotNegative
    down_milliseconds: Positive


@dataclass(frozen=True)
class PartitionSettings:
    """These replicas are cut off from everybody else, between two simulated times."""

    replicas: tuple[int, ...]
    begins_seconds: NotNegative
    heals_seconds: Positive


@dataclass(frozen=True)
class JammingSettings:
    """No pair on the legs of these replicas yields a key, in some rounds and in the first so many refills."""

    replicas: tuple[int, ...]
    first_round: Annotated[int, Range(-1)]
    last_round: Annotated[int, Range(-1)]
    refills: Annotated[int, Range(0)]


@dataclass(frozen=True)
class ConsensusSettings:
    """The committee, and the faults of its network and its keys."""

    committee: Literal["dedicated", "processors"]
    committee_size: Annotated[int, Range(1, 100)] | None
    input_timeout: Positive | None
    delta_microseconds: Positive
    hash_keys: Literal["fresh", "kept"]
    patience_milliseconds: Positive
    on_stall: Literal["wait", "skip", "stop"]
    most_waits: Annotated[int, Range(0)]
    key_rate: Literal["asymptotic", "finite"]
    loss_probability: Annotated[float, Range(0, 0.9)]
    retransmissions: Annotated[int, Range(0, 1000)]
    partition: PartitionSettings | None
    crash: CrashSettings | None
    jamming: JammingSettings | None


@dataclass(frozen=True)
class StudySettings:
    """A study instead of a training run (name null: none).

    utilization: how many seeds, bursts of shots a seed, and the grid too. headline: the form, and the design (see
    `experiment.design`).
    """

    name: Literal["utilization", "headline"] | None
    seeds: Annotated[int, Range(2, 100)]
    bursts: Annotated[int, Range(20)]
    grid: bool
    form: str
    design: Target | None


@dataclass(frozen=True)
class RunSettings:
    """Everything."""

    seed: Annotated[int, Range(0, 2**53)]
    output: str | None
    resume: str | None
    verify: str | None
    inputs: Mapping[str, str]
    timeline: bool
    dry_run: bool
    quiet: bool
    stop: StopSettings
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
