"""Routes at work, made in Python for compiled functions: their links, how their pairs are used, and their state."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

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


@dataclass(frozen=True, eq=False)
class RouteModel:
    """A route, ready for compiled functions. legs: LEG (N,). sources: SOURCE (N,), before the first attempt."""

    legs: Any
    sources: Any
    swapping: Swapping
    _alone: dict[RouteRules, RouteBatch] = field(default_factory=dict)

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

    def __reduce__(self) -> tuple[Any, ...]:
        """Leave addresses behind, which say nothing in another process."""
        return RouteModel, (self.legs, self.sources, self.swapping)

    def alone(self, rules: RouteRules) -> RouteBatch:
        """Return the batch of this route alone, which is kept until other rules are asked for."""
        if rules not in self._alone:
            self._alone.clear()
            self._alone[rules] = RouteBatch([self], rules)
        return self._alone[rules]

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


def _span(record: Any, *names: str) -> slice:
    """Return where these fields, which lie side by side, stand among the eight-byte fields of a record."""
    places = [record.fields[name][1] // 8 for name in names]
    assert places == list(range(places[0], places[0] + len(names))), f"{names} must lie side by side"
    return slice(places[0], places[0] + len(names))


_BOOKS, _SOURCE_BEGINS, _SOURCE_KEYS = (
    _span(SOURCE, *names) for names in (BOOK_COLUMNS, ("begun",), ("key_0", "key_1"))
)
_ROUTE_BEGINS, _ROUTE_KEYS, _ADDRESSES, _LISTED = (
    _span(ROUTE, *names) for names in (("now",), ("key_0", "key_1"), ("sources", "segments"), ("listed",))
)
_NUMBER = ROUTE.fields["number"][1] // 8
_NO_FIELDS = np.zeros(0, np.int64)
_NO_SOURCES, _NO_ROUTES = (np.zeros((0, record.itemsize // 8), np.int64) for record in (SOURCE, ROUTE))
_NOTHING_LISTED = np.zeros(0, LISTED)


class RouteBatch:
    """Routes that are used alike, as they are whenever they are put to work: what `RouteStates` copies.

    sources: SOURCE (N,) as eight-byte fields, of the legs of all routes, route by route. routes:
    ROUTE (routes,) likewise, whose arrays of sources and segments are at addresses from 0 on. room: rows of segments of
    all routes. route_of_leg (N,): the number of each leg's route. words: how many make the keys of their streams, two
    each. leg_keys (N,), route_keys (routes,): which of the keys are theirs: that of a route comes before those of its
    legs.
    """

    def __init__(self, models: Sequence[RouteModel], rules: RouteRules) -> None:
        legs, rooms = [len(model.legs) for model in models], [model.room(rules.slots) for model in models]
        first, first_row = np.cumsum([0, *legs]), np.cumsum([0, *rooms])
        self._models, self._rules, self.room = tuple(models), rules, int(first_row[-1])
        sources = np.concatenate([_NO_FIELDS, *(_fields(model.sources) for model in models)])
        self.sources = sources.reshape(-1, SOURCE.itemsize // 8)
        self.words = 2 * (len(self.sources) + len(models))
        self.route_of_leg = np.repeat(np.arange(len(models)), legs)
        self.route_keys = first[:-1] + np.arange(len(models))
        self.leg_keys = np.arange(len(self.sources)) + self.route_of_leg + 1
        routes, run, listed = np.zeros(len(models), ROUTE), advance_address(), _address(_NOTHING_LISTED)
        for r, model in enumerate(models):
            routes[r] = (
                run, model.address, first[r] * SOURCE.itemsize, first_row[r] * SEGMENT.itemsize, listed, legs[r],
                SWAPPING_ORDERS[model.swapping.order], rules.slots, rules.useful_age, rules.corrected, rules.stops,
                model.is_queue, rooms[r], 0, 0, 0, 0, FOREVER, FOREVER, model.swapping.werner, model.swapping.success,
                rules.min_fidelity, 0, 0, 0, 0, 0, 0, 0,
            )  # fmt: skip
        self.routes = _fields(routes).reshape(-1, ROUTE.itemsize // 8)

    def __reduce__(self) -> tuple[Any, ...]:
        """Leave addresses behind, which say nothing in another process."""
        return RouteBatch, (self._models, self._rules)


class RouteStates:
    """Routes at work, of which compiled functions change all; those of a batch are used alike.

    addresses: where compiled functions find the record (ROUTE) of each route, as long as this lives. legs (routes,):
    the number of legs of each.
    """

    def __init__(self, batches: Sequence[RouteBatch], words: NDArray[np.uint64], starts: ArrayLike) -> None:
        """Without pairs; the legs of each route begin to attempt at its start, ps. words: keys of their random streams,
        as many as each batch needs (`RouteBatch.words`), batch after batch.
        """
        self._batches, self._listed = tuple(batches), [_NOTHING_LISTED]
        sizes = np.array([(len(b.sources), len(b.routes), b.room) for b in batches], np.int64).reshape(-1, 3)
        before = np.cumsum(sizes, axis=0) - sizes
        before_leg, before_route = (np.repeat(before, sizes[:, column], axis=0) for column in (0, 1))
        self._sources = np.concatenate([_NO_SOURCES, *(batch.sources for batch in batches)])
        self._routes = np.concatenate([_NO_ROUTES, *(batch.routes for batch in batches)])
        self._segments = np.zeros((sizes[:, 2].sum(), SEGMENT.itemsize // 8), np.int64)
        keys, begins = words.view(np.int64).reshape(-1, 2), np.asarray(starts, np.int64)[:, None]
        leg_keys, route_keys, route_of_leg = (
            np.concatenate([_NO_FIELDS, *(getattr(batch, name) for batch in batches)])
            for name in ("leg_keys", "route_keys", "route_of_leg")
        )
        self._sources[:, _SOURCE_KEYS] = keys[leg_keys + before_leg[:, 0] + before_leg[:, 1]]
        self._routes[:, _ROUTE_KEYS] = keys[route_keys + before_route[:, 0] + before_route[:, 1]]
        self._sources[:, _SOURCE_BEGINS] = begins[route_of_leg + before_leg[:, 1]]
        self._routes[:, _ROUTE_BEGINS] = begins
        self._routes[:, _ADDRESSES] += before_route[:, ::2] * (SOURCE.itemsize, SEGMENT.itemsize)
        self._routes[:, _ADDRESSES] += (_address(self._sources), _address(self._segments))
        self.addresses = _address(self._routes) + ROUTE.itemsize * np.arange(len(self._routes))
        self.legs = self._routes[:, _NUMBER]

    @property
    def books(self) -> NDArray[np.int64]:
        """What became of every leg's pairs, int64 (N, 5), by the columns of `pair_books`."""
        return self._sources[:, _BOOKS].copy()

    def make_only(self, route: int, listed: Any) -> None:
        """Let the legs of a route make these pairs and no others: LISTED (pairs,), of which each source knows its
        part.
        """
        self._listed.append(listed)
        self._routes[route, _LISTED] = _address(listed)


class RouteState(RouteStates):
    """One route at work."""

    def __init__(self, generator: np.random.Generator, model: RouteModel, rules: RouteRules, start: int) -> None:
        """See `RouteStates`. generator: draws the keys of its random streams."""
        batch = model.alone(rules)
        super().__init__([batch], generator.bit_generator.random_raw(batch.words), [start])
        self.address = int(self.addresses[0])


def _fields(records: Any) -> NDArray[np.int64]:
    """Return the eight-byte fields of records as they lie in memory: NumPy joins records field by field, slowly."""
    return records.view(np.int64)


def _address(array: Any) -> int:
    address: int = array.__array_interface__["data"][0]  # sooner than array.ctypes
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
