"""The scheduler that knows the draws: a yardstick for the others."""

from __future__ import annotations

from dataclasses import dataclass

from ceas_ray.messages.payloads import StockPolicy
from ceas_ray.scheduling.perishable_chain import LinkClass


@dataclass(frozen=True)
class Clairvoyant:
    """Knows the outcome of every attempt, and chooses when to make it: see `links.consumers.foresight`."""

    def stock_policy(self, link: LinkClass) -> StockPolicy:
        """See `Scheduler`."""
        return StockPolicy(gap_limit=link.slots, burst_limit=link.slots, demand_driven=False, clairvoyant=True)
