"""What the engine knows of a route: its links, how its pairs are used, and what goes on there.

Compiled functions get all of it as one record (ROUTE), by its address. Times are picoseconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ceas_ray.links.engine.draws import STREAM
from ceas_ray.links.engine.records import record_at, records_of

LOST = -1
"""Rounds of purification to come of a pair that is no more, whose memories wait for the news."""
AS_SOON_AS_POSSIBLE, IN_ORDER, BALANCED_TREE = 0, 1, 2
SWAPPING_ORDERS = {
    "as_soon_as_possible": AS_SOON_AS_POSSIBLE,
    "in_order": IN_ORDER,
    "balanced_tree": BALANCED_TREE,
}
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
        "begun", "ahead", "mode", "next", "resting", "finished", "standing", "limit", "births_left", "attempts",
        "listed", "listed_to", "generated", "used", "late", "expired", "sacrificed",
    )),
    *STREAM,
])  # fmt: skip
"""A link at work. begun: its attempt, ps. ahead: attempts from that one to the next that succeeds, itself included;
mode: the first in which it does. next: when that is heralded. resting: whether it makes no attempt (1) or does (0).
standing, finished: pairs in its memories, and those that are purified, swapped ones included. limit, births_left: of
finished pairs it may have, and make. attempts: made before `begun`. listed: its next entry among the listed pairs, up
to `listed_to`; -1 for a link that draws. generated ... sacrificed: its books (`pair_books`). Its stream of random
numbers is that of its trials."""

LISTED = _record([("emitted", _INTEGERS), ("kept", _INTEGERS), ("attempts", _INTEGERS)])
"""A pair that is made at a time that is known. kept: whether it is. attempts: of its leg up to its
own."""

ROUTE = _record([
    *((name, _INTEGERS) for name in (
        "advance", "legs", "sources", "segments", "listed", "number", "order", "slots", "useful_age", "corrected",
        "stops", "is_queue", "room", "now", "first", "live", "lost", "next_expiry", "next_news",
    )),
    *((name, _REALS) for name in ("werner", "success", "min_fidelity")),
    *STREAM,
])  # fmt: skip
"""A route at work.

advance: where the machine code of `engine.advance` is. legs, sources, segments, listed: addresses of arrays of LEG
and of SOURCE, `number` each, of SEGMENT, `room` of them, and of LISTED. werner, success: of a swap. order: which
swaps may be made, as `SWAPPING_ORDERS` numbers it. slots ... stops, min_fidelity: see `RouteRules`. is_queue: whether
its segments come, may be used and expire in one order, the oldest first: those of one link without purification. now:
the time. The segments that live are the `live` ones from row `first` on, in no order if it is no queue; `lost` of
them are LOST. next_expiry, next_news: when the next one expires, and when the next one is ready. Its stream of random
numbers draws all but trials.
"""

route_at = record_at(ROUTE)
leg_of, source_of, segment_of, listed_of = (
    records_of(ROUTE, field, dtype)
    for field, dtype in (("legs", LEG), ("sources", SOURCE), ("segments", SEGMENT), ("listed", LISTED))
)
