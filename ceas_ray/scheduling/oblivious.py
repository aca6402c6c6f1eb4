"""The paper's kind of baseline."""

from __future__ import annotations

from dataclasses import dataclass

from ceas_ray.scheduling.stock_policy import StockPolicy


@dataclass(frozen=True)
class Oblivious:
    """Always generate while a memory slot is free, whether or not anybody needs pairs; oldest first."""

    def stock_policy(self, slots: int) -> StockPolicy:
        """See `Scheduler`."""
        return StockPolicy(slots, slots, demand_driven=False)
