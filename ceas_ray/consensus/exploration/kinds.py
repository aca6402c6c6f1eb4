"""Kinds of scenarios, and which of them a seed stands for: its value modulo 256 says it all."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from hashlib import blake2b
from time import process_time
from typing import Any

from ceas_ray.consensus.exploration.abstract_model import AbstractModel
from ceas_ray.consensus.exploration.calm_scenario import CalmScenario
from ceas_ray.consensus.exploration.conformance import DrivenWalk, check_trace
from ceas_ray.consensus.exploration.record import Record
from ceas_ray.consensus.exploration.replica_scenario import ReplicaScenario
from ceas_ray.consensus.exploration.violation import Violation
from ceas_ray.consensus.exploration.voting_scenario import VotingScenario

WALK_VIEWS, WALKS = 4, 100


class Layer(Enum):
    """What is driven."""

    VOTING = "voting"
    REPLICA = "replica"
    TAGGED = "replica with tags"
    ROUNDS = "rounds"
    CONFORMANCE = "conformance"
    ABSTRACT = "abstract walks"
    CALM = "calm after a walk"


@dataclass(frozen=True)
class Kind:
    """A layer and the number of replicas."""

    layer: Layer
    replicas: int

    def __str__(self) -> str:
        return f"{self.layer.value}, n = {self.replicas}"


_SHARES = {
    Kind(Layer.VOTING, 4): 126, Kind(Layer.VOTING, 7): 58, Kind(Layer.VOTING, 10): 12,
    Kind(Layer.REPLICA, 4): 14, Kind(Layer.REPLICA, 7): 5, Kind(Layer.REPLICA, 10): 1,
    Kind(Layer.TAGGED, 4): 4, Kind(Layer.TAGGED, 7): 1,
    Kind(Layer.ROUNDS, 4): 4, Kind(Layer.ROUNDS, 7): 1, Kind(Layer.ROUNDS, 10): 1,
    Kind(Layer.CONFORMANCE, 4): 8, Kind(Layer.CONFORMANCE, 7): 4, Kind(Layer.CALM, 4): 4, Kind(Layer.CALM, 7): 2,
    Kind(Layer.ABSTRACT, 4): 4, Kind(Layer.ABSTRACT, 7): 4, Kind(Layer.ABSTRACT, 10): 3,
}  # fmt: skip
KINDS = tuple(_SHARES)
MIX = tuple(kind for kind, share in _SHARES.items() for _ in range(share))


def kind_of(seed: int) -> Kind:
    """The kind that a seed stands for; neighbouring seeds are of different kinds."""
    return MIX[seed * 37 % len(MIX)]


@dataclass(frozen=True)
class ScenarioResult:
    """One scenario: its events (or steps), CPU seconds, and the invariant that it broke.

    digest: of all that but the time, and of who decided what and when; equal behaviour gives equal digests.
    """

    seed: int
    events: int
    seconds: float
    violation: str | None = None
    digest: bytes = b""


@dataclass
class _Observed:
    """Of a scenario that runs: its events, and who has decided what and when."""

    events: int = 0
    decided: Any = None


def _rounds_of(kind: Kind, seed: int) -> int:
    """2 to 4 where there are several; 2 with ten replicas, which take long."""
    if kind.layer is not Layer.ROUNDS:
        return 1
    return 2 if kind.replicas > 7 else 2 + seed // len(MIX) % 3


def _is_tagged(kind: Kind, seed: int) -> bool:
    """A quarter of the scenarios of several rounds."""
    return kind.layer is Layer.ROUNDS and seed // len(MIX) % 4 == 0


def run_scenario(seed: int, record: Record | None = None) -> ScenarioResult:
    """Run the scenario of this seed."""
    started = process_time()
    observed, violation = _Observed(), None
    try:
        _run(kind_of(seed), seed, record, observed)
    except Violation as found:
        violation = str(found)
    told = repr((seed, observed.events, violation, observed.decided))
    digest = blake2b(told.encode(), digest_size=16).digest()
    return ScenarioResult(seed, observed.events, process_time() - started, violation, digest)


def _run(kind: Kind, seed: int, record: Record | None, observed: _Observed) -> None:
    match kind.layer:
        case Layer.VOTING:
            voting = VotingScenario(seed, kind.replicas, record=record)
            try:
                voting.run()
            finally:
                observed.events, observed.decided = voting.events, voting.decided
        case Layer.REPLICA | Layer.TAGGED | Layer.ROUNDS:
            rounds, tagged = _rounds_of(kind, seed), kind.layer is Layer.TAGGED or _is_tagged(kind, seed)
            whole = ReplicaScenario(seed, replicas=kind.replicas, tagged=tagged, rounds=rounds, record=record)
            try:
                whole.run()
            finally:
                observed.events, observed.decided = whole.events, whole.decided
        case Layer.CONFORMANCE:
            driven = DrivenWalk(seed, AbstractModel(kind.replicas, WALK_VIEWS))
            driven.run()
            traced = VotingScenario(seed, kind.replicas, record=record)
            traced.run()
            honest = [node for node in range(kind.replicas) if node not in traced.setting.byzantine]
            observed.events = driven.steps + check_trace(kind.replicas, honest, traced.invariants.steps)
            observed.decided = traced.decided
        case Layer.CALM:
            calm = CalmScenario(seed, AbstractModel(kind.replicas, WALK_VIEWS))
            try:
                calm.run()
            finally:
                observed.events, observed.decided = calm.steps + calm.events, calm.decided
        case Layer.ABSTRACT:
            observed.events = _walk(AbstractModel(kind.replicas, WALK_VIEWS + seed // len(MIX) % 2), seed, record)


def _walk(model: AbstractModel, seed: int, record: Record | None) -> int:
    """Many walks of the abstract model; a record shows the last one. Returns the steps of all."""
    first = seed * WALKS
    found = model.search(first, WALKS)
    if record is not None:
        for number, step in enumerate(model.walk(first + found.walks - 1).steps.tolist()):
            record.note(float(number), step[0], f"view {step[1]} phase {step[2]} value {step[3]}")
    if found.broken is not None:
        raise Violation(found.broken, f"in walk {first + found.walks - 1} of the abstract model")
    return found.steps
