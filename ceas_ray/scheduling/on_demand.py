"""Generates only while somebody waits for pairs."""

from __future__ import annotations

from dataclasses import dataclass

from ceas_ray.messages.payloads import StockPolicy
from ceas_ray.scheduling.perishable_chain import LinkClass


@dataclass(frozen=True)
class OnDemand:
    """Generates nothing between bursts and as fast as memory allows within one, but never more than the burst still
    needs.
    """

    def stock_policy(self, link: LinkClass) -> StockPolicy:
        """See `Scheduler`."""
        return StockPolicy(gap_limit=0, burst_limit=link.slots, demand_driven=True)
