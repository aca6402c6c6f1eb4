"""What a scheduler decides for a link."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class StockPolicy:
    """Generate while fewer pairs than the limit are in stock: `gap_limit` between bursts, `burst_limit` within.

    demand_driven: within a burst never hold more than its remaining shots need; stop a key path when it has enough
    bits, and hold a leg back while it has a pair that waits.
    """

    gap_limit: int
    burst_limit: int
    demand_driven: bool


class Scheduler(Protocol):
    """Chooses the stock policy of a link that has `slots` memory slots."""

    def stock_policy(self, slots: int) -> StockPolicy:
        """The policy for one plan."""
