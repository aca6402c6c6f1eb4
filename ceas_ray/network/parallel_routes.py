"""Several routes from the hub to one processor that serve its shots at the same time. Ours."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from ceas_ray.network.route import Route


@dataclass(frozen=True)
class ParallelRoutes:
    """Routes each of which serves a share of the shots, in proportion to its rate: all then need the same time.

    All pairs of a shot come over one route. Together the routes are a `PairSource`. routes: the cheapest first.
    """

    routes: tuple[Route, ...]

    @cached_property
    def shares(self) -> tuple[float, ...]:
        """Return the share of the shots that each route serves."""
        return tuple(route.rate / self.rate for route in self.routes)

    def shots_of_each(self, shots: int) -> tuple[int, ...]:
        """Divide a number of shots over the routes: the whole parts of their shares, then one more each to those with
        the greatest remainders, of equal ones to the first.
        """
        exact = [share * shots for share in self.shares]
        whole = [int(part) for part in exact]
        by_remainder = sorted(range(len(exact)), key=lambda r: (whole[r] - exact[r], r))
        more = set(by_remainder[: shots - sum(whole)])
        return tuple(part + (r in more) for r, part in enumerate(whole))

    @cached_property
    def rate(self) -> float:
        """Pairs per second over all routes."""
        return sum(route.rate for route in self.routes)

    @cached_property
    def fidelity(self) -> float:
        """Mean fidelity of a pair at age 0, over all pairs."""
        return sum(route.rate * route.fidelity for route in self.routes) / self.rate

    @property
    def attempt_period(self) -> int:
        """Attempt period of the first route, ps."""
        return self.routes[0].attempt_period

    @property
    def modes(self) -> int:
        """Trials of an attempt on the first route."""
        return self.routes[0].modes

    @property
    def success_probability(self) -> float:
        """Success probability of a trial on the first route."""
        return self.routes[0].success_probability

    def age_at_fidelity(self, min_fidelity: float) -> float:
        """Return the age in seconds at which the pairs of some route have fallen to `min_fidelity`."""
        return min(route.age_at_fidelity(min_fidelity) for route in self.routes)

    @cached_property
    def latency(self) -> int:
        """Latency of the longest route, ps."""
        return max(route.latency for route in self.routes)
