"""A linear program divides the time of a hub's channels among links; the hub makes up what each of them is owed.

The rates that a switch can serve form a polytope, and a linear program finds the best point of it, which a policy then
follows: Srikant, "LP-based algorithms for scheduling in a quantum switch" (arXiv 2603.27812), for requests between two
clients, served by matchings that are drawn at random. Ours: the program over channels (`channel_shares`), and how it is
followed: without chance, the link that is owed most first, as debts are paid in Hou, Borkar and Kumar, "A theory of QoS
for wireless" (INFOCOM 2009). The program knows means alone: no deadline, no pair that expires.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ceas_ray.messages.payloads import StockPolicy
from ceas_ray.scheduling.channel_rule import ChannelRule, pair_rates
from ceas_ray.scheduling.on_demand import OnDemand
from ceas_ray.scheduling.perishable_chain import LinkClass

_DIGITS = 12
"""Of shares: more are the solver's rounding, which differs between machines."""


@dataclass(frozen=True)
class LinearProgram:
    """Gives shared channels to the links that are owed most of the shares of time that serve the most pairs; a link
    with a channel of its own generates on demand.
    """

    def stock_policy(self, link: LinkClass) -> StockPolicy:
        """See `Scheduler`: as `OnDemand`, since a channel of its own is more than any share."""
        return OnDemand().stock_policy(link)

    def channel_rule(self, links: Sequence[LinkClass], channels: int) -> ChannelRule:
        """See `ChannelSharing`."""
        return ChannelRule.by_deficit(channel_shares(links, channels))


def channel_shares(links: Sequence[LinkClass], channels: int) -> NDArray[np.float64]:
    """Return the shares x of a channel's time that serve the most pairs, (links,).

    Maximise sum_k r_k x_k with sum_k x_k <= channels, r_k x_k <= d_k and 0 <= x_k <= b_k: with r_k the pairs that a
    channel makes in a shot period, d_k those that are asked for in one on average, and b_k the share of time that is
    within bursts, in which alone a link generates. So where channels are too few, slow links go without. Ours.
    """
    from scipy.optimize import linprog  # here, because a run needs none, and the import takes long

    rates = pair_rates(links)
    in_burst = np.array([link.burst / (link.burst + link.gap) for link in links])
    asked = np.array([link.pairs for link in links]) * in_burst
    limits = np.minimum(in_burst, asked / rates)
    found = linprog(
        -rates, A_ub=np.ones((1, len(links))), b_ub=[channels], bounds=np.stack([np.zeros(len(links)), limits], axis=1)
    )
    assert found.status == 0, "nothing at all is always a solution"
    shares: NDArray[np.float64] = np.round(np.clip(found.x, 0.0, limits), _DIGITS)
    return shares
