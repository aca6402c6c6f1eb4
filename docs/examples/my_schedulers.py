"""A scheduler: `scheduling=ready_shots`."""

from dataclasses import dataclass
from typing import Annotated

from ceas_ray.kernel.ranges import Range
from ceas_ray.messages.payloads import StockPolicy
from ceas_ray.scheduling.perishable_chain import LinkClass


@dataclass(frozen=True)
class ReadyShots:
    """Keeps the pairs of some shots ready between bursts, and never more than a burst still needs."""

    shots: Annotated[int, Range(0, 100)]

    def stock_policy(self, link: LinkClass) -> StockPolicy:
        ahead = min(self.shots * link.pairs, link.slots)
        return StockPolicy(gap_limit=ahead, burst_limit=link.slots, demand_driven=True)
