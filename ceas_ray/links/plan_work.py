"""The plans of several links: all of their shots are served in one compiled call, all of their key paths in another."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice, pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ceas_ray.links.consumers.keys import distil_paths
from ceas_ray.links.consumers.shot_demand import ShotDemand
from ceas_ray.links.consumers.shots import ShotBooks, serve_shots_of_routes
from ceas_ray.links.consumers.stock import StockRule
from ceas_ray.links.engine.draws import first_words
from ceas_ray.links.engine.route import RouteBatch, RouteStates


class ShotsOnRoute(NamedTuple):
    """Shots, and the route that serves them, alone in its batch."""

    route: RouteBatch
    rule: StockRule
    demand: ShotDemand


class KeyDemand(NamedTuple):
    """What is asked of the key paths of a party. starts, until, wanted (paths,): when each begins and ends, ps, and the
    bits that it needs.
    """

    routes: RouteBatch
    starts: NDArray[np.int64]
    until: NDArray[np.int64]
    wanted: NDArray[np.float64]


class PlanWork(NamedTuple):
    """What a plan asks of the pair engine.

    streams: keys of those that its routes draw from, one a route; of the first one the key paths draw what comes then.
    """

    streams: tuple[bytes, ...]
    shots: tuple[ShotsOnRoute, ...]
    keys: KeyDemand


class PlanDone(NamedTuple):
    """What became of a plan.

    shots: of each route its books, and the stock of its legs, (N,). bits, pairs (paths,), trace (2,): see
    `DistilledKeys`. key_books (legs of all paths, 5): of the pairs for keys.
    """

    shots: tuple[tuple[ShotBooks, NDArray[np.int64]], ...]
    bits: NDArray[np.float64]
    pairs: NDArray[np.int64]
    trace: NDArray[np.float64]
    key_books: NDArray[np.int64]


def carry_out(plans: Sequence[PlanWork]) -> list[PlanDone]:
    """Carry out plans; none depends on which others there are."""
    words_of_shots, words_of_keys = _words(plans)
    shots = [on_route for plan in plans for on_route in plan.shots]
    routes = RouteStates([s.route for s in shots], words_of_shots, [s.demand.start for s in shots])
    served = iter(serve_shots_of_routes(routes, [s.rule for s in shots], [s.demand for s in shots]))
    batches, starts, until, wanted = zip(*(plan.keys for plan in plans), strict=True)
    paths = RouteStates(batches, words_of_keys, np.concatenate(starts))
    found = distil_paths(paths, np.concatenate(until), np.concatenate(wanted), [len(of_plan) for of_plan in starts])
    books = paths.books
    sizes = [(len(batch.routes), len(batch.sources)) for batch in batches]
    begins = np.cumsum([(0, 0), *sizes], axis=0).tolist()
    return [
        PlanDone(
            shots=tuple(islice(served, len(plan.shots))),
            bits=found.bits[path:end_path],
            pairs=found.pairs[path:end_path],
            trace=trace,
            key_books=books[leg:end_leg],
        )
        for plan, trace, ((path, leg), (end_path, end_leg)) in zip(plans, found.trace, pairwise(begins), strict=True)
    ]


def _words(plans: Sequence[PlanWork]) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Return the words of which the keys of all streams on routes for shots are made, and on key paths."""
    keys: list[bytes] = []
    counts, for_shots, for_keys = [], [], []
    for plan in plans:
        of_routes = [on_route.route.words for on_route in plan.shots] or [0]
        keys += plan.streams
        counts += [of_routes[0] + plan.keys.routes.words, *of_routes[1:]]
    drawn = iter(first_words(keys, counts))
    for plan in plans:
        first, *others = islice(drawn, len(plan.streams))
        end = plan.shots[0].route.words if plan.shots else 0
        for_shots += [first[:end], *others]
        for_keys.append(first[end:])
    return np.concatenate(for_shots), np.concatenate(for_keys)
