"""Who agrees, and what all of them know from the start."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ceas_ray.messages.payloads import TestReport
from ceas_ray.messages.quorum import Quorums

NextState = Callable[[Any, Sequence[tuple[int, NDArray[np.int64]]], TestReport], tuple[Any, Any, Any]]
"""Pure: (state, rows of processors in fixed point, the hub's tests) to (weights, aggregate, next state)."""
VIEW_TIMER_DELTAS = 11
"""The last vote 1 behind a lock may be sent 2 Delta after the first honest replica entered a view; its echoes take 2
more, contents and bodies 1, the proposal 1, the votes 4; and the last honest replica may enter 1 Delta later."""
PROPOSAL_DELTAS = 2
"""The leader of view 0 waits so long for the echoes of all updates before it proposes without some."""
SKIP_DELTAS = 3
"""A replica that lacks what a round needs waits so long, from its close and Echoes of Q replicas, before it says so:
one for the Echoes of those who close last, one for what these make others echo, one to spare."""


@dataclass(frozen=True)
class Committee(Quorums):
    """Who agrees: n replicas, N processors of which `processor_faults` may be Byzantine; delta bounds a delay (ps)."""

    processors: int
    processor_faults: int
    delta: int

    @property
    def least_entries(self) -> int:
        """N - f_processors: a model is made of so many updates at least."""
        return self.processors - self.processor_faults


@dataclass(frozen=True)
class Terms:
    """What does not change during a run. parameters: of the model, d.

    chain: names the run in every frame and decision. rule: the identity of what `next_state` computes, in every value.
    """

    committee: Committee
    chain: bytes
    rule: bytes
    next_state: NextState
    parameters: int
