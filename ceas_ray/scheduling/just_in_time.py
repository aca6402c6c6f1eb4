"""A lead before bursts whose times are known: it knows the timetable and optimises nothing. Ours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from ceas_ray.kernel.ranges import Range, check_ranges
from ceas_ray.messages.payloads import JustInTimePolicy
from ceas_ray.scheduling.perishable_chain import LinkClass


@dataclass(frozen=True)
class JustInTime:
    """Begins to generate `lead_periods` shot periods before each burst, and never has more than the burst still needs.

    The lead is tuned; nothing is solved. So what it gains over schedulers that do not know the timetable is what
    knowing it brings, and what `Mdp` gains over it is what optimising brings.
    """

    lead_periods: Annotated[float, Range(0, 10_000)]

    def __post_init__(self) -> None:
        """Raise ValueError for a lead out of range."""
        check_ranges(self)

    def stock_policy(self, link: LinkClass) -> JustInTimePolicy:
        """See `Scheduler`. Raise ValueError for a link whose bursts come at times that nobody knows."""
        if not link.periodic:
            raise ValueError(
                "entanglement.demand must be rotation for scheduling=just_in_time, which must know when bursts come"
            )
        return JustInTimePolicy(
            gap_limit=min(link.slots, link.pairs * link.burst),
            burst_limit=link.slots,
            demand_driven=True,
            lead_periods=float(self.lead_periods),
        )
