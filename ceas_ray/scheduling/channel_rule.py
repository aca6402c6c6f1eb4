"""What a link is worth to a hub that has fewer channels than links ask for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from ceas_ray.scheduling.perishable_chain import LinkClass


class ChannelRule(NamedTuple):
    """How the hub ranks the links that ask for a channel; the worthiest are driven, and the first of equals.

    pair_worth (links,): what each pair is worth that the burst under way still lacks. due (links,): the share of a
    channel's time that is due to each link: its worth is the time that was due to it so far and not given. One of the
    two at most; where both are empty, links in a burst come first, and the hub goes round.
    """

    pair_worth: Any
    due: Any

    @classmethod
    def by_backlog(cls, pair_worth: NDArray[np.float64]) -> ChannelRule:
        """Return the rule that ranks links by the pairs that they lack, each of this worth."""
        return cls(_read_only(pair_worth), _NOTHING)

    @classmethod
    def by_deficit(cls, due: NDArray[np.float64]) -> ChannelRule:
        """Return the rule that ranks links by the time that they were due and did not get."""
        return cls(_NOTHING, _read_only(due))


class ChannelSharing(Protocol):
    """A scheduler that also decides which links get a hub's channels, where these are fewer than the links."""

    def channel_rule(self, links: Sequence[LinkClass], channels: int) -> ChannelRule:
        """Return the rule by which the hub ranks these links."""


def pair_rates(links: Sequence[LinkClass]) -> NDArray[np.float64]:
    """Return how many pairs a channel makes on each link in a shot period, on average, (links,)."""
    return np.array([link.trials * link.success for link in links])


def _read_only(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a read-only copy, so that a loop is compiled once."""
    copy = np.array(values, np.float64)
    copy.setflags(write=False)
    return copy


_NOTHING = _read_only(np.zeros(0))
GOING_ROUND = ChannelRule(_NOTHING, _NOTHING)
"""Links in a burst come first, and the hub goes round."""
