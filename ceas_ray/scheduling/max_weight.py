"""Max-weight: the hub drives the links whose backlog times rate is largest.

Max-weight keeps all queues finite whenever any policy can. For a quantum switch: Vasantam and Towsley, "A throughput
optimal scheduling policy for a quantum switch" (2022), where the switch serves the requests of the largest total
backlog; and Promponas, Valls and Tassiulas, "Full exploitation of limited memory in quantum entanglement switching"
(arXiv 2304.10602), where it chooses, before pairs are generated, which clients its few memories serve. Here channels
are what is few: those links get one for the next slot that maximise the sum of backlog times expected pairs. Ours: what
counts as backlog is what a burst with deadlines still lacks, so that it is dropped with a shot that is late; and pairs
outlive a slot, so those in stock count as served.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ceas_ray.messages.payloads import StockPolicy
from ceas_ray.scheduling.channel_rule import ChannelRule, pair_rates
from ceas_ray.scheduling.on_demand import OnDemand
from ceas_ray.scheduling.perishable_chain import LinkClass


@dataclass(frozen=True)
class MaxWeight:
    """Gives shared channels to the links whose missing pairs times rate are most; a link with a channel of its own
    generates on demand.
    """

    def stock_policy(self, link: LinkClass) -> StockPolicy:
        """See `Scheduler`: what has no backlog has no weight, and what has one is driven, as `OnDemand` does."""
        return OnDemand().stock_policy(link)

    def channel_rule(self, links: Sequence[LinkClass], channels: int) -> ChannelRule:
        """See `ChannelSharing`: the rule is the same for any number of channels."""
        return ChannelRule.by_backlog(pair_rates(links))
