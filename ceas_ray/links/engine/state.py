"""What the engine knows of a route: its links (`Model`), how its pairs are used (`Rules`), and what goes on (`State`).

All arrays are of records with named fields, and one route's are slices of a batch's. Times are picoseconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ceas_ray.kernel.compiled_code import COMPILED, njit
from ceas_ray.kernel.time import FOREVER, PICOSECONDS_PER_SECOND
from ceas_ray.links.engine.draws import STREAM
from ceas_ray.links.engine.records import records_at
from ceas_ray.messages.pair_books import BOOK_COLUMNS
from ceas_ray.network.link_parameters import LinkParameters
from ceas_ray.network.route import Swapping
from ceas_ray.quantum.pair_physics import correlations_of_weights

LOST = -1
"""Rounds of purification to come of a pair that is no more, whose memories wait for the news."""
_INTEGERS, _REALS = np.int64, np.float64


def _record(fields: Sequence[Any]) -> Any:
    return np.dtype(list(fields), align=True)


LEG = _record([
    *((name, _INTEGERS) for name in ("attempt_period", "modes", "latency", "place", "rounds")),
    *((name, _REALS) for name in ("inverse_log_failure", "phase_left", "xx", "yy", "zz")),
    *((f"{side}_{rate}", _REALS) for side in ("start", "end") for rate in ("x", "y", "z", "damping")),
])  # fmt: skip
"""A link of a route. place: of its start, in ps of light from the route's start. rounds: of purification. phase_left:
of xx and yy of a half in its memory after one attempt beside it. xx, yy, zz: of a pair at emission (`Pair`). start_...,
end_...: `Rates` of its two memories."""

SEGMENT = _record([
    *((name, _INTEGERS) for name in (
        "first", "last", "born", "expires", "updated", "ready", "rounds_left", "news_at_start", "news_at_end",
        "attempts_at_start", "attempts_at_end",
    )),
    *((name, _REALS) for name in ("xx", "yy", "zz", "z_start", "z_end")),
])  # fmt: skip
"""A pair of a link, or what swaps made of several: over legs [first, last). born: emission of its oldest pair.
expires: until when it may be used. ready: from when. rounds_left: of purification, 0 where it may be swapped, or LOST.
news_at_...: when the outcomes of its swaps are known at the ends of the route. attempts_at_...: how many the legs of
its halves had made. xx ... z_end: the `Pair` at `updated`."""

SOURCE = _record([
    *((name, _INTEGERS) for name in (
        "begun", "failures", "next", "resting", "finished", "standing", "limit", "births_left", "attempts",
        "listed", "listed_to", "generated", "used", "late", "expired", "sacrificed",
    )),
    *STREAM,
])  # fmt: skip
"""A link at work. begun: its attempt, ps. failures: trials before its next success. next: when that is heralded.
standing, finished: pairs in its memories, and those that are purified, swapped ones included. limit, births_left: of
finished pairs it may have, and make. attempts: made before `begun`. listed: its next entry in `State.listed`, up to
`listed_to`; -1 for a link that draws. generated ... sacrificed: its books (`pair_books`). Its stream of random numbers
is that of its trials."""

CLOCK = _record([*((name, _INTEGERS) for name in ("now", "segments", "next_expiry", "next_news")), *STREAM])
"""The time, how many segments there are, and what is next; its stream draws all but trials."""

LISTED = _record([("emitted", _INTEGERS), ("kept", _INTEGERS)])
"""A pair that is made at a time that is known, and whether it is kept."""


_leg_at, _segment_at, _source_at, _clock_at, _listed_at = map(records_at, (LEG, SEGMENT, SOURCE, CLOCK, LISTED))


class Model(NamedTuple):
    """A route: the address of its legs, LEG (number,); werner, success: of a swap; in_order: whether swaps go outwards
    from its start."""

    legs: int
    number: int
    werner: float
    success: float
    in_order: bool


class Rules(NamedTuple):
    """How its pairs are used.

    slots: memory slots at each end of each leg. useful_age: of a leg's pair, that age included. min_fidelity: an
    end-to-end pair that storage takes below it is given up. corrected: whether it waits for the outcomes of its swaps.
    stops: whether `advance` stops at an end-to-end pair.
    """

    slots: int
    useful_age: int
    min_fidelity: float
    corrected: bool
    stops: bool


class State(NamedTuple):
    """Addresses of segments: SEGMENT (most,), of which `segments` of the clock live, in no order; of sources: SOURCE
    (N,); of the clock: CLOCK (1,); and of what is listed: LISTED (pairs,)."""

    segments: int
    sources: int
    clock: int
    listed: int


@njit(**COMPILED)
def leg_of(model, g):  # type: ignore[no-untyped-def]
    """Leg g of a route."""
    return _leg_at(model.legs, g)


@njit(**COMPILED)
def segment_of(state, row):  # type: ignore[no-untyped-def]
    """The segment in a row."""
    return _segment_at(state.segments, row)


@njit(**COMPILED)
def source_of(state, g):  # type: ignore[no-untyped-def]
    """Leg g at work."""
    return _source_at(state.sources, g)


@njit(**COMPILED)
def clock_of(state):  # type: ignore[no-untyped-def]
    """The route's clock."""
    return _clock_at(state.clock, 0)


