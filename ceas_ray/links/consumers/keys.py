"""Key bits, distilled from the end-to-end pairs of a route."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ceas_ray.kernel.compiled_code import COMPILED, njit
from ceas_ray.links.consumers.stock import read_only
from ceas_ray.links.engine.advance import TIME_OVER, advance
from ceas_ray.links.engine.attempts import begin_with_limit
from ceas_ray.links.engine.records import uncounted
from ceas_ray.links.engine.route import RouteStates
from ceas_ray.links.engine.segments import chosen, close, go_on, pair_at, take
from ceas_ray.links.engine.state import route_at, source_of
from ceas_ray.messages.pair_books import EXPIRED, USED
from ceas_ray.quantum.pair_physics import error_rate, key_bits, werner_of


class DistilledKeys(NamedTuple):
    """Of several paths: bits, real numbers (paths,), the pairs behind them, int64 (paths,), and a trace (2,) of all."""

    bits: NDArray[np.float64]
    pairs: NDArray[np.int64]
    trace: NDArray[np.float64]


def distil_paths(states: RouteStates, until: NDArray[np.int64], wanted: NDArray[np.float64]) -> DistilledKeys:
    """Distil key bits on all of these new routes, path by path, in one compiled call.

    until, wanted (paths,): when each path ends, ps, and how many bits it needs; see `distil_keys`.
    """
    paths = len(states.addresses)
    found = DistilledKeys(np.zeros(paths), np.zeros(paths, np.int64), np.zeros(2))
    _distil_paths(states.addresses, read_only(until), read_only(wanted), found)
    return found


@njit(**COMPILED)
def _distil_paths(addresses, until, wanted, found):  # type: ignore[no-untyped-def]
    """Fill bits, pairs and trace, path by path."""
    found = uncounted(found)
    for path in range(len(addresses)):
        found.bits[path], found.pairs[path] = distil_keys(addresses[path], until[path], wanted[path], found.trace)


@njit(**COMPILED)
def distil_keys(address, until, wanted, trace):  # type: ignore[no-untyped-def]
    """Distil key bits on a new route until `until`, ps. Return the bits, a real number, and the pairs used.

    Pairs are measured in X and Z as soon as they exist (`RouteRules.stops`, and `RouteRules.corrected` is false:
    corrections are classical then). Whatever the scheduler does for shots, a path makes no attempt on a leg that has a
    pair waiting, and stops at `wanted` bits. Pairs expire that grow too old, that find no memory slot, that yield no
    key, and that are left at the end. Adds to trace (2,): use times and Werner parameters.
    """
    route = route_at(address)
    start = route.now
    begin_with_limit(route, 1)
    bits, pairs = 0.0, 0
    while bits < wanted:
        if advance(route, until) == TIME_OVER:
            break
        row = chosen(route, False)
        pair = pair_at(route, row, route.now)
        gained = key_bits(error_rate(pair.xx), error_rate(pair.zz))
        take(route, row, USED if gained > 0.0 else EXPIRED)
        go_on(route)
        if gained > 0.0:
            bits += gained
            pairs += 1
            trace[0] += route.now - start
            trace[1] += werner_of(pair)
    left = close(route)
    for g in range(route.number):  # the next key slot is another path's
        source_of(route, g).expired += left[g]
    return bits, pairs
