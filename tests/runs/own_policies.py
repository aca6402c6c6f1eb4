"""Policies as a user writes them, each of which does one thing wrong."""

from __future__ import annotations

import signal
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ceas_ray.attacks.announcements import Announcements
from ceas_ray.attacks.attack import Attack
from ceas_ray.messages.payloads import BirthTables, StockPolicy
from ceas_ray.network.star import Star
from ceas_ray.scheduling.mdp import Mdp

ANSWERS: dict[str, Any] = {
    "nan": np.full(9, np.nan), "short": np.ones(3), "text": "nothing", "none": None, "negative": -1, "huge": 10**9,
    "half": 0.5, "complex": np.ones((2, 9)) * 1j,
}  # fmt: skip


@dataclass(frozen=True)
class OwnRule:
    """A rule that returns a wrong answer, fails, or changes what it is given."""

    wrong: str

    def __call__(self, updates: Any, weights: Any, faults: int) -> Any:
        if self.wrong == "fails":
            raise ZeroDivisionError("two\nlines")
        if self.wrong == "is interrupted":
            signal.raise_signal(signal.SIGINT)
        if self.wrong == "leaves":
            raise SystemExit(0)
        if self.wrong == "changes":
            updates -= updates.mean(axis=0)
        return ANSWERS.get(self.wrong, np.mean(updates, axis=0))


@dataclass(frozen=True)
class OwnWeights:
    """Weights that return a wrong answer."""

    wrong: str

    def __call__(self, evidence: Any) -> Any:
        return ANSWERS[self.wrong]


@dataclass(frozen=True)
class OwnAttack(Attack):
    """An attack one of whose methods returns a wrong answer."""

    method: str
    wrong: str
    knowledge: Any = "colluders"

    def __call__(self, seen: Any, generator: Any) -> Any:
        return ANSWERS[self.wrong] if self.method == "__call__" else seen.own

    def learned_targets(self, targets: Any) -> Any:
        return ANSWERS[self.wrong] if self.method == "learned_targets" else targets


@dataclass(frozen=True)
class DecidesWhen(OwnAttack):
    """An attack of a time when attacks decided themselves when their rows leave."""

    def when_sent(self) -> str:
        return "late"


@dataclass(frozen=True)
class OwnAnnouncer:
    """An announcer that returns a wrong answer."""

    wrong: str

    def announce(self, tests: Any, revealed: bool, generator: Any) -> Any:
        return ANSWERS.get(self.wrong, Announcements(tests.announced + 1, tests.errors))


@dataclass(frozen=True)
class OwnShards:
    """Shards of which one is wrong, or all are."""

    wrong: str

    def __call__(self, labels: Any, count: int, generator: Any) -> Any:
        parts = np.array_split(generator.permutation(len(labels)), count)
        wrong = {"twice": parts[1], "empty": parts[0][:0], "far": parts[0] + len(labels)}
        if self.wrong in wrong:
            parts[0] = wrong[self.wrong]
        return {"none": None, "few": parts[1:]}.get(self.wrong, parts)


@dataclass(frozen=True)
class OwnLoss:
    """The squared loss, or one of which a method is wrong."""

    wrong: str

    def __call__(self, values: Any, targets: Any) -> Any:
        if self.wrong == "late value" and np.any(values):
            return values
        return None if self.wrong == "none" else np.sum((values - targets) ** 2, axis=1)

    def slope(self, values: Any, targets: Any) -> Any:
        if self.wrong == "late" and np.any(values):
            return values[:1]
        return values[:, 0] if self.wrong == "short" else 2 * (values - targets)


@dataclass(frozen=True)
class Abstract(Attack):
    """An attack that lacks its rows."""

    knowledge: Any = "colluders"


@dataclass(frozen=True)
class OwnScheduler:
    """A scheduler one of whose limits, or tables, is wrong."""

    field: str
    wrong: str

    def stock_policy(self, link: Any) -> Any:
        if self.field == "policy":
            return ANSWERS[self.wrong]
        if self.field == "tables":
            return self._tabled(link)
        return replace(
            StockPolicy(gap_limit=0, burst_limit=link.slots, demand_driven=True), **{self.field: ANSWERS[self.wrong]}
        )

    def _tabled(self, link: Any) -> StockPolicy:
        good = Mdp(0.2, 0.95, 0.99, 2, 2, 2, 0.0).stock_policy(link)
        tables = vars(good.tables).copy()
        births = tables["burst_births"]
        tables["burst_births"] = births[:, 1:] if self.wrong == "short" else np.full_like(births, 255)
        return replace(good, tables=BirthTables(**tables))


@dataclass(frozen=True)
class OwnStrength(Attack):
    """An attack of some strength that returns a wrong answer."""

    strength: float = 1.0
    knowledge: Any = "omniscient"

    def __call__(self, seen: Any, generator: Any) -> Any:
        return seen.own[:, 1:]


@dataclass(frozen=True)
class OwnNetwork:
    """A network that lacks something."""

    wrong: str

    def build(self, processors: int, replicas: int, draws: Any) -> Any:
        if self.wrong == "nothing":
            return None
        if self.wrong == "fails":
            return {}["nowhere"]
        plan = Star().build(processors, replicas, draws)
        if self.wrong == "unlinked":
            return replace(plan, swapped=False)
        if self.wrong == "legless":
            return replace(plan, replica_routes=(replace(plan.replica_routes[0], legs=()), *plan.replica_routes[1:]))
        return replace(plan, processor_routes=plan.processor_routes[1:])


@dataclass(frozen=True)
class FormerNetwork:
    """A network that takes in three arguments what links are drawn from, as networks once did."""

    def build(self, processors: int, replicas: int, *, hardware: Any, spread: Any, generator: Any) -> Any:
        raise AssertionError("it is refused before")
