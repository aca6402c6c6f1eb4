"""What actors observe for the journal: records that leave the simulation and influence nothing in it."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
from numpy.typing import NDArray

from ceas_ray.kernel.codec import message


@message(kw_only=True)
class KeyBatch:
    """Key that one path distilled in one plan.

    one, other: the two parties. pairs: on all links of their path. bits: that the pairs gave.
    """

    one: str
    other: str
    pairs: int
    bits: float


@message(kw_only=True)
class ClosedPairBooks:
    """The results of all plans between two closings of the books.

    counts: int64 (3, 5), by use and column of `pair_books`. stored: pairs left in stock. attenuation: mean over
    processors, float64 (pairs of a shot + 1,). key_bits: distilled. link_books: of every physical link and use
    generated, used, late, expired, sacrificed, stored, int64 (links, 3, 6). update_key_pairs: generated for keys
    between processors and replicas.
    """

    counts: NDArray[np.int64]
    stored: int
    shots: int
    shots_on_time: int
    attenuation: NDArray[np.float64]
    key_bits: float
    key_batches: tuple[KeyBatch, ...]
    link_books: NDArray[np.int64]
    update_key_pairs: int


@message(kw_only=True)
class SecondsByCause:
    """Simulated seconds of a round, by what they were spent on.

    consensus: messages, waiting for late inputs, and for a committee that does not decide.
    """

    shots: float
    tests: float
    keys: float
    update: float
    consensus: float
    planning: float

    def by_name(self) -> dict[str, float]:
        """Return the seconds by the name of their cause."""
        return {field.name: getattr(self, field.name) for field in fields(self)}  # type: ignore[arg-type]


@message(kw_only=True)
class WarmUpObserved:
    """The warm-up is over, after this many simulated seconds."""

    books: ClosedPairBooks
    simulated_seconds: float
    seconds_by_cause: SecondsByCause


@message(kw_only=True)
class RoundObserved:
    """A round is decided.

    skipped: whether the committee decided to leave the model as it is. view: in which it decided. waits: how often the
    round waited for keys. processors: whose rows were aggregated; weights: of these rows, in their order, float64
    (rows,). quarantined: processors whose rows are not taken any more.
    """

    books: ClosedPairBooks
    simulated_seconds: float
    seconds_by_cause: SecondsByCause
    skipped: bool
    view: int
    waits: int
    processors: tuple[int, ...]
    weights: NDArray[np.float64]
    quarantined: tuple[int, ...]


@message(kw_only=True)
class StallObserved:
    """A round ended without a decision, and with it the run. cause: why, in words."""

    books: ClosedPairBooks
    simulated_seconds: float
    seconds_by_cause: SecondsByCause
    waits: int
    cause: str


@message(kw_only=True)
class ProgressObserved:
    """A round is not over yet.

    pairs: generated in it. plan_ends_at: ps. reports: replicas, of all `replicas`, that reported a decision. waits: how
    often the round waited for keys.
    """

    round_index: int
    pairs: int
    plan_ends_at: int
    reports: int
    replicas: int
    waits: int


@message(kw_only=True)
class GradientObserved:
    """A processor computed its gradient. variance: that shots leave in it, summed over the coordinates, 1/rad^2."""

    processor: int
    variance: float


@message(kw_only=True)
class AggregationObserved:
    """A replica decided a round. effective_weights: of the rows of `processors`, in their order, float64 (rows,)."""

    round_index: int
    processors: tuple[int, ...]
    effective_weights: NDArray[np.float64]


@message(kw_only=True)
class ForgeriesObserved:
    """The receiver refused as many frames in the sender's name, under one hash key, as raise an alarm."""

    sender: str
    receiver: str
    failed_attempts: int
