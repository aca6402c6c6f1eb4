"""Who agrees, and what all of them know from the start."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ceas_ray.consensus.tetrabft import faults_of
from ceas_ray.messages.payloads import TestReport

NextState = Callable[[Any, Sequence[tuple[int, NDArray[np.int64]]], TestReport], tuple[Any, Any, Any]]
"""Pure: (state, rows of processors in fixed point, the hub's tests) to (weights, aggregate, next state)."""
VIEW_TIMER_DELTAS = 11
"""The last vote 1 behind a lock may be sent 2 Delta after the first honest replica entered a view; its echoes, then
contents and bodies, take 3 more; the proposal and the votes 5 more; and one Delta to the last honest replica's entry."""
ECHO_DELTAS = 2


@dataclass(frozen=True)
class Committee:
    """Who agrees: n replicas, N processors of which `processor_faults` may be Byzantine; delta bounds a delay (ps)."""

    replicas: int
    processors: int
    processor_faults: int
    delta: int

    @property
    def faults(self) -> int:
        """f_replicas."""
        return faults_of(self.replicas)

    @property
    def quorum(self) -> int:
        """Q = n - f: any two share an honest replica."""
        return self.replicas - self.faults

    @property
    def blocking(self) -> int:
        """B = f + 1: one of them is honest."""
        return self.faults + 1

    @property
    def reports_needed(self) -> int:
        """2 f + 1: so many must report the same decision before a next round begins. Then B honest ones know it, and
        whoever did not hear of it can learn it from them, whatever Byzantine ones say."""
        return 2 * self.faults + 1

    @property
    def least_entries(self) -> int:
        """N - f_processors: a model is made of so many updates at least."""
        return self.processors - self.processor_faults


@dataclass(frozen=True)
class Terms:
    """What does not change during a run. chain: names it in every decision. parameters: of the model, d."""

    committee: Committee
    chain: bytes
    next_state: NextState
    parameters: int
