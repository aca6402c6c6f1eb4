"""Two schedulers in turn, chosen at random: they reach whatever lies between what each reaches alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from ceas_ray.kernel.ranges import Range, check_ranges
from ceas_ray.messages.payloads import TimeSharedPolicy
from ceas_ray.scheduling.perishable_chain import LinkClass
from ceas_ray.scheduling.scheduler import Scheduler


@dataclass(frozen=True)
class TimeSharing:
    """Follows `first` or, with probability `second_share`, `second`; chance decides when a gap begins, until the next.

    Pairs generated and shots on time are then (but for what one burst's stock leaves to the next) the mean of both.
    Key paths follow `first`.
    """

    first: Scheduler
    second: Scheduler
    second_share: Annotated[float, Range(0, 1)]

    def __post_init__(self) -> None:
        """Raise ValueError for a share out of range."""
        check_ranges(self)

    def stock_policy(self, link: LinkClass) -> TimeSharedPolicy:
        """See `Scheduler`. Raise ValueError for schedulers whose policies are more than two stock limits."""
        first, second = self.first.stock_policy(link), self.second.stock_policy(link)
        for name, policy in (("first", first), ("second", second)):
            if not policy.has_limits_alone:
                scheduler = type(getattr(self, name)).__name__
                raise ValueError(
                    f"scheduling.{name} must be a scheduler of two stock limits (oblivious, on_demand, freshest_first, "
                    f"base_stock or two_level), got {scheduler}"
                )
        return TimeSharedPolicy(
            gap_limit=first.gap_limit,
            burst_limit=first.burst_limit,
            demand_driven=first.demand_driven,
            freshest_first=first.freshest_first,
            second=second,
            second_share=float(self.second_share),
        )
