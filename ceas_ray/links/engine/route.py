"""Routes at work, made in Python for compiled functions: their links, how their pairs are used, and their state."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ceas_ray.kernel.time import FOREVER, PICOSECONDS_PER_SECOND
from ceas_ray.links.engine.advance import advance_address
from ceas_ray.links.engine.state import LEG, LISTED, ROUTE, SEGMENT, SOURCE, SWAPPING_ORDERS
from ceas_ray.messages.pair_books import BOOK_COLUMNS
from ceas_ray.network.link_parameters import LinkParameters
from ceas_ray.network.route import Swapping
from ceas_ray.quantum.pair_physics import correlations_of_weights


class RouteRules(NamedTuple):
    """How the pairs of a route are used.

    slots: memory slots at each end of each leg. useful_age: of a leg's pair, that age included. min_fidelity: an
    end-to-end pair that storage takes below it is given up. corrected: whether it waits for the outcomes of its swaps.
    stops: whether `advance` stops at an end-to-end pair.
    """

    slots: int
    useful_age: int
    min_fidelity: float
    corrected: bool
    stops: bool


@dataclass(frozen=True)
class RouteModel:
    """A route, ready for compiled functions. legs: LEG (N,). sources: SOURCE (N,), before the first attempt."""

    legs: Any
    sources: Any
    swapping: Swapping

    @cached_property
    def is_queue(self) -> bool:
        """Whether its pairs may be used and expire in the order in which they come."""
        return len(self.legs) == 1 and bool(self.legs["rounds"][0] == 0)

    @cached_property
    def address(self) -> int:
        """Where compiled functions find its legs, as long as this lives."""
        return _address(self.legs)

    def room(self, slots: int) -> int:
        """Return how many rows its segments need: a queue moves on through its rows."""
        return (4 if self.is_queue else len(self.legs)) * (slots + 2)

    @classmethod
    def of(cls, legs: Sequence[LinkParameters], swapping: Swapping, signalling: bool = True) -> RouteModel:
        """Return the route over these links. signalling: whether news travels at L / c; else it is known at once."""
        rows, place = np.zeros(len(legs), LEG), 0
        for row, leg in zip(rows, legs, strict=True):
            row["attempt_period"], row["modes"] = leg.attempt_period, leg.modes
            row["rounds"], row["latency"], row["place"] = swapping.rounds_of(leg), leg.latency * signalling, place
            place += int(row["latency"])
            failure = 1.0 - leg.success_probability
            row["inverse_log_failure"] = 1.0 / np.log(failure) if failure > 0.0 else 0.0
            row["phase_left"] = np.sqrt(1.0 - leg.attempt_dephasing)
            row["xx"], row["yy"], row["zz"] = correlations_of_weights(*leg.birth_weights())
            for side, rates in zip(("start", "end"), leg.decay, strict=True):
                for name, rate in rates._asdict().items():
                    row[f"{side}_{name}"] = rate / PICOSECONDS_PER_SECOND
        sources = np.zeros(len(legs), SOURCE)
        sources["resting"], sources["listed"] = 1, -1
        sources["next"] = sources["limit"] = sources["births_left"] = FOREVER
        return cls(rows, sources, swapping)


_BOOKS = [SOURCE.fields[name][1] // SOURCE["generated"].itemsize for name in BOOK_COLUMNS]
"""Where a link's books stand among the eight-byte fields of its record."""
_NO_FIELDS = np.zeros(0, np.int64)


class RouteStates:
    """Routes at work that are used alike, of which compiled functions change all.

    sources: SOURCE (N,), of the legs of all routes, route by route. addresses: where compiled functions find the record
    (ROUTE) of each route, as long as this lives.
    """

    def __init__(
        self, generator: np.random.Generator, models: Sequence[RouteModel], rules: RouteRules, starts: Sequence[int]
    ) -> None:
        """Without pairs; the legs of each route begin to attempt at its start, ps. generator: draws the keys of their
        random streams.
        """
        rooms = [model.room(rules.slots) for model in models]
        self._models, self._listed = models, np.zeros(0, LISTED)
        self.sources = np.concatenate([_NO_FIELDS, *(_fields(model.sources) for model in models)]).view(SOURCE)
        self._segments = np.zeros(sum(rooms), SEGMENT)
        keys = generator.integers(0, 2**64, (len(self.sources) + len(models), 2), np.uint64)
        self._routes = np.zeros(len(models), ROUTE)
        run, first, listed = advance_address(), 0, _address(self._listed)
        sources_at, segments_at = _address(self.sources), _address(self._segments)
        for r, (model, start, room) in enumerate(zip(models, starts, rooms, strict=True)):
            last, swapping = first + len(model.legs), model.swapping
            of_route, of_legs = keys[first + r], keys[first + r + 1 : last + r + 1]
            sources = self.sources[first:last]
            sources["key_0"], sources["key_1"], sources["begun"] = of_legs[:, 0], of_legs[:, 1], start
            self._routes[r] = (
                run, model.address, sources_at, segments_at, listed, len(model.legs), SWAPPING_ORDERS[swapping.order],
                rules.slots, rules.useful_age, rules.corrected, rules.stops, model.is_queue, room, start, 0, 0, 0,
                FOREVER, FOREVER, swapping.werner, swapping.success, rules.min_fidelity, *of_route, 0, 0, 0, 0, 0,
            )  # fmt: skip
            first = last
            sources_at += sources.nbytes
            segments_at += room * SEGMENT.itemsize
        self.addresses = _address(self._routes) + ROUTE.itemsize * np.arange(len(models))

    @property
    def books(self) -> NDArray[np.int64]:
        """What became of every leg's pairs, int64 (N, 5), by the columns of `pair_books`."""
        return _fields(self.sources).reshape(-1, SOURCE.itemsize // 8)[:, _BOOKS]


class RouteState(RouteStates):
    """One route at work. sources: SOURCE (N,)."""

    def __init__(self, generator: np.random.Generator, model: RouteModel, rules: RouteRules, start: int) -> None:
        """See `RouteStates`."""
        super().__init__(generator, [model], rules, [start])
        self.address = int(self.addresses[0])

    def make_only(self, listed: Any) -> None:
        """Let its legs make these pairs and no others: LISTED (pairs,), of which each source knows its part."""
        self._listed = listed
        self._routes["listed"] = _address(listed)


def _fields(records: Any) -> NDArray[np.int64]:
    """Return the eight-byte fields of records as they lie in memory: NumPy joins records field by field, slowly."""
    return records.view(np.int64)


def _address(array: Any) -> int:
    address: int = array.ctypes.data
    return address


def route_rules(
    legs: Sequence[LinkParameters], swapping: Swapping, *, slots: int, useful_age: int, min_fidelity: float | None,
    corrected: bool, stops: bool,
) -> RouteRules:  # fmt: skip
    """Return the rules of a route. min_fidelity: None for none."""
    least = min_fidelity or 0.0
    if len(legs) == 1 and swapping.rounds_of(legs[0]) == 0 and 0.25 < least <= legs[0].fidelity:
        useful_age = int(min(useful_age, legs[0].age_at_fidelity(least) * PICOSECONDS_PER_SECOND))
        least = 0.0  # all of its pairs are alike at emission
    return RouteRules(int(slots), int(useful_age), float(least), corrected, stops)
