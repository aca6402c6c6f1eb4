"""A scheduler whose stock policies are checked."""

from __future__ import annotations

import math
from dataclasses import dataclass
from math import comb

import numpy as np

from ceas_ray.kernel.policy_calls import called, wrong_return
from ceas_ray.messages.payloads import BirthTables, JustInTimePolicy, StockPolicy, TimeSharedPolicy
from ceas_ray.scheduling.perishable_chain import LinkClass
from ceas_ray.scheduling.scheduler import Scheduler
from ceas_ray.scheduling.stocks import max_stock


@dataclass(frozen=True)
class CheckedScheduler:
    """Wraps a scheduler, which may be anybody's own: PolicyError names it if it fails or returns a stock policy that
    the link's memory cannot follow."""

    scheduler: Scheduler

    def checked(self, link: LinkClass) -> StockPolicy | None:
        """Return the stock policy; None from a scheduler that can say sooner that it has one, see `Scheduler`."""
        if not hasattr(self.scheduler, "check"):
            return self.stock_policy(link)
        called(self.scheduler, "check", link)
        return None

    def stock_policy(self, link: LinkClass) -> StockPolicy:
        """See `Scheduler`."""
        policy = called(self.scheduler, "stock_policy", link)
        if not isinstance(policy, StockPolicy):
            raise wrong_return(self.scheduler, "stock_policy", "a StockPolicy", policy)
        self._check_limits(policy, link)
        if policy.tables is not None:
            self._check_tables(policy.tables, link)
        if isinstance(policy, JustInTimePolicy):
            self._require_number(policy, "lead_periods", math.inf)
        if isinstance(policy, TimeSharedPolicy):
            self._check_shared(policy, link)
        return policy

    def _check_limits(self, policy: StockPolicy, link: LinkClass) -> None:
        for name in ("gap_limit", "burst_limit"):
            self._require_integer(policy, name, 0, link.slots)
        for name in ("demand_driven", "freshest_first", "clairvoyant"):
            if not isinstance(getattr(policy, name), bool):
                raise self._wrong(f"{name} true or false", getattr(policy, name))

    def _check_shared(self, policy: TimeSharedPolicy, link: LinkClass) -> None:
        if not isinstance(policy.second, StockPolicy) or not policy.second.has_limits_alone:
            raise self._wrong("second a StockPolicy of limits alone", policy.second)
        if policy.tables is not None or policy.clairvoyant:
            raise self._wrong("limits alone beside a second one", policy)
        self._check_limits(policy.second, link)
        self._require_number(policy, "second_share", 1.0)

    def _check_tables(self, tables: object, link: LinkClass) -> None:
        if not isinstance(tables, BirthTables):
            raise self._wrong("tables a BirthTables or None", tables)
        self._require_integer(tables, "gap_slots", 1, 1_000)
        self._require_integer(tables, "gap_stock", 0, link.slots)
        self._require_integer(tables, "classes", 1, link.classes)
        self._require_number(tables, "second_share", 1.0)
        digits, phases = tables.classes - 1, round(link.gap * tables.gap_slots) if link.periodic else 1
        policies = 2 if tables.second_share > 0 else 1
        states = tables.burst_births.shape[-1] if isinstance(tables.burst_births, np.ndarray) else 0
        max_total = min(link.slots, max_stock(states, digits))  # tables may know less stock than the memory can hold
        shapes = {
            "gap_births": (phases, _states(tables.gap_stock, digits * tables.gap_slots)),
            "burst_births": (link.burst, _states(max_total, digits)),
        }
        for name, shape in shapes.items():
            births, wanted = getattr(tables, name), (policies, *shape)
            if not isinstance(births, np.ndarray) or births.dtype != np.uint8 or births.shape != wanted:
                raise self._wrong(f"tables.{name} uint8 of shape {wanted}", births)
            if births.size and int(births.max()) > link.slots:
                raise self._wrong(f"tables.{name} of births within the {link.slots} slots", int(births.max()))

    def _require_integer(self, holder: object, name: str, minimum: int, maximum: int) -> None:
        value = getattr(holder, name)
        if type(value) is not int or not minimum <= value <= maximum:
            raise self._wrong(f"{name} an integer in [{minimum}, {maximum}]", value)

    def _require_number(self, holder: object, name: str, maximum: float) -> None:
        """Raise ValueError for all but a number that is finite, at least 0 and at most `maximum`."""
        value = getattr(holder, name)
        if not isinstance(value, int | float) or not 0 <= value <= maximum or math.isinf(value):
            raise self._wrong(f"{name} {'>= 0' if math.isinf(maximum) else f'in [0, {maximum:g}]'}", value)

    def _wrong(self, must: str, came: object) -> Exception:
        return wrong_return(self.scheduler, "stock_policy", f"a policy with {must}", came)


def _states(max_total: int, classes: int) -> int:
    """Return how many stocks there are in this many classes of age, with a sum of at most `max_total`."""
    return comb(max_total + classes, classes)
