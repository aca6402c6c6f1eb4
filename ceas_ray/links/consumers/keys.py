"""Key bits, distilled from the end-to-end pairs of a route."""

from __future__ import annotations

from ceas_ray.kernel.compiled_code import COMPILED, njit
from ceas_ray.links.engine.advance import TIME_OVER, advance
from ceas_ray.links.engine.attempts import begin_with_limit
from ceas_ray.links.engine.segments import chosen, close, go_on, pair_at, take
from ceas_ray.links.engine.state import route_at, source_of
from ceas_ray.messages.pair_books import EXPIRED, USED
from ceas_ray.quantum.pair_physics import error_rate, key_bits, werner_of


@njit(**COMPILED)
def distil_keys(address, until, wanted, demand_driven, trace):  # type: ignore[no-untyped-def]
    """Distil key bits on a new route until then; return the bits, a real number, and the pairs used.

    Pairs are measured in X and Z as soon as they exist (`Rules.stops`, and `Rules.corrected` is false: corrections are
    classical then). A demand-driven path makes no attempt on a leg that has a pair waiting, and stops at `wanted` bits;
    otherwise all legs attempt the whole time. Pairs expire that grow too old, that find no memory slot, that yield no
    key, that come after `wanted` bits, and that are left at the end. Adds to trace (2,): use times and Werner
    parameters.
    """
    route = route_at(address)
    start = route.now
    begin_with_limit(route, 1 if demand_driven else route.slots)
    bits, pairs = 0.0, 0
    while not (demand_driven and bits >= wanted):
        if advance(route, until) == TIME_OVER:
            break
        row = chosen(route, False)
        pair = pair_at(route, row, route.now)
        gained = key_bits(error_rate(pair.xx), error_rate(pair.zz)) if bits < wanted else 0.0
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
