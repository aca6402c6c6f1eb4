"""Key bits, distilled from the end-to-end pairs of a route."""

from __future__ import annotations

from ceas_ray.kernel.compiled_code import COMPILED, njit
from ceas_ray.links.engine.advance import (
    TIME_OVER,
    advance,
    begin_with_limit,
    chosen,
    close,
    go_on,
    pair_at,
    take,
)
from ceas_ray.links.engine.state import clock_of, source_of
from ceas_ray.messages.pair_books import EXPIRED, USED
from ceas_ray.quantum.pair_physics import error_rate, key_bits, werner_of


@njit(**COMPILED)
def distil_keys(state, model, rules, until, wanted, demand_driven, trace):  # type: ignore[no-untyped-def]
    """Distil key bits on a new route (`empty_route`) until then; return the bits, a real number, and the pairs used.

    Pairs are measured in X and Z as soon as they exist (`rules.stops`, and `rules.corrected` is false: corrections are
    classical then). A demand-driven path makes no attempt on a leg that has a pair waiting, and stops at `wanted` bits;
    otherwise all legs attempt the whole time. Pairs expire that grow too old, that find no memory slot, that yield no
    key, that come after `wanted` bits, and that are left at the end. Adds to trace (2,): use times and Werner
    parameters.
    """
    clock, start = clock_of(state), clock_of(state).now
    begin_with_limit(state, model, rules, 1 if demand_driven else rules.slots)
    bits, pairs = 0.0, 0
    while not (demand_driven and bits >= wanted):
        if advance(state, model, rules, until) == TIME_OVER:
            break
        row = chosen(state, model, False)
        pair = pair_at(state, model, row, clock.now)
        gained = key_bits(error_rate(pair.xx), error_rate(pair.zz)) if bits < wanted else 0.0
        take(state, model, row, USED if gained > 0.0 else EXPIRED)
        go_on(state, model, rules)
        if gained > 0.0:
            bits += gained
            pairs += 1
            trace[0] += clock.now - start
            trace[1] += werner_of(pair)
    left = close(state, model)
    for g in range(model.number):  # the next key slot is another path's
        source_of(state, g).expired += left[g]
    return bits, pairs
