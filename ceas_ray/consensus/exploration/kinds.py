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
    """The part of the code that a scenario drives."""

    VOTING = "voting"
    REPLICA = "replica"
    TAGGED = "replica with tags"
    ROUNDS = "rounds"
    CONFORMANCE = "conformance"
    ABSTRACT = "abstract walks"
    CALM = "calm after a walk"


@dataclass(frozen=True)
class ScenarioKind:
    """A layer and the number of replicas."""

    layer: Layer
    replicas: int

    def __str__(self) -> str:
        return f"{self.layer.value}, n = {self.replicas}"


_SHARES = {
    Layer.VOTING: {4: 126, 7: 58, 10: 12},
    Layer.REPLICA: {4: 14, 7: 5, 10: 1},
    Layer.TAGGED: {4: 4, 7: 1},
    Layer.ROUNDS: {4: 4, 7: 1, 10: 1},
    Layer.CONFORMANCE: {4: 8, 7: 4},
    Layer.CALM: {4: 4, 7: 2},
    Layer.ABSTRACT: {4: 4, 7: 4, 10: 3},
}
"""How many of 256 scenarios are of a layer, by the number of replicas."""
KINDS = tuple(ScenarioKind(layer, replicas) for layer, shares in _SHARES.items() for replicas in shares)
MIX = tuple(kind for kind in KINDS for _ in range(_SHARES[kind.layer][kind.replicas]))


def kind_of(seed: int) -> ScenarioKind:
    """Return the kind that a seed stands for; neighbouring seeds are of different kinds."""
    return MIX[seed * 37 % len(MIX)]


@dataclass(frozen=True, kw_only=True)
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
    """The observations of a running scenario: its events, and who has decided what and when."""

    events: int = 0
    decided: Any = None


def _rounds_of(kind: ScenarioKind, seed: int) -> int:
    """Return the number of rounds: 2 to 4 where there are several, and 2 with ten replicas, which take long."""
    if kind.layer is not Layer.ROUNDS:
        return 1
    return 2 if kind.replicas > 7 else 2 + seed // len(MIX) % 3


def _is_tagged(kind: ScenarioKind, seed: int) -> bool:
    """Return whether the frames have tags: in a quarter of the scenarios of several rounds."""
    return kind.layer is Layer.ROUNDS and seed // len(MIX) % 4 == 0


def run_scenario(seed: int, record: Record | None = None) -> ScenarioResult:
    """Run the scenario of this seed."""
    started = process_time()
    observed, violation = _Observed(), None
    try:
        _run(kind_of(seed), seed, record, observed)
    except Violation as found:
        violation = str(found)
    outcome = repr((seed, observed.events, violation, observed.decided))
    digest = blake2b(outcome.encode(), digest_size=16).digest()
    return ScenarioResult(
        seed=seed, events=observed.events, seconds=process_time() - started, violation=violation, digest=digest
    )


def _run(kind: ScenarioKind, seed: int, record: Record | None, observed: _Observed) -> None:
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
    """Walk the abstract model many times and return the steps of all walks; a record shows the last one."""
    first = seed * WALKS
    found = model.search(first, WALKS)
    if record is not None:
        for number, step in enumerate(model.walk(first + found.walks - 1).steps.tolist()):
            record.note(float(number), step[0], f"view {step[1]} phase {step[2]} value {step[3]}")
    if found.broken is not None:
        raise Violation(found.broken, f"in walk {first + found.walks - 1} of the abstract model")
    return found.steps
