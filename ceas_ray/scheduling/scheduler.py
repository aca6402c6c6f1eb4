"""The protocol of schedulers."""

from __future__ import annotations

from typing import Protocol

from ceas_ray.messages.payloads import StockPolicy
from ceas_ray.scheduling.perishable_chain import LinkClass


class Scheduler(Protocol):
    """Chooses the stock policy of a link.

    One that takes long may have a method `check(link)` too, which raises in little time what `stock_policy` would:
    a dry run calls it instead.
    """

    def stock_policy(self, link: LinkClass) -> StockPolicy:
        """Return the policy for one plan."""
