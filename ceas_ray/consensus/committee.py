"""The committee, and what all of its members know from the start."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ceas_ray.messages.payloads import TestReport
from ceas_ray.messages.quorum import Quorums

NextState = Callable[[Any, Sequence[tuple[int, NDArray[np.int64]]], TestReport], tuple[Any, Any, Any]]
"""Pure function from (state, rows of processors in fixed point, the hub's tests) to (weights, aggregate, next
state).
"""
VIEW_TIMER_DELTAS = 11
"""Length of the view timer, in Delta. The last vote 1 behind a lock may be sent 2 Delta after the first honest replica
entered a view; its echoes take 2 more, contents and bodies 1, the proposal 1, the votes 4; and the last honest replica
may enter 1 Delta later.
"""
PROPOSAL_DELTAS = 2
"""Time, in Delta, that the leader of view 0 waits for the echoes of all updates before it proposes without some."""
SKIP_DELTAS = 3
"""Time, in Delta, that a replica waits after its close and Echoes of Q replicas before it says that it lacks what a
round needs: one for the Echoes of those who close last, one for what these make others echo, and one to spare.
"""


@dataclass(frozen=True)
class Committee(Quorums):
    """The committee of n replicas, and the N processors that it serves, of which `processor_faults` may be Byzantine.

    delta: bound on a message's delay in a calm network, ps. all_reply: every replica sends every processor the model,
    since rounds leave no time to ask for it. places: of the processors, see
    `replies_unasked`; if empty, their numbers.
    """

    processors: int
    processor_faults: int
    delta: int
    all_reply: bool = False
    places: tuple[int, ...] = ()

    def place(self, processor: int) -> int:
        """Return the place of a processor."""
        return self.places[processor] if self.places else processor

    @property
    def min_entries(self) -> int:
        """Least number of updates that a model is made of, N - f_processors."""
        return self.processors - self.processor_faults


@dataclass(frozen=True, kw_only=True)
class ProtocolParameters:
    """What every replica knows from the start and nothing changes during a run.

    chain: names the run in every frame and decision. rule: identity of what `next_state` computes, named in every
    value. model_size: number of parameters of the model, d.
    """

    committee: Committee
    chain: bytes
    rule: bytes
    next_state: NextState
    model_size: int
