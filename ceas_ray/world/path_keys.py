"""What key paths distil, plan by plan, and what that takes, as forecasts count it. Ours."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ceas_ray.entanglement.demand import REPLICA_FRAMES, VIEW_CHANGE_FRAMES, Demand, key_path_fidelity
from ceas_ray.entanglement.key_ledger import RESERVED_REQUESTS, RESERVED_ROUNDS, RESERVED_VIEWS
from ceas_ray.entanglement.key_paths import KeyPath, KeyPaths
from ceas_ray.messages.authentication import TAG_BITS
from ceas_ray.messages.quorum import quorums_of
from ceas_ray.network.network_plan import NetworkPlan
from ceas_ray.quantum.bell_pairs import key_rate
from ceas_ray.quantum.key_rates import finite_key_length
from ceas_ray.world.generation import generated_for_a_pair, mean_age

SPENT_REPLICA_FRAMES = REPLICA_FRAMES - 2
"""Of those that a good round may take, what it takes: a proposal is its leader's alone, and one frame is spare."""
_FORESEEN_ROUNDS = 48
_TRIED_ROUNDS = 12


@dataclass(frozen=True)
class PathFacts:
    """The facts of a path: the fidelity of its pairs as they are measured, to three digits, and the secret bits that
    one of them yields; raw_pairs: pairs of links behind one end-to-end pair if nothing fails; generated: those that
    its links generate for one.
    """

    fidelity: float
    key_rate: float
    raw_pairs: int
    generated: float


