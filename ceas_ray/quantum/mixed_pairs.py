"""Exact mean outputs of circuits that spend pairs of mixed age inside, from a few evaluations. Ours.

A shot's output z is affine in the Werner parameter of each pair that it spends (a channel is a mixture with weight w).
Pairs of one route are dealt to that route's places by random permutation, so what counts is z averaged over those
permutations: symmetric and affine in each of w_1 .. w_G, hence the polar form (blossom) of the polynomial z(t) that all
pairs of the route at one Werner parameter t give. The polar form of ((t - c) / h)^s is e_s(u) / C(G, s), with
u = (w - c) / h and e_s the elementary symmetric polynomial. With several routes, z is such a polynomial in one t of
each route, and the mean over shots of the products of polar forms says all that is needed.

So the mean over shots is sum_j b_j z(t_j) for nodes t_j and coefficients b_j that depend on the pairs alone: polynomial
interpolation on a lower set of powers. A power (s_1, s_2, ..) is left out when its greatest possible share in z is
below 1e-12: z lies in [-1, 1] for w in [-1/3, 1], so a derivative by s different pairs is at most (3/2)^s, and the
share is at most prod_r C(G_r, s_r) (3 h_r / 2)^s_r, with h_r the greatest distance of a w on route r from their mean c.

That is exact for few routes (three with three pairs each have 64 powers). Else powers compete for MAX_NODES nodes, by
share, those of k routes together for 0.03^(k - 1) of it: routes are independent, so apart from the mean, which is 0 for
the first power, they act together only as far as finitely many shots correlate. `left_out` bounds the error, far from
sharply. With pairs that aged as in regime R0 (6 qubits, 3 layers) the errors of z were: 2 processors and teleported
inputs (3 routes) 8e-12 with 63 of 112 nodes; 6 processors and teleported inputs (12 routes) 4e-4 of z with 38 nodes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
MAX_NODES = 64
_TOLERANCE = 1e-12
_TOGETHER = 0.03
"""One over the root of about a thousand shots."""


@dataclass(frozen=True)
class PairNodes:
    """Werner parameters of all places at each node (J, places) and its coefficient (J,); the coefficients sum to 1.

    left_out: a bound on what the powers that were left out add to the mean of z; 0 if none was.
    """

    werner: Floats
    coefficients: Floats
    left_out: float


NO_PAIRS = PairNodes(np.zeros((1, 0)), np.ones(1), 0.0)
"""Of circuits that spend no pair inside."""


def pair_nodes(werner: Sequence[Floats], places: Sequence[Sequence[int]], max_nodes: int = MAX_NODES) -> PairNodes:
    """Return the nodes and coefficients for the mean over shots.

    werner: of every route the Werner parameters of each shot's pairs, (shots, G_r), shots >= 1. places: of every route
    the G_r places in the circuit where its pairs are spent. Together they are all places 0 .. sum G_r - 1.
    """
    routes = [_Route.of(pairs) for pairs in werner]
    powers, left_out_share = _powers(routes, max_nodes)
    values, means = np.ones((len(powers), len(powers))), np.ones((len(werner[0]), len(powers)))
    nodes = np.empty((len(powers), sum(map(len, places))))
    for r, (route, pairs) in enumerate(zip(routes, werner, strict=True)):
        chosen = powers[:, r]
        values *= route.newton_at_nodes()[np.ix_(chosen, chosen)]
        means *= route.polar_newton(pairs)[:, chosen]
        nodes[:, list(places[r])] = route.nodes[chosen][:, None]
    coefficients: Floats = np.linalg.solve(values, np.mean(means, axis=0)).astype(np.float64)
    seen_by_nodes = float(np.sum(np.abs(coefficients)))
    return PairNodes(nodes, coefficients, left_out_share * (1 + seen_by_nodes))


def max_nodes(pairs: Sequence[int]) -> int:
    """Return the most nodes that routes with these numbers of pairs per shot can need."""
    return min(MAX_NODES, math.prod(number + 1 for number in pairs))


@dataclass(frozen=True)
class _Route:
    """One route's pairs: u = (w - center) / half in [-1, 1]; nodes: as many as powers may be needed, (K,)."""

    pairs: int
    center: float
    half: float
    shares: Floats
    scaled: Floats

    @staticmethod
    def of(werner: Floats) -> _Route:
        pairs = werner.shape[1]
        center = float(np.mean(werner))
        half = max(float(np.max(np.abs(werner - center))), 1e-300)
        terms = np.array([math.comb(pairs, s) * (1.5 * half) ** s for s in range(pairs + 1)])
        needed = max(1, int(np.count_nonzero(np.maximum.accumulate(terms[::-1])[::-1] >= _TOLERANCE / 100)))
        return _Route(pairs, center, half, terms, _spread_nodes(needed))

    @property
    def nodes(self) -> Floats:
        return self.center + self.half * self.scaled

    @property
    def bounds(self) -> Floats:
        """The greatest share of a power or any higher one: it does not grow."""
        return np.maximum.accumulate(self.shares[::-1])[::-1]

    def newton_at_nodes(self) -> Floats:
        """Return N_s(u_j) = prod_{i<s} (u_j - u_i), rows s, columns j."""
        count = len(self.scaled)
        table = np.ones((count, count))
        for s in range(1, count):
            table[s] = table[s - 1] * (self.scaled - self.scaled[s - 1])
        return table

    def polar_newton(self, werner: Floats) -> Floats:
        """Return the polar forms of N_s at every shot's pairs, (shots, K)."""
        u = (werner - self.center) / self.half
        symmetric = np.zeros((len(u), self.pairs + 1))
        symmetric[:, 0] = 1.0
        for k in range(self.pairs):
            symmetric[:, 1:] += u[:, k : k + 1] * symmetric[:, :-1]
        symmetric /= [math.comb(self.pairs, s) for s in range(self.pairs + 1)]
        count = len(self.scaled)
        monomials = np.zeros((count, count))
        monomials[0, 0] = 1.0
        for s in range(1, count):
            monomials[s, 1:] = monomials[s - 1, :-1]
            monomials[s] -= self.scaled[s - 1] * monomials[s - 1]
        return symmetric[:, :count] @ monomials.T


