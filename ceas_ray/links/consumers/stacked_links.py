"""What many links are told, stacked field by field: a loop over links is compiled once, for any number of them.

A tuple of one record a link would be compiled anew for each number of links, into a branch for every one of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, TypeVar

import numpy as np

from ceas_ray.kernel.compiled_code import COMPILED_PART, njit
from ceas_ray.links.consumers.shot_demand import ShotDemand
from ceas_ray.links.consumers.stock import StockRule

R = TypeVar("R", StockRule, ShotDemand)


class ArraysOfLinks(NamedTuple):
    """One array a link, of any shapes with the same number of axes. values (all,): their entries, link by link.
    begins (links + 1,): where each one's are. shapes (links, axes)."""

    values: Any
    begins: Any
    shapes: Any


def arrays_of_links(arrays: Sequence[Any]) -> ArraysOfLinks:
    """Stack arrays with the same number of axes."""
    begins = np.cumsum([0, *(array.size for array in arrays)])
    return ArraysOfLinks(
        np.concatenate([np.ravel(array) for array in arrays]), begins, np.array([array.shape for array in arrays])
    )


def stacked(records: Sequence[R]) -> R:
    """Return a record of arrays whose first axis is that of these records, and of `ArraysOfLinks` for their arrays."""
    columns = zip(*records, strict=True)
    fields: list[Any] = [
        arrays_of_links(column) if isinstance(column[0], np.ndarray) else np.array(column) for column in columns
    ]
    return type(records[0])(*fields)


@njit(**COMPILED_PART)
def row_of(arrays, k):  # type: ignore[no-untyped-def]
    """Return the array of link k, of one axis."""
    return arrays.values[arrays.begins[k] : arrays.begins[k + 1]]


@njit(**COMPILED_PART)
def matrix_of(arrays, k):  # type: ignore[no-untyped-def]
    """Return the array of link k, of two axes."""
    return row_of(arrays, k).reshape((arrays.shapes[k, 0], arrays.shapes[k, 1]))


@njit(**COMPILED_PART)
def cube_of(arrays, k):  # type: ignore[no-untyped-def]
    """Return the array of link k, of three axes."""
    return row_of(arrays, k).reshape((arrays.shapes[k, 0], arrays.shapes[k, 1], arrays.shapes[k, 2]))


@njit(**COMPILED_PART)
def demand_of(demands, k):  # type: ignore[no-untyped-def]
    """Return the demand of link k."""
    return ShotDemand(
        demands.start[k], row_of(demands.releases, k), row_of(demands.is_test, k), demands.pairs[k],
        demands.offset[k], demands.deadline[k], demands.slot[k], demands.burst[k],
    )  # fmt: skip


@njit(**COMPILED_PART)
def rule_of(rules, k):  # type: ignore[no-untyped-def]
    """Return the stock rule of link k."""
    return StockRule(
        _two_of(rules.gap_limit, k), _two_of(rules.burst_limit, k), _two_of(rules.demand_driven, k),
        _two_of(rules.freshest_first, k), rules.clairvoyant[k], rules.lead_periods[k], cube_of(rules.gap_births, k),
        cube_of(rules.burst_births, k), rules.second_share[k], rules.gap_slots[k], _two_of(rules.idle_until, k),
        matrix_of(rules.gap_counts, k), matrix_of(rules.burst_counts, k), row_of(rules.stock, k),
    )  # fmt: skip


@njit(**COMPILED_PART)
def _two_of(rows, k):  # type: ignore[no-untyped-def]
    return rows[k, 0], rows[k, 1]