class PathKeys:
    """The keys of all paths in rounds that go well."""

    def __init__(self, network: NetworkPlan, demand: Demand) -> None:
        self.paths = KeyPaths(network, demand)
        self._demand, self._age = demand, demand.key_useful_age
        self._quorums = quorums_of(len(network.replica_routes))
        self._facts: dict[KeyPath, PathFacts] = {}
        self._blocks: dict[tuple[float, float, float], float] = {}
        self._wanted: dict[tuple[float, float, bool], tuple[float, ...]] = {}

    def warm_up(self, rounds: int) -> WantedKeys:
        """Return what paths want before the first of this many rounds: reserves."""
        kept = min(RESERVED_ROUNDS, rounds)
        return WantedKeys(self, self._reserve(kept, is_between=False), self._reserve(kept, is_between=True))

    def _reserve(self, rounds: int, *, is_between: bool) -> float:
        """Return the bits of a reserve for this many rounds, both directions together."""
        if is_between:
            change = RESERVED_VIEWS * self._demand.bits(VIEW_CHANGE_FRAMES)
            return 2.0 * (rounds * self._demand.bits(REPLICA_FRAMES) + change)
        return 2.0 * rounds * self._demand.bits(1) + RESERVED_REQUESTS * (TAG_BITS + self._demand.bits(1))

    def good_round(self, *, is_between: bool, replica_frames: int = REPLICA_FRAMES) -> float:
        """Return the bits of a good round, both directions together: of a processor its update, and the models that B
        of n replicas send it unasked.
        """
        if is_between:
            return 2.0 * self._demand.bits(replica_frames)
        unasked = 1.0 if self._demand.all_reply else self._quorums.blocking / self._quorums.replicas
        return self._demand.bits(1) * (1 + unasked)

    def of_rounds(self, rounds: int) -> Sequence[WantedKeys]:
        """Return what paths want in rounds that stand for all of so many, those aside that distil nothing.

        Asymptotic keys are distilled as they are spent, so one round stands for all; of finite keys a block may last
        for several.
        """
        mine, between = (self.good_round(is_between=of_replicas) for of_replicas in (False, True))
        if not self._demand.finite_keys:
            return (WantedKeys(self, mine, between),)
        foreseen = max(1, min(rounds - RESERVED_ROUNDS, _FORESEEN_ROUNDS))
        step = math.ceil(foreseen / _TRIED_ROUNDS)
        step += step > 1 and step % 2 == 0  # else it could stay in step with blocks that last for two rounds
        return [WantedKeys(self, mine, between, number) for number in range(0, foreseen, step)]

    def facts(self, path: KeyPath) -> PathFacts:
        """Return what holds for a path in every round."""
        if path not in self._facts:
            route = self.paths.route(path)
            age = round(2 * mean_age(route, self._age))
            fidelity = round(key_path_fidelity(route, self._demand, useful_age=age), 3)
            self._facts[path] = PathFacts(
                fidelity=fidelity,
                key_rate=float(key_rate(fidelity)),
                raw_pairs=route.raw_pairs,
                generated=generated_for_a_pair(route, self._age),
            )
        return self._facts[path]

    def finite_wanted(self, path: KeyPath, number: int) -> float:
        """Return the bits that a path of finite keys wants in the plan of a round, from 0 on, both directions together.

        As `KeyLedger.wanted` has it: whole rounds' worth of what the reserve lacks, and a block that yields more than
        that leaves less to want.
        """
        chosen, found = self.paths.block_fidelity(path), self.facts(path).fidelity
        is_between = path.owner.startswith("replica/")
        if (chosen, found, is_between) not in self._wanted:
            self._wanted[chosen, found, is_between] = self._foreseen(path, is_between)
        return self._wanted[chosen, found, is_between][number]

    def _foreseen(self, path: KeyPath, is_between: bool) -> tuple[float, ...]:
        good = self.good_round(is_between=is_between)
        spent = self.good_round(is_between=is_between, replica_frames=SPENT_REPLICA_FRAMES)
        target = self._reserve(RESERVED_ROUNDS, is_between=is_between)
        worth = 2.0 * self._demand.bits(REPLICA_FRAMES if is_between else 1)
        left, wanted = self._block(path, target), []
        for _ in range(_FORESEEN_ROUNDS):
            need = min(target, max(0.0, target - max(0.0, left - good)))
            need = math.ceil(need / worth) * worth
            left += self._block(path, need) - spent
            wanted.append(need)
        return tuple(wanted)

    def _block(self, path: KeyPath, bits: float) -> float:
        """Return what a block that is made for this many bits yields, from the pairs that there really are."""
        facts, raw = self.facts(path), self.paths.raw_bits(path, bits)
        fidelity, rate = facts.fidelity, facts.key_rate
        if (fidelity, raw, bits) not in self._blocks:
            pairs = math.ceil(raw / rate) if rate > 0 else 0
            self._blocks[fidelity, raw, bits] = float(finite_key_length(fidelity, pairs)) if pairs else 0.0
        return self._blocks[fidelity, raw, bits]


@dataclass(frozen=True)
class WantedKeys:
    """What paths want in one plan. mine, between: bits of a path between a processor and a replica, and between two
    replicas, both directions together; number: of the round, where keys are finite, and what they want less by it."""

    keys: PathKeys
    mine: float
    between: float
    number: int | None = None

    def bits(self, path: KeyPath) -> float:
        """Return the bits that a path wants."""
        if self.number is not None:
            return self.keys.finite_wanted(path, self.number)
        return self.between if path.owner.startswith("replica/") else self.mine

    def seconds(self, path: KeyPath) -> float:
        """Return the time that a path needs."""
        return self.keys.paths.seconds(path, self.bits(path))

    def used_pairs(self, path: KeyPath) -> float:
        """Return the pairs of all its links behind the bits of a path."""
        return self._end_to_end_pairs(path) * self.keys.facts(path).raw_pairs

    def generated_pairs(self, path: KeyPath) -> float:
        """Return the pairs that the links of a path generate until it has its bits."""
        return self._end_to_end_pairs(path) * self.keys.facts(path).generated

    def _end_to_end_pairs(self, path: KeyPath) -> float:
        return self.keys.paths.raw_bits(path, self.bits(path)) / max(1e-9, self.keys.facts(path).key_rate)
