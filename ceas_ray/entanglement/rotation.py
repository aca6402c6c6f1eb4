"""The rotation of a hub's stations: which link is served when, known to all. Ours.

A *station* teleports the data of shots over one link at a time. It serves its links in turn: a burst of so many shots,
each a shot period of that link long, then the next link. A rotation takes as long as a burst and a gap of the mean shot
period of its links, so a link with that period waits just a gap between its bursts; a slower one waits a little less, a
faster one a little more. Pairs can be made at any time, over the hub's channels; only shots need a station.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Turns(NamedTuple):
    """The turns of a link, ps: when its first one begins, how long a rotation takes, and its shot period."""

    first: int
    cycle: int
    period: int


@dataclass(frozen=True)
class Rotation:
    """A hub's stations (None: as many as its links need), and what each does for a link in a rotation."""

    stations: int | None
    burst_shots: int
    gap_periods: float

    @property
    def links_per_station(self) -> int:
        """How many links a station can serve before the first one's gap is over."""
        return 1 + math.floor(self.gap_periods / self.burst_shots)

    @property
    def max_links(self) -> float:
        """How many links all stations can serve together; infinite if there are as many as needed."""
        return math.inf if self.stations is None else self.stations * self.links_per_station

    def turns(self, periods: Mapping[int, int]) -> dict[int, Turns]:
        """Return the turns of links, by the number of each, from their shot periods in ps.

        Stations take the links in the order given, as many each, as far as can be: links of similar periods should
        stand together. Raises ValueError for more links than the stations can serve.
        """
        if len(periods) > self.max_links:
            raise ValueError(f"{self.stations} stations serve at most {self.max_links} links, got {len(periods)}")
        stations = min(self.stations or len(periods), math.ceil(len(periods) / self.links_per_station))
        links, found = iter(periods.items()), {}
        for station in range(stations):
            served = dict(islice(links, len(periods) // stations + (station < len(periods) % stations)))
            mean = sum(served.values()) / len(served)
            cycle, begins = math.ceil((self.burst_shots + self.gap_periods) * mean), 0
            for link, period in served.items():
                found[link] = Turns(begins, cycle, period)
                begins += self.burst_shots * period
            assert begins <= cycle, "a rotation is too short for its links"
        return found

    def releases(self, turns: Turns, shots: int) -> NDArray[np.int64]:
        """Return the release times (shots,) of a link, ascending, ps after the start of the plan."""
        number = np.arange(shots)
        return turns.first + number // self.burst_shots * turns.cycle + number % self.burst_shots * turns.period
