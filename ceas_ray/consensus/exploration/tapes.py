"""Tapes: the random numbers of a scenario that follows another one up to a point and then goes its own way.

Those of a `Tape` come one after the other: a changed number changes all that follows. Those of an `EventTape` belong to
what they are drawn for, so that one decision may be changed and the others stay.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from itertools import chain, islice
from typing import Any, NamedTuple

import numpy as np

from ceas_ray.kernel.streams import Streams

_BLOCK = 512
_TABLE_SIZE, _READ_AT_ONCE = 2**18, 96
EXACT_SHARE = 0.5
"""Share of followed scenarios that part where the state was met; others part anywhere before."""
WINDOW_SHARE, MAX_WINDOW = 0.2, 8
"""Share of followed tapes that come back to what they follow after a few numbers."""
SUFFIX_SHARE, SETTING_SHARE = 0.7, 0.5
"""Shares of followed tapes of events that draw all anew from some event on (others: for a few events alone), and that
draw a few numbers of the setting anew."""
WEIGHTY_SHARE = 0.3
"""Share of followed tapes of events that draw the most weighty number of the setting anew."""
_EVENTS_ODDS, _SETTING_ODDS = 0.3, 0.5
"""Of the geometric distributions of how many events, or numbers of the setting, are drawn anew."""


class Piece(NamedTuple):
    """Numbers of the stream of this seed, from this index of a tape on."""

    start: int
    seed: int


class Tape:
    """Random numbers by purpose; number k of a tape is number k of the stream of one of its seeds."""

    def __init__(self, seed: int, pieces: dict[str, tuple[Piece, ...]] | None = None) -> None:
        """Make a tape.

        pieces: by purpose, what takes the place of the stream of `seed`, in increasing order of `start`.
        """
        self.seed, self._pieces = seed, dict(pieces or {})
        self.taken: dict[str, int] = {}
        """How many numbers a scenario has taken so far, by purpose."""
        self.weighty: int | None = None
        """The index of the number of the setting that decides the most, which is drawn anew more often than others."""

    def reader(self, purpose: str) -> Callable[[], float]:
        """Return a function that returns the next number."""
        return self._numbers(purpose).__next__

    def begin(self, *event: int) -> None:
        """Note that the numbers that follow are drawn for this event."""

    def place(self) -> Any:
        """Return where the scenario is on the tape."""
        return dict(self.taken)

    def parted(self, place: Any, seed: int, generator: np.random.Generator) -> Tape:
        """Return a tape that follows this one up to a place, or nearly, and then has numbers of this seed."""
        purposes = [purpose for purpose, taken in place.items() if taken]
        purpose = purposes[int(generator.integers(len(purposes)))]
        start = place[purpose]
        if generator.random() >= EXACT_SHARE:
            start = int(generator.integers(start))
        short = generator.random() < WINDOW_SHARE
        return self.varied(purpose, seed, start, start + 1 + int(generator.integers(MAX_WINDOW)) if short else None)

    def _numbers(self, purpose: str) -> Iterator[float]:
        pieces = (Piece(0, self.seed), *self._pieces.get(purpose, ()))
        ends = [piece.start for piece in pieces[1:]]
        taken = self.taken
        taken[purpose] = 0
        for piece, end in zip(pieces, [*ends, None], strict=True):
            for number in islice(uniform_numbers(piece.seed, purpose), piece.start, end):
                taken[purpose] += 1
                yield number

    def varied(self, purpose: str, seed: int, start: int, end: int | None = None) -> Tape:
        """Return a tape with other numbers from `start` on, up to `end`; None: for good."""
        before = self._pieces.get(purpose, ())
        pieces = [*(piece for piece in before if piece.start < start), Piece(start, seed)]
        if end is not None:
            resumed = next((piece.seed for piece in reversed(before) if piece.start <= end), self.seed)
            pieces += [Piece(end, resumed), *(piece for piece in before if piece.start > end)]
        return Tape(self.seed, self._pieces | {purpose: tuple(pieces)})


class EventTape(Tape):
    """Random numbers by event: those that are drawn while an event is handled depend on a seed and the event alone.

    Before the first event each number is one for itself: those of a scenario's setting. All purposes share the numbers.
    """

    def __init__(
        self, seed: int, pieces: tuple[Piece, ...] = (), events: Mapping[int, int] = {}, setting: Mapping[int, int] = {}
    ) -> None:
        """Make a tape.

        pieces: from which event on, by its number, another seed holds; in increasing order. events: seeds of single
        events, by the hashes of these. setting: seeds of single numbers before the first event, by their indices.
        """
        super().__init__(seed)
        self._own_pieces, self._events, self._setting = pieces, dict(events), dict(setting)
        self._ahead = list(pieces[::-1])
        self._holds = seed
        self._met: list[int] = []
        self._times: dict[tuple[int, ...], int] = {}
        self._drawn = 0
        self._now: Iterator[float] = self._numbers_of_setting()

    def reader(self, purpose: str) -> Callable[[], float]:
        """See `Tape`."""
        return lambda: next(self._now)

    def begin(self, *event: int) -> None:
        """See `Tape`; the same event once more is another one."""
        times = self._times[event] = self._times.get(event, 0) + 1
        met = hash((event, times))
        self._met.append(met)
        while self._ahead and self._ahead[-1].start < len(self._met):
            self._holds = self._ahead.pop().seed
        self._now = _numbers_at(hash((self._events.get(met, self._holds), met)))

    def place(self) -> Any:
        """See `Tape`: the number of events."""
        return len(self._met)

    def parted(self, place: Any, seed: int, generator: np.random.Generator) -> EventTape:
        """See `Tape`. Few numbers of the setting, and few events anywhere, may be drawn anew besides or instead."""
        setting = dict(self._setting)
        if generator.random() < SETTING_SHARE:
            count = 1 + int(generator.geometric(_SETTING_ODDS))
            setting |= dict.fromkeys(generator.integers(max(1, self._drawn), size=count).tolist(), seed)
        if self.weighty is not None and generator.random() < WEIGHTY_SHARE:
            setting[self.weighty] = seed
        if not self._met or generator.random() < SUFFIX_SHARE:
            start = int(place) if generator.random() < EXACT_SHARE else int(generator.integers(max(1, place)))
            pieces = (*(piece for piece in self._own_pieces if piece.start < start), Piece(start, seed))
            return EventTape(self.seed, pieces, self._events, setting)
        chosen = generator.integers(len(self._met), size=1 + int(generator.geometric(_EVENTS_ODDS))).tolist()
        events = self._events | {self._met[k]: seed for k in chosen}
        return EventTape(self.seed, self._own_pieces, events, setting)

    def _numbers_of_setting(self) -> Iterator[float]:
        while True:
            seed = self._setting.get(self._drawn, self.seed)
            self._drawn += 1
            yield _table()[hash((seed, self._drawn)) % _TABLE_SIZE]


@cache
def _table() -> list[float]:
    """Return uniform numbers, of which streams of events are parts: a generator for each event would take too long."""
    return Streams(0).generator("exploration", "table", "draws", 0).random(_TABLE_SIZE + _READ_AT_ONCE).tolist()


def _numbers_at(key: int) -> Iterator[float]:
    while True:
        start = key % _TABLE_SIZE
        yield from _table()[start : start + _READ_AT_ONCE]
        key = hash((key, start))


def uniform_numbers(seed: int, purpose: str) -> Iterator[float]:
    """Yield the uniform numbers of the stream of a seed, drawn in blocks."""
    generator = Streams(seed).generator("exploration", purpose, "draws", 0)
    return chain.from_iterable(_blocks(generator))


def _blocks(generator: np.random.Generator) -> Iterator[list[float]]:
    blocks: Iterator[list[float]] = iter(lambda: generator.random(_BLOCK).tolist(), None)
    return blocks


def seed_of(numbers: int | Tape) -> int:
    """Return the seed of a scenario, which is also that of a tape."""
    return numbers if isinstance(numbers, int) else numbers.seed
