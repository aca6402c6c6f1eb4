"""The paper's kind of baseline."""

from __future__ import annotations

from dataclasses import dataclass

from ceas_ray.messages.payloads import StockPolicy
from ceas_ray.scheduling.perishable_chain import LinkClass


@dataclass(frozen=True)
class Oblivious:
    """Generates whenever a memory slot is free, whether or not anybody needs pairs, and uses the oldest pairs first."""

    def stock_policy(self, link: LinkClass) -> StockPolicy:
        """See `Scheduler`."""
        return StockPolicy(gap_limit=link.slots, burst_limit=link.slots, demand_driven=False)
