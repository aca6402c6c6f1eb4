"""The candidate: what a leader would propose of its own, from what its echoes say when it proposes."""

from __future__ import annotations

from ceas_ray.consensus.committee import Committee
from ceas_ray.consensus.echoes import SKIP, ItemKind
from ceas_ray.consensus.input_phase import InputPhase
from ceas_ray.consensus.quarantine import accusations_to_propose
from ceas_ray.consensus.values import Named, Values


class Candidate:
    """N - f_processors entries or more with Q echoes are the round; else, with Q echoes, SKIP is."""

    def __init__(self, committee: Committee, phase: InputPhase, values: Values) -> None:
        self._committee, self._phase, self._values = committee, phase, values

    def of_view(self, view: int) -> bytes | None:
        """The digest of the value to propose in this view; None while there is none, or in view 0 a better one may
        come."""
        if self._values.behind or (view == 0 and not (self._phase.waited or self._phase.has_all())):
            return None
        if self._phase.has_enough():
            named = self._named()
            if named is not None:
                return self._values.value_of(named)
            if not self._phase.given_up:
                return None  # what it lacks is on its way
        return self._values.skip() if self._phase.echoes.is_proposable(SKIP) else None

    def _named(self) -> Named | None:
        """What the round would be, if enough contents are here."""
        phase, inputs = self._phase, self._phase.inputs
        reports = phase.echoes.digests(ItemKind.REPORT, 0, self._committee.quorum)
        report = next(filter(inputs.has, reports), None)
        entries = self._entries()
        if report is None or len(entries) < self._committee.least_entries:
            return None
        accused = accusations_to_propose(self._committee.processors, inputs.without, phase.echoes)
        return Named(tuple(sorted(entries.items())), report, accused)

    def _entries(self) -> dict[int, bytes]:
        """Those whose content is here. Of a processor with two digests at B echoes none if enough remain, else the
        smallest with Q."""
        here = {
            k: [digest for digest in digests if self._phase.inputs.has(digest)]
            for k, digests in self._phase.processors_with_a_quorum().items()
        }
        single = {k: here[k][0] for k in self._phase.honest_so_far() if here.get(k)}
        if len(single) >= self._committee.least_entries:
            return single
        return {k: digests[0] for k, digests in here.items() if digests}