@njit(**COMPILED)
def listed_of(state, entry):  # type: ignore[no-untyped-def]
    """An entry of what is listed."""
    return _listed_at(state.listed, entry)


@dataclass(frozen=True)
class RouteModel:
    """A route, ready for compiled functions. legs: LEG (N,)."""

    legs: Any
    swapping: Swapping

    @classmethod
    def of(cls, legs: Sequence[LinkParameters], swapping: Swapping, signalling: bool = True) -> RouteModel:
        """The route over these links. signalling: whether news travels at L / c; else it is known at once."""
        rows, place = np.zeros(len(legs), LEG), 0
        for row, leg in zip(rows, legs, strict=True):
            row["attempt_period"], row["modes"] = leg.attempt_period, leg.modes
            row["rounds"], row["latency"], row["place"] = swapping.purification_rounds, leg.latency * signalling, place
            place += int(row["latency"])
            failure = 1.0 - leg.success_probability
            row["inverse_log_failure"] = 1.0 / np.log(failure) if failure > 0.0 else 0.0
            row["phase_left"] = np.sqrt(1.0 - leg.attempt_dephasing)
            row["xx"], row["yy"], row["zz"] = correlations_of_weights(*leg.birth_weights())
            for side, rates in zip(("start", "end"), leg.decay, strict=True):
                for name, rate in rates._asdict().items():
                    row[f"{side}_{name}"] = rate / PICOSECONDS_PER_SECOND
        return cls(rows, swapping)

    @property
    def compiled(self) -> Model:
        """What compiled functions take, as long as this lives."""
        swapping = self.swapping
        return Model(
            self.legs.ctypes.data, len(self.legs), float(swapping.werner), float(swapping.success),
            swapping.order == "in_order",
        )  # fmt: skip


class RouteState:
    """What goes on on a route, of which compiled functions change all."""

    def __init__(self, generator: np.random.Generator, model: RouteModel, slots: int, start: int) -> None:
        """Without pairs; legs begin to attempt at `start`, ps. generator: draws the keys of its random streams."""
        number = len(model.legs)
        self.clock, self.sources = np.zeros(1, CLOCK), np.zeros(number, SOURCE)
        self.segments, self.listed = np.zeros(number * (slots + 2), SEGMENT), np.zeros(0, LISTED)
        keys = generator.integers(0, 2**64, (number + 1, 2), np.uint64)
        for stream, key in zip((self.clock[0], *self.sources), keys, strict=True):
            stream["key_0"], stream["key_1"] = key
        self.clock["now"], self.clock["next_expiry"], self.clock["next_news"] = start, FOREVER, FOREVER
        self.sources["begun"], self.sources["limit"], self.sources["births_left"] = start, FOREVER, FOREVER
        self.sources["resting"], self.sources["next"], self.sources["listed"] = 1, FOREVER, -1

    @property
    def compiled(self) -> State:
        """What compiled functions take, as long as this lives."""
        arrays = (self.segments, self.sources, self.clock, self.listed)
        return State(*(array.ctypes.data for array in arrays))

    @property
    def books(self) -> NDArray[np.int64]:
        """What became of every leg's pairs, int64 (N, 5), by the columns of `pair_books`."""
        return np.stack([self.sources[name] for name in BOOK_COLUMNS], axis=-1)


def route_rules(
    legs: Sequence[LinkParameters], swapping: Swapping, *, slots: int, useful_age: int, min_fidelity: float | None,
    corrected: bool, stops: bool,
) -> Rules:  # fmt: skip
    """Return the rules of a route. min_fidelity: None for none."""
    least = min_fidelity or 0.0
    if len(legs) == 1 and swapping.purification_rounds == 0 and 0.25 < least <= legs[0].fidelity:
        useful_age = int(min(useful_age, legs[0].age_at_fidelity(least) * PICOSECONDS_PER_SECOND))
        least = 0.0  # all of its pairs are alike at emission
    return Rules(int(slots), int(useful_age), float(least), corrected, stops)
