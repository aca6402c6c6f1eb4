"""A simulation that survives its hosts: they are built again from the last cut, and what was lost is replayed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ceas_ray.kernel.windows import Cluster, RoundEnd, Simulation
from ceas_ray.runtime.failure import HostLost, RuntimeFailure

MAX_FAULTS_WITHOUT_A_ROUND = 8


@dataclass(frozen=True)
class Fault:
    """A fault: its cause, how many rounds were over, from which round the hosts were replayed, and how many
    seconds of wall time it took to notice, at most (None where that is unknown).
    """

    cause: str
    rounds: int
    replayed_from: int
    noticed_within_seconds: float | None


class SurvivingSimulation:
    """A simulation that yields every round once, in order, whatever happens to hosts meanwhile."""

    def __init__(
        self,
        cluster: Cluster,
        rebuild: Callable[[], None] | None = None,
        on_fault: Callable[[Fault], None] | None = None,
        after_window: Callable[[Simulation], None] = lambda _: None,
    ) -> None:
        """rebuild: makes the cluster's hosts anew, as they first were, on what machines are left (raises HostLost if
        one of these is lost at once); None where hosts cannot be lost. on_fault: called with each fault. after_window:
        see `Simulation`; it is not called while rounds are replayed.
        """
        self._cluster, self._rebuild, self._on_fault = cluster, rebuild, on_fault
        self._after_window = after_window
        self._cut: Mapping[str, Any] | None = None
        self._rounds_at_cut = 0
        self._digests: list[bytes] = []
        """Digests of the rounds that were yielded since the cut; a replay must give the same."""
        self._replayed = 0
        self._faults_without_a_round = 0
        self._simulation = self._new_simulation()

    @property
    def _done(self) -> int:
        return self._rounds_at_cut + len(self._digests)

    def restore(self, cut: Mapping[str, Any], rounds: int) -> None:
        """Go on from a cut at which this many rounds were over.

        Raises ValueError if the cut is not one of this simulation.
        """
        self._simulation.restore(cut)
        self._keep(cut, rounds)

    def rounds(self) -> Iterator[RoundEnd]:
        """Yield the rounds that are still to be yielded."""
        while True:
            end = self._next()
            if end is None:
                return
            if self._replayed < len(self._digests):
                self._compare(end)
                continue
            self._digests.append(end.digest)
            self._replayed += 1
            self._faults_without_a_round = 0
            yield end

    def cut(self) -> Mapping[str, Any]:
        """Make a consistent cut after the round that was yielded last, or where `after_window` raised; a later fault
        costs only what comes after it.
        """
        while True:
            try:
                cut = self._simulation.snapshot()
            except HostLost as lost:
                self._recover(lost)
                self._catch_up()
                continue
            self._keep(cut, self._done)
            return cut

    def _keep(self, cut: Mapping[str, Any], rounds: int) -> None:
        self._cut, self._rounds_at_cut, self._digests, self._replayed = cut, rounds, [], 0

    def _next(self) -> RoundEnd | None:
        while True:
            try:
                return next(self._simulation.rounds(), None)
            except HostLost as lost:
                self._recover(lost)

    def _catch_up(self) -> None:
        while self._replayed < len(self._digests):
            end = self._next()
            assert end is not None, "a replay ended early"
            self._compare(end)

    def _compare(self, end: RoundEnd) -> None:
        if end.digest != self._digests[self._replayed]:
            raise RuntimeFailure(
                f"round {self._rounds_at_cut + self._replayed} was replayed with another result: "
                "machines or their libraries differ"
            )
        self._replayed += 1

    def _recover(self, lost: HostLost) -> None:
        while True:
            if self._rebuild is None:
                raise lost
            self._faults_without_a_round += 1
            if self._faults_without_a_round > MAX_FAULTS_WITHOUT_A_ROUND:
                raise RuntimeFailure(f"{MAX_FAULTS_WITHOUT_A_ROUND} faults without a round; the last: {lost}")
            if self._on_fault is not None:
                self._on_fault(Fault(str(lost), self._done, self._rounds_at_cut, lost.noticed_within_seconds))
            try:
                self._rebuild()
                self._simulation = self._new_simulation()
                if self._cut is not None:
                    self._simulation.restore(self._cut)
                self._replayed = 0
                return
            except HostLost as again:
                lost = again

    def _new_simulation(self) -> Simulation:
        return Simulation(self._cluster, self._window_is_over)

    def _window_is_over(self, simulation: Simulation) -> None:
        if self._replayed == len(self._digests):
            self._after_window(simulation)