def _spread_nodes(count: int) -> Floats:
    """Return 0, then Chebyshev points in [-1, 1] in Leja's order: every first part of them interpolates well."""
    points = np.cos(np.pi * (2 * np.arange(count) + 1) / (2 * count))
    order = [int(np.argmin(np.abs(points)))]
    points[order[0]] = 0.0
    distance = np.zeros(count)
    with np.errstate(divide="ignore"):
        while len(order) < count:
            distance += np.log(np.abs(points - points[order[-1]]))
            order.append(int(np.argmax(distance)))
    return points[order]


def _powers(routes: Sequence[_Route], max_nodes: int) -> tuple[NDArray[np.int64], float]:
    """Return the lower set of powers (J, routes), ascending, and the sum of the shares of all others."""
    found = _above(routes, _TOLERANCE, max_nodes, together=1.0)
    tolerance = _TOLERANCE
    while found is None:
        found = _above(routes, tolerance, max_nodes, _TOGETHER)
        tolerance *= 10**0.25
    kept = set(found)
    complete = len(kept) == math.prod(route.pairs + 1 for route in routes)
    return np.array(found, np.int64), 0.0 if complete else _left_out(routes, kept)


def _above(routes: Sequence[_Route], tolerance: float, max_nodes: int, together: float) -> list[tuple[int, ...]] | None:
    """Return all powers whose share reaches the tolerance, in lexicographic order; None for more than `max_nodes`.

    A share counts `together` times for every further route with a power of its own.
    """
    kept: list[tuple[tuple[int, ...], float]] = [((), 1.0)]
    for r, route in enumerate(routes):
        rest = math.prod(float(later.bounds[0]) for later in routes[r + 1 :])
        longer = []
        for powers, share in kept:
            for s in range(len(route.scaled)):
                more = share * float(route.bounds[s]) * (together if s and any(powers) else 1.0)
                if more * rest >= tolerance or not (s or any(powers)):
                    longer.append(((*powers, s), more))
        if len(longer) > max_nodes:
            return None
        kept = longer
    return [powers for powers, _ in kept]


def _left_out(routes: Sequence[_Route], kept: set[tuple[int, ...]]) -> float:
    """Return the sum of the shares of all powers that are not kept."""
    everything = math.prod(float(np.sum(route.shares)) for route in routes)
    inside = math.fsum(
        math.prod(float(route.shares[s]) for route, s in zip(routes, powers, strict=True)) for powers in kept
    )
    return max(0.0, everything - inside)
