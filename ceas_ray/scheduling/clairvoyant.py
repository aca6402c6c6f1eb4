"""The scheduler that knows the draws: nobody can do better."""

from __future__ import annotations

from dataclasses import dataclass

from ceas_ray.messages.payloads import StockPolicy
from ceas_ray.scheduling.perishable_chain import LinkClass


@dataclass(frozen=True)
class Clairvoyant:
    """Makes exactly the pairs that will be used, of those that could be, such that most shots are served."""

    def stock_policy(self, link: LinkClass) -> StockPolicy:
        """See `Scheduler`."""
        return StockPolicy(gap_limit=link.slots, burst_limit=link.slots, demand_driven=False, clairvoyant=True)
